//! `kafka-get-offsets`: the offsets of partitions, at either end or at a time.

use std::collections::BTreeMap;

use fleuve_client::admin::Admin;
use fleuve_client::{IsolationLevel, OffsetSpec};
use fleuve_model::{Timestamp, TopicPartition};

use super::connect::{self, client_config};
use super::grammar::{Given, Grammar, switch, text};
use super::include_list::IncludeList;
use super::script::{Console, Failure, Running, Script, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-get-offsets",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "An interactive shell for getting topic-partition offsets.",
    options: &[
        connect::BOOTSTRAP_SERVER,
        connect::BROKER_LIST,
        connect::COMMAND_CONFIG,
        switch("exclude-internal-topics", "Leave internal topics out."),
        text(
            "partitions",
            "partition ids",
            "The partitions, apart by commas; all without it.",
        ),
        text(
            "time",
            "timestamp",
            "A time in milliseconds, or -1 or latest, -2 or earliest, -3 or max-timestamp, -4 or \
             earliest-local, -5 or latest-tiered. Default: latest.",
        ),
        text(
            "topic",
            "topic",
            "The topic, or a regular expression; all topics without it.",
        ),
        text(
            "topic-partitions",
            "topic:partitions,...",
            "Topics (regular expressions) with a partition, a range like 0-3, 5- or -3, or none.",
        ),
    ],
};

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    let Some(config) = client_config(given, console)? else {
        return require(given, &["bootstrap-server"]);
    };
    let rules = rules(given).map_err(occurred)?;
    let spec = offset_spec(given.value("time").unwrap_or("latest")).map_err(occurred)?;
    let admin = Admin::new(&config.set("client.id", "GetOffsetShell"))?;
    let done = print_offsets(&admin, given, &rules, spec, console).await;
    admin.close();
    done
}

fn occurred(message: String) -> Failure {
    Failure::Errors(format!("Error occurred: {message}"))
}

async fn print_offsets(
    admin: &Admin,
    given: &Given,
    rules: &[Rule],
    spec: OffsetSpec,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut asked = BTreeMap::new();
    for topic in admin.list_topics().await?.into_values() {
        if topic.is_internal && given.has("exclude-internal-topics") {
            continue;
        }
        for partition in &topic.partitions {
            if rules
                .iter()
                .any(|rule| rule.means(topic.name.as_str(), partition.id.value()))
            {
                asked.insert(TopicPartition::new(topic.name.clone(), partition.id), spec);
            }
        }
    }
    if asked.is_empty() {
        let message = "Could not match any topic-partitions with the specified filters";
        return Err(occurred(message.to_owned()));
    }
    let found = admin
        .list_offsets(&asked, IsolationLevel::ReadUncommitted)
        .await;
    let mut lines = BTreeMap::new();
    for (partition, result) in found {
        match result {
            Ok(listed) => drop(lines.insert(partition.to_string(), (partition, listed.offset))),
            Err(error) => writeln!(
                console.errors,
                "Skip getting offsets for topic-partition {partition} due to error: {error}"
            )?,
        }
    }
    // Kafka orders by the text `topic-partition`, in which 10 stands before 2.
    for (partition, offset) in lines.into_values() {
        if let Some(offset) = offset {
            writeln!(
                console.output,
                "{}:{}:{offset}",
                partition.topic, partition.partition
            )?;
        }
    }
    Ok(())
}

/// Some topics and some of their partitions.
struct Rule {
    topics: IncludeList,
    partitions: Partitions,
}

enum Partitions {
    All,
    Listed(Vec<i32>),
    /// From the first on, up to but without the second.
    Range(i32, i32),
}

impl Rule {
    fn means(&self, topic: &str, partition: i32) -> bool {
        let meant = match &self.partitions {
            Partitions::All => true,
            Partitions::Listed(ids) => ids.contains(&partition),
            Partitions::Range(first, end) => (*first..*end).contains(&partition),
        };
        meant && self.topics.includes(topic)
    }
}

fn rules(given: &Given) -> Result<Vec<Rule>, String> {
    let topics = |text| IncludeList::new(text).map_err(|_| format!("{text} is an invalid regex."));
    match given.value("topic-partitions") {
        Some(_) if given.has("topic") || given.has("partitions") => {
            Err("--topic-partitions cannot be used with --topic or --partitions".to_owned())
        }
        Some(text) => text.split(',').map(rule).collect(),
        None => Ok(vec![Rule {
            topics: topics(given.value("topic").unwrap_or(".*"))?,
            partitions: listed_partitions(given.value("partitions").unwrap_or_default())?,
        }]),
    }
}

fn listed_partitions(text: &str) -> Result<Partitions, String> {
    if text.is_empty() {
        return Ok(Partitions::All);
    }
    let ids: Result<Vec<i32>, _> = text.split(',').map(str::parse).collect();
    ids.map(Partitions::Listed).map_err(|_| {
        format!(
            "--partitions expects a comma separated list of numeric partition ids, but received: \
             {text}"
        )
    })
}

/// `topic`, `topic:2`, `topic:0-3`, `topic:5-`, `topic:-3`; the topic may be left away.
fn rule(text: &str) -> Result<Rule, String> {
    let invalid = || format!("Invalid rule specification: {text}");
    let (topics, partitions) = text.split_once(':').unwrap_or((text, ""));
    let topics = if topics.is_empty() { ".*" } else { topics };
    let bound = |text: &str, absent: i32| match text {
        "" => Ok(absent),
        digits => digits.parse().map_err(|_| invalid()),
    };
    let partitions = match partitions.split_once('-') {
        Some((first, end)) => Partitions::Range(bound(first, 0)?, bound(end, i32::MAX)?),
        None if partitions.is_empty() => Partitions::All,
        None => Partitions::Listed(vec![bound(partitions, 0)?]),
    };
    Ok(Rule {
        topics: IncludeList::new(topics).map_err(|_| invalid())?,
        partitions,
    })
}

fn offset_spec(text: &str) -> Result<OffsetSpec, String> {
    Ok(match text {
        "latest" | "-1" => OffsetSpec::Latest,
        "earliest" | "-2" => OffsetSpec::Earliest,
        "max-timestamp" | "-3" => OffsetSpec::MaxTimestamp,
        "earliest-local" | "-4" => OffsetSpec::EarliestLocal,
        "latest-tiered" | "-5" => OffsetSpec::LatestTiered,
        number => match number.parse() {
            Ok(time) => OffsetSpec::Timestamp(Timestamp::from_millis(time)),
            Err(_) => {
                return Err(format!(
                    "Malformed time argument {text}. Please use -1 or latest / -2 or earliest / -3 \
                     or max-timestamp / -4 or earliest-local / -5 or latest-tiered, or a specified \
                     long format timestamp"
                ));
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(text: &str, topic: &str, partition: i32) -> bool {
        rule(text)
            .map(|rule| rule.means(topic, partition))
            .unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_range_of_partitions_has_an_open_end() {
        assert!(means("t:0-2", "t", 1) && !means("t:0-2", "t", 2));
        assert!(means("t:5-", "t", 500) && !means("t:5-", "t", 4));
        assert!(means("t:-3", "t", 0) && !means("t:-3", "t", 3));
    }

    #[test]
    fn topic_and_partition_may_each_be_left_away() {
        assert!(means(":1", "any", 1) && !means(":1", "any", 0));
        assert!(means("t.*", "topic", 9) && !means("t.*", "other", 9));
        assert!(rule("t:x").is_err());
    }
}
