//! `kafka-e2e-latency`: how long a record takes from the producer to a consumer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fleuve_client::admin::NewTopic;
use fleuve_client::{Admin, Config, Consumer, ConsumerRecord, OffsetSpec, Producer};
use fleuve_client::{ProducerRecord, RecordHeader};
use fleuve_model::{TopicName, TopicPartition};

use super::connect::{self, properties_file};
use super::grammar::{Argument, Given, Grammar, OptionSpec, integer, text};
use super::script::{Console, Failure, Running, Script, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-e2e-latency",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool measures end-to-end latency in Kafka by sending messages and timing their \
              reception.",
    options: &[
        connect::BOOTSTRAP_SERVER,
        connect::COMMAND_CONFIG,
        text(
            "topic",
            "topic-name",
            "REQUIRED: The topic, made if it is not there.",
        ),
        integer(
            "num-records",
            "count",
            "REQUIRED: How many records, one after the other.",
        ),
        text("producer-acks", "producer-acks", "REQUIRED: 1 or all."),
        integer(
            "record-size",
            "bytes",
            "REQUIRED: The size of each record's value.",
        ),
        optional(
            "record-key-size",
            "The size of each record's key. Default: 0, no key.",
        ),
        optional(
            "num-headers",
            "How many headers each record has. Default: 0.",
        ),
        optional(
            "record-header-key-size",
            "The size of each header's key. Default: 0.",
        ),
        optional(
            "record-header-size",
            "The size of each header's value; -1 for null. Default: 0.",
        ),
    ],
};

const fn optional(name: &'static str, description: &'static str) -> OptionSpec {
    OptionSpec {
        name,
        argument: Argument::Optional("number"),
        description,
    }
}

/// Today's names of the words of old command lines.
const POSITIONS: &[&str] = &[
    "bootstrap-server",
    "topic",
    "num-records",
    "producer-acks",
    "record-size",
    "command-config",
];

/// How long one record may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Progress is printed once for so many records.
const PROGRESS_RECORDS: usize = 1000;

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(async move {
        if !matches!(given.positional().len(), 5 | 6) {
            return run(given, console).await;
        }
        writeln!(
            console.output,
            "WARNING: Positional argument usage is deprecated and will be removed in Apache Kafka \
             5.0. Please use named arguments instead: --bootstrap-server, --topic, --num-records, \
             --producer-acks, --record-size, --command-config"
        )?;
        run(&GRAMMAR.parse(&named(given.positional()))?, console).await
    })
}

fn named(words: &[String]) -> Vec<String> {
    let named = POSITIONS.iter().zip(words);
    named
        .flat_map(|(name, word)| [format!("--{name}"), word.clone()])
        .collect()
}

/// What each record is made of.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    records: usize,
    value_bytes: usize,
    key_bytes: usize,
    headers: usize,
    header_key_bytes: usize,
    /// `None` for headers without a value.
    header_value_bytes: Option<usize>,
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    let required = POSITIONS
        .split_last()
        .map_or(&[][..], |(_, required)| required);
    require(given, required)?;
    let shape = shape(given)?;
    let topic = TopicName::new(given.value("topic").unwrap_or_default())
        .map_err(|error| Failure::Errors(error.to_string()))?;
    let config = config(given)?;
    create_if_absent(&config, &topic, console).await?;
    let mut consumer = Consumer::new(&consumer_config(&config))?;
    let acks = given.value("producer-acks").unwrap_or_default();
    let producer = Producer::new(&config.set("acks", acks).set("linger.ms", "0"))?;
    let measured = measure(&shape, &topic, &producer, &mut consumer, console).await;
    producer.close().await;
    let committed = consumer.commit().await;
    consumer.close().await?;
    print_results(&measured?, console)?;
    Ok(committed?)
}

fn config(given: &Given) -> Result<Config, Failure> {
    let file = given.value("command-config").filter(|it| !it.is_empty());
    let values = file.map(properties_file).transpose()?.unwrap_or_default();
    let servers = given.value("bootstrap-server").unwrap_or_default();
    Ok(values
        .into_iter()
        .collect::<Config>()
        .set("bootstrap.servers", servers))
}

/// Nothing waits for more records to come.
fn consumer_config(config: &Config) -> Config {
    let group = format!("test-group-{}", uuid::Uuid::new_v4());
    config
        .clone()
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "latest")
        .set("fetch.max.wait.ms", "0")
}

fn shape(given: &Given) -> Result<Shape, Failure> {
    if !matches!(given.value("producer-acks"), Some("1" | "all")) {
        return Err(Failure::Usage(
            "Invalid value for --producer-acks. Latency testing requires synchronous \
             acknowledgement. Please use '1' or 'all'."
                .to_owned(),
        ));
    }
    let number = |name: &str| given.value(name).map_or(Ok(0), str::parse::<i32>);
    let size = |name: &str| {
        let size = number(name)
            .ok()
            .and_then(|size| usize::try_from(size).ok());
        size.ok_or_else(|| {
            Failure::Usage(format!(
                "Value for --{name} must be a non-negative integer."
            ))
        })
    };
    let header_value_bytes = match number("record-header-size") {
        Ok(-1) => None,
        _ => Some(size("record-header-size").map_err(|_| {
            Failure::Usage(
                "Value for --record-header-size must be a non-negative integer or -1 for null \
                 header value."
                    .to_owned(),
            )
        })?),
    };
    let records = size("num-records").unwrap_or(0);
    if records == 0 {
        let message = "Value for --num-records must be a positive integer.";
        return Err(Failure::Usage(message.to_owned()));
    }
    Ok(Shape {
        records,
        value_bytes: size("record-size")?,
        key_bytes: size("record-key-size")?,
        headers: size("num-headers")?,
        header_key_bytes: size("record-header-key-size")?,
        header_value_bytes,
    })
}

async fn create_if_absent(
    config: &Config,
    topic: &TopicName,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let admin = Admin::new(config)?;
    if !admin.list_topics().await?.contains_key(topic) {
        writeln!(
            console.output,
            "Topic \"{topic}\" does not exist. Will create topic with 1 partition(s) and \
             replication factor = 1"
        )?;
        let new = NewTopic::new(topic.as_str(), 1).replication_factor(1);
        for (_, created) in admin.create_topics(&[new], false).await? {
            created?;
        }
    }
    admin.close();
    Ok(())
}

/// The time of each record, in the order in which they were sent.
async fn measure(
    shape: &Shape,
    topic: &TopicName,
    producer: &Producer,
    consumer: &mut Consumer,
    console: &mut Console<'_>,
) -> Result<Vec<Duration>, Failure> {
    begin_at_the_end(topic, consumer).await?;
    let mut latencies = Vec::with_capacity(shape.records);
    for number in 0..shape.records {
        let record = record(shape, topic, number);
        let begin = Instant::now();
        producer.send(record.clone()).await?.wait().await?;
        let read = tokio::select! {
            read = consumer.poll(PATIENCE) => read?,
            _ = tokio::signal::ctrl_c() => return Err(Failure::Code(1)),
        };
        let elapsed = begin.elapsed();
        validate(&record, &read)?;
        if number % PROGRESS_RECORDS == 0 {
            writeln!(console.output, "{number}\t{}", millis(elapsed))?;
            console.output.flush()?;
        }
        latencies.push(elapsed);
    }
    Ok(latencies)
}

/// Takes every partition from its present end on.
async fn begin_at_the_end(topic: &TopicName, consumer: &mut Consumer) -> Result<(), Failure> {
    let partitions = consumer.topic(topic).await?.partitions;
    let partitions = partitions
        .iter()
        .map(|partition| TopicPartition::new(topic.clone(), partition.id));
    let ends: BTreeMap<_, _> = partitions.map(|it| (it, OffsetSpec::Latest)).collect();
    consumer.assign(ends.keys().cloned())?;
    for (partition, listed) in consumer.list_offsets(&ends).await {
        if let Some(end) = listed?.offset {
            consumer.seek(&partition, end)?;
        }
    }
    Ok(())
}

fn record(shape: &Shape, topic: &TopicName, number: usize) -> ProducerRecord {
    // All of one letter, another one for each record.
    let letter = b'A' + (number % 26) as u8;
    let bytes = |length: usize| Bytes::from(vec![letter; length]);
    let header = RecordHeader {
        key: bytes(shape.header_key_bytes),
        value: shape.header_value_bytes.map(bytes),
    };
    ProducerRecord {
        topic: topic.clone(),
        partition: None,
        key: (shape.key_bytes > 0).then(|| bytes(shape.key_bytes)),
        value: Some(bytes(shape.value_bytes)),
        headers: vec![header; shape.headers],
        timestamp: None,
    }
}

/// Exactly the record that was sent must have come.
fn validate(sent: &ProducerRecord, read: &[ConsumerRecord]) -> Result<(), Failure> {
    let failed = |message: String| Err(Failure::Errors(message));
    let record = match read {
        [] => {
            let limit = PATIENCE.as_millis();
            return failed(format!(
                "poll() timed out before finding a result (timeout:[{limit}ms])"
            ));
        }
        [record] => record,
        several => {
            return failed(format!(
                "Only one result was expected during this test. We found [{}]",
                several.len()
            ));
        }
    };
    if record.value != sent.value || record.key != sent.key {
        return failed("The message read did not match the message sent".to_owned());
    }
    let read = record.headers.iter().map(|it| (&it.key, &it.value));
    if !read.eq(sent.headers.iter().map(|it| (&it.key, &it.value))) {
        return failed("The headers read did not match the headers sent".to_owned());
    }
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1_000_000.0
}

fn print_results(latencies: &[Duration], console: &mut Console<'_>) -> Result<(), Failure> {
    let all: Duration = latencies.iter().sum();
    let average = millis(all) / latencies.len() as f64;
    writeln!(console.output, "Avg latency: {average:.4} ms")?;
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| percentile_ms(latencies, share));
    Ok(writeln!(
        console.output,
        "Percentiles: 50th = {p50}, 99th = {p99}, 99.9th = {p999}"
    )?)
}

fn percentile_ms(latencies: &[Duration], share: f64) -> u128 {
    let mut sorted: Vec<u128> = latencies.iter().map(Duration::as_millis).collect();
    sorted.sort_unstable();
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_of(line: &str) -> Option<Shape> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        shape(&GRAMMAR.parse(&words).unwrap()).ok()
    }

    #[test]
    fn old_command_lines_are_of_words_in_an_order() {
        let words = ["a:1", "t", "10", "all", "20"].map(str::to_owned);
        let given = GRAMMAR.parse(&named(&words)).unwrap();
        assert_eq!(given.value("bootstrap-server"), Some("a:1"));
        assert_eq!(given.integer("record-size"), Some(20));
        assert!(shape(&given).is_ok() && !given.has("command-config"));
    }

    #[test]
    fn sizes_are_not_negative_but_a_header_may_have_no_value() {
        let usual = "--num-records 1 --producer-acks 1 --record-size 5";
        let shape = shape_of(&format!("{usual} --num-headers 2 --record-header-size=-1"));
        assert_eq!(
            shape.map(|shape| (shape.headers, shape.header_value_bytes)),
            Some((2, None))
        );
        assert_eq!(shape_of(&format!("{usual} --record-header-size=-2")), None);
        assert_eq!(shape_of(&format!("{usual} --record-key-size=-1")), None);
        assert_eq!(
            shape_of("--num-records 0 --producer-acks 1 --record-size 5"),
            None
        );
        assert_eq!(
            shape_of("--num-records 1 --producer-acks 0 --record-size 5"),
            None
        );
    }

    #[test]
    fn percentiles_are_whole_milliseconds() {
        let latencies: Vec<_> = (0..1000).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile_ms(&latencies, 0.5), 500);
        assert_eq!(percentile_ms(&latencies, 0.999), 999);
    }
}
