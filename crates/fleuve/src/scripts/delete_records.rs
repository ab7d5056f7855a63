//! `kafka-delete-records`: delete the records of partitions before given offsets.

use std::collections::BTreeMap;

use fleuve_client::Admin;
use fleuve_model::{Offset, PartitionId, TopicName, TopicPartition};
use serde_json::Value;

use super::connect::{self, client_config};
use super::grammar::{Given, Grammar, text};
use super::script::{Console, Failure, Running, Script, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-delete-records",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool helps to delete records of the given partitions down to the specified \
              offset.",
    options: &[
        connect::BOOTSTRAP_SERVER,
        connect::COMMAND_CONFIG,
        text(
            "offset-json-file",
            "file",
            "REQUIRED: A JSON file: {\"partitions\": [{\"topic\": \"t\", \"partition\": 0, \
             \"offset\": 5}], \"version\": 1}; offset -1 is the high watermark.",
        ),
    ],
};

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    require(given, &["bootstrap-server", "offset-json-file"])?;
    let Some(config) = client_config(given, console)? else {
        return require(given, &["bootstrap-server"]);
    };
    let path = given.value("offset-json-file").unwrap_or_default();
    let json = std::fs::read_to_string(path)
        .map_err(|error| Failure::Errors(format!("cannot read {path}: {error}")))?;
    let before = partitions(&json).map_err(Failure::Errors)?;
    let admin = Admin::new(&config)?;
    let done = delete(&admin, &before, console).await;
    admin.close();
    done
}

async fn delete(
    admin: &Admin,
    before: &BTreeMap<TopicPartition, Option<Offset>>,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    writeln!(console.output, "Executing records delete operation")?;
    let results = admin.delete_records(before).await?;
    writeln!(console.output, "Records delete operation completed:")?;
    for (partition, result) in results {
        match result {
            Ok(low) => {
                let low = low.map_or(-1, Offset::value);
                writeln!(
                    console.output,
                    "partition: {partition}\tlow_watermark: {low}"
                )?;
            }
            Err(error) => writeln!(console.output, "partition: {partition}\terror: {error}")?,
        }
    }
    Ok(())
}

/// The partitions of the file, each with the offset before which its records go.
fn partitions(json: &str) -> Result<BTreeMap<TopicPartition, Option<Offset>>, String> {
    let file: Value = serde_json::from_str(json)
        .map_err(|_| "The input string is not a valid JSON".to_owned())?;
    let version = file.get("version").map_or(Some(1), Value::as_i64);
    if version != Some(1) {
        return Err(format!(
            "Not supported version field value {}",
            file["version"]
        ));
    }
    let listed = file
        .get("partitions")
        .and_then(Value::as_array)
        .ok_or("Missing partitions field")?;
    let mut before = BTreeMap::new();
    for entry in listed {
        let (partition, offset) = partition_entry(entry)
            .ok_or_else(|| format!("expected topic, partition and offset, found {entry}"))?;
        if before.insert(partition.clone(), offset).is_some() {
            return Err(format!(
                "Offset json file contains duplicate topic partitions: {partition}"
            ));
        }
    }
    Ok(before)
}

fn partition_entry(entry: &Value) -> Option<(TopicPartition, Option<Offset>)> {
    let topic = TopicName::new(entry["topic"].as_str()?).ok()?;
    let partition = PartitionId::new(entry["partition"].as_i64()?.try_into().ok()?).ok()?;
    let offset = Offset::from_wire(entry["offset"].as_i64()?);
    Some((TopicPartition::new(topic, partition), offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_of_minus_one_is_the_high_watermark() {
        let json = r#"{"partitions":[{"topic":"t","partition":0,"offset":-1}],"version":1}"#;
        assert_eq!(
            partitions(json).unwrap().into_values().collect::<Vec<_>>(),
            [None]
        );
    }

    #[test]
    fn mistakes_in_the_file_are_named() {
        let twice = r#"{"partitions":[{"topic":"t","partition":0,"offset":1},
                                      {"topic":"t","partition":0,"offset":2}]}"#;
        for (json, message) in [
            ("{", "The input string is not a valid JSON"),
            ("{}", "Missing partitions field"),
            (r#"{"version":2}"#, "Not supported version field value 2"),
            (
                twice,
                "Offset json file contains duplicate topic partitions: t-0",
            ),
        ] {
            assert_eq!(partitions(json).unwrap_err(), message);
        }
    }
}
