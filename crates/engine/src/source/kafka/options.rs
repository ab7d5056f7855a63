//! The options of Spark's Kafka source, by Spark's names and defaults.

use std::collections::BTreeMap;
use std::time::Duration;

use fleuve_model::{PartitionId, TopicName, TopicPartition};
use fleuve_sql::error::{Exception, SparkError};
use fleuve_sql::source::SourceOptions;
use regex::Regex;

use super::offsets::parse_partition_numbers;
use crate::query::parse_interval;

type Result<T> = std::result::Result<T, SparkError>;

/// Which partitions are read.
#[derive(Debug, Clone)]
pub enum Subscription {
    Topics(Vec<TopicName>),
    /// Topics whose whole name matches.
    Pattern(Regex),
    Assigned(Vec<TopicPartition>),
}

/// Where reading begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OffsetBound {
    Earliest,
    Latest,
    /// Per partition: an offset, −1 for the latest or −2 for the earliest.
    Offsets(BTreeMap<TopicPartition, i64>),
    /// The first record of this time or later, in every partition.
    Timestamp(i64),
    Timestamps(BTreeMap<TopicPartition, i64>),
}

/// What to do where no record is as late as a starting timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRecordAtTimestamp {
    Fail,
    Latest,
}

/// The options of a Kafka source.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    pub subscription: Subscription,
    pub starting: OffsetBound,
    pub ending: OffsetBound,
    pub no_record: NoRecordAtTimestamp,
    pub fail_on_data_loss: bool,
    pub max_offsets_per_trigger: Option<u64>,
    pub min_offsets_per_trigger: Option<u64>,
    pub max_trigger_delay: Duration,
    pub min_partitions: Option<usize>,
    pub max_records_per_partition: Option<u64>,
    pub include_headers: bool,
    pub poll_timeout: Duration,
    pub fetch_retries: u32,
    pub fetch_retry_interval: Duration,
    /// The `kafka.*` options without their prefix.
    pub client: Vec<(String, String)>,
}

/// Whether the options are of a stream or of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadKind {
    Stream,
    Batch,
}

/// Kafka's own settings that the source decides itself, and why.
const REFUSED_CLIENT_OPTIONS: [(&str, &str); 7] = [
    (
        "auto.offset.reset",
        "Instead set the source option 'startingoffsets' to 'earliest' or 'latest' to specify \
         where to start. Structured Streaming manages which offsets are consumed internally, \
         rather than relying on the kafkaConsumer to do it.",
    ),
    (
        "key.deserializer",
        "Keys are deserialized as byte arrays. Use DataFrame operations to explicitly deserialize the keys.",
    ),
    (
        "value.deserializer",
        "Values are deserialized as byte arrays. Use DataFrame operations to explicitly deserialize the values.",
    ),
    (
        "enable.auto.commit",
        "Offsets are managed by the checkpoint.",
    ),
    ("interceptor.classes", "There are no interceptors."),
    ("key.serializer", "Keys are bytes."),
    ("value.serializer", "Values are bytes."),
];

impl KafkaOptions {
    pub fn new(options: &SourceOptions, kind: ReadKind) -> Result<Self> {
        let client = client_options(options)?;
        let (starting, ending) = match kind {
            ReadKind::Stream => {
                refuse_ending(options)?;
                (starting(options, OffsetBound::Latest)?, OffsetBound::Latest)
            }
            ReadKind::Batch => batch_bounds(options)?,
        };
        let no_record = match options
            .get_or("startingOffsetsByTimestampStrategy", "error")
            .to_ascii_lowercase()
            .as_str()
        {
            "error" => NoRecordAtTimestamp::Fail,
            "latest" => NoRecordAtTimestamp::Latest,
            other => {
                return Err(illegal(format!(
                    "Unknown value '{other}' for startingOffsetsByTimestampStrategy. Valid values \
                     are 'error' and 'latest'."
                )));
            }
        };
        let parsed = Self {
            subscription: subscription(options)?,
            starting,
            ending,
            no_record,
            fail_on_data_loss: options.flag("failOnDataLoss", true)?,
            max_offsets_per_trigger: positive(options, "maxOffsetsPerTrigger")?,
            min_offsets_per_trigger: positive(options, "minOffsetsPerTrigger")?,
            max_trigger_delay: duration(options, "maxTriggerDelay", "15m")?,
            min_partitions: positive(options, "minPartitions")?.map(|count| count as usize),
            max_records_per_partition: positive(options, "maxRecordsPerPartition")?,
            include_headers: options.flag("includeHeaders", false)?,
            poll_timeout: millis(options, "kafkaConsumer.pollTimeoutMs", 120_000)?,
            fetch_retries: options.number("fetchOffset.numRetries")?.unwrap_or(3),
            fetch_retry_interval: millis(options, "fetchOffset.retryIntervalMs", 10)?,
            client,
        };
        if let (Some(min), Some(max)) = (
            parsed.min_offsets_per_trigger,
            parsed.max_offsets_per_trigger,
        ) && min > max
        {
            return Err(illegal(format!(
                "The value of minOffsetPerTrigger({min}) is higher than the \
                 maxOffsetsPerTrigger({max})."
            )));
        }
        Ok(parsed)
    }

    /// As descriptions name it.
    pub fn subscription_text(&self) -> String {
        match &self.subscription {
            Subscription::Topics(topics) => {
                let names: Vec<&str> = topics.iter().map(TopicName::as_str).collect();
                format!("Subscribe[{}]", names.join(", "))
            }
            Subscription::Pattern(pattern) => {
                let pattern = pattern.as_str();
                let inner = pattern
                    .strip_prefix("^(?:")
                    .and_then(|p| p.strip_suffix(")$"));
                format!("SubscribePattern[{}]", inner.unwrap_or(pattern))
            }
            Subscription::Assigned(partitions) => {
                let names: Vec<String> = partitions
                    .iter()
                    .map(|p| format!("{}-{}", p.topic, p.partition.value()))
                    .collect();
                format!("Assign[{}]", names.join(", "))
            }
        }
    }
}

fn illegal(text: impl Into<String>) -> SparkError {
    SparkError::streaming(
        Exception::IllegalArgument,
        "KAFKA_ILLEGAL_OPTION",
        "22023",
        text,
        &[],
    )
}

fn client_options(options: &SourceOptions) -> Result<Vec<(String, String)>> {
    let mut client = Vec::new();
    for (key, value) in options.iter() {
        let lower = key.to_ascii_lowercase();
        let Some(key) = lower.strip_prefix("kafka.") else {
            continue;
        };
        if let Some((key, why)) = REFUSED_CLIENT_OPTIONS.iter().find(|(name, _)| *name == key) {
            return Err(illegal(format!(
                "Kafka option '{key}' is not supported. {why}"
            )));
        }
        client.push((key.to_owned(), value.to_owned()));
    }
    if !client.iter().any(|(key, _)| key == "bootstrap.servers") {
        return Err(illegal(
            "Option 'kafka.bootstrap.servers' must be specified for configuring Kafka consumer",
        ));
    }
    // The source assigns partitions itself: a group would never be seen by the broker.
    client.retain(|(key, _)| key != "group.id");
    Ok(client)
}

fn subscription(options: &SourceOptions) -> Result<Subscription> {
    let given: Vec<&str> = ["subscribe", "subscribePattern", "assign"]
        .into_iter()
        .filter(|key| options.get(key).is_some())
        .collect();
    match given.as_slice() {
        [] => Err(illegal(
            "One of the following options must be specified for Kafka source: subscribe, \
             subscribepattern, assign. See the docs for more details.",
        )),
        ["subscribe"] => {
            let topics = options.get_or("subscribe", "").split(',').map(str::trim);
            let topics = topics.filter(|topic| !topic.is_empty()).map(topic_name);
            let topics = topics.collect::<Result<Vec<_>>>()?;
            if topics.is_empty() {
                return Err(illegal(
                    "No topics to subscribe to as specified value for option 'subscribe' is empty",
                ));
            }
            Ok(Subscription::Topics(topics))
        }
        ["subscribePattern"] => {
            let pattern = options.get_or("subscribePattern", "").trim();
            if pattern.is_empty() {
                return Err(illegal(
                    "Pattern to subscribe is empty as specified value for option 'subscribePattern' is empty",
                ));
            }
            Regex::new(&format!("^(?:{pattern})$"))
                .map(Subscription::Pattern)
                .map_err(|error| illegal(format!("subscribePattern {pattern}: {error}")))
        }
        ["assign"] => assigned(options.get_or("assign", "")).map(Subscription::Assigned),
        _ => Err(illegal(
            "Only one of the following options can be specified for Kafka source: subscribe, \
             subscribepattern, assign. See the docs for more details.",
        )),
    }
}

fn topic_name(name: &str) -> Result<TopicName> {
    TopicName::new(name).map_err(|error| illegal(error.to_string()))
}

fn assigned(text: &str) -> Result<Vec<TopicPartition>> {
    let topics: BTreeMap<String, Vec<i32>> = serde_json::from_str(text).map_err(|_| {
        illegal(format!(
            "No topicpartitions to assign as specified value for option 'assign' is {text}; \
             expected e.g. {{\"topicA\":[0,1],\"topicB\":[2,4]}}"
        ))
    })?;
    let mut partitions = Vec::new();
    for (topic, numbers) in topics {
        let topic = topic_name(&topic)?;
        for number in numbers {
            let partition = PartitionId::from_wire(number)
                .ok_or_else(|| illegal(format!("{number} is no partition")))?;
            partitions.push(TopicPartition::new(topic.clone(), partition));
        }
    }
    Ok(partitions)
}

/// Precedence: one timestamp, timestamps by partition, offsets.
fn starting(options: &SourceOptions, default: OffsetBound) -> Result<OffsetBound> {
    bound(
        options,
        [
            "startingTimestamp",
            "startingOffsetsByTimestamp",
            "startingOffsets",
        ],
        default,
    )
}

fn batch_bounds(options: &SourceOptions) -> Result<(OffsetBound, OffsetBound)> {
    let starting = starting(options, OffsetBound::Earliest)?;
    let ending = bound(
        options,
        [
            "endingTimestamp",
            "endingOffsetsByTimestamp",
            "endingOffsets",
        ],
        OffsetBound::Latest,
    )?;
    if starting == OffsetBound::Latest {
        return Err(illegal(
            "starting offset can't be latest for batch queries on Kafka",
        ));
    }
    if ending == OffsetBound::Earliest {
        return Err(illegal(
            "ending offset can't be earliest for batch queries on Kafka",
        ));
    }
    for (bound, refused, name) in [(&starting, -1, "starting"), (&ending, -2, "ending")] {
        if let OffsetBound::Offsets(offsets) = bound
            && let Some((partition, _)) = offsets.iter().find(|(_, offset)| **offset == refused)
        {
            let what = if refused == -1 { "latest" } else { "earliest" };
            return Err(illegal(format!(
                "{name}Offsets for {partition} can't be {what} for batch queries on Kafka"
            )));
        }
    }
    for key in [
        "maxOffsetsPerTrigger",
        "minOffsetsPerTrigger",
        "maxTriggerDelay",
    ] {
        if options.get(key).is_some() {
            tracing::warn!("{key} option ignored in batch queries");
        }
    }
    Ok((starting, ending))
}

fn bound(
    options: &SourceOptions,
    [timestamp, by_timestamp, offsets]: [&str; 3],
    default: OffsetBound,
) -> Result<OffsetBound> {
    if let Some(text) = options.get(timestamp) {
        return text
            .trim()
            .parse()
            .map(OffsetBound::Timestamp)
            .map_err(|_| illegal(format!("Expected a single long value, got {text}")));
    }
    if let Some(text) = options.get(by_timestamp) {
        return parse_partition_numbers(text)
            .map(OffsetBound::Timestamps)
            .map_err(illegal);
    }
    match options.get(offsets).map(str::trim) {
        None => Ok(default),
        Some(text) if text.eq_ignore_ascii_case("latest") => Ok(OffsetBound::Latest),
        Some(text) if text.eq_ignore_ascii_case("earliest") => Ok(OffsetBound::Earliest),
        Some(text) => parse_partition_numbers(text)
            .map(OffsetBound::Offsets)
            .map_err(illegal),
    }
}

fn refuse_ending(options: &SourceOptions) -> Result<()> {
    for key in [
        "endingOffsets",
        "endingTimestamp",
        "endingOffsetsByTimestamp",
    ] {
        if options.get(key).is_some() {
            let key = key.to_ascii_lowercase();
            return Err(illegal(format!(
                "{key} offset not valid in streaming queries"
            )));
        }
    }
    Ok(())
}

fn positive(options: &SourceOptions, key: &str) -> Result<Option<u64>> {
    match options.number::<i64>(key)? {
        Some(number) if number <= 0 => Err(SparkError::invalid_data_source_option(
            key,
            &number.to_string(),
            "a positive number",
        )),
        number => Ok(number.map(i64::unsigned_abs)),
    }
}

fn millis(options: &SourceOptions, key: &str, default: u64) -> Result<Duration> {
    Ok(Duration::from_millis(
        options.number(key)?.unwrap_or(default),
    ))
}

/// `15m`, `90s`, `100ms` or words.
fn duration(options: &SourceOptions, key: &str, default: &str) -> Result<Duration> {
    let text = options.get_or(key, default).trim();
    let units = [
        ("ms", 1),
        ("min", 60_000),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    for (unit, unit_ms) in units {
        if let Some(amount) = text
            .strip_suffix(unit)
            .and_then(|n| n.trim().parse::<u64>().ok())
        {
            return Ok(Duration::from_millis(amount * unit_ms));
        }
    }
    if let Ok(ms) = text.parse() {
        return Ok(Duration::from_millis(ms));
    }
    parse_interval(text)
        .map_err(|_| SparkError::invalid_data_source_option(key, text, "a duration"))
}
