//! `fleuve topic add-partitions`.

use std::collections::BTreeMap;

use clap::{ArgGroup, Args};
use fleuve_client::Admin;
use fleuve_client::admin::NewPartitions;
use serde_json::json;

use crate::commands::terminal::{Problem, Report, Terminal};

#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("amount").required(true).args(["number", "to"])))]
pub(crate) struct AddPartitionsArguments {
    /// The topic that gets them.
    #[arg(value_name = "TOPIC")]
    name: String,
    /// How many to add.
    #[arg(long, short, value_name = "NUMBER", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(1..))]
    number: Option<i32>,
    /// How many the topic is to have in all.
    #[arg(long, value_name = "TOTAL", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(1..))]
    to: Option<i32>,
}

pub(super) async fn run(
    admin: &Admin,
    arguments: &AddPartitionsArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let name = &arguments.name;
    let topics = super::named(admin, std::slice::from_ref(name)).await?;
    let before = topics[0].partitions.len() as i32;
    let added = arguments.number.unwrap_or(0);
    let total = arguments.to.unwrap_or(before.saturating_add(added));
    to(admin, name, total).await?;
    let value = json!({ "name": name, "partitions": total, "partitions_before": before });
    let line = format!("Topic {name} has {total} partitions now; it had {before}.");
    terminal.show(&Report::line(line, value))?;
    let note = "A key may go to another partition from now on: order by key holds only among \
                records written before, and among those written after.";
    Ok(terminal.note(note)?)
}

/// Gives a topic so many partitions in all.
pub(super) async fn to(admin: &Admin, name: &str, total: i32) -> Result<(), Problem> {
    let assignments = Vec::new();
    let additions = BTreeMap::from([(name.to_owned(), NewPartitions { total, assignments })]);
    for result in admin
        .create_partitions(&additions, false)
        .await?
        .into_values()
    {
        result.map_err(|error| {
            Problem::from(error).next("partitions can be added and never taken away")
        })?;
    }
    Ok(())
}
