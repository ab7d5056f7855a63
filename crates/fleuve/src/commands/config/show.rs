//! `fleuve config list` and `fleuve config get`.

use clap::Args;
use fleuve_client::Admin;
use fleuve_client::admin::{ConfigEntry, ConfigSource};
use serde_json::{Map, Value, json};

use super::{Entity, entries, unknown_key};
use crate::commands::terminal::{Align, Block, Cell, Problem, Report, Style, Table, Terminal};

#[derive(Clone, Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    entity: Entity,
    /// Also what nobody has set, with its default.
    #[arg(long, short)]
    all: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GetArguments {
    #[command(flatten)]
    entity: Entity,
    /// The configs to print; one alone is printed as its bare value.
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
}

pub(super) async fn list(
    admin: &Admin,
    arguments: &ListArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let resource = arguments.entity.resource(admin).await?;
    let mut found = entries(admin, &resource).await?;
    found.retain(|entry| arguments.all || entry.source != ConfigSource::Default);
    let mut table = Table::new(&[
        ("KEY", Align::Left),
        ("VALUE", Align::Left),
        ("SET BY", Align::Left),
    ]);
    for entry in &found {
        let is_default = entry.source == ConfigSource::Default;
        let style = if is_default { Style::Dim } else { Style::Plain };
        table.row(vec![
            Cell::styled(&entry.name, if is_default { style } else { Style::Name }),
            Cell::styled(shown(entry), style),
            Cell::styled(set_by(entry.source), style),
        ]);
    }
    let empty = format!(
        "Nothing is set for {title}. `fleuve config list {title} --all` shows the defaults.",
        title = arguments.entity.title()
    );
    let value = found.iter().map(value).collect();
    Ok(terminal.show(&Report::table(table, &empty, value))?)
}

pub(super) async fn get(
    admin: &Admin,
    arguments: &GetArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let resource = arguments.entity.resource(admin).await?;
    let all = entries(admin, &resource).await?;
    let (mut blocks, mut values) = (Vec::new(), Map::new());
    for key in &arguments.keys {
        let entry = all.iter().find(|entry| entry.name == *key);
        let entry = entry.ok_or_else(|| unknown_key(&arguments.entity.title(), key, &all))?;
        let text = shown(entry);
        blocks.push(Block::Line(match arguments.keys.len() {
            1 => text,
            _ => format!("{key}={text}"),
        }));
        values.insert(key.clone(), entry.value.clone().into());
    }
    let value = Value::Object(values);
    Ok(terminal.show(&Report { value, blocks })?)
}

fn shown(entry: &ConfigEntry) -> String {
    match &entry.value {
        Some(value) => value.clone(),
        None if entry.is_sensitive => "(hidden)".to_owned(),
        None => String::new(),
    }
}

const fn set_by(source: ConfigSource) -> &'static str {
    match source {
        ConfigSource::DynamicTopic => "this topic",
        ConfigSource::DynamicBroker => "this broker",
        ConfigSource::DynamicDefaultBroker => "all brokers",
        ConfigSource::StaticBroker => "server.properties",
        ConfigSource::Default => "default",
        ConfigSource::DynamicBrokerLogger => "this broker's log",
        ConfigSource::ClientMetrics => "client metrics",
        ConfigSource::Group => "this group",
        ConfigSource::Unknown => "unknown",
    }
}

fn value(entry: &ConfigEntry) -> Value {
    json!({
        "key": entry.name,
        "value": entry.value,
        "source": entry.source.name(),
        "read_only": entry.is_read_only,
        "sensitive": entry.is_sensitive,
    })
}
