use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use fleuve_protocol::api::create_topics::{CreatableTopic, CreateTopicsRequest};
use fleuve_protocol::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use fleuve_protocol::api::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use fleuve_protocol::api::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use fleuve_protocol::api::metadata::{MetadataRequest, MetadataRequestTopic};

use crate::support::{Client, batch, broker, code, config_on, start};

fn named(name: &'static str) -> MetadataRequest {
    MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(Str::from_static(name)),
            ..MetadataRequestTopic::default()
        }]),
        allow_auto_topic_creation: true,
        ..MetadataRequest::default()
    }
}

#[tokio::test]
async fn asking_for_a_topic_creates_it_unless_that_is_switched_off() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let response = client.ask(named("wanted")).await;
    assert_eq!(response.topics[0].error_code, 0);
    assert_eq!(response.topics[0].partitions.len(), 1);
    let response = client.ask(named("not a name")).await;
    assert_eq!(
        response.topics[0].error_code,
        code(ErrorCode::InvalidTopicException)
    );
    let mut quiet = named("unwanted");
    quiet.allow_auto_topic_creation = false;
    let response = client.ask(quiet).await;
    assert_eq!(
        response.topics[0].error_code,
        code(ErrorCode::UnknownTopicOrPartition)
    );
    broker.stop().await;

    let config = config_on(&fleuve_storage::disk::SimulatedDisk::new());
    let broker = start(
        config
            .with("auto.create.topics.enable", "false")
            .expect("valid"),
    )
    .await;
    let mut client = Client::connect(&broker).await;
    let response = client.ask(named("wanted")).await;
    assert_eq!(
        response.topics[0].error_code,
        code(ErrorCode::UnknownTopicOrPartition)
    );
    broker.stop().await;
}

#[tokio::test]
async fn more_replicas_than_brokers_are_refused_in_kafkas_words_or_lowered() {
    let config = config_on(&fleuve_storage::disk::SimulatedDisk::new());
    let request = || CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: Str::from_static("course"),
            num_partitions: 1,
            replication_factor: 3,
            ..CreatableTopic::default()
        }],
        ..CreateTopicsRequest::default()
    };
    let strict = config
        .with("fleuve.replication.factor.clamp", "false")
        .expect("valid");
    let broker = start(strict).await;
    let mut client = Client::connect(&broker).await;
    let refused = client.ask(request()).await;
    assert_eq!(
        refused.topics[0].error_code,
        code(ErrorCode::InvalidReplicationFactor)
    );
    assert_eq!(
        refused.topics[0].error_message.as_ref().map(Str::as_str),
        Some(
            "Unable to replicate the partition 3 time(s): The target replication factor of 3 \
             cannot be reached because only 1 broker(s) are registered."
        )
    );
    broker.stop().await;

    let broker = start(config_on(&fleuve_storage::disk::SimulatedDisk::new())).await;
    let mut client = Client::connect(&broker).await;
    let lowered = client.ask(request()).await;
    assert_eq!(
        (
            lowered.topics[0].error_code,
            lowered.topics[0].replication_factor
        ),
        (0, 1)
    );
    broker.stop().await;
}

#[tokio::test]
async fn a_deleted_topic_is_gone_and_one_of_the_same_name_begins_empty() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let first = client.create_topic("again", 1, &[]).await;
    client.produce(first, 0, batch(&["old"])).await;
    let state = DeleteTopicState {
        name: None,
        topic_id: Some(first),
    };
    let delete = DeleteTopicsRequest {
        topics: vec![state],
        ..Default::default()
    };
    assert_eq!(client.ask(delete).await.responses[0].error_code, 0);
    let second = client.create_topic("again", 1, &[]).await;
    assert_ne!(first, second);
    assert_eq!(client.values(second, 0, 0).await, Vec::<String>::new());
    broker.stop().await;
}

#[tokio::test]
async fn partitions_are_added_and_can_be_written_at_once() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("growing", 1, &[]).await;
    let request = |count: i32| CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: Str::from_static("growing"),
            count,
            assignments: None,
        }],
        ..CreatePartitionsRequest::default()
    };
    assert_eq!(client.ask(request(4)).await.results[0].error_code, 0);
    assert_eq!(client.produce(topic, 3, batch(&["x"])).await.error_code, 0);
    let refused = client.ask(request(2)).await;
    assert_eq!(
        refused.results[0].error_code,
        code(ErrorCode::InvalidPartitions)
    );
    broker.stop().await;
}

#[tokio::test]
async fn deleted_records_are_not_read_any_more() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("shrinking", 1, &[]).await;
    for value in ["a", "b", "c"] {
        client.produce(topic, 0, batch(&[value])).await;
    }
    let request = |offset: i64| DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: Str::from_static("shrinking"),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset,
            }],
        }],
        timeout_ms: 1000,
    };
    let deleted = client.ask(request(2)).await;
    let partition = &deleted.topics[0].partitions[0];
    assert_eq!((partition.error_code, partition.low_watermark), (0, 2));
    let before = client.fetch(topic, 0, 1).await;
    assert_eq!(before.error_code, code(ErrorCode::OffsetOutOfRange));
    assert_eq!(client.values(topic, 0, 2).await, ["c"]);
    let refused = client.ask(request(9)).await;
    assert_eq!(
        refused.topics[0].partitions[0].error_code,
        code(ErrorCode::OffsetOutOfRange)
    );
    broker.stop().await;
}

#[tokio::test]
async fn configs_are_shown_with_their_sources() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    client
        .create_topic("shown", 1, &[("retention.ms", "5000")])
        .await;
    let describe = |resource_type: i8, name: &'static str| DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type,
            resource_name: Str::from_static(name),
            configuration_keys: None,
        }],
        include_synonyms: true,
        include_documentation: true,
    };
    let response = client.ask(describe(2, "shown")).await;
    let configs = &response.results[0].configs;
    assert_eq!(configs.len(), 33);
    let retention = configs
        .iter()
        .find(|it| it.name == "retention.ms")
        .expect("there");
    assert_eq!(retention.value.as_ref().map(Str::as_str), Some("5000"));
    assert_eq!(retention.config_source, 1);
    let synonyms: Vec<&str> = retention
        .synonyms
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(synonyms, ["retention.ms"]);
    let refused = client.ask(describe(2, "missing")).await;
    assert_eq!(
        refused.results[0].error_code,
        code(ErrorCode::UnknownTopicOrPartition)
    );
    let of_broker = client.ask(describe(4, "0")).await;
    assert!(of_broker.results[0].configs.len() > 300);
    let refused = client.ask(describe(4, "7")).await;
    assert_eq!(
        refused.results[0].error_code,
        code(ErrorCode::InvalidRequest)
    );
    broker.stop().await;
}
