use std::sync::Arc;

use bytes::Bytes;
use fleuve_broker::Broker;
use fleuve_model::{ErrorCode, TopicId};
use fleuve_protocol::api::{ApiVersionsRequest, ApiVersionsResponse, MetadataRequest};
use fleuve_protocol::{AnyRequest, ApiKey, Str, api, decode_response, encode_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::support::{
    Client, HANG, batch, broker, code, config_on, fetch_request, produce_request, records_of,
    served, start,
};

#[tokio::test]
async fn every_version_of_every_api_that_is_told_of_is_answered() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let keys = served(&mut client).await;
    assert!(keys.len() >= 29, "{keys:?}");
    for key in keys {
        for version in key.versions().iter() {
            let mut client = Client::connect(&broker).await;
            let request = default_request(key);
            let frame = encode_request(&request, version, 7, Some(&Str::from_static("test")));
            let frame = frame.unwrap_or_else(|error| panic!("{key} {version}: {error}"));
            client.send_bytes(&frame.into_bytes()).await;
            let bytes = client.receive_bytes().await;
            let bytes = bytes.unwrap_or_else(|| panic!("{key} {version} is not answered"));
            let (header, _) = decode_response(key, version, bytes)
                .unwrap_or_else(|error| panic!("{key} {version}: {error}"));
            assert_eq!(header.correlation_id, 7);
        }
    }
    broker.stop().await;
}

/// A request with nothing in it.
pub(crate) fn default_request(key: ApiKey) -> AnyRequest {
    match key {
        // Zero acks would mean that no answer is wanted.
        ApiKey::Produce => api::ProduceRequest {
            acks: 1,
            ..Default::default()
        }
        .into(),
        ApiKey::Fetch => api::FetchRequest::default().into(),
        ApiKey::ListOffsets => api::ListOffsetsRequest::default().into(),
        ApiKey::Metadata => api::MetadataRequest::default().into(),
        ApiKey::OffsetCommit => api::OffsetCommitRequest::default().into(),
        ApiKey::OffsetFetch => api::OffsetFetchRequest::default().into(),
        ApiKey::FindCoordinator => api::FindCoordinatorRequest::default().into(),
        ApiKey::JoinGroup => api::JoinGroupRequest::default().into(),
        ApiKey::Heartbeat => api::HeartbeatRequest::default().into(),
        ApiKey::LeaveGroup => api::LeaveGroupRequest::default().into(),
        ApiKey::SyncGroup => api::SyncGroupRequest::default().into(),
        ApiKey::DescribeGroups => api::DescribeGroupsRequest::default().into(),
        ApiKey::ListGroups => api::ListGroupsRequest::default().into(),
        ApiKey::SaslHandshake => api::SaslHandshakeRequest::default().into(),
        ApiKey::ApiVersions => api::ApiVersionsRequest::default().into(),
        ApiKey::CreateTopics => api::CreateTopicsRequest::default().into(),
        ApiKey::DeleteTopics => api::DeleteTopicsRequest::default().into(),
        ApiKey::DeleteRecords => api::DeleteRecordsRequest::default().into(),
        ApiKey::InitProducerId => api::InitProducerIdRequest::default().into(),
        ApiKey::OffsetForLeaderEpoch => api::OffsetForLeaderEpochRequest::default().into(),
        ApiKey::DescribeConfigs => api::DescribeConfigsRequest::default().into(),
        ApiKey::AlterConfigs => api::AlterConfigsRequest::default().into(),
        ApiKey::DescribeLogDirs => api::DescribeLogDirsRequest::default().into(),
        ApiKey::SaslAuthenticate => api::SaslAuthenticateRequest::default().into(),
        ApiKey::CreatePartitions => api::CreatePartitionsRequest::default().into(),
        ApiKey::DeleteGroups => api::DeleteGroupsRequest::default().into(),
        ApiKey::IncrementalAlterConfigs => api::IncrementalAlterConfigsRequest::default().into(),
        ApiKey::OffsetDelete => api::OffsetDeleteRequest::default().into(),
        ApiKey::DescribeCluster => api::DescribeClusterRequest::default().into(),
        ApiKey::ConsumerGroupHeartbeat => api::ConsumerGroupHeartbeatRequest::default().into(),
        ApiKey::ConsumerGroupDescribe => api::ConsumerGroupDescribeRequest::default().into(),
        ApiKey::ListConfigResources => api::ListConfigResourcesRequest::default().into(),
        ApiKey::DescribeTopicPartitions => api::DescribeTopicPartitionsRequest::default().into(),
    }
}

#[tokio::test]
async fn an_unknown_version_of_api_versions_gets_version_0_and_error_35() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    // Key 18, version 99, correlation id 5, no client id, no tags.
    client
        .send_bytes(&[0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 5, 255, 255, 0])
        .await;
    let bytes = client.receive_bytes().await.expect("an answer");
    let (header, response) = decode_response(ApiKey::ApiVersions, 0, bytes).expect("version 0");
    assert_eq!(header.correlation_id, 5);
    let fleuve_protocol::AnyResponse::ApiVersions(response) = response else {
        panic!()
    };
    assert_eq!(response.error_code, code(ErrorCode::UnsupportedVersion));
    let keys: Vec<i16> = response.api_keys.iter().map(|it| it.api_key).collect();
    assert_eq!(keys, [18]);
    broker.stop().await;
}

#[tokio::test]
async fn an_unknown_version_of_another_api_closes_the_connection() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    client
        .send_bytes(&[0, 0, 0, 11, 0, 3, 0, 99, 0, 0, 0, 5, 255, 255, 0])
        .await;
    assert_eq!(client.receive_bytes().await, None);
    broker.stop().await;
}

#[tokio::test]
async fn garbage_closes_the_connection_that_it_came_by_and_no_other() {
    let broker = broker().await;
    let mut good = Client::connect(&broker).await;
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0x16, 0x03, 0x01, 0x00, 0x00],
        &[0xff, 0xff, 0xff, 0xff, 0, 0],
        &[0x7f, 0xff, 0xff, 0xff, 0, 0],
        &[0, 0, 0, 4, 1, 2, 3, 4],
        &[0, 0, 0, 0],
    ] {
        let mut client = Client::connect(&broker).await;
        client.send_bytes(garbage).await;
        assert_eq!(client.receive_bytes().await, None, "{garbage:?}");
    }
    let response = good.ask(MetadataRequest::default()).await;
    assert_eq!(response.brokers.len(), 1);
    broker.stop().await;
}

#[tokio::test]
async fn replies_leave_in_the_order_of_their_requests_even_around_a_fetch_that_waits() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("orders", 1, &[]).await;

    let mut waiting = fetch_request(topic, 0, 0);
    waiting.max_wait_ms = 60_000;
    let version = ApiKey::Fetch.versions().max;
    client.send(waiting, version).await;
    client
        .send(produce_request(topic, 0, batch(&["a"]), -1), 13)
        .await;
    client.send(MetadataRequest::default(), 13).await;

    let fetched: fleuve_protocol::api::FetchResponse = client.receive(version).await;
    assert_eq!(fetched.responses[0].partitions[0].high_watermark, 1);
    let produced: fleuve_protocol::api::ProduceResponse = client.receive(13).await;
    assert_eq!(produced.responses[0].partition_responses[0].base_offset, 0);
    let _: fleuve_protocol::api::MetadataResponse = client.receive(13).await;
    broker.stop().await;
}

#[tokio::test]
async fn features_with_minimum_0_are_told_to_version_4_only() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let request = || ApiVersionsRequest {
        client_software_name: Str::from_static("test"),
        client_software_version: Str::from_static("1.0"),
    };
    let names = |response: &ApiVersionsResponse| -> Vec<String> {
        response
            .supported_features
            .iter()
            .map(|it| it.name.to_string())
            .collect()
    };
    let third = client.call(request(), 3).await;
    assert_eq!(names(&third), ["metadata.version"]);
    let fourth = client.call(request(), 4).await;
    assert_eq!(names(&fourth), ["metadata.version", "group.version"]);
    let produce = fourth
        .api_keys
        .iter()
        .find(|it| it.api_key == 0)
        .expect("Produce");
    assert_eq!((produce.min_version, produce.max_version), (0, 13));
    broker.stop().await;
}

#[tokio::test]
async fn a_client_software_name_that_is_none_is_refused() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let response = client.call(ApiVersionsRequest::default(), 3).await;
    assert_eq!(response.error_code, code(ErrorCode::InvalidRequest));
    broker.stop().await;
}

#[tokio::test]
async fn more_connections_than_one_address_may_have_are_closed() {
    let config = config_on(&fleuve_storage::disk::SimulatedDisk::new());
    let config = config.with("max.connections.per.ip", "2").expect("valid");
    let broker = start(config).await;
    let mut first = Client::connect(&broker).await;
    let mut second = Client::connect(&broker).await;
    first.ask(MetadataRequest::default()).await;
    second.ask(MetadataRequest::default()).await;
    let mut third = Client::connect(&broker).await;
    assert_eq!(third.receive_bytes().await, None);
    drop(first);
    // The slot is free once the broker has seen the end of the first connection.
    loop {
        let mut again = Client::connect(&broker).await;
        again.send(MetadataRequest::default(), 13).await;
        if again.receive_bytes().await.is_some() {
            break;
        }
    }
    broker.stop().await;
}

#[tokio::test]
async fn produce_without_acks_is_not_answered_and_an_error_closes_the_connection() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("quiet", 1, &[]).await;
    client
        .send(produce_request(topic, 0, batch(&["a"]), 0), 13)
        .await;
    assert_eq!(client.values(topic, 0, 0).await, ["a"]);
    client
        .send(produce_request(topic, 7, batch(&["b"]), 0), 13)
        .await;
    assert_eq!(client.receive_bytes().await, None);
    broker.stop().await;
}

#[tokio::test]
async fn frames_that_are_claimed_and_not_sent_keep_nobody_waiting() {
    let config = config_on(&fleuve_storage::disk::SimulatedDisk::new());
    let config = config
        .with("queued.max.request.bytes", "4194304")
        .expect("valid");
    let broker = start(config).await;
    let mut claims = Vec::new();
    for _ in 0..50 {
        let mut claim = Client::connect(&broker).await;
        // 90 MB, of which 20 bytes come.
        claim.send_bytes(&90_000_000_i32.to_be_bytes()).await;
        claim.send_bytes(&[0; 20]).await;
        claims.push(claim);
    }
    let mut good = Client::connect(&broker).await;
    let topic = good.create_topic("served", 1, &[]).await;
    let large = "x".repeat(500_000);
    assert_eq!(good.produce(topic, 0, batch(&[&large])).await.error_code, 0);
    broker.stop().await;
}

#[tokio::test]
async fn clients_that_do_not_read_their_records_leave_something_for_the_others() {
    let config = config_on(&fleuve_storage::disk::SimulatedDisk::new());
    let config = config
        .with("fleuve.queued.max.response.bytes", "33554432")
        .expect("valid");
    let broker = start(config).await;
    let mut good = Client::connect(&broker).await;
    let topic = good.create_topic("unread", 1, &[]).await;
    let large = "x".repeat(100_000);
    for _ in 0..200 {
        assert_eq!(good.produce(topic, 0, batch(&[&large])).await.error_code, 0);
    }
    let mut deaf = Vec::new();
    for _ in 0..100 {
        let mut client = Client::connect(&broker).await;
        let mut request = fetch_request(topic, 0, 0);
        request.topics[0].partitions[0].partition_max_bytes = i32::MAX;
        client.send(request, 18).await;
        deaf.push(client);
    }
    assert_eq!(records_of(&good.fetch(topic, 0, 0).await)[0].0, 0);
    broker.stop().await;
}

#[tokio::test]
async fn clients_that_pipeline_fetches_and_read_no_answer_leave_something_for_the_others() {
    let config = config_on(&fleuve_storage::disk::SimulatedDisk::new());
    let config = config
        .with("fleuve.queued.max.response.bytes", "1048576")
        .expect("valid");
    let broker = start(config).await;
    let mut good = Client::connect(&broker).await;
    let topic = good.create_topic("unread", 1, &[]).await;
    let large = "x".repeat(30_000);
    for _ in 0..40 {
        assert_eq!(good.produce(topic, 0, batch(&[&large])).await.error_code, 0);
    }
    let mut deaf = Vec::new();
    for _ in 0..50 {
        let mut client = Client::connect(&broker).await;
        for _ in 0..100 {
            let mut request = fetch_request(topic, 0, 0);
            request.topics[0].partitions[0].partition_max_bytes = 1;
            client.send(request, 18).await;
        }
        deaf.push(client);
    }
    for _ in 0..3 {
        assert_eq!(records_of(&good.fetch(topic, 0, 0).await)[0].0, 0);
        assert_eq!(good.produce(topic, 0, batch(&["y"])).await.error_code, 0);
    }
    // Who reads in the end gets all that it asked for.
    let mut first = deaf.swap_remove(0);
    for _ in 0..100 {
        let response: api::FetchResponse = first.receive(18).await;
        let partition = &response.responses[0].partitions[0];
        assert_eq!(records_of(partition)[0], (0, large.clone()));
    }
    broker.stop().await;
}

/// A stream to `broker` that holds hardly anything: what one end does not read stops the other.
fn narrow_stream(broker: &Arc<Broker>) -> DuplexStream {
    let (client, served) = tokio::io::duplex(1024);
    let broker = Arc::clone(broker);
    tokio::spawn(async move { broker.serve(served).await });
    client
}

/// A fetch that waits for the topic's first record.
fn waiting_fetch(topic: TopicId) -> Bytes {
    let mut request = fetch_request(topic, 0, 0);
    request.max_wait_ms = 60_000;
    let frame = encode_request(&request.into(), 18, 7, Some(&Str::from_static("deaf")));
    frame.expect("of its version").into_bytes()
}

#[tokio::test]
async fn who_holds_a_share_of_the_requests_budget_and_reads_no_answer_is_disconnected() {
    let config = config_on(&fleuve_storage::disk::SimulatedDisk::new());
    let config = config.with("fleuve.unread.response.max.ms", "1");
    let broker = Arc::new(start(config.expect("valid")).await);
    let mut good = Client::connect(&broker).await;
    let topic = good.create_topic("unread", 1, &[]).await;
    let (mut patient, mut greedy) = (narrow_stream(&broker), narrow_stream(&broker));
    for stream in [&mut patient, &mut greedy] {
        let sent = stream.write_all(&waiting_fetch(topic)).await;
        sent.expect("the broker reads");
    }
    // It is read but for the last KiB, so by then it has a share.
    let begun = [&50_000_i32.to_be_bytes()[..], &[0; 20_000]].concat();
    greedy.write_all(&begun).await.expect("the broker reads");

    let large = "x".repeat(100_000);
    assert_eq!(good.produce(topic, 0, batch(&[&large])).await.error_code, 0);
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(HANG, async {
        // Nothing is read until the broker has hung up, which a write notices.
        while greedy.write_all(&[0]).await.is_ok() {}
        greedy.read_to_end(&mut answer).await
    });
    let read = ended.await.expect("the broker hangs up");
    assert!(
        read.is_err() || answer.len() < large.len(),
        "a whole answer"
    );

    // Who holds nothing may take its time.
    let size = patient.read_u32().await.expect("an answer");
    let mut answer = vec![0; size as usize];
    let whole = patient.read_exact(&mut answer).await;
    assert!(whole.expect("all of it") > large.len());

    drop((patient, good));
    // Whoever serves a stream holds the broker until it has seen its end.
    while Arc::strong_count(&broker) > 1 {
        tokio::task::yield_now().await;
    }
    let broker = Arc::into_inner(broker).expect("nobody else holds it");
    broker.stop().await;
}

#[tokio::test]
async fn a_request_behind_a_fetch_that_waits_begins_when_that_is_answered() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("queue", 1, &[]).await;
    let mut waiting = fetch_request(topic, 0, 0);
    waiting.max_wait_ms = 60_000;
    client.send(waiting, 18).await;
    let mut next = fetch_request(topic, 0, 1);
    next.max_wait_ms = 60_000;
    client.send(next, 18).await;
    // Read and begun only once the second fetch has begun.
    client
        .send(produce_request(topic, 0, batch(&["b"]), -1), 13)
        .await;
    let mut other = Client::connect(&broker).await;
    assert_eq!(other.produce(topic, 0, batch(&["a"])).await.base_offset, 0);
    for (offset, value) in [(0, "a"), (1, "b")] {
        let response: api::FetchResponse = client.receive(18).await;
        let records = records_of(&response.responses[0].partitions[0]);
        assert_eq!(records, [(offset, value.to_owned())]);
    }
    let produced: api::ProduceResponse = client.receive(13).await;
    assert_eq!(produced.responses[0].partition_responses[0].base_offset, 1);
    broker.stop().await;
}
