//! `fleuve topic describe`.

use std::collections::BTreeMap;

use clap::Args;
use fleuve_client::Admin;
use fleuve_client::admin::{ConfigEntry, ConfigResource, ConfigSource};
use fleuve_client::metadata::Partition;
use fleuve_model::BrokerId;
use serde_json::{Value, json};

use crate::commands::terminal::{
    Align, Block, Cell, Problem, Report, Style, Table, Terminal, short_bytes, thousands,
};
use crate::tasks::topic_facts::{self, PartitionFacts, TopicFacts};

#[derive(Clone, Debug, Args)]
pub(crate) struct DescribeArguments {
    /// The topics to show.
    #[arg(required = true, value_name = "TOPIC")]
    names: Vec<String>,
}

pub(super) async fn run(
    admin: &Admin,
    arguments: &DescribeArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let topics = super::named(admin, &arguments.names).await?;
    let facts = topic_facts::of_topics(admin, topics).await?;
    let resources: Vec<_> = arguments.names.iter().map(ConfigResource::topic).collect();
    let mut described = admin.describe_configs(&resources, false).await?;
    let (mut blocks, mut values) = (Vec::new(), Vec::new());
    for facts in &facts {
        let resource = ConfigResource::topic(facts.topic.name.as_str());
        let entries = described.remove(&resource).unwrap_or(Ok(Vec::new()))?;
        let configs = own_configs(entries);
        blocks.push(heading(facts, &configs));
        blocks.push(Block::Table(table(facts)));
        values.push(value(facts, &configs));
    }
    let value = Value::Array(values);
    Ok(terminal.show(&Report { value, blocks })?)
}

/// What was set for the topic itself.
fn own_configs(entries: Vec<ConfigEntry>) -> BTreeMap<String, Option<String>> {
    entries
        .into_iter()
        .filter(|entry| entry.source == ConfigSource::DynamicTopic)
        .map(|entry| (entry.name, entry.value))
        .collect()
}

fn heading(facts: &TopicFacts, configs: &BTreeMap<String, Option<String>>) -> Block {
    let topic = &facts.topic;
    let mut lines = vec![
        ("topic", Cell::styled(&topic.name, Style::Name)),
        ("id", Cell::optional(topic.id)),
        ("records", Cell::optional(facts.records().map(thousands))),
        ("size", Cell::optional(facts.bytes().map(short_bytes))),
    ];
    if topic.is_internal {
        lines.push(("internal", Cell::new("yes, Kafka's own")));
    }
    for (name, value) in configs {
        let value = value.as_deref().unwrap_or("(hidden)");
        lines.push(("config", Cell::new(format!("{name}={value}"))));
    }
    Block::Facts(lines)
}

fn table(facts: &TopicFacts) -> Table {
    let mut table = Table::new(&[
        ("PARTITION", Align::Right),
        ("LEADER", Align::Right),
        ("REPLICAS", Align::Left),
        ("IN SYNC", Align::Left),
        ("START", Align::Right),
        ("END", Align::Right),
        ("RECORDS", Align::Right),
        ("SIZE", Align::Right),
    ]);
    for (partition, held) in facts.topic.partitions.iter().zip(&facts.partitions) {
        table.row(row(partition, held));
    }
    table
}

fn row(partition: &Partition, held: &PartitionFacts) -> Vec<Cell> {
    let is_behind = partition.in_sync_replicas.len() < partition.replicas.len();
    let in_sync = if is_behind {
        Style::Warning
    } else {
        Style::Plain
    };
    vec![
        Cell::new(partition.id),
        match partition.leader {
            Some(leader) => Cell::new(leader),
            None => Cell::styled("none", Style::Bad),
        },
        Cell::new(ids(&partition.replicas)),
        Cell::styled(ids(&partition.in_sync_replicas), in_sync),
        Cell::optional(held.start),
        Cell::optional(held.end),
        Cell::optional(held.records().map(thousands)),
        Cell::optional(held.bytes.map(short_bytes)),
    ]
}

fn ids(brokers: &[BrokerId]) -> String {
    let ids: Vec<String> = brokers.iter().map(ToString::to_string).collect();
    ids.join(",")
}

fn value(facts: &TopicFacts, configs: &BTreeMap<String, Option<String>>) -> Value {
    let topic = &facts.topic;
    let ids = |brokers: &[BrokerId]| brokers.iter().map(|id| id.value()).collect::<Value>();
    let partition = |(partition, held): (&Partition, &PartitionFacts)| {
        json!({
            "partition": partition.id.value(),
            "leader": partition.leader.map(|leader| leader.value()),
            "replicas": ids(&partition.replicas),
            "in_sync_replicas": ids(&partition.in_sync_replicas),
            "start_offset": held.start,
            "end_offset": held.end,
            "bytes": held.bytes,
        })
    };
    json!({
        "name": topic.name.as_str(),
        "id": topic.id.map(|id| id.to_string()),
        "internal": topic.is_internal,
        "records": facts.records(),
        "bytes": facts.bytes(),
        "configs": configs,
        "partitions": topic.partitions.iter().zip(&facts.partitions).map(partition).collect::<Value>(),
    })
}
