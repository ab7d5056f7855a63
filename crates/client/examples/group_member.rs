//! A member of a group that says, a line of JSON each, what it is assigned whenever that changes
//! and which records it got, before it commits them. Told to end by SIGTERM it leaves.
//!
//! ```text
//! cargo run -p fleuve-client --example group_member -- BOOTSTRAP TOPIC GROUP classic|consumer INSTANCE|-
//! ```
//!
//! `compat/groups` runs it in groups with members of other clients.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fleuve_client::{ClientError, Config, Consumer, ConsumerRecord};
use fleuve_model::{TopicName, TopicPartition};
use tokio::signal::unix::{SignalKind, signal};

const POLL: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap, topic, group, protocol, instance] = &arguments[..] else {
        println!("Enter bootstrap server, topic, group, protocol and instance");
        return Ok(());
    };
    let stopping = stop_on_terminate()?;
    let mut consumer = Consumer::new(&config(bootstrap, group, protocol, instance))?;
    consumer.subscribe([TopicName::new(topic)?])?;
    let mut assigned = None;
    while !stopping.load(Ordering::Relaxed) {
        let records = consumer.poll(POLL).await?;
        let now = consumer.assignment();
        say(&records, (assigned.as_ref() != Some(&now)).then_some(&now))?;
        assigned = Some(now);
        if !records.is_empty()
            && let Err(error) = consumer.commit().await
        {
            println!("{{\"commit\": {:?}}}", error.to_string());
        }
    }
    let closed: Result<(), ClientError> = consumer.close().await;
    println!("{{\"closed\": {}}}", closed.is_ok());
    Ok(closed?)
}

fn stop_on_terminate() -> io::Result<Arc<AtomicBool>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let stopping = Arc::new(AtomicBool::new(false));
    let told = stopping.clone();
    tokio::spawn(async move {
        terminate.recv().await;
        told.store(true, Ordering::Relaxed);
    });
    Ok(stopping)
}

fn config(bootstrap: &str, group: &str, protocol: &str, instance: &str) -> Config {
    let mut config = Config::bootstrap(bootstrap)
        .set("group.id", group)
        .set("group.protocol", protocol)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("max.poll.records", "100");
    if protocol == "classic" {
        config = config
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "500");
    }
    if instance != "-" {
        config = config.set("group.instance.id", instance);
    }
    config
}

/// Says all at once, so that a kill cuts no line.
fn say(records: &[ConsumerRecord], assigned: Option<&BTreeSet<TopicPartition>>) -> io::Result<()> {
    let mut lines = String::new();
    if let Some(assigned) = assigned {
        let numbers = assigned.iter().map(|p| p.partition.to_string());
        let numbers: Vec<String> = numbers.collect();
        lines += &format!("{{\"assigned\": [{}]}}\n", numbers.join(", "));
    }
    for record in records {
        let (partition, offset) = (record.partition.partition, record.offset);
        lines += &format!("{{\"partition\": {partition}, \"offset\": {offset}}}\n");
    }
    let mut out = io::stdout().lock();
    out.write_all(lines.as_bytes())?;
    out.flush()
}
