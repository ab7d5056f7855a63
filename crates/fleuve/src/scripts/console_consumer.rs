//! `kafka-console-consumer`: prints the records of topics as they come.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fleuve_client::{ClientError, Config, Consumer, ConsumerRecord, OffsetSpec};
use fleuve_model::record::TimestampType;
use fleuve_model::{Offset, PartitionId, TopicName, TopicPartition};

use super::connect::{self, bootstrap_servers, pairs, properties_file};
use super::formatter::{Formatter, FormatterError, Printed, TimestampOrigin};
use super::grammar::{Given, Grammar, integer, long, switch, text};
use super::script::{Console, Failure, Running, Script, exclude, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-console-consumer",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool helps to read data from Kafka topics and outputs it to standard output.",
    options: &[
        connect::BOOTSTRAP_SERVER,
        connect::BROKER_LIST,
        connect::ZOOKEEPER,
        text("topic", "topic", "The topic to consume."),
        text(
            "include",
            "Java regex",
            "A regular expression for the topics to consume.",
        ),
        text("whitelist", "Java regex", "DEPRECATED, use --include."),
        integer(
            "partition",
            "partition",
            "One partition; begins at its end without --offset.",
        ),
        text(
            "offset",
            "offset",
            "With --partition: an offset, earliest or latest.",
        ),
        switch(
            "from-beginning",
            "Begin with the first record if the group has no offset.",
        ),
        integer(
            "max-messages",
            "num_messages",
            "Print so many records and end.",
        ),
        long(
            "timeout-ms",
            "timeout_ms",
            "End if no record comes for so long.",
        ),
        text(
            "group",
            "consumer group id",
            "The group of the consumer; a new one without it.",
        ),
        text(
            "isolation-level",
            "level",
            "read_committed or read_uncommitted (the default).",
        ),
        text(
            "formatter",
            "class",
            "How records are printed: Kafka's default, logging or no-op.",
        ),
        text("property", "prop", "DEPRECATED, use --formatter-property."),
        text(
            "formatter-property",
            "prop",
            "A property of the formatter: print.timestamp, print.key, print.offset, print.epoch, \
             print.partition, print.headers, print.value, key.separator, line.separator, \
             headers.separator, null.literal, key.deserializer, value.deserializer, \
             headers.deserializer.",
        ),
        text(
            "formatter-config",
            "config file",
            "A file with properties of the formatter.",
        ),
        text("key-deserializer", "class", "How keys are read."),
        text("value-deserializer", "class", "How values are read."),
        text(
            "consumer-property",
            "consumer_prop",
            "DEPRECATED, use --command-property.",
        ),
        text(
            "command-property",
            "key=value",
            "A setting of the consumer.",
        ),
        text(
            "consumer.config",
            "config file",
            "DEPRECATED, use --command-config.",
        ),
        connect::COMMAND_CONFIG,
        switch(
            "skip-message-on-error",
            "Go on with the next record if one cannot be printed.",
        ),
        switch(
            "enable-systest-events",
            "Print events of the consumer's life, for tests.",
        ),
    ],
};

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    check(given)?;
    let Some(servers) = bootstrap_servers(given, console)? else {
        return require(given, &["bootstrap-server"]);
    };
    let formatter = Formatter::configure(given.value("formatter"), &formatter_properties(given)?)
        .map_err(|error| Failure::Errors(error.to_string()))?;
    let mut consumer = Consumer::new(&consumer_config(given, servers)?)?;
    choose(given, &mut consumer)?;
    let mut printed = 0;
    let ended = print_records(given, &mut consumer, &formatter, console, &mut printed).await;
    let closed = consumer.close().await;
    console.output.flush()?;
    writeln!(console.errors, "Processed a total of {printed} messages")?;
    ended?;
    Ok(closed?)
}

fn check(given: &Given) -> Result<(), Failure> {
    exclude(given, "formatter-property", &["property"])?;
    exclude(given, "command-property", &["consumer-property"])?;
    exclude(given, "command-config", &["consumer.config"])?;
    if given.has("enable-systest-events") {
        let message = "--enable-systest-events is not supported: it is for Kafka's own tests";
        return Err(Failure::Errors(message.to_owned()));
    }
    let usage = |message: &str| Err(Failure::Usage(message.to_owned()));
    let chosen = given.present(&["topic", "include", "whitelist"]);
    if chosen.len() != 1 {
        return usage("Exactly one of --include/--topic is required. ");
    }
    if given.has("partition") && !given.has("topic") {
        return usage("The topic is required when partition is specified.");
    }
    if given.has("offset") && !given.has("partition") {
        return usage("The partition is required when offset is specified.");
    }
    if given.has("from-beginning") && given.has("offset") {
        return usage("Options from-beginning and offset cannot be specified together.");
    }
    if given.has("group") && given.has("partition") {
        return usage("Options group and partition cannot be specified together.");
    }
    Ok(())
}

fn formatter_properties(given: &Given) -> Result<BTreeMap<String, String>, Failure> {
    let mut properties = match given.value("formatter-config") {
        Some(path) => properties_file(path)?,
        None => BTreeMap::new(),
    };
    properties.extend(pairs(given.values("property")));
    properties.extend(pairs(given.values("formatter-property")));
    for (option, key) in [
        ("key-deserializer", "key.deserializer"),
        ("value-deserializer", "value.deserializer"),
    ] {
        if let Some(class) = given.value(option) {
            properties.insert(key.to_owned(), class.to_owned());
        }
    }
    Ok(properties)
}

fn consumer_config(given: &Given, servers: String) -> Result<Config, Failure> {
    let file = given
        .value("command-config")
        .or(given.value("consumer.config"));
    let mut values = file.map(properties_file).transpose()?.unwrap_or_default();
    values.extend(pairs(given.values("consumer-property")));
    values.extend(pairs(given.values("command-property")));
    values.insert("bootstrap.servers".to_owned(), servers);
    set_reset(given, &mut values)?;
    set_group(given, &mut values);
    let isolation = given.value("isolation-level").unwrap_or("read_uncommitted");
    values.insert("isolation.level".to_owned(), isolation.to_owned());
    values
        .entry("client.id".to_owned())
        .or_insert_with(|| "console-consumer".to_owned());
    Ok(values.into_iter().collect())
}

fn set_reset(given: &Given, values: &mut BTreeMap<String, String>) -> Result<(), Failure> {
    const RESET: &str = "auto.offset.reset";
    let from_beginning = given.has("from-beginning");
    match values.get(RESET).map(String::as_str) {
        Some(set) if from_beginning && set != "earliest" => Err(Failure::Errors(format!(
            "Can't simultaneously specify --from-beginning and 'auto.offset.reset={set}', please \
             remove one option"
        ))),
        Some(_) => Ok(()),
        None => {
            let reset = if from_beginning { "earliest" } else { "latest" };
            values.insert(RESET.to_owned(), reset.to_owned());
            Ok(())
        }
    }
}

/// Without a group of its own the consumer takes a new one, and leaves no offsets behind.
fn set_group(given: &Given, values: &mut BTreeMap<String, String>) {
    const GROUP: &str = "group.id";
    if let Some(group) = given.value("group") {
        values.insert(GROUP.to_owned(), group.to_owned());
    }
    if given.has("partition") {
        values.remove(GROUP);
    } else if !values.contains_key(GROUP) {
        let number = uuid::Uuid::new_v4().as_u128() % 100_000;
        values.insert(GROUP.to_owned(), format!("console-consumer-{number}"));
        values
            .entry("enable.auto.commit".to_owned())
            .or_insert_with(|| "false".to_owned());
    }
}

/// Takes one partition, or joins the group for topics.
fn choose(given: &Given, consumer: &mut Consumer) -> Result<(), Failure> {
    if let Some(pattern) = given.value("include").or(given.value("whitelist")) {
        return Ok(consumer.subscribe_pattern(pattern)?);
    }
    let topic = TopicName::new(given.value("topic").unwrap_or_default())
        .map_err(|error| Failure::Errors(error.to_string()))?;
    let Some(number) = given.integer("partition") else {
        return Ok(consumer.subscribe([topic])?);
    };
    let partition = PartitionId::new(number).map_err(|e| Failure::Errors(e.to_string()))?;
    let partition = TopicPartition::new(topic, partition);
    consumer.assign([partition.clone()])?;
    let from_beginning = given.has("from-beginning");
    let start = given
        .value("offset")
        .unwrap_or(if from_beginning { "earliest" } else { "latest" });
    match start {
        "earliest" => consumer.seek_to(&partition, OffsetSpec::Earliest)?,
        "latest" => consumer.seek_to(&partition, OffsetSpec::Latest)?,
        number => consumer.seek(&partition, offset(number)?)?,
    }
    Ok(())
}

fn offset(text: &str) -> Result<Offset, Failure> {
    let parsed = text
        .parse()
        .ok()
        .and_then(|number| Offset::new(number).ok());
    parsed.ok_or_else(|| {
        Failure::Usage(format!(
            "The provided offset value '{text}' is incorrect. Valid values are 'earliest', \
             'latest', or a non-negative long."
        ))
    })
}

/// How long one wait for records takes at the most.
const POLL: Duration = Duration::from_millis(500);

/// Prints until there are enough, none has come for too long, or Ctrl-C.
async fn print_records(
    given: &Given,
    consumer: &mut Consumer,
    formatter: &Formatter,
    console: &mut Console<'_>,
    printed: &mut i64,
) -> Result<(), Failure> {
    let most = given.integer("max-messages").map_or(i64::MAX, i64::from);
    let patience = given
        .long("timeout-ms")
        .and_then(|ms| u64::try_from(ms).ok());
    let patience = patience.map(Duration::from_millis);
    let mut last_record = Instant::now();
    while *printed < most {
        let wait = patience.map_or(POLL, |patience| patience.min(POLL));
        let records = tokio::select! {
            records = consumer.poll(wait) => records?,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        if records.is_empty() {
            if patience.is_some_and(|patience| last_record.elapsed() >= patience) {
                writeln!(console.errors, "No record came within --timeout-ms")?;
                return Ok(());
            }
            continue;
        }
        last_record = Instant::now();
        for record in records.iter().take((most - *printed) as usize) {
            print(record, given, formatter, console)?;
            *printed += 1;
        }
        console.output.flush()?;
    }
    Ok(())
}

fn print(
    record: &ConsumerRecord,
    given: &Given,
    formatter: &Formatter,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let names: Vec<_> = record
        .headers
        .iter()
        .map(|header| String::from_utf8_lossy(&header.key))
        .collect();
    let values = record.headers.iter().map(|header| header.value.as_deref());
    let headers = names.iter().map(AsRef::as_ref).zip(values).collect();
    let origin = match record.timestamp_type {
        TimestampType::CreateTime => TimestampOrigin::CreateTime,
        TimestampType::LogAppendTime => TimestampOrigin::LogAppendTime,
    };
    let printed = Printed {
        timestamp: record.timestamp.map(|time| (time.as_millis(), origin)),
        partition: record.partition.partition.value(),
        offset: record.offset.value(),
        leader_epoch: record.leader_epoch.map(|epoch| epoch.value()),
        headers,
        key: record.key.as_deref(),
        value: record.value.as_deref(),
    };
    match formatter.write(&printed, console.output) {
        Ok(()) => Ok(()),
        Err(FormatterError::Output(error)) => Err(error.into()),
        Err(error) if given.has("skip-message-on-error") => Ok(writeln!(
            console.errors,
            "Error processing message, skipping it: {error}"
        )?),
        Err(error) => Err(ClientError::Invalid(error.to_string()).into()),
    }
}
