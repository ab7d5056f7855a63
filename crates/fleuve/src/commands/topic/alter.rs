//! `fleuve topic alter`.

use clap::{ArgGroup, Args};
use fleuve_client::Admin;
use fleuve_client::admin::ConfigResource;
use serde_json::json;

use super::add_partitions;
use crate::commands::config;
use crate::commands::terminal::{Problem, Report, Terminal};

#[derive(Clone, Debug, Args)]
#[command(group(
    ArgGroup::new("change")
        .required(true)
        .multiple(true)
        .args(["config", "delete_config", "partitions"])
))]
pub(crate) struct AlterArguments {
    /// The topic to change.
    #[arg(value_name = "TOPIC")]
    name: String,
    /// A config to set, such as retention.ms=60000; may be repeated.
    #[arg(long, short, value_name = "KEY=VALUE", value_parser = super::pair)]
    config: Vec<(String, String)>,
    /// A config to take back to its default; may be repeated.
    #[arg(long, value_name = "KEY")]
    delete_config: Vec<String>,
    /// How many partitions the topic is to have in all.
    #[arg(long, short, value_name = "TOTAL", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
}

pub(super) async fn run(
    admin: &Admin,
    arguments: &AlterArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let name = &arguments.name;
    super::named(admin, std::slice::from_ref(name)).await?;
    let resource = ConfigResource::topic(name);
    if !arguments.config.is_empty() || !arguments.delete_config.is_empty() {
        config::change(
            admin,
            &resource,
            &arguments.config,
            &arguments.delete_config,
        )
        .await?;
    }
    if let Some(total) = arguments.partitions {
        add_partitions::to(admin, name, total).await?;
    }
    let value = json!({ "name": name, "changed": true });
    Ok(terminal.show(&Report::line(format!("Changed topic {name}."), value))?)
}
