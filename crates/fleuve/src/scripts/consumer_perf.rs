//! `kafka-consumer-perf-test`: reads records as fast as they come, and times them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleuve_client::{Config, Consumer, ConsumerRecord, RebalanceListener};
use fleuve_model::{TopicName, TopicPartition};

use super::connect::{self, client_config, pairs, properties_file};
use super::date_format::DateFormat;
use super::grammar::{Argument, Given, Grammar, OptionSpec, integer, long, switch, text};
use super::script::{Console, Failure, Running, Script, exclude, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-consumer-perf-test",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool is used to verify the consumer performance.",
    options: &[
        connect::BOOTSTRAP_SERVER,
        connect::COMMAND_CONFIG,
        text(
            "command-property",
            "prop1=val1",
            "A setting of the consumer.",
        ),
        text(
            "consumer.config",
            "config file",
            "DEPRECATED, use --command-config.",
        ),
        text("topic", "topic", "The topic to consume from."),
        text(
            "include",
            "Java regex (String)",
            "A regular expression for the topics.",
        ),
        long("num-records", "count", "REQUIRED: How many records."),
        long("messages", "count", "DEPRECATED, use --num-records."),
        text(
            "group",
            "gid",
            "The group of the consumer; a new one without it.",
        ),
        integer(
            "fetch-size",
            "size",
            "max.partition.fetch.bytes. Default: 1048576.",
        ),
        integer(
            "socket-buffer-size",
            "size",
            "receive.buffer.bytes. Default: 2097152.",
        ),
        switch(
            "from-latest",
            "Begin with what is new if the group has no offset.",
        ),
        OptionSpec {
            name: "timeout",
            argument: Argument::Optional("milliseconds"),
            description: "End if no record comes for so long. Default: 10000.",
        },
        long(
            "reporting-interval",
            "interval_ms",
            "How often details are printed. Default: 5000.",
        ),
        switch(
            "show-detailed-stats",
            "Print a line each reporting interval.",
        ),
        text(
            "date-format",
            "date format",
            "How times, which are UTC, are printed. Default: yyyy-MM-dd HH:mm:ss:SSS.",
        ),
        switch("hide-header", "Print no names of the columns."),
        switch("print-metrics", "Not supported."),
    ],
};

const TIMEOUT_MS_DEFAULT: i64 = 10_000;
const REPORTING_INTERVAL_MS_DEFAULT: i64 = 5000;
const DATE_FORMAT_DEFAULT: &str = "yyyy-MM-dd HH:mm:ss:SSS";
const FETCH_BYTES_DEFAULT: i32 = 1024 * 1024;
const SOCKET_BUFFER_BYTES_DEFAULT: i32 = 2 * 1024 * 1024;

/// How long one wait for records takes at the most.
const POLL: Duration = Duration::from_millis(100);

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

/// How to read, and what to print of it.
struct Plan {
    records: i64,
    timeout_ms: i64,
    interval_ms: i64,
    shows_details: bool,
    date_format: DateFormat,
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    check(given)?;
    let plan = plan(given)?;
    if given.has("messages") {
        let message = "Warning: --messages is deprecated. Use --num-records instead.";
        writeln!(console.output, "{message}")?;
    }
    if given.has("consumer.config") {
        let message = "Warning: --consumer.config is deprecated. Use --command-config instead.";
        writeln!(console.output, "{message}")?;
    }
    let config = consumer_config(given, console)?;
    if !given.has("hide-header") {
        writeln!(console.output, "{}", header(plan.shows_details))?;
    }
    let mut consumer = Consumer::new(&config)?;
    let start_ms = now_ms();
    let joins = Arc::new(Joins::since(start_ms));
    consumer.listen(Arc::clone(&joins) as Arc<dyn RebalanceListener>);
    subscribe(given, &mut consumer)?;
    let read = read(&plan, &mut consumer, &joins, console).await;
    let end_ms = now_ms();
    consumer.close().await?;
    let read = read?;
    if !plan.shows_details {
        let join_ms = joins.all_ms.load(Ordering::Relaxed);
        let format = &plan.date_format;
        let (start, end) = (format.write(start_ms), format.write(end_ms));
        let line = read.columns(end_ms - start_ms, join_ms, &read);
        writeln!(console.output, "{start}, {end}, {line}")?;
    }
    Ok(())
}

fn check(given: &Given) -> Result<(), Failure> {
    require(given, &["bootstrap-server"])?;
    for pair in [["messages", "num-records"], ["topic", "include"]] {
        if given.present(&pair).len() != 1 {
            let [one, other] = pair;
            return Err(Failure::Usage(format!(
                "Exactly one of the following arguments is required: [{one}], [{other}]"
            )));
        }
    }
    exclude(given, "command-config", &["consumer.config"])?;
    match given.has("print-metrics") {
        true => Err(Failure::Errors(
            "--print-metrics is not supported yet".to_owned(),
        )),
        false => Ok(()),
    }
}

fn plan(given: &Given) -> Result<Plan, Failure> {
    let timeout_ms = match given.value("timeout") {
        Some(text) => text.parse().map_err(|_| {
            Failure::Errors(format!("Cannot parse argument '{text}' of option timeout"))
        })?,
        None => TIMEOUT_MS_DEFAULT,
    };
    let format = given.value("date-format").unwrap_or(DATE_FORMAT_DEFAULT);
    let interval_ms = given.long("reporting-interval");
    let interval_ms = interval_ms.unwrap_or(REPORTING_INTERVAL_MS_DEFAULT);
    if interval_ms <= 0 {
        let message = "Reporting interval must be greater than 0.";
        return Err(Failure::Errors(message.to_owned()));
    }
    Ok(Plan {
        records: given
            .long("num-records")
            .or(given.long("messages"))
            .unwrap_or(0),
        timeout_ms,
        interval_ms,
        shows_details: given.has("show-detailed-stats"),
        date_format: DateFormat::parse(format).map_err(Failure::Errors)?,
    })
}

fn consumer_config(given: &Given, console: &mut Console<'_>) -> Result<Config, Failure> {
    let mut config = client_config(given, console)?.unwrap_or_default();
    if let Some(file) = given.value("consumer.config") {
        config = properties_file(file)?
            .into_iter()
            .collect::<Config>()
            .merge(config);
    }
    config = config.merge(
        pairs(given.values("command-property"))
            .into_iter()
            .collect(),
    );
    let number = uuid::Uuid::new_v4().as_u128() % 100_000;
    let group = given.value("group");
    let group = group.map_or_else(|| format!("perf-consumer-{number}"), str::to_owned);
    let reset = if given.has("from-latest") {
        "latest"
    } else {
        "earliest"
    };
    let fetch = given.integer("fetch-size").unwrap_or(FETCH_BYTES_DEFAULT);
    let buffer = given.integer("socket-buffer-size");
    let buffer = buffer.unwrap_or(SOCKET_BUFFER_BYTES_DEFAULT);
    Ok(config
        .set_default("client.id", "perf-consumer-client")
        .set("group.id", group)
        .set("auto.offset.reset", reset)
        .set("max.partition.fetch.bytes", fetch.to_string())
        .set("receive.buffer.bytes", buffer.to_string())
        .set("check.crcs", "false"))
}

fn subscribe(given: &Given, consumer: &mut Consumer) -> Result<(), Failure> {
    if let Some(pattern) = given.value("include") {
        return Ok(consumer.subscribe_pattern(pattern)?);
    }
    let topic = TopicName::new(given.value("topic").unwrap_or_default())
        .map_err(|error| Failure::Errors(error.to_string()))?;
    Ok(consumer.subscribe([topic])?)
}

fn header(shows_details: bool) -> String {
    let times = match shows_details {
        true => "time, threadId",
        false => "start.time, end.time",
    };
    format!(
        "{times}, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, \
         rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec"
    )
}

/// How long this consumer waited for partitions.
struct Joins {
    began_ms: Mutex<i64>,
    all_ms: AtomicI64,
    since_report_ms: AtomicI64,
}

impl Joins {
    fn since(now_ms: i64) -> Joins {
        Joins {
            began_ms: Mutex::new(now_ms),
            all_ms: AtomicI64::new(0),
            since_report_ms: AtomicI64::new(0),
        }
    }

    fn began_ms(&self) -> std::sync::MutexGuard<'_, i64> {
        self.began_ms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RebalanceListener for Joins {
    fn assigned(&self, _: &BTreeSet<TopicPartition>) {
        let waited_ms = now_ms() - *self.began_ms();
        self.all_ms.fetch_add(waited_ms, Ordering::Relaxed);
        self.since_report_ms.fetch_add(waited_ms, Ordering::Relaxed);
    }

    fn revoked(&self, _: &BTreeSet<TopicPartition>) {
        *self.began_ms() = now_ms();
    }
}

/// What was read up to some moment.
#[derive(Clone, Copy, Default)]
struct Read {
    records: i64,
    bytes: u64,
}

impl Read {
    fn add(&mut self, record: &ConsumerRecord) {
        self.records += 1;
        let length = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map_or(0, bytes::Bytes::len);
        self.bytes += (length(&record.key) + length(&record.value)) as u64;
    }

    fn since(&self, earlier: &Read) -> Read {
        Read {
            records: self.records - earlier.records,
            bytes: self.bytes - earlier.bytes,
        }
    }

    fn megabytes(&self) -> f64 {
        self.bytes as f64 / (1024.0 * 1024.0)
    }

    /// The columns behind the times: `self` in all, and the rates of `interval` in `elapsed_ms`.
    fn columns(&self, elapsed_ms: i64, join_ms: i64, interval: &Read) -> String {
        let fetch_ms = elapsed_ms - join_ms;
        let (all, fetching) = (elapsed_ms as f64 / 1000.0, fetch_ms as f64 / 1000.0);
        format!(
            "{:.4}, {:.4}, {}, {:.4}, {join_ms}, {fetch_ms}, {:.4}, {:.4}",
            self.megabytes(),
            interval.megabytes() / all,
            self.records,
            interval.records as f64 / all,
            rate(interval.megabytes(), fetching),
            rate(interval.records as f64, fetching),
        )
    }
}

/// Nothing was fetched in no time.
fn rate(count: f64, seconds: f64) -> f64 {
    if seconds <= 0.0 { 0.0 } else { count / seconds }
}

async fn read(
    plan: &Plan,
    consumer: &mut Consumer,
    joins: &Joins,
    console: &mut Console<'_>,
) -> Result<Read, Failure> {
    let (mut read, mut reported) = (Read::default(), Read::default());
    let mut now = now_ms();
    let (mut last_report_ms, mut last_record_ms) = (now, now);
    while read.records < plan.records && now - last_record_ms <= plan.timeout_ms {
        let records = tokio::select! {
            records = consumer.poll(POLL) => records?,
            _ = tokio::signal::ctrl_c() => return Ok(read),
        };
        now = now_ms();
        if records.is_empty() {
            continue;
        }
        last_record_ms = now;
        records.iter().for_each(|record| read.add(record));
        if now - last_report_ms >= plan.interval_ms {
            let join_ms = joins.since_report_ms.swap(0, Ordering::Relaxed);
            if plan.shows_details {
                let interval = read.since(&reported);
                let columns = read.columns(now - last_report_ms, join_ms, &interval);
                writeln!(
                    console.output,
                    "{}, 0, {columns}",
                    plan.date_format.write(now)
                )?;
                console.output.flush()?;
            }
            (last_report_ms, reported) = (now, read);
        }
    }
    if read.records < plan.records {
        writeln!(
            console.output,
            "WARNING: Exiting before consuming the expected number of records: timeout ({} ms) \
             exceeded. You can use the --timeout option to increase the timeout.",
            plan.timeout_ms
        )?;
    }
    Ok(read)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_all_the_time_and_of_the_time_without_joining() {
        let read = Read {
            records: 100,
            bytes: 2 * 1024 * 1024,
        };
        let columns = "2.0000, 1.0000, 100, 50.0000, 1000, 1000, 2.0000, 100.0000";
        assert_eq!(read.columns(2000, 1000, &read), columns);
    }

    #[test]
    fn each_column_has_a_name() {
        let columns = Read::default().columns(1, 0, &Read::default());
        let count = |text: &str| text.split(", ").count();
        assert_eq!(count(&header(false)), count(&columns) + 2);
        assert_eq!(count(&header(true)), count(&columns) + 2);
    }

    #[test]
    fn the_number_has_one_of_its_two_names() {
        let check = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            check(&GRAMMAR.parse(&words).unwrap()).is_ok()
        };
        assert!(check("--bootstrap-server a:1 --topic t --messages 5"));
        assert!(check(
            "--bootstrap-server a:1 --include t.* --num-records 5"
        ));
        assert!(!check(
            "--bootstrap-server a:1 --topic t --messages 5 --num-records 5"
        ));
        assert!(!check("--bootstrap-server a:1 --num-records 5"));
        assert!(!check(
            "--bootstrap-server a:1 --topic t --messages 5 --print-metrics"
        ));
    }
}
