//! The client in the broker's own process: no socket, the same handlers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleuve_client::admin::NewTopic;
use fleuve_client::{
    Admin, Config, Consumer, OffsetSpec, PartitionReader, Producer, ProducerRecord, ReadLimits,
};
use fleuve_model::{Offset, PartitionId, TopicName, TopicPartition};

use crate::support::broker;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_process_produces_reads_and_consumes_as_a_group() {
    let broker = broker().await;
    let config = Config::in_process(Arc::new(broker.local()));
    let admin = Admin::new(&config).expect("right");
    let created = admin
        .create_topics(&[NewTopic::new("t", 1)], false)
        .await
        .expect("answers");
    created["t"].as_ref().expect("it is created");
    let topic = TopicName::new("t").expect("valid");
    let partition = TopicPartition::new(topic.clone(), PartitionId::new(0).expect("valid"));

    let producer = Producer::new(&config).expect("right");
    for number in 0..1_000 {
        let record = ProducerRecord::new(topic.clone(), format!("value {number}"));
        producer.send(record).await.expect("accepted");
    }
    producer.close().await;

    let reader = PartitionReader::new(&config).expect("right");
    let asked = BTreeMap::from([(partition.clone(), OffsetSpec::Latest)]);
    let found = reader.list_offsets(&asked).await.expect("answers");
    assert_eq!(found[&partition].offset.map(Offset::value), Some(1_000));
    let limits = ReadLimits {
        wait: Duration::ZERO,
        ..ReadLimits::default()
    };
    let mut from = Offset::ZERO;
    let mut count = 0;
    while from < Offset::new(1_000).expect("valid") {
        let chunk = reader.read(&partition, from, limits).await.expect("reads");
        count += chunk
            .batches
            .iter()
            .map(|batch| batch.header().records_count)
            .sum::<u32>();
        from = chunk.next_offset;
    }
    assert_eq!(count, 1_000);

    let settings = config
        .set("group.id", "g")
        .set("auto.offset.reset", "earliest");
    let mut consumer = Consumer::new(&settings).expect("right");
    consumer.subscribe([topic]).expect("allowed");
    let mut consumed = 0;
    while consumed < 1_000 {
        consumed += consumer
            .poll(Duration::from_secs(10))
            .await
            .expect("polls")
            .len();
    }
    consumer.commit().await.expect("commits");
    let committed = consumer
        .committed(std::slice::from_ref(&partition))
        .await
        .expect("answers");
    assert_eq!(committed[&partition].offset.value(), 1_000);
    consumer.close().await.expect("leaves");
    broker.stop().await;
}
