//! One group with a member of ours and one of Java's.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fleuve_client::admin::NewTopic;
use fleuve_client::{Admin, Config, Consumer, Producer, ProducerRecord};
use fleuve_model::{PartitionId, TopicName};
use tokio::sync::watch;

use crate::peer::{brokers, fresh};

const PARTITIONS: i32 = 6;

/// A member that Java runs.
struct JavaMember {
    child: Child,
    heard: watch::Receiver<Heard>,
}

#[derive(Default)]
struct Heard {
    assigned: usize,
    records: Vec<(i32, i64)>,
}

impl JavaMember {
    fn start(libs: &Path, arguments: &[&str]) -> JavaMember {
        let program =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compat/java/GroupMember.java");
        let mut child = Command::new("java")
            .arg("-cp")
            .arg(libs.join("*"))
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("java starts");
        let output = child.stdout.take().expect("it is piped");
        let (listener, heard) = watch::channel(Heard::default());
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let mut words = line.split(' ');
                let kind = words.next().map(str::to_owned);
                let mut number = || words.next().and_then(|word| word.parse::<i64>().ok());
                listener.send_modify(|heard| match (kind.as_deref(), number(), number()) {
                    (Some("assigned"), Some(count), _) => heard.assigned = count as usize,
                    (Some("record"), Some(partition), Some(offset)) => {
                        heard.records.push((partition as i32, offset));
                    }
                    _ => {}
                });
            }
        });
        JavaMember { child, heard }
    }

    fn assigned(&self) -> usize {
        self.heard.borrow().assigned
    }

    fn records(&self) -> Vec<(i32, i64)> {
        self.heard.borrow().records.clone()
    }

    /// Has it leave, and waits until it has.
    fn leave(mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn java_libs() -> Option<PathBuf> {
    let libs = PathBuf::from(std::env::var("FLEUVE_PEERS").ok()?)
        .join("kafka")
        .join("libs");
    libs.is_dir().then_some(libs)
}

async fn produce(config: &Config, topic: &TopicName, count: i32) {
    let producer = Producer::new(config).expect("right");
    for number in 0..count {
        let index = PartitionId::new(number % PARTITIONS).expect("valid");
        let record = ProducerRecord::new(topic.clone(), number.to_string()).partition(index);
        producer.send(record).await.expect("accepted");
    }
    producer.close().await;
}

/// Polls ours, and notes what it reads.
async fn poll(consumer: &mut Consumer, seen: &mut Vec<(i32, i64)>) {
    let records = consumer
        .poll(Duration::from_millis(50))
        .await
        .expect("polls");
    seen.extend(
        records
            .iter()
            .map(|r| (r.partition.partition.value(), r.offset.value())),
    );
}

async fn share(config: &Config, libs: &Path, properties: &[(&str, &str)], ours_first: bool) {
    let name = fresh("mixed");
    let admin = Admin::new(config).expect("right");
    let created = admin
        .create_topics(&[NewTopic::new(&name, PARTITIONS)], false)
        .await;
    created.expect("answers")[&name].as_ref().expect("created");
    let topic = TopicName::new(&name).expect("valid");
    let context = format!("{properties:?}, ours first: {ours_first}");

    let settings = config
        .clone()
        .set("group.id", &name)
        .set("auto.offset.reset", "earliest");
    let settings = properties
        .iter()
        .fold(settings, |settings, (k, v)| settings.set(*k, *v));
    let bootstrap = config.get("bootstrap.servers").expect("set");
    let words: Vec<String> = properties.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let mut arguments = vec![bootstrap, &name, &name];
    arguments.extend(words.iter().map(String::as_str));

    let mut seen = Vec::new();
    let mut ours = Consumer::new(&settings).expect("right");
    let java;
    if ours_first {
        ours.subscribe([topic.clone()]).expect("allowed");
        while ours.assignment().len() != PARTITIONS as usize {
            poll(&mut ours, &mut seen).await;
        }
        java = JavaMember::start(libs, &arguments);
    } else {
        java = JavaMember::start(libs, &arguments);
        let has_all = |heard: &Heard| heard.assigned == PARTITIONS as usize;
        java.heard
            .clone()
            .wait_for(has_all)
            .await
            .expect("Java lives");
        ours.subscribe([topic.clone()]).expect("allowed");
    }
    while ours.assignment().len() != 3 || java.assigned() != 3 {
        poll(&mut ours, &mut seen).await;
    }
    produce(config, &topic, 600).await;
    while seen.len() + java.records().len() < 600 {
        poll(&mut ours, &mut seen).await;
    }
    let theirs = java.records();
    assert_eq!((seen.len(), theirs.len()), (300, 300), "{context}");
    let all: BTreeSet<(i32, i64)> = seen.iter().chain(&theirs).copied().collect();
    assert_eq!(all.len(), 600, "{context}: every record to one member");

    java.leave();
    while ours.assignment().len() != PARTITIONS as usize {
        poll(&mut ours, &mut seen).await;
    }
    produce(config, &topic, 60).await;
    seen.clear();
    while seen.len() < 60 {
        poll(&mut ours, &mut seen).await;
    }
    assert_eq!(
        seen.len(),
        60,
        "{context}: what Java had committed is not read again"
    );
    ours.close().await.expect("leaves");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_ours_and_javas_shares_by_every_assignor_whoever_leads() {
    let Some(libs) = java_libs() else {
        println!(
            "SKIPPED a_group_of_ours_and_javas_shares_by_every_assignor_whoever_leads: \
             Apache Kafka is not installed (cargo xtask peers)"
        );
        return;
    };
    for config in brokers().await {
        for (class, ours_first) in [
            ("Range", true),
            ("RoundRobin", false),
            ("Sticky", true),
            ("Sticky", false),
            ("CooperativeSticky", true),
            ("CooperativeSticky", false),
        ] {
            let class = format!("org.apache.kafka.clients.consumer.{class}Assignor");
            let properties = [
                ("partition.assignment.strategy", class.as_str()),
                ("heartbeat.interval.ms", "200"),
                ("session.timeout.ms", "10000"),
            ];
            share(&config, &libs, &properties, ours_first).await;
        }
        share(&config, &libs, &[("group.protocol", "consumer")], true).await;
    }
}
