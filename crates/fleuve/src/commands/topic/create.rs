//! `fleuve topic create`.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use clap::Args;
use fleuve_client::Admin;
use fleuve_client::admin::{CreatedTopic, NewTopic};
use fleuve_model::ErrorCode;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::commands::terminal::{Block, Problem, Report, Terminal};

/// How long a created topic may take to be seen, and how often that is looked at.
const LISTED_PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Clone, Debug, Args)]
pub(crate) struct CreateArguments {
    /// The topics to create.
    #[arg(required = true, value_name = "TOPIC")]
    names: Vec<String>,
    /// How many partitions each gets; without it the broker decides (num.partitions).
    #[arg(long, short, value_name = "NUMBER", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// How many brokers hold each partition; without it the broker decides.
    #[arg(long, short, value_name = "NUMBER", allow_negative_numbers = true, value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// A config of the topic, such as retention.ms=60000; may be repeated.
    #[arg(long, short, value_name = "KEY=VALUE", value_parser = super::pair)]
    config: Vec<(String, String)>,
    /// Leave topics that exist as they are.
    #[arg(long)]
    if_not_exists: bool,
    /// Only check whether the topics could be created.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(
    admin: &Admin,
    arguments: &CreateArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let new = |name: &String| NewTopic {
        name: name.clone(),
        partitions: arguments.partitions,
        replication_factor: arguments.replication_factor,
        configs: arguments.config.iter().cloned().collect(),
        ..NewTopic::default()
    };
    let topics: Vec<NewTopic> = arguments.names.iter().map(new).collect();
    let results = admin.create_topics(&topics, arguments.dry_run).await?;
    if !arguments.dry_run {
        let created = results.iter().filter(|(_, result)| result.is_ok());
        wait_until_listed(admin, created.map(|(name, _)| name.as_str()).collect()).await?;
    }
    let (mut blocks, mut values, mut failed) = (Vec::new(), Vec::new(), None);
    for (name, result) in results {
        let exists = result
            .as_ref()
            .is_err_and(|error| error.code() == Some(ErrorCode::TopicAlreadyExists));
        match result {
            Ok(created) => {
                blocks.push(Block::Line(line(&name, &created, arguments.dry_run)));
                values.push(value(&name, &created, !arguments.dry_run));
            }
            Err(_) if exists && arguments.if_not_exists => {
                blocks.push(Block::Line(format!("Topic {name} exists already.")));
                values.push(json!({ "name": name, "created": false }));
            }
            Err(error) => failed = Some(error),
        }
    }
    if !blocks.is_empty() {
        let value = Value::Array(values);
        terminal.show(&Report { value, blocks })?;
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Waits, but not for ever, until topics are where the next command looks for them: a broker of
/// Apache Kafka learns of a topic some time after its controller has made it.
async fn wait_until_listed(admin: &Admin, mut names: BTreeSet<&str>) -> Result<(), Problem> {
    let deadline = Instant::now() + LISTED_PATIENCE;
    while !names.is_empty() && Instant::now() < deadline {
        let listed = admin.list_topics().await?;
        names.retain(|name| !listed.keys().any(|known| known.as_str() == *name));
        if !names.is_empty() {
            sleep(LOOK_EVERY).await;
        }
    }
    Ok(())
}

fn line(name: &str, created: &CreatedTopic, is_dry_run: bool) -> String {
    let verb = if is_dry_run {
        "Would create"
    } else {
        "Created"
    };
    let count = |number: i64, noun: &str| match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    };
    match (created.partitions, created.replication_factor) {
        (Some(partitions), Some(replicas)) => format!(
            "{verb} topic {name} with {} and {}.",
            count(i64::from(partitions), "partition"),
            count(i64::from(replicas), "replica"),
        ),
        _ => format!("{verb} topic {name}."),
    }
}

fn value(name: &str, created: &CreatedTopic, is_created: bool) -> Value {
    json!({
        "name": name,
        "created": is_created,
        "id": created.id.map(|id| id.to_string()),
        "partitions": created.partitions,
        "replicas": created.replication_factor,
    })
}
