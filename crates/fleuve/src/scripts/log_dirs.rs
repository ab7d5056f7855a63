//! `kafka-log-dirs`: what lies in the log directories of brokers, as JSON.

use std::collections::BTreeSet;

use fleuve_client::Admin;
use fleuve_client::admin::LogDirectory;
use fleuve_model::BrokerId;
use serde_json::{Value, json};

use super::connect::{self, client_config};
use super::grammar::{Given, Grammar, switch, text};
use super::script::{Console, Failure, Running, Script, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-log-dirs",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool helps to query log directory usage on the specified brokers.",
    options: &[
        connect::BOOTSTRAP_SERVER,
        connect::COMMAND_CONFIG,
        switch("describe", "Describe the log directories."),
        text(
            "topic-list",
            "topics",
            "The topics, apart by commas; all without it.",
        ),
        text(
            "broker-list",
            "brokers",
            "The ids of the brokers, apart by commas; all without it.",
        ),
    ],
};

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    require(given, &["bootstrap-server", "describe"])?;
    let Some(config) = client_config(given, console)? else {
        return require(given, &["bootstrap-server"]);
    };
    let admin = Admin::new(&config.set_default("client.id", "log-dirs-tool"))?;
    let done = describe(&admin, given, console).await;
    admin.close();
    done
}

async fn describe(admin: &Admin, given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    let live: BTreeSet<i32> = admin
        .describe_cluster()
        .await?
        .brokers
        .iter()
        .map(|broker| broker.id.value())
        .collect();
    let asked = asked_brokers(given)?;
    let absent: Vec<i32> = asked.difference(&live).copied().collect();
    if !absent.is_empty() {
        return Err(Failure::Errors(format!(
            "ERROR: The given brokers do not exist from --broker-list: {}. Current existent \
             brokers: {}",
            listed(&absent),
            listed(&live)
        )));
    }
    let brokers = if asked.is_empty() { live } else { asked };
    writeln!(
        console.output,
        "Querying brokers for log directories information"
    )?;
    let mut described = Vec::new();
    for broker in brokers.iter().filter_map(|id| BrokerId::from_wire(*id)) {
        let directories = admin.describe_log_dirs(broker).await?;
        let directories: Vec<Value> = directories.iter().map(|d| directory(d, given)).collect();
        described.push(json!({ "broker": broker.value(), "logDirs": directories }));
    }
    writeln!(
        console.output,
        "Received log directory information from brokers {}",
        listed(&brokers)
    )?;
    writeln!(
        console.output,
        "{}",
        json!({ "brokers": described, "version": 1 })
    )?;
    Ok(())
}

fn asked_brokers(given: &Given) -> Result<BTreeSet<i32>, Failure> {
    let list = given.value("broker-list").unwrap_or_default();
    let ids = list.split(',').filter(|id| !id.trim().is_empty());
    ids.map(|id| {
        let id = id.trim();
        id.parse()
            .map_err(|_| Failure::Errors(format!("For input string: \"{id}\"")))
    })
    .collect()
}

fn listed<'a>(ids: impl IntoIterator<Item = &'a i32>) -> String {
    ids.into_iter()
        .map(i32::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

fn directory(directory: &LogDirectory, given: &Given) -> Value {
    let topics = given.value("topic-list").filter(|list| !list.is_empty());
    let wanted = |name: &str| topics.is_none_or(|list| list.split(',').any(|topic| topic == name));
    let partitions: Vec<Value> = directory
        .partitions
        .iter()
        .filter(|(partition, _)| wanted(partition.topic.as_str()))
        .map(|(partition, found)| {
            json!({
                "partition": partition.to_string(),
                "size": found.size_bytes,
                "offsetLag": found.lag_records,
                "isFuture": found.is_future,
            })
        })
        .collect();
    let error = directory.error.as_ref().map(ToString::to_string);
    json!({ "error": error, "logDir": directory.path, "partitions": partitions })
}
