//! `fleuve group describe`.

use clap::Args;
use fleuve_client::Admin;
use fleuve_client::admin::{GroupDescription, GroupKind, GroupMember};
use serde_json::{Value, json};

use super::{lag_cell, state_cell};
use crate::commands::terminal::{Align, Block, Cell, Problem, Report, Style, Table, Terminal};
use crate::tasks::group_offsets::{self, GroupPartition};

#[derive(Clone, Debug, Args)]
pub(crate) struct DescribeArguments {
    /// The groups to show.
    #[arg(required = true, value_name = "GROUP")]
    names: Vec<String>,
}

pub(super) async fn run(
    admin: &Admin,
    arguments: &DescribeArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let (mut blocks, mut values) = (Vec::new(), Vec::new());
    for name in &arguments.names {
        let group = super::described(admin, name).await?;
        let partitions = group_offsets::of_group(admin, &group).await?;
        blocks.push(heading(&group, &partitions));
        if !partitions.is_empty() {
            blocks.push(Block::Table(table(&partitions)));
        }
        let idle: Vec<&GroupMember> = idle(&group).collect();
        if !idle.is_empty() {
            blocks.push(Block::Table(idle_table(&idle)));
        }
        values.push(value(&group, &partitions));
    }
    let value = Value::Array(values);
    Ok(terminal.show(&Report { value, blocks })?)
}

fn heading(group: &GroupDescription, partitions: &[GroupPartition]) -> Block {
    let assignor = Some(&group.assignor).filter(|assignor| !assignor.is_empty());
    let broker = &group.coordinator;
    let lag = partitions.iter().map(GroupPartition::lag).sum();
    Block::Facts(vec![
        ("group", Cell::styled(&group.id, Style::Name)),
        ("state", state_cell(&group.state)),
        ("type", Cell::new(kind(group))),
        ("assignor", Cell::optional(assignor)),
        ("members", Cell::new(group.members.len())),
        (
            "coordinator",
            Cell::new(format!(
                "{}:{} (broker {})",
                broker.host, broker.port, broker.id
            )),
        ),
        ("lag", lag_cell(lag)),
    ])
}

const fn kind(group: &GroupDescription) -> &'static str {
    match group.kind {
        GroupKind::Classic => "classic",
        GroupKind::Consumer => "consumer",
    }
}

fn table(partitions: &[GroupPartition]) -> Table {
    let mut table = Table::new(&[
        ("TOPIC", Align::Left),
        ("PARTITION", Align::Right),
        ("COMMITTED", Align::Right),
        ("END", Align::Right),
        ("LAG", Align::Right),
        ("CLIENT", Align::Left),
        ("HOST", Align::Left),
        ("MEMBER", Align::Left),
    ]);
    for row in partitions {
        let owner = row.owner.as_ref();
        table.row(vec![
            Cell::new(&row.partition.topic),
            Cell::new(row.partition.partition),
            Cell::optional(row.committed),
            Cell::optional(row.end),
            lag_cell(row.lag()),
            Cell::optional(owner.map(|member| &member.client_id)),
            Cell::optional(owner.map(|member| &member.host)),
            Cell::optional(owner.map(|member| &member.id)),
        ]);
    }
    table
}

/// The members that own nothing.
fn idle(group: &GroupDescription) -> impl Iterator<Item = &GroupMember> {
    let members = group.members.iter();
    members.filter(|member| member.assignment.is_empty())
}

fn idle_table(members: &[&GroupMember]) -> Table {
    let mut table = Table::new(&[
        ("IDLE MEMBER", Align::Left),
        ("CLIENT", Align::Left),
        ("HOST", Align::Left),
    ]);
    for member in members {
        table.row(vec![
            Cell::new(&member.id),
            Cell::new(&member.client_id),
            Cell::new(&member.host),
        ]);
    }
    table
}

fn value(group: &GroupDescription, partitions: &[GroupPartition]) -> Value {
    let member = |member: &GroupMember| {
        json!({
            "id": member.id,
            "instance_id": member.instance_id,
            "client_id": member.client_id,
            "host": member.host,
            "partitions": member.assignment.len(),
        })
    };
    json!({
        "name": group.id,
        "state": group.state,
        "type": kind(group),
        "assignor": group.assignor,
        "coordinator": group.coordinator.id.value(),
        "lag": partitions.iter().map(GroupPartition::lag).sum::<Option<i64>>(),
        "members": group.members.iter().map(member).collect::<Value>(),
        "partitions": partitions.iter().map(partition_value).collect::<Value>(),
    })
}

pub(super) fn partition_value(row: &GroupPartition) -> Value {
    json!({
        "topic": row.partition.topic.as_str(),
        "partition": row.partition.partition.value(),
        "committed_offset": row.committed,
        "end_offset": row.end,
        "lag": row.lag(),
        "member": row.owner.as_ref().map(|member| &member.id),
    })
}
