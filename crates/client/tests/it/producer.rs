use std::collections::BTreeMap;
use std::time::Duration;

use fleuve_client::admin::NewTopic;
use fleuve_client::{
    Admin, ClientError, Config, IsolationLevel, OffsetSpec, PartitionReader, Producer,
    ProducerRecord, ReadLimits,
};
use fleuve_model::record::RecordBatch;
use fleuve_model::{ErrorCode, Offset, PartitionId, TopicName, TopicPartition};

use crate::peer::{brokers, fresh};

const PLAIN_BYTES_MAX: usize = 1 << 24;

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

/// Offset, key and value of every record of a partition.
async fn read_all(
    config: &Config,
    partition: &TopicPartition,
) -> Vec<(i64, Option<String>, String)> {
    let reader = PartitionReader::new(config).expect("right");
    let asked = BTreeMap::from([(partition.clone(), OffsetSpec::Latest)]);
    let end = reader.list_offsets(&asked).await.expect("answers")[partition].offset;
    let end = end.expect("there is an end");
    let mut records = Vec::new();
    let mut from = Offset::ZERO;
    while from < end {
        let chunk = reader
            .read(partition, from, ReadLimits::default())
            .await
            .expect("reads");
        for batch in &chunk.batches {
            records.extend(records_of(batch));
        }
        from = chunk.next_offset;
    }
    records
}

fn records_of(batch: &RecordBatch) -> Vec<(i64, Option<String>, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let plain = batch
        .plain_payload(PLAIN_BYTES_MAX)
        .expect("it can be decompressed");
    let records = batch.records_in(&plain).map(|record| {
        let record = record.expect("it is whole");
        (
            record.offset.value(),
            record.key.map(text),
            record.value.map(text).unwrap_or_default(),
        )
    });
    records.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_arrive_in_order_in_every_compression() {
    for config in brokers().await {
        for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
            let topic = topic(&config, codec, 1).await;
            let config = config.clone().set("compression.type", codec);
            let producer = Producer::new(&config).expect("right");
            let mut deliveries = Vec::new();
            for number in 0..3_000 {
                let record = ProducerRecord::new(topic.clone(), format!("value {number}"))
                    .key(format!("key {number}"))
                    .header("trace", "abc");
                deliveries.push(producer.send(record).await.expect("accepted"));
            }
            for (number, delivery) in deliveries.into_iter().enumerate() {
                let written = delivery.wait().await.expect("written");
                assert_eq!(
                    written.offset.map(Offset::value),
                    Some(number as i64),
                    "{codec}"
                );
            }
            let expected: Vec<_> = (0..3_000)
                .map(|number| {
                    (
                        number,
                        Some(format!("key {number}")),
                        format!("value {number}"),
                    )
                })
                .collect();
            let plain = Config::bootstrap(config.get("bootstrap.servers").expect("set"));
            assert_eq!(
                read_all(&plain, &partition(&topic, 0)).await,
                expected,
                "{codec}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_decide_the_partition_and_records_without_a_key_use_all() {
    for config in brokers().await {
        let topic = topic(&config, "partitions", 4).await;
        let config = config.set("batch.size", "500").set("linger.ms", "0");
        let producer = Producer::new(&config).expect("right");
        let mut used = [0; 4];
        for number in 0..400 {
            let record =
                ProducerRecord::new(topic.clone(), format!("a value of some length {number}"));
            let delivery = producer.send(record).await.expect("accepted");
            used[delivery.partition().partition.value() as usize] += 1;
        }
        assert!(used.iter().all(|records| *records > 0), "{used:?}");
        let record = ProducerRecord::new(topic.clone(), "x").key("foobar");
        let delivery = producer.send(record).await.expect("accepted");
        // murmur2("foobar") is -790332482.
        assert_eq!(
            delivery.partition().partition.value(),
            ((-790_332_482 & i32::MAX) % 4)
        );
        producer.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_acknowledgement_delivers() {
    for config in brokers().await {
        for acks in ["0", "1", "all"] {
            let topic = topic(&config, "acks", 1).await;
            let producer = Producer::new(&config.clone().set("acks", acks)).expect("right");
            for number in 0..100 {
                let record = ProducerRecord::new(topic.clone(), number.to_string());
                producer.send(record).await.expect("accepted");
            }
            producer.close().await;
            let partition = partition(&topic, 0);
            let admin = Admin::new(&config).expect("right");
            let asked = BTreeMap::from([(partition.clone(), OffsetSpec::Latest)]);
            loop {
                let found = admin
                    .list_offsets(&asked, IsolationLevel::ReadUncommitted)
                    .await;
                let end = found[&partition].as_ref().expect("answers").offset;
                match end.map(Offset::value) {
                    Some(100) => break,
                    // Nobody acknowledges with acks=0, so the last request may be on its way.
                    end => assert!(acks == "0" && end < Some(100), "acks={acks}: {end:?}"),
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_is_refused_and_one_too_large_for_the_topic_fails() {
    for config in brokers().await {
        let topic = topic(&config, "large", 1).await;
        let producer = Producer::new(&config).expect("right");
        let record = ProducerRecord::new(topic.clone(), vec![0; 1 << 20]);
        let error = producer
            .send(record)
            .await
            .expect_err("more than max.request.size");
        assert_eq!(error.code(), Some(ErrorCode::MessageTooLarge));
        assert!(error.to_string().contains("max.request.size"), "{error}");

        let generous = Producer::new(&config.set("max.request.size", "4000000")).expect("right");
        let record = ProducerRecord::new(topic.clone(), vec![0; 3 << 20]);
        let delivery = generous.send(record).await.expect("accepted");
        let error = delivery
            .wait()
            .await
            .expect_err("more than max.message.bytes");
        assert_eq!(error.code(), Some(ErrorCode::MessageTooLarge));
        // The next record takes the sequence number that the failed one has left.
        let delivery = generous
            .send(ProducerRecord::new(topic, "small"))
            .await
            .expect("accepted");
        assert_eq!(
            delivery.wait().await.expect("written").offset,
            Some(Offset::ZERO)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_and_given_back() {
    for config in brokers().await {
        let topic = topic(&config, "memory", 1).await;
        let config = config
            .set("buffer.memory", "20000")
            .set("linger.ms", "1000");
        let producer = Producer::new(&config).expect("right");
        for number in 0..1_000 {
            let record =
                ProducerRecord::new(topic.clone(), vec![b'x'; 500]).key(number.to_string());
            producer.send(record).await.expect("memory comes back");
        }
        producer.close().await;
        let plain = Config::bootstrap(config.get("bootstrap.servers").expect("set"));
        assert_eq!(read_all(&plain, &partition(&topic, 0)).await.len(), 1_000);
    }
}

#[tokio::test]
async fn a_broker_that_never_comes_fails_the_send_in_time() {
    let config = Config::bootstrap("127.0.0.1:1").set("max.block.ms", "200");
    let producer = Producer::new(&config).expect("right");
    let topic = TopicName::new("topic").expect("valid");
    let sent = producer.send(ProducerRecord::new(topic, "x"));
    let error = tokio::time::timeout(Duration::from_secs(30), sent)
        .await
        .expect("in time");
    assert!(
        matches!(error, Err(ClientError::Unreachable { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn idempotence_that_cannot_be_had_is_an_error_only_if_it_was_asked_for() {
    let config = Config::bootstrap("127.0.0.1:1").set("acks", "1");
    assert!(Producer::new(&config).is_ok());
    let error = Producer::new(&config.set("enable.idempotence", "true")).map(|_| ());
    let error = error.expect_err("both cannot be");
    assert_eq!(error.to_string(), "enable.idempotence=true needs acks=all");
}
