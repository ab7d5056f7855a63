//! `fleuve config set` and `fleuve config unset`.

use std::collections::BTreeMap;

use clap::Args;
use fleuve_client::Admin;
use fleuve_client::admin::{
    ConfigOperation, ConfigOperationKind, ConfigResource, ConfigResourceType,
};
use serde_json::json;

use super::{Entity, entries, unknown_key};
use crate::commands::terminal::{Problem, Report, Terminal};

#[derive(Clone, Debug, Args)]
pub(crate) struct SetArguments {
    #[command(flatten)]
    entity: Entity,
    /// The configs and their values.
    #[arg(required = true, value_name = "KEY=VALUE", value_parser = super::super::topic::pair)]
    pairs: Vec<(String, String)>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct UnsetArguments {
    #[command(flatten)]
    entity: Entity,
    /// The configs to take back.
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
}

pub(super) async fn set(
    admin: &Admin,
    arguments: &SetArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let resource = arguments.entity.resource(admin).await?;
    change(admin, &resource, &arguments.pairs, &[]).await?;
    let pairs: Vec<_> = arguments
        .pairs
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let title = arguments.entity.title();
    let line = format!("Set {} for {title}.", pairs.join(", "));
    let set: BTreeMap<_, _> = arguments.pairs.iter().cloned().collect();
    let value = json!({ "entity": title, "set": set });
    Ok(terminal.show(&Report::line(line, value))?)
}

pub(super) async fn unset(
    admin: &Admin,
    arguments: &UnsetArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let resource = arguments.entity.resource(admin).await?;
    change(admin, &resource, &[], &arguments.keys).await?;
    let title = arguments.entity.title();
    let keys = arguments.keys.join(", ");
    let line = format!("Took {keys} of {title} back to the default.");
    let value = json!({ "entity": title, "unset": arguments.keys });
    Ok(terminal.show(&Report::line(line, value))?)
}

/// Sets and takes back configs, all of them or none.
///
/// # Errors
/// A key is not known, or the broker refuses a value.
pub(in crate::commands) async fn change(
    admin: &Admin,
    resource: &ConfigResource,
    set: &[(String, String)],
    unset: &[String],
) -> Result<(), Problem> {
    let known = entries(admin, resource).await?;
    let keys = set.iter().map(|(key, _)| key).chain(unset);
    for key in keys {
        if !known.iter().any(|entry| entry.name == *key) && !known.is_empty() {
            return Err(unknown_key(&title(resource), key, &known));
        }
    }
    let set = set.iter().map(|(name, value)| ConfigOperation {
        kind: ConfigOperationKind::Set,
        name: name.clone(),
        value: Some(value.clone()),
    });
    let unset = unset.iter().map(|name| ConfigOperation {
        kind: ConfigOperationKind::Delete,
        name: name.clone(),
        value: None,
    });
    let changes = BTreeMap::from([(resource.clone(), set.chain(unset).collect())]);
    for result in admin
        .incremental_alter_configs(&changes, false)
        .await?
        .into_values()
    {
        result?;
    }
    Ok(())
}

/// The resource in the words of the command line.
fn title(resource: &ConfigResource) -> String {
    let kind = match resource.kind {
        ConfigResourceType::Topic => "topic",
        ConfigResourceType::Broker if resource.name.is_empty() => return "broker default".into(),
        ConfigResourceType::Broker => "broker",
        ConfigResourceType::BrokerLogger => "logger",
        ConfigResourceType::ClientMetrics => "client-metrics",
        ConfigResourceType::Group => "group",
    };
    format!("{kind} {}", resource.name)
}
