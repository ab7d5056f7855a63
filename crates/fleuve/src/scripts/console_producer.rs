//! `kafka-console-producer`: each line of standard input becomes a record.

use std::collections::BTreeMap;

use bytes::Bytes;
use fleuve_client::{Config, Delivery, Producer, ProducerRecord, RecordHeader};
use fleuve_model::TopicName;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

use super::connect::{self, bootstrap_servers, pairs, properties_file};
use super::grammar::{Argument, Given, Grammar, OptionSpec, integer, long, switch, text};
use super::line_reader::{Line, LineReader};
use super::script::{Console, Failure, Running, Script, exclude, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-console-producer",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool helps to read data from standard input and publish it to Kafka.",
    options: &[
        connect::BOOTSTRAP_SERVER,
        connect::BROKER_LIST,
        connect::ZOOKEEPER,
        text("topic", "topic", "REQUIRED: The topic to produce to."),
        switch(
            "sync",
            "Send one record at a time and wait for its acknowledgement.",
        ),
        OptionSpec {
            name: "compression-codec",
            argument: Argument::Optional("codec"),
            description: "none, gzip, snappy, lz4 or zstd; gzip if the name is left away.",
        },
        integer(
            "batch-size",
            "bytes",
            "batch.size of the producer. Default: 16384.",
        ),
        integer(
            "max-partition-memory-bytes",
            "bytes",
            "The same, and goes before it.",
        ),
        integer(
            "message-send-max-retries",
            "retries",
            "retries of the producer. Default: 3.",
        ),
        long(
            "retry-backoff-ms",
            "ms",
            "retry.backoff.ms of the producer. Default: 100.",
        ),
        long("timeout", "ms", "linger.ms of the producer. Default: 1000."),
        text(
            "request-required-acks",
            "acks",
            "acks of the producer. Default: -1.",
        ),
        integer(
            "request-timeout-ms",
            "ms",
            "request.timeout.ms. Default: 1500.",
        ),
        long(
            "metadata-expiry-ms",
            "ms",
            "metadata.max.age.ms. Default: 300000.",
        ),
        long(
            "max-block-ms",
            "ms",
            "max.block.ms of the producer. Default: 60000.",
        ),
        long(
            "max-memory-bytes",
            "bytes",
            "buffer.memory of the producer. Default: 33554432.",
        ),
        integer(
            "socket-buffer-size",
            "bytes",
            "send.buffer.bytes. Default: 102400.",
        ),
        text(
            "line-reader",
            "class",
            "How lines are read; only Kafka's LineMessageReader.",
        ),
        text(
            "property",
            "key=value",
            "DEPRECATED, use --reader-property.",
        ),
        text(
            "reader-property",
            "key=value",
            "A property of the reader: parse.key, parse.headers, key.separator, headers.delimiter, \
             headers.separator, headers.key.separator, null.marker, ignore.error.",
        ),
        text(
            "reader-config",
            "file",
            "A file with properties of the reader.",
        ),
        text(
            "producer-property",
            "key=value",
            "DEPRECATED, use --command-property.",
        ),
        text(
            "command-property",
            "key=value",
            "A setting of the producer.",
        ),
        text(
            "producer.config",
            "file",
            "DEPRECATED, use --command-config.",
        ),
        connect::COMMAND_CONFIG,
    ],
};

/// Options that are settings of the producer: option, key, and this script's own default.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("message-send-max-retries", "retries", "3"),
    ("retry-backoff-ms", "retry.backoff.ms", "100"),
    ("timeout", "linger.ms", "1000"),
    ("request-required-acks", "acks", "-1"),
    ("request-timeout-ms", "request.timeout.ms", "1500"),
    ("metadata-expiry-ms", "metadata.max.age.ms", "300000"),
    ("max-block-ms", "max.block.ms", "60000"),
    ("max-memory-bytes", "buffer.memory", "33554432"),
    ("socket-buffer-size", "send.buffer.bytes", "102400"),
];

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    require(given, &["topic"])?;
    exclude(given, "reader-property", &["property"])?;
    exclude(given, "command-property", &["producer-property"])?;
    exclude(given, "command-config", &["producer.config"])?;
    let Some(servers) = bootstrap_servers(given, console)? else {
        return require(given, &["bootstrap-server"]);
    };
    let topic = TopicName::new(given.value("topic").unwrap_or_default())
        .map_err(|error| Failure::Errors(error.to_string()))?;
    let mut reader = LineReader::configure(given.value("line-reader"), &reader_properties(given)?)
        .map_err(|error| Failure::Errors(error.to_string()))?;
    let producer = Producer::new(&producer_config(given, servers)?)?;
    let mut sending = Sending {
        producer: &producer,
        sync: given.has("sync"),
        waiting: Vec::new(),
    };
    let read = send_lines(&topic, &mut reader, &mut sending, console).await;
    let delivered = sending.finish(console).await;
    producer.close().await;
    read.and(delivered)
}

fn reader_properties(given: &Given) -> Result<BTreeMap<String, String>, Failure> {
    let mut properties = match given.value("reader-config") {
        Some(path) => properties_file(path)?,
        None => BTreeMap::new(),
    };
    properties.extend(pairs(given.values("property")));
    properties.extend(pairs(given.values("reader-property")));
    Ok(properties)
}

/// The file first, then properties, then what has an option of its own; this script's defaults
/// count only where nothing else is said.
fn producer_config(given: &Given, servers: String) -> Result<Config, Failure> {
    let file = given
        .value("command-config")
        .or(given.value("producer.config"));
    let mut values = file.map(properties_file).transpose()?.unwrap_or_default();
    values.extend(pairs(given.values("producer-property")));
    values.extend(pairs(given.values("command-property")));
    for (option, key, default) in SETTINGS {
        merge(&mut values, key, given.value(option), default);
    }
    let batch_size = given
        .value("max-partition-memory-bytes")
        .or(given.value("batch-size"));
    merge(&mut values, "batch.size", batch_size, "16384");
    if given.has("compression-codec") {
        let codec = given.value("compression-codec").unwrap_or("gzip");
        values.insert("compression.type".to_owned(), codec.to_owned());
    }
    merge(&mut values, "client.id", None, "console-producer");
    values.insert("bootstrap.servers".to_owned(), servers);
    Ok(values.into_iter().collect())
}

fn merge(values: &mut BTreeMap<String, String>, key: &str, option: Option<&str>, default: &str) {
    match option {
        Some(value) => drop(values.insert(key.to_owned(), value.to_owned())),
        None => drop(
            values
                .entry(key.to_owned())
                .or_insert_with(|| default.to_owned()),
        ),
    }
}

/// Reads lines to their end, or to Ctrl-C.
async fn send_lines(
    topic: &TopicName,
    reader: &mut LineReader,
    sending: &mut Sending<'_>,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        if console.interactive {
            write!(console.output, ">")?;
            console.output.flush()?;
        }
        let Some(line) = next_line(&mut lines).await? else {
            return Ok(());
        };
        let line = reader
            .read(&line)
            .map_err(|error| Failure::Errors(error.to_string()))?;
        sending.send(record(topic, line), console).await?;
    }
}

async fn next_line(lines: &mut Lines<BufReader<Stdin>>) -> Result<Option<String>, Failure> {
    tokio::select! {
        line = lines.next_line() => Ok(line?),
        _ = tokio::signal::ctrl_c() => Ok(None),
    }
}

fn record(topic: &TopicName, line: Line) -> ProducerRecord {
    let header = |(name, value): (String, Option<Vec<u8>>)| RecordHeader {
        key: Bytes::from(name),
        value: value.map(Bytes::from),
    };
    ProducerRecord {
        topic: topic.clone(),
        partition: None,
        key: line.key.map(Bytes::from),
        value: line.value.map(Bytes::from),
        headers: line.headers.into_iter().map(header).collect(),
        timestamp: None,
    }
}

/// Records under way: failures are said as they come, as Kafka's script does it, and end nothing.
struct Sending<'a> {
    producer: &'a Producer,
    sync: bool,
    waiting: Vec<Delivery>,
}

/// How many acknowledgements are waited for together.
const WAITING_MAX: usize = 10_000;

impl Sending<'_> {
    async fn send(
        &mut self,
        record: ProducerRecord,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        let delivery = match self.producer.send(record).await {
            Ok(delivery) => delivery,
            Err(error) if self.sync => return Err(error.into()),
            Err(error) => return say(console, &error.to_string()),
        };
        if self.sync {
            delivery.wait().await?;
            return Ok(());
        }
        self.waiting.push(delivery);
        if self.waiting.len() >= WAITING_MAX {
            self.wait(console).await?;
        }
        Ok(())
    }

    async fn wait(&mut self, console: &mut Console<'_>) -> Result<(), Failure> {
        for delivery in self.waiting.drain(..) {
            if let Err(error) = delivery.wait().await {
                say(console, &error.to_string())?;
            }
        }
        Ok(())
    }

    async fn finish(mut self, console: &mut Console<'_>) -> Result<(), Failure> {
        self.producer.flush().await;
        self.wait(console).await
    }
}

fn say(console: &mut Console<'_>, error: &str) -> Result<(), Failure> {
    Ok(writeln!(
        console.errors,
        "Error when sending message: {error}"
    )?)
}
