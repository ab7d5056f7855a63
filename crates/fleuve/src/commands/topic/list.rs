//! `fleuve topic list`.

use clap::Args;
use fleuve_client::Admin;
use fleuve_client::metadata::Topic;
use serde_json::{Value, json};

use crate::commands::terminal::{
    Align, Cell, Problem, Report, Style, Table, Terminal, short_bytes, thousands,
};
use crate::tasks::topic_facts::{self, TopicFacts};

#[derive(Clone, Debug, Args)]
pub(crate) struct ListArguments {
    /// Only topics whose names contain this.
    #[arg(value_name = "TEXT")]
    part: Option<String>,
    /// Kafka's own topics too.
    #[arg(long, short)]
    internal: bool,
    /// Also how many records each holds, and what they take on disk.
    #[arg(long, short)]
    long: bool,
}

pub(super) async fn run(
    admin: &Admin,
    arguments: &ListArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let all = admin.list_topics().await?;
    let wanted = |topic: &Topic| {
        let part = arguments.part.as_deref().unwrap_or_default();
        topic.name.as_str().contains(part) && (arguments.internal || !topic.is_internal)
    };
    let topics: Vec<Topic> = all.into_values().filter(wanted).collect();
    let empty = match &arguments.part {
        Some(part) => format!("No topic has {part} in its name."),
        None => "There are no topics yet. `fleuve topic create NAME` makes one.".to_owned(),
    };
    let (table, value) = if arguments.long {
        let facts = topic_facts::of_topics(admin, topics).await?;
        (long_table(&facts), facts.iter().map(long_value).collect())
    } else {
        (table(&topics), topics.iter().map(value).collect::<Value>())
    };
    Ok(terminal.show(&Report::table(table, &empty, value))?)
}

const COLUMNS: [(&str, Align); 3] = [
    ("NAME", Align::Left),
    ("PARTITIONS", Align::Right),
    ("REPLICAS", Align::Right),
];

fn table(topics: &[Topic]) -> Table {
    let mut table = Table::new(&COLUMNS);
    topics.iter().for_each(|topic| table.row(cells(topic)));
    table
}

fn cells(topic: &Topic) -> Vec<Cell> {
    vec![
        Cell::styled(&topic.name, Style::Name),
        Cell::new(topic.partitions.len()),
        Cell::new(replicas(topic)),
    ]
}

fn replicas(topic: &Topic) -> usize {
    let counts = topic.partitions.iter().map(|p| p.replicas.len());
    counts.max().unwrap_or(0)
}

fn value(topic: &Topic) -> Value {
    json!({
        "name": topic.name.as_str(),
        "id": topic.id.map(|id| id.to_string()),
        "internal": topic.is_internal,
        "partitions": topic.partitions.len(),
        "replicas": replicas(topic),
    })
}

fn long_table(facts: &[TopicFacts]) -> Table {
    let mut columns = COLUMNS.to_vec();
    columns.extend([("RECORDS", Align::Right), ("SIZE", Align::Right)]);
    let mut table = Table::new(&columns);
    for facts in facts {
        let mut row = cells(&facts.topic);
        row.push(Cell::optional(facts.records().map(thousands)));
        row.push(Cell::optional(facts.bytes().map(short_bytes)));
        table.row(row);
    }
    table
}

fn long_value(facts: &TopicFacts) -> Value {
    let mut value = value(&facts.topic);
    value["records"] = facts.records().into();
    value["bytes"] = facts.bytes().into();
    value
}
