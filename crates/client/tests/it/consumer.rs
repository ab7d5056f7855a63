use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleuve_client::admin::{CommittedOffset, NewTopic};
use fleuve_client::{
    Admin, ClientError, Config, Consumer, ConsumerRecord, OffsetSpec, Producer, ProducerRecord,
    RebalanceListener,
};
use fleuve_model::{Offset, PartitionId, TopicName, TopicPartition};

use crate::peer::{brokers, fresh};

async fn topic(config: &Config, name: &str, partitions: i32) -> TopicName {
    let name = fresh(name);
    let admin = Admin::new(config).expect("the configuration is right");
    let topics = [NewTopic::new(&name, partitions)];
    let created = admin
        .create_topics(&topics, false)
        .await
        .expect("the broker answers");
    created[&name].as_ref().expect("the topic is created");
    TopicName::new(&name).expect("valid")
}

fn partition(topic: &TopicName, index: i32) -> TopicPartition {
    TopicPartition::new(topic.clone(), PartitionId::new(index).expect("valid"))
}

/// Writes `0`, `1`, ... to the partitions in turn.
async fn produce(config: &Config, topic: &TopicName, partitions: i32, count: usize) {
    let producer = Producer::new(config).expect("right");
    for number in 0..count {
        let index = PartitionId::new(number as i32 % partitions).expect("valid");
        let record = ProducerRecord::new(topic.clone(), number.to_string()).partition(index);
        producer.send(record).await.expect("accepted");
    }
    producer.close().await;
}

fn group(config: &Config, group: &str) -> Config {
    let config = config
        .clone()
        .set("group.id", group)
        .set("auto.offset.reset", "earliest");
    config
        .set("heartbeat.interval.ms", "100")
        .set("session.timeout.ms", "10000")
}

/// Of a consumer group by KIP-848, whose intervals the broker decides.
fn server_side(config: &Config, group: &str) -> Config {
    let config = config
        .clone()
        .set("group.id", group)
        .set("auto.offset.reset", "earliest");
    config.set("group.protocol", "consumer")
}

async fn read(consumer: &mut Consumer, count: usize) -> Vec<ConsumerRecord> {
    let mut records = Vec::new();
    while records.len() < count {
        records.extend(consumer.poll(Duration::from_secs(10)).await.expect("polls"));
    }
    records
}

fn values(records: &[ConsumerRecord]) -> BTreeSet<usize> {
    let number = |record: &ConsumerRecord| {
        let value = record.value.as_ref().expect("it has a value");
        std::str::from_utf8(value)
            .expect("text")
            .parse()
            .expect("a number")
    };
    records.iter().map(number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn assigned_partitions_are_read_from_where_they_are_wanted() {
    for config in brokers().await {
        let topic = topic(&config, "assign", 2).await;
        produce(&config, &topic, 2, 1_000).await;
        let (first, second) = (partition(&topic, 0), partition(&topic, 1));
        let earliest = config.clone().set("auto.offset.reset", "earliest");
        let mut consumer = Consumer::new(&earliest).expect("right");
        consumer
            .assign([first.clone(), second.clone()])
            .expect("allowed");
        let records = read(&mut consumer, 1_000).await;
        assert_eq!(values(&records), (0..1_000).collect());
        let offsets: Vec<i64> = records
            .iter()
            .filter(|record| record.partition == first)
            .map(|record| record.offset.value())
            .collect();
        assert_eq!(offsets, (0..500).collect::<Vec<i64>>());
        assert_eq!(consumer.lag(&first), Some(0));

        consumer
            .seek(&first, Offset::new(498).expect("valid"))
            .expect("assigned");
        consumer.pause([&second]);
        let records = read(&mut consumer, 2).await;
        assert_eq!(values(&records), BTreeSet::from([996, 998]));
        consumer
            .seek_to(&second, OffsetSpec::Earliest)
            .expect("assigned");
        consumer.resume([&second]);
        assert_eq!(values(&read(&mut consumer, 1).await).first(), Some(&1));
        consumer.close().await.expect("nothing to commit");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_is_gone_is_reset_or_an_error() {
    for config in brokers().await {
        let topic = topic(&config, "reset", 1).await;
        produce(&config, &topic, 1, 10).await;
        let first = partition(&topic, 0);
        for (reset, expected) in [
            ("earliest", Some(0)),
            ("by_duration:PT1H", Some(0)),
            ("none", None),
        ] {
            let config = config.clone().set("auto.offset.reset", reset);
            let mut consumer = Consumer::new(&config).expect("right");
            consumer.assign([first.clone()]).expect("allowed");
            consumer
                .seek(&first, Offset::new(99).expect("valid"))
                .expect("assigned");
            match expected {
                Some(value) => {
                    assert_eq!(values(&read(&mut consumer, 1).await).first(), Some(&value));
                }
                None => {
                    let error = consumer
                        .poll(Duration::from_secs(30))
                        .await
                        .expect_err("none");
                    assert!(matches!(
                        error,
                        ClientError::OffsetOutOfRange { offset: 99, .. }
                    ));
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_goes_on_where_it_has_left_off() {
    for config in brokers().await {
        for (name, settings) in [
            ("classic", group as fn(&Config, &str) -> Config),
            ("848", server_side),
        ] {
            let topic = topic(&config, "resume", 3).await;
            produce(&config, &topic, 3, 300).await;
            let settings = settings(&config, &fresh(name));
            let mut first =
                Consumer::new(&settings.clone().set("max.poll.records", "100")).expect("right");
            first.subscribe([topic.clone()]).expect("allowed");
            let mut seen = values(&read(&mut first, 150).await);
            first.close().await.expect("it commits and leaves");

            produce(&config, &topic, 3, 30).await;
            let mut second = Consumer::new(&settings).expect("right");
            second.subscribe([topic.clone()]).expect("allowed");
            let rest = read(&mut second, 330 - seen.len()).await;
            assert_eq!(rest.len(), 330 - seen.len(), "{name}");
            seen.extend(values(&rest));
            assert_eq!(seen, (0..300).collect(), "{name}");
            let partitions: Vec<TopicPartition> = (0..3).map(|p| partition(&topic, p)).collect();
            second.commit().await.expect("commits");
            let committed = second.committed(&partitions).await.expect("answers");
            let total: i64 = committed
                .values()
                .map(|committed| committed.offset.value())
                .sum();
            assert_eq!(total, 330, "{name}: {committed:?}");
            second.close().await.expect("leaves");
        }
    }
}

/// Two members share the partitions, and one takes over when the other leaves.
async fn members_share_and_take_over(config: &Config, settings: Config) {
    let topic = topic(config, "share", 4).await;
    produce(config, &topic, 4, 400).await;
    let mut one = Consumer::new(&settings).expect("right");
    one.subscribe([topic.clone()]).expect("allowed");
    let mut seen = values(&read(&mut one, 400).await);
    assert_eq!(seen.len(), 400);
    assert_eq!(one.assignment().len(), 4);

    let mut two = Consumer::new(&settings).expect("right");
    two.subscribe([topic.clone()]).expect("allowed");
    while one.assignment().len() != 2 || two.assignment().len() != 2 {
        one.poll(Duration::from_millis(50)).await.expect("polls");
        two.poll(Duration::from_millis(50)).await.expect("polls");
    }
    assert!(one.assignment().is_disjoint(&two.assignment()));

    two.close().await.expect("leaves");
    while one.assignment().len() != 4 {
        one.poll(Duration::from_millis(50)).await.expect("polls");
    }
    produce(config, &topic, 4, 40).await;
    seen.clear();
    while seen.len() < 40 {
        seen.extend(values(
            &one.poll(Duration::from_secs(5)).await.expect("polls"),
        ));
    }
    one.close().await.expect("leaves");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_share_and_take_over_by_every_assignor() {
    for config in brokers().await {
        for assignor in ["range", "roundrobin", "sticky", "cooperative-sticky"] {
            let settings = group(&config, &fresh(assignor));
            let settings = settings.set("partition.assignment.strategy", assignor);
            members_share_and_take_over(&config, settings).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_share_and_take_over_by_the_brokers_assignment() {
    for config in brokers().await {
        members_share_and_take_over(&config, server_side(&config, &fresh("server-side"))).await;
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl RebalanceListener for Heard {
    fn assigned(&self, partitions: &BTreeSet<TopicPartition>) {
        self.0
            .lock()
            .expect("nobody panics")
            .push(format!("+{}", partitions.len()));
    }

    fn revoked(&self, partitions: &BTreeSet<TopicPartition>) {
        self.0
            .lock()
            .expect("nobody panics")
            .push(format!("-{}", partitions.len()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cooperative_member_gives_up_only_what_moves() {
    for config in brokers().await {
        let topic = topic(&config, "cooperative", 4).await;
        let settings = group(&config, &fresh("cooperative"));
        let settings = settings.set("partition.assignment.strategy", "cooperative-sticky");
        let heard = Arc::new(Heard::default());
        let mut one = Consumer::new(&settings).expect("right");
        one.listen(heard.clone());
        one.subscribe([topic.clone()]).expect("allowed");
        while one.assignment().len() != 4 {
            one.poll(Duration::from_millis(50)).await.expect("polls");
        }
        let mut two = Consumer::new(&settings).expect("right");
        two.subscribe([topic]).expect("allowed");
        while two.assignment().len() != 2 {
            one.poll(Duration::from_millis(50)).await.expect("polls");
            two.poll(Duration::from_millis(50)).await.expect("polls");
        }
        assert_eq!(*heard.0.lock().expect("nobody panics"), ["+4", "-2"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_takes_in_topics_that_come_later() {
    for config in brokers().await {
        let prefix = fresh("pattern");
        let admin = Admin::new(&config).expect("right");
        admin
            .create_topics(&[NewTopic::new(format!("{prefix}-a"), 1)], false)
            .await
            .expect("answers");
        let settings = group(&config, &prefix).set("metadata.max.age.ms", "200");
        let mut consumer = Consumer::new(&settings).expect("right");
        consumer
            .subscribe_pattern(&format!("{prefix}-.*"))
            .expect("an expression");
        while consumer.assignment().len() != 1 {
            consumer
                .poll(Duration::from_millis(50))
                .await
                .expect("polls");
        }
        admin
            .create_topics(&[NewTopic::new(format!("{prefix}-b"), 2)], false)
            .await
            .expect("answers");
        while consumer.assignment().len() != 3 {
            consumer
                .poll(Duration::from_millis(50))
                .await
                .expect("polls");
        }
        consumer.close().await.expect("leaves");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_committed_by_hand_with_a_note() {
    for config in brokers().await {
        let topic = topic(&config, "by-hand", 1).await;
        let first = partition(&topic, 0);
        let settings = group(&config, &fresh("by-hand")).set("enable.auto.commit", "false");
        let mut consumer = Consumer::new(&settings).expect("right");
        consumer.assign([first.clone()]).expect("allowed");
        let committed = CommittedOffset {
            offset: Offset::new(3).expect("valid"),
            leader_epoch: None,
            metadata: "so far".to_owned(),
        };
        let offsets = BTreeMap::from([(first.clone(), committed)]);
        consumer.commit_offsets(&offsets).await.expect("commits");
        let found = consumer
            .committed(std::slice::from_ref(&first))
            .await
            .expect("answers");
        assert_eq!(found, offsets);
    }
}

#[test]
fn a_consumer_without_a_group_says_what_it_lacks() {
    let mut consumer = Consumer::new(&Config::bootstrap("localhost:9092")).expect("right");
    let topic = TopicName::new("topic").expect("valid");
    let error = consumer.subscribe([topic]).expect_err("no group");
    assert!(
        error.to_string().starts_with("to subscribe, set group.id"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_may_come_after_the_one_who_subscribes_to_it() {
    for config in brokers().await {
        let topic = TopicName::new(&fresh("later")).expect("valid");
        let settings = group(&config, topic.as_str()).set("auto.offset.reset", "latest");
        let mut consumer = Consumer::new(&settings).expect("right");
        consumer.subscribe([topic.clone()]).expect("allowed");
        // Asking for it creates it, as Java's consumer does.
        while consumer.position(&partition(&topic, 0)).is_none() {
            consumer
                .poll(Duration::from_millis(50))
                .await
                .expect("polls");
        }
        produce(&config, &topic, 1, 10).await;
        assert_eq!(values(&read(&mut consumer, 10).await), (0..10).collect());
        consumer.close().await.expect("leaves");
    }
}

#[tokio::test]
async fn whatever_a_consumer_does_can_be_done_in_a_task_of_its_own() {
    fn can_be_spawned(_: impl Future<Output: Send> + Send) {}
    let config = Config::bootstrap("127.0.0.1:1").set("group.id", "nobody");
    let mut consumer = Consumer::new(&config).expect("right");
    can_be_spawned(consumer.poll(Duration::ZERO));
    can_be_spawned(consumer.commit());
    can_be_spawned(consumer.unsubscribe());
    can_be_spawned(consumer.close());
}
