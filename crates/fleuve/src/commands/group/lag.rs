//! `fleuve group lag`.

use std::collections::BTreeMap;

use clap::Args;
use fleuve_client::Admin;
use fleuve_client::admin::GroupsFilter;
use serde_json::{Value, json};

use super::describe::partition_value;
use super::{is_missing, lag_cell};
use crate::commands::terminal::{Align, Cell, Problem, Report, Style, Table, Terminal};
use crate::tasks::group_offsets::{self, GroupPartition};

#[derive(Clone, Debug, Args)]
pub(crate) struct LagArguments {
    /// The groups to show; all of them without.
    #[arg(value_name = "GROUP")]
    names: Vec<String>,
    /// Each partition on a line of its own.
    #[arg(long, short)]
    partitions: bool,
}

pub(super) async fn run(
    admin: &Admin,
    arguments: &LagArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let found = found(admin, &arguments.names).await?;
    let (table, value) = if arguments.partitions {
        (partitions_table(&found), partitions_value(&found))
    } else {
        let totals = totals(&found);
        (totals_table(&totals), totals_value(&totals))
    };
    let empty = "No group has read or committed anything.";
    Ok(terminal.show(&Report::table(table, empty, value))?)
}

type Found = Vec<(String, Vec<GroupPartition>)>;

async fn found(admin: &Admin, names: &[String]) -> Result<Found, Problem> {
    let mut found = Found::new();
    if !names.is_empty() {
        for name in names {
            let group = super::described(admin, name).await?;
            let partitions = group_offsets::of_group(admin, &group).await?;
            found.push((group.id, partitions));
        }
        return Ok(found);
    }
    let mut listed = admin.list_groups(&GroupsFilter::default()).await?;
    listed.sort_by(|one, other| one.id.cmp(&other.id));
    for listing in listed {
        // A group may go between the list and the question; others, such as Connect's, have no
        // offsets of their own.
        match admin.describe_group(&listing.id).await {
            Ok(group) => {
                let partitions = group_offsets::of_group(admin, &group).await?;
                found.push((group.id, partitions));
            }
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// Partitions and lag by group and topic.
type Totals<'a> = BTreeMap<(&'a str, &'a str), (usize, Option<i64>)>;

fn totals(found: &Found) -> Totals<'_> {
    let mut totals = Totals::new();
    for (group, partitions) in found {
        for row in partitions {
            let key = (group.as_str(), row.partition.topic.as_str());
            let (count, lag) = totals.entry(key).or_insert((0, Some(0)));
            *count += 1;
            *lag = lag.zip(row.lag()).map(|(sum, lag)| sum + lag);
        }
    }
    totals
}

fn totals_table(totals: &Totals<'_>) -> Table {
    let mut table = Table::new(&[
        ("GROUP", Align::Left),
        ("TOPIC", Align::Left),
        ("PARTITIONS", Align::Right),
        ("LAG", Align::Right),
    ]);
    for ((group, topic), (count, lag)) in totals {
        table.row(vec![
            Cell::styled(group, Style::Name),
            Cell::new(topic),
            Cell::new(count),
            lag_cell(*lag),
        ]);
    }
    table
}

fn totals_value(totals: &Totals<'_>) -> Value {
    let value = |(&(group, topic), &(count, lag)): (&(&str, &str), &(usize, Option<i64>))| json!({ "group": group, "topic": topic, "partitions": count, "lag": lag });
    totals.iter().map(value).collect()
}

fn partitions_table(found: &Found) -> Table {
    let mut table = Table::new(&[
        ("GROUP", Align::Left),
        ("TOPIC", Align::Left),
        ("PARTITION", Align::Right),
        ("COMMITTED", Align::Right),
        ("END", Align::Right),
        ("LAG", Align::Right),
    ]);
    for (group, partitions) in found {
        for row in partitions {
            table.row(vec![
                Cell::styled(group, Style::Name),
                Cell::new(&row.partition.topic),
                Cell::new(row.partition.partition),
                Cell::optional(row.committed),
                Cell::optional(row.end),
                lag_cell(row.lag()),
            ]);
        }
    }
    table
}

fn partitions_value(found: &Found) -> Value {
    let mut values = Vec::new();
    for (group, partitions) in found {
        for row in partitions {
            let mut value = partition_value(row);
            value["group"] = group.as_str().into();
            values.push(value);
        }
    }
    Value::Array(values)
}
