//! `kafka-producer-perf-test`: writes records as fast as they go, or at a pace, and times them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fleuve_client::{Config, Delivery, Producer, ProducerRecord};
use fleuve_model::{TopicName, TopicPartition};
use regex::Regex;
use tokio::sync::mpsc;

use super::connect::{COMMAND_CONFIG, pairs, properties_file};
use super::grammar::{Given, Grammar, integer, long, switch, text};
use super::producer_perf_stats::Stats;
use super::script::{Console, Failure, Running, Script};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-producer-perf-test",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool is used to verify the producer performance.",
    options: &[
        text(
            "bootstrap-server",
            "servers",
            "The broker to ask first, as host:port.",
        ),
        text("topic", "topic", "REQUIRED: The topic to produce to."),
        long("num-records", "count", "REQUIRED: How many records."),
        text(
            "throughput",
            "records/sec",
            "REQUIRED: The pace; -1 for none.",
        ),
        integer(
            "record-size",
            "bytes",
            "The size of each record's value, of random letters.",
        ),
        text(
            "payload-file",
            "file",
            "A file of values, of which each record takes a random one.",
        ),
        text(
            "payload-delimiter",
            "regex",
            "What separates them. Default: a new line.",
        ),
        switch("payload-monotonic", "Each record's value is its number."),
        text(
            "producer-props",
            "key=value ...",
            "DEPRECATED, use --command-property.",
        ),
        text(
            "command-property",
            "key=value ...",
            "Settings of the producer.",
        ),
        text(
            "producer.config",
            "file",
            "DEPRECATED, use --command-config.",
        ),
        COMMAND_CONFIG,
        long(
            "warmup-records",
            "count",
            "So many first records do not count as steady state.",
        ),
        long(
            "reporting-interval",
            "ms",
            "How often progress is printed. Default: 5000.",
        ),
        switch("print-metrics", "Not supported."),
        text("transactional-id", "id", "Not supported."),
        long("transaction-duration-ms", "ms", "Not supported."),
    ],
};

const REPORTING_INTERVAL_MS_DEFAULT: i64 = 5000;

/// Old names and today's.
const DEPRECATED: &[(&str, &str)] = &[
    ("producer-props", "command-property"),
    ("producer.config", "command-config"),
];

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

/// What to write, and how.
struct Plan {
    topic: TopicName,
    records: u64,
    warmup_records: u64,
    /// Records a second; `None` for as many as go.
    pace: Option<f64>,
    interval_ms: u64,
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    let plan = plan(given).map_err(usage)?;
    let config = config(given)?;
    for (old, new) in DEPRECATED {
        if given.has(old) {
            writeln!(
                console.output,
                "Option --{old} has been deprecated and will be removed in a future version. Use \
                 --{new} instead."
            )?;
        }
    }
    let mut payloads = payloads(given, console)?;
    let producer = Producer::new(&config)?;
    let done = write_records(&plan, &producer, &mut payloads, console).await;
    producer.close().await;
    done
}

fn usage(message: String) -> Failure {
    Failure::Usage(format!("kafka-producer-perf-test: error: {message}"))
}

fn plan(given: &Given) -> Result<Plan, String> {
    for option in [
        "print-metrics",
        "transactional-id",
        "transaction-duration-ms",
    ] {
        if given.has(option) {
            return Err(format!("--{option} is not supported yet"));
        }
    }
    for option in ["topic", "num-records", "throughput"] {
        if !given.has(option) {
            return Err(format!("argument --{option} is required"));
        }
    }
    let positive = |option: &str, default: i64| match given.long(option).unwrap_or(default) {
        number if number > 0 => Ok(number.unsigned_abs()),
        _ => Err(format!("--{option} should be greater than zero.")),
    };
    let records = positive("num-records", 0)?;
    let warmup_records = u64::try_from(given.long("warmup-records").unwrap_or(0))
        .map_err(|_| "--warmup-records should not be negative.".to_owned())?;
    if warmup_records >= records {
        return Err(
            "The value for --warmup-records must be strictly fewer than the number of records in \
             the test, --num-records."
                .to_owned(),
        );
    }
    Ok(Plan {
        topic: TopicName::new(given.value("topic").unwrap_or_default())
            .map_err(|error| error.to_string())?,
        records,
        warmup_records,
        pace: pace(given.value("throughput").unwrap_or_default())?,
        interval_ms: positive("reporting-interval", REPORTING_INTERVAL_MS_DEFAULT)?,
    })
}

fn pace(text: &str) -> Result<Option<f64>, String> {
    match text.parse::<f64>() {
        Ok(pace) if pace > 0.0 => Ok(Some(pace)),
        Ok(pace) if pace < 0.0 => Ok(None),
        Ok(_) => Err("--throughput 0 would never write a record".to_owned()),
        Err(_) => Err(format!(
            "argument --throughput: could not convert '{text}' to Double"
        )),
    }
}

fn config(given: &Given) -> Result<Config, Failure> {
    let sources = given.present(&[
        "bootstrap-server",
        "command-property",
        "producer-props",
        "producer.config",
        "command-config",
    ]);
    if sources.is_empty() {
        return Err(usage(
            "At least one of --bootstrap-server, --command-property, --producer-props, \
             --producer.config or --command-config must be specified."
                .to_owned(),
        ));
    }
    for (old, new) in DEPRECATED {
        if given.has(new) && given.has(old) {
            return Err(usage(format!(
                "--{new} and --{old} cannot be specified together."
            )));
        }
    }
    let file = given
        .value("command-config")
        .or(given.value("producer.config"));
    let mut values = file.map(properties_file).transpose()?.unwrap_or_default();
    values.extend(pairs(given.values("producer-props")));
    values.extend(pairs(given.values("command-property")));
    values.extend(more_properties(given)?);
    if let Some(servers) = given.value("bootstrap-server") {
        values.insert("bootstrap.servers".to_owned(), servers.to_owned());
    }
    values
        .entry("client.id".to_owned())
        .or_insert_with(|| "perf-producer-client".to_owned());
    Ok(values.into_iter().collect())
}

/// `--command-property a=1 b=2`: one option may have several properties behind it.
fn more_properties(given: &Given) -> Result<BTreeMap<String, String>, Failure> {
    let may_have = given.has("producer-props") || given.has("command-property");
    match given
        .positional()
        .iter()
        .find(|word| !may_have || !word.contains('='))
    {
        Some(word) => Err(usage(format!("unrecognized arguments: '{word}'"))),
        None => Ok(pairs(given.positional())),
    }
}

/// Where the records' values come from.
enum Payloads {
    RandomLetters { size: usize, random: Random },
    Listed { values: Vec<Bytes>, random: Random },
    Numbers,
}

impl Payloads {
    fn next(&mut self, number: u64) -> Bytes {
        match self {
            Payloads::RandomLetters { size, random } => {
                (0..*size).map(|_| b'A' + random.below(26) as u8).collect()
            }
            Payloads::Listed { values, random } => {
                values[random.below(values.len() as u64) as usize].clone()
            }
            Payloads::Numbers => Bytes::from(number.to_string()),
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same values in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn payloads(given: &Given, console: &mut Console<'_>) -> Result<Payloads, Failure> {
    let sources = given.present(&["record-size", "payload-file", "payload-monotonic"]);
    let [source] = sources[..] else {
        return Err(usage(
            "exactly one of --record-size, --payload-file and --payload-monotonic is required"
                .to_owned(),
        ));
    };
    let random = Random(0);
    match source {
        "record-size" => match given.integer("record-size").unwrap_or_default() {
            size if size > 0 => Ok(Payloads::RandomLetters {
                size: size.unsigned_abs() as usize,
                random,
            }),
            _ => Err(usage(
                "--record-size should be greater than zero.".to_owned(),
            )),
        },
        "payload-file" => {
            let values = listed(given, console)?;
            Ok(Payloads::Listed { values, random })
        }
        _ => Ok(Payloads::Numbers),
    }
}

fn listed(given: &Given, console: &mut Console<'_>) -> Result<Vec<Bytes>, Failure> {
    let failed = |error: String| Failure::Errors(format!("--payload-file: {error}"));
    let path = given.value("payload-file").unwrap_or_default();
    let absolute = std::path::absolute(path).map_err(|error| failed(error.to_string()))?;
    writeln!(
        console.output,
        "Reading payloads from: {}",
        absolute.display()
    )?;
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let delimiter = given.value("payload-delimiter").unwrap_or("\\n");
    let delimiter = Regex::new(delimiter).map_err(|error| failed(error.to_string()))?;
    let mut values: Vec<&str> = delimiter.split(&text).collect();
    while values.last().is_some_and(|value| value.is_empty()) {
        values.pop();
    }
    if values.is_empty() {
        return Err(failed(
            "File does not exist or empty file provided.".to_owned(),
        ));
    }
    writeln!(console.output, "Number of records read: {}", values.len())?;
    Ok(values
        .into_iter()
        .map(|value| Bytes::from(value.to_owned()))
        .collect())
}

/// What is said while records are under way.
enum Said {
    Progress(String),
    Failed(String),
}

/// A record that waits for its acknowledgement.
struct Waiting {
    delivery: Delivery,
    counted: Counted,
}

/// What is counted of a record.
struct Counted {
    sent_ms: u64,
    bytes: u64,
    is_warmup: bool,
}

/// How many records of one partition may wait to be counted.
const WAITING_MAX: usize = 100_000;

/// The statistics, and who counts: a task a partition, in whose order records are acknowledged.
struct Counting {
    start: Instant,
    stats: Arc<Mutex<Both>>,
    tasks: BTreeMap<TopicPartition, mpsc::Sender<Waiting>>,
    said: mpsc::UnboundedSender<Said>,
}

struct Both {
    all: Stats,
    /// From the first record behind the warm-up on.
    steady: Option<Stats>,
    /// Whether a line has said that the steady state is reached.
    is_steady_said: bool,
}

impl Both {
    /// Counts a record; progress is that of the steady state once it is reached.
    fn record(&mut self, counted: &Counted, latency_ms: u64, now_ms: u64) -> Option<String> {
        let of_all = self.all.record(counted.bytes, latency_ms, now_ms);
        let Some(steady) = self.steady.as_mut().filter(|_| !counted.is_warmup) else {
            return of_all;
        };
        let line = steady.record(counted.bytes, latency_ms, now_ms)?;
        if std::mem::replace(&mut self.is_steady_said, true) {
            return Some(line);
        }
        Some(format!("In steady state.\n{line}"))
    }
}

impl Counting {
    async fn wait_for(&mut self, waiting: Waiting) {
        let partition = waiting.delivery.partition().clone();
        let task = self.tasks.entry(partition).or_insert_with(|| {
            let (sender, receiver) = mpsc::channel(WAITING_MAX);
            let (start, said) = (self.start, self.said.clone());
            tokio::spawn(count(receiver, start, Arc::clone(&self.stats), said));
            sender
        });
        // The task ends only after this sender.
        _ = task.send(waiting).await;
    }
}

async fn count(
    mut receiver: mpsc::Receiver<Waiting>,
    start: Instant,
    stats: Arc<Mutex<Both>>,
    said: mpsc::UnboundedSender<Said>,
) {
    while let Some(waiting) = receiver.recv().await {
        let (delivery, counted) = (waiting.delivery, waiting.counted);
        let line = match delivery.wait().await {
            Err(error) => Some(Said::Failed(error.to_string())),
            Ok(_) => {
                let now_ms = millis_since(start);
                let latency_ms = now_ms.saturating_sub(counted.sent_ms);
                let mut stats = stats.lock().unwrap_or_else(PoisonError::into_inner);
                stats
                    .record(&counted, latency_ms, now_ms)
                    .map(Said::Progress)
            }
        };
        // Nobody listens once the script ends early.
        line.map(|line| said.send(line));
    }
}

fn millis_since(start: Instant) -> u64 {
    start.elapsed().as_millis() as u64
}

async fn write_records(
    plan: &Plan,
    producer: &Producer,
    payloads: &mut Payloads,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if plan.warmup_records > 0 {
        writeln!(
            console.output,
            "Warmup first {} records. Steady state results will print after the complete test \
             summary.",
            plan.warmup_records
        )?;
    }
    let start = Instant::now();
    let (said, mut heard) = mpsc::unbounded_channel();
    let stats = Arc::new(Mutex::new(Both {
        all: Stats::new(plan.records, plan.interval_ms, 0),
        steady: None,
        is_steady_said: false,
    }));
    let mut counting = Counting {
        start,
        stats: Arc::clone(&stats),
        tasks: BTreeMap::new(),
        said,
    };
    for number in 0..plan.records {
        if plan.warmup_records > 0 && number == plan.warmup_records {
            let records = plan.records - number;
            let steady = Stats::new(records, plan.interval_ms, millis_since(start));
            stats.lock().unwrap_or_else(PoisonError::into_inner).steady = Some(steady);
        }
        let payload = payloads.next(number);
        let (bytes, sent_ms) = (payload.len() as u64, millis_since(start));
        match producer
            .send(ProducerRecord::new(plan.topic.clone(), payload))
            .await
        {
            Ok(delivery) => {
                let is_warmup = number < plan.warmup_records;
                let counted = Counted {
                    sent_ms,
                    bytes,
                    is_warmup,
                };
                counting.wait_for(Waiting { delivery, counted }).await;
            }
            Err(error) => writeln!(console.errors, "{error}")?,
        }
        while let Ok(said) = heard.try_recv() {
            say(said, console)?;
        }
        keep_pace(plan.pace, number + 1, start).await;
    }
    drop(counting);
    producer.flush().await;
    while let Some(said) = heard.recv().await {
        say(said, console)?;
    }
    print_totals(&stats, millis_since(start), console)
}

fn print_totals(
    stats: &Mutex<Both>,
    now_ms: u64,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut stats = stats.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(console.output, "{}", stats.all.total_line("", now_ms))?;
    if let Some(steady) = &mut stats.steady {
        writeln!(
            console.output,
            "{}",
            steady.total_line(" steady state", now_ms)
        )?;
    }
    Ok(())
}

fn say(said: Said, console: &mut Console<'_>) -> Result<(), Failure> {
    match said {
        Said::Progress(line) => {
            writeln!(console.output, "{line}")?;
            console.output.flush()?;
        }
        Said::Failed(error) => writeln!(console.errors, "{error}")?,
    }
    Ok(())
}

/// Sleeps if `sent` records are more than the pace allows by now.
async fn keep_pace(pace: Option<f64>, sent: u64, start: Instant) {
    let Some(pace) = pace else { return };
    let due = Duration::from_secs_f64(sent as f64 / pace);
    let ahead = due.saturating_sub(start.elapsed());
    if ahead >= Duration::from_millis(1) {
        tokio::time::sleep(ahead).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(line: &str) -> Given {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        GRAMMAR.parse(&words).unwrap()
    }

    #[test]
    fn one_option_may_have_several_properties_behind_it() {
        let line = "--producer-props bootstrap.servers=a:1 acks=all linger.ms=5 --topic t";
        let config = config(&given(line)).unwrap();
        assert_eq!(config.get("bootstrap.servers"), Some("a:1"));
        assert_eq!(config.get("acks"), Some("all"));
        assert_eq!(config.get("linger.ms"), Some("5"));
        assert_eq!(config.get("client.id"), Some("perf-producer-client"));
    }

    #[test]
    fn old_and_new_names_are_not_given_together() {
        let both = "--producer-props bootstrap.servers=a:1 --command-property acks=all";
        assert!(config(&given(both)).is_err());
        assert!(config(&given("--topic t")).is_err());
        assert!(config(&given("--bootstrap-server a:1 stray")).is_err());
    }

    #[test]
    fn a_plan_needs_records_and_a_pace() {
        let plan_of = |line: &str| plan(&given(line)).map(|plan| (plan.records, plan.pace));
        let rest = "--topic t --num-records";
        assert_eq!(plan_of(&format!("{rest} 5 --throughput -1")), Ok((5, None)));
        assert_eq!(
            plan_of(&format!("{rest} 5 --throughput 2.5")),
            Ok((5, Some(2.5)))
        );
        assert!(plan_of(&format!("{rest} 0 --throughput -1")).is_err());
        assert!(plan_of(&format!("{rest} 5 --throughput 0")).is_err());
        assert!(plan_of(&format!("{rest} 5 --throughput -1 --warmup-records 5")).is_err());
        assert!(plan_of(&format!("{rest} 5 --throughput -1 --print-metrics")).is_err());
    }

    #[test]
    fn random_values_are_letters_of_the_size_asked_for() {
        let mut payloads = Payloads::RandomLetters {
            size: 100,
            random: Random(0),
        };
        let (first, second) = (payloads.next(0), payloads.next(1));
        assert!(first.len() == 100 && first.iter().all(u8::is_ascii_uppercase));
        assert_ne!(first, second);
    }
}
