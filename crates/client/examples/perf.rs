//! Our client under load: writes records as fast as they are acknowledged, or reads a topic from
//! its beginning, and says how long that took and how much CPU time of this process.
//!
//! ```text
//! cargo run --release -p fleuve-client --example perf -- \
//!     produce|consume BOOTSTRAP TOPIC PARTITIONS RECORDS BYTES [KEY=VALUE]...
//! ```
//!
//! `cargo xtask bench client` has it run in turns with librdkafka.

use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fleuve_client::{ClientError, Config, Consumer, Delivery, Producer, ProducerRecord};
use fleuve_model::{PartitionId, TopicName, TopicPartition};

const POLL: Duration = Duration::from_secs(1);

/// Deliveries that are looked at as a whole lot, so that the oldest is done by then.
const DELIVERIES_PENDING_MAX: usize = 200_000;

/// What `/proc` counts CPU time in (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

struct Load {
    topic: TopicName,
    partitions: i32,
    records: usize,
    bytes: usize,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [
        what,
        bootstrap,
        topic,
        partitions,
        records,
        bytes,
        settings @ ..,
    ] = &arguments[..]
    else {
        return Err(
            "produce|consume BOOTSTRAP TOPIC PARTITIONS RECORDS BYTES [KEY=VALUE]...".into(),
        );
    };
    let mut config = Config::bootstrap(bootstrap);
    for setting in settings {
        let (key, value) = setting.split_once('=').ok_or("a setting is KEY=VALUE")?;
        config = config.set(key, value);
    }
    let load = Load {
        topic: TopicName::new(topic)?,
        partitions: partitions.parse()?,
        records: records.parse()?,
        bytes: bytes.parse()?,
    };
    let (wall, cpu) = match what.as_str() {
        "produce" => produce(&config, load).await?,
        "consume" => consume(&config, load).await?,
        other => return Err(format!("neither produce nor consume: {other}").into()),
    };
    println!(
        "{{\"client\": \"fleuve {}\", \"wall_seconds\": {:.6}, \"cpu_seconds\": {:.6}}}",
        env!("CARGO_PKG_VERSION"),
        wall.elapsed().as_secs_f64(),
        cpu_seconds()? - cpu
    );
    Ok(())
}

/// Gives the two clocks as they were at the start.
async fn produce(config: &Config, load: Load) -> Result<(Instant, f64), ClientError> {
    let producer = Producer::new(config)?;
    let value = Bytes::from(vec![b'x'; load.bytes]);
    let record = || ProducerRecord::new(load.topic.clone(), value.clone());
    // Metadata and the producer's id are there when the clock starts.
    producer.send(record()).await?.wait().await?;
    let start = (Instant::now(), cpu_seconds().unwrap_or_default());
    let mut deliveries: VecDeque<Delivery> = VecDeque::with_capacity(DELIVERIES_PENDING_MAX);
    for _ in 0..load.records {
        if deliveries.len() == DELIVERIES_PENDING_MAX
            && let Some(oldest) = deliveries.pop_front()
        {
            oldest.wait().await?;
        }
        deliveries.push_back(producer.send(record()).await?);
    }
    producer.flush().await;
    for delivery in deliveries {
        delivery.wait().await?;
    }
    Ok(start)
}

async fn consume(config: &Config, load: Load) -> Result<(Instant, f64), ClientError> {
    let config = config.clone().set("auto.offset.reset", "earliest");
    let mut consumer = Consumer::new(&config)?;
    let partitions = (0..load.partitions).filter_map(PartitionId::from_wire);
    let start = (Instant::now(), cpu_seconds().unwrap_or_default());
    consumer.assign(partitions.map(|number| TopicPartition::new(load.topic.clone(), number)))?;
    let (mut records, mut bytes) = (0_usize, 0_usize);
    while records < load.records {
        for record in consumer.poll(POLL).await? {
            records += 1;
            bytes += record.value.as_ref().map_or(0, Bytes::len);
        }
    }
    if bytes != records * load.bytes {
        let message = "the bytes are not those that were written";
        return Err(ClientError::Invalid(message.to_owned()));
    }
    Ok(start)
}

/// The CPU time that this process has used, of all its threads.
fn cpu_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name, in parentheses, may hold anything; the times are the 12th and 13th field after it.
    let fields = stat.rsplit_once(')').ok_or("stat has a name")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap_or(0)).sum();
    Ok(ticks as f64 / TICKS_PER_SECOND)
}
