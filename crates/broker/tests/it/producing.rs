use fleuve_model::record::Compression;
use fleuve_model::{ErrorCode, Timestamp, TopicId};
use fleuve_protocol::Str;
use fleuve_protocol::api::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use fleuve_protocol::api::{
    IncrementalAlterConfigsRequest, InitProducerIdRequest, ListOffsetsRequest,
};
use fleuve_protocol::{Records, api};
use uuid::Uuid;

use crate::support::{
    Client, Producer, batch, batch_of, broker, code, now, produce_request, records_of,
};

#[tokio::test]
async fn what_is_produced_is_fetched_in_order_in_every_compression() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("all", 1, &[]).await;
    for (number, compression) in Compression::ALL.into_iter().enumerate() {
        let records = batch_of(&["a", "b", "c"], None, compression, Some(now()));
        let produced = client.produce(topic, 0, records).await;
        assert_eq!(
            (produced.error_code, produced.base_offset),
            (0, 3 * number as i64)
        );
    }
    let expected: Vec<&str> = ["a", "b", "c"].repeat(5);
    assert_eq!(client.values(topic, 0, 0).await, expected);
    broker.stop().await;
}

#[tokio::test]
async fn every_version_of_produce_and_fetch_carries_the_records() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("versions", 1, &[]).await;
    for version in 3..=13 {
        let data = TopicProduceData {
            name: Str::from_static("versions"),
            topic_id: Some(topic),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(Records::from(batch(&["x"]))),
            }],
        };
        let request = ProduceRequest {
            acks: 1,
            timeout_ms: 1000,
            topic_data: vec![data],
            ..ProduceRequest::default()
        };
        let response = client.call(request, version).await;
        assert_eq!(
            response.responses[0].partition_responses[0].error_code, 0,
            "{version}"
        );
    }
    for version in 4..=18 {
        let mut request = crate::support::fetch_request(topic, 0, 0);
        request.topics[0].topic = Str::from_static("versions");
        let response = client.call(request, version).await;
        let records = records_of(&response.responses[0].partitions[0]);
        assert_eq!(records.len(), 11, "{version}");
    }
    broker.stop().await;
}

async fn producer_id(client: &mut Client) -> i64 {
    let response = client
        .ask(InitProducerIdRequest {
            transactional_id: None,
            ..Default::default()
        })
        .await;
    assert_eq!(response.error_code, 0);
    response.producer_id
}

#[tokio::test]
async fn a_batch_sent_twice_is_in_the_log_once_and_a_gap_is_refused() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("idempotent", 1, &[]).await;
    let id = producer_id(&mut client).await;
    let numbered = |sequence: i32, value: &str| {
        let producer = Producer {
            id,
            epoch: 0,
            sequence,
        };
        batch_of(&[value], Some(producer), Compression::None, Some(now()))
    };
    let first = numbered(0, "a");
    assert_eq!(client.produce(topic, 0, first.clone()).await.base_offset, 0);
    let again = client.produce(topic, 0, first).await;
    assert_eq!((again.error_code, again.base_offset), (0, 0));
    let gap = client.produce(topic, 0, numbered(2, "c")).await;
    assert_eq!(gap.error_code, code(ErrorCode::OutOfOrderSequenceNumber));
    assert_eq!(
        client.produce(topic, 0, numbered(1, "b")).await.base_offset,
        1
    );
    assert_eq!(client.values(topic, 0, 0).await, ["a", "b"]);
    broker.stop().await;
}

#[tokio::test]
async fn producer_ids_are_never_given_twice() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let mut ids = Vec::new();
    for _ in 0..2500 {
        ids.push(producer_id(&mut client).await);
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    broker.stop().await;
}

#[tokio::test]
async fn transactions_are_refused_by_name() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let request = InitProducerIdRequest {
        transactional_id: Some(Str::from_static("tx")),
        transaction_timeout_ms: 1000,
        ..InitProducerIdRequest::default()
    };
    let response = client.ask(request).await;
    assert_eq!(response.error_code, code(ErrorCode::UnsupportedVersion));
    broker.stop().await;
}

#[tokio::test]
async fn what_a_topic_does_not_take_is_refused_with_the_records_to_blame() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let compacted = client
        .create_topic("compacted", 1, &[("cleanup.policy", "compact")])
        .await;
    let mut builder = fleuve_model::record::BatchBuilder::new();
    for key in [Some(&b"k"[..]), None] {
        builder
            .append(
                Some(now()),
                key,
                Some(b"v"),
                fleuve_model::record::NO_HEADERS,
            )
            .expect("ok");
    }
    let keyless = builder.build(&Default::default()).expect("ok").into_bytes();
    let refused = client.produce(compacted, 0, keyless).await;
    assert_eq!(refused.error_code, code(ErrorCode::InvalidRecord));
    assert_eq!(refused.record_errors.len(), 1);
    assert_eq!(refused.record_errors[0].batch_index, 1);

    let plain = client.create_topic("plain", 1, &[]).await;
    let far = Timestamp::from_millis(now().as_millis() + 10 * 24 * 3_600_000);
    let early = batch_of(&["x"], None, Compression::None, Some(far));
    let refused = client.produce(plain, 0, early).await;
    assert_eq!(refused.error_code, code(ErrorCode::InvalidTimestamp));

    let mut damaged = batch(&["x"]).to_vec();
    *damaged.last_mut().expect("bytes") ^= 1;
    let refused = client.produce(plain, 0, damaged.into()).await;
    assert_eq!(refused.error_code, code(ErrorCode::CorruptMessage));

    let large = "x".repeat(2_000_000);
    let refused = client.produce(plain, 0, batch(&[&large])).await;
    assert_eq!(refused.error_code, code(ErrorCode::MessageTooLarge));

    let unknown = TopicId::new(Uuid::new_v4()).expect("not nil");
    let refused = client.produce(unknown, 0, batch(&["x"])).await;
    assert_eq!(refused.error_code, code(ErrorCode::UnknownTopicId));
    let refused = client.produce(plain, 9, batch(&["x"])).await;
    assert_eq!(refused.error_code, code(ErrorCode::UnknownTopicOrPartition));
    let mut request = produce_request(plain, 0, batch(&["x"]), 5);
    request.acks = 5;
    let response = client.ask(request).await;
    let refused = &response.responses[0].partition_responses[0];
    assert_eq!(refused.error_code, code(ErrorCode::InvalidRequiredAcks));
    broker.stop().await;
}

#[tokio::test]
async fn a_topic_may_take_the_brokers_time_and_another_compression() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let configs = [
        ("message.timestamp.type", "LogAppendTime"),
        ("compression.type", "zstd"),
    ];
    let topic = client.create_topic("stamped", 1, &configs).await;
    let old = batch_of(
        &["x"],
        None,
        Compression::Gzip,
        Some(Timestamp::from_millis(1000)),
    );
    let before = now().as_millis();
    let produced = client.produce(topic, 0, old).await;
    assert_eq!(produced.error_code, 0);
    assert!(produced.log_append_time_ms >= before);
    let data = client.fetch(topic, 0, 0).await;
    let bytes = data.records.expect("not null").into_bytes();
    let stored = fleuve_model::record::RecordBatch::parse_verified(&bytes).expect("valid");
    assert_eq!(stored.header().compression(), Compression::Zstd);
    assert_eq!(
        stored.header().max_timestamp.map(Timestamp::as_millis),
        Some(produced.log_append_time_ms)
    );
    broker.stop().await;
}

#[tokio::test]
async fn acks_all_needs_the_in_sync_replicas_that_the_topic_asks_for_at_once_when_changed() {
    use api::incremental_alter_configs::{AlterConfigsResource, AlterableConfig};
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("strict", 1, &[]).await;
    assert_eq!(client.produce(topic, 0, batch(&["a"])).await.error_code, 0);
    let config = AlterableConfig {
        name: Str::from_static("min.insync.replicas"),
        config_operation: 0,
        value: Some(Str::from_static("2")),
    };
    let resource = AlterConfigsResource {
        resource_type: 2,
        resource_name: Str::from_static("strict"),
        configs: vec![config],
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![resource],
        ..Default::default()
    };
    assert_eq!(client.ask(request).await.responses[0].error_code, 0);
    let refused = client.produce(topic, 0, batch(&["b"])).await;
    assert_eq!(refused.error_code, code(ErrorCode::NotEnoughReplicas));
    broker.stop().await;
}

#[tokio::test]
async fn offsets_are_found_by_time_and_at_either_end() {
    use api::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("timed", 1, &[]).await;
    let base = now().as_millis();
    for (value, millis) in [("a", base), ("b", base + 2000), ("c", base + 1000)] {
        let time = Some(Timestamp::from_millis(millis));
        client
            .produce(topic, 0, batch_of(&[value], None, Compression::None, time))
            .await;
    }
    for (timestamp, expected) in [
        (-1, 3),
        (-2, 0),
        (-3, 1),
        (base, 0),
        (base + 1, 1),
        (base + 5000, -1),
        (-5, -1),
    ] {
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: Str::from_static("timed"),
                partitions: vec![ListOffsetsPartition {
                    timestamp,
                    ..ListOffsetsPartition::default()
                }],
            }],
            ..ListOffsetsRequest::default()
        };
        let response = client.ask(request).await;
        let found = &response.topics[0].partitions[0];
        assert_eq!(
            (found.error_code, found.offset),
            (0, expected),
            "{timestamp}"
        );
    }
    broker.stop().await;
}
