use std::time::{Duration, Instant};

use fleuve_broker::config::BrokerConfig;
use fleuve_model::ErrorCode;
use fleuve_protocol::api::FetchResponse;
use fleuve_protocol::api::fetch::{FetchPartition, FetchRequest, FetchTopic};

use crate::support::{Client, batch, broker, code, fetch_request, records_of, start};

#[tokio::test]
async fn nothing_to_read_is_empty_and_never_null() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("empty", 1, &[]).await;
    let data = client.fetch(topic, 0, 0).await;
    assert_eq!(data.records.map(|records| records.len()), Some(0));
    let beyond = client.fetch(topic, 0, 5).await;
    assert_eq!(beyond.error_code, code(ErrorCode::OffsetOutOfRange));
    assert_eq!(beyond.records.map(|records| records.len()), Some(0));
    broker.stop().await;
}

#[tokio::test]
async fn a_waiting_fetch_is_answered_as_soon_as_there_is_something() {
    let broker = broker().await;
    let mut reader = Client::connect(&broker).await;
    let mut writer = Client::connect(&broker).await;
    let topic = writer.create_topic("long", 2, &[]).await;
    let mut request = fetch_request(topic, 0, 0);
    let mut second = request.topics[0].partitions[0].clone();
    second.partition = 1;
    request.topics[0].partitions.push(second);
    request.max_wait_ms = 60_000;
    reader.send(request, 18).await;
    writer.produce(topic, 1, batch(&["x"])).await;
    let response: FetchResponse = reader.receive(18).await;
    let partitions = &response.responses[0].partitions;
    assert_eq!(records_of(&partitions[1]), [(0, "x".to_owned())]);
    broker.stop().await;
}

#[tokio::test]
async fn a_fetch_waits_for_its_minimum_and_not_longer_than_its_time() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("minimum", 1, &[]).await;
    client.produce(topic, 0, batch(&["x"])).await;
    let mut request = fetch_request(topic, 0, 0);
    request.min_bytes = 1_000_000;
    request.max_wait_ms = 200;
    let begun = Instant::now();
    let response = client.ask(request).await;
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!(records_of(&response.responses[0].partitions[0]).len(), 1);
    broker.stop().await;
}

#[tokio::test]
async fn a_waiting_fetch_learns_that_its_topic_is_deleted() {
    use fleuve_protocol::Str;
    use fleuve_protocol::api::DeleteTopicsRequest;
    use fleuve_protocol::api::delete_topics::DeleteTopicState;
    let broker = broker().await;
    let mut reader = Client::connect(&broker).await;
    let mut admin = Client::connect(&broker).await;
    let topic = admin.create_topic("doomed", 1, &[]).await;
    let mut request = fetch_request(topic, 0, 0);
    request.max_wait_ms = 60_000;
    reader.send(request, 18).await;
    let state = DeleteTopicState {
        name: Some(Str::from_static("doomed")),
        topic_id: None,
    };
    let delete = DeleteTopicsRequest {
        topics: vec![state],
        ..Default::default()
    };
    assert_eq!(admin.ask(delete).await.responses[0].error_code, 0);
    let response: FetchResponse = reader.receive(18).await;
    let error = response.responses[0].partitions[0].error_code;
    assert_eq!(error, code(ErrorCode::UnknownTopicId));
    broker.stop().await;
}

#[tokio::test]
async fn limits_hold_but_the_first_batch_always_comes() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("limits", 2, &[]).await;
    let large = "x".repeat(1000);
    for partition in [0, 0, 0, 1, 1, 1] {
        client.produce(topic, partition, batch(&[&large])).await;
    }
    let mut request = fetch_request(topic, 0, 0);
    request.topics[0].partitions[0].partition_max_bytes = 10;
    let mut second = request.topics[0].partitions[0].clone();
    second.partition = 1;
    request.topics[0].partitions.push(second);
    let response = client.ask(request).await;
    let counts: Vec<usize> = response.responses[0]
        .partitions
        .iter()
        .map(|it| records_of(it).len())
        .collect();
    assert_eq!(counts, [1, 0]);

    let mut request = fetch_request(topic, 0, 0);
    request.max_bytes = 2500;
    let response = client.ask(request).await;
    assert_eq!(records_of(&response.responses[0].partitions[0]).len(), 2);
    broker.stop().await;
}

#[tokio::test]
async fn a_session_answers_with_news_only() {
    let broker = broker().await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("session", 3, &[]).await;
    let partitions = (0..3).map(|partition| FetchPartition {
        partition,
        partition_max_bytes: 1024,
        ..FetchPartition::default()
    });
    let request = FetchRequest {
        session_epoch: 0,
        min_bytes: 1,
        max_bytes: 1024 * 1024,
        topics: vec![FetchTopic {
            topic_id: Some(topic),
            partitions: partitions.collect(),
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    let full = client.ask(request).await;
    assert_eq!(full.responses[0].partitions.len(), 3);
    assert_ne!(full.session_id, 0);

    let next = |epoch: i32| FetchRequest {
        session_id: full.session_id,
        session_epoch: epoch,
        min_bytes: 1,
        max_bytes: 1024 * 1024,
        ..FetchRequest::default()
    };
    let nothing = client.ask(next(1)).await;
    assert_eq!(nothing.responses.len(), 0);
    client.produce(topic, 2, batch(&["x"])).await;
    let news = client.ask(next(2)).await;
    let numbers: Vec<i32> = news.responses[0]
        .partitions
        .iter()
        .map(|it| it.partition_index)
        .collect();
    assert_eq!(numbers, [2]);
    let wrong = client.ask(next(2)).await;
    assert_eq!(wrong.error_code, code(ErrorCode::InvalidFetchSessionEpoch));
    let mut unknown = next(1);
    unknown.session_id = 12345;
    let wrong = client.ask(unknown).await;
    assert_eq!(wrong.error_code, code(ErrorCode::FetchSessionIdNotFound));
    broker.stop().await;
}

#[tokio::test]
async fn records_come_whole_from_the_files_of_a_real_disk_be_they_few_or_many() {
    let folder = tempfile::tempdir().expect("a folder");
    let broker = start(BrokerConfig::local(folder.path())).await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("files", 3, &[]).await;
    let value = |partition: i32| ["a", "b", "c"][partition as usize].repeat(700_000);
    for partition in 0..3 {
        let stored = client.produce(topic, partition, batch(&["few"])).await;
        assert_eq!(stored.error_code, 0);
        for _ in 0..3 {
            let batch = batch(&[&value(partition)]);
            assert_eq!(client.produce(topic, partition, batch).await.error_code, 0);
        }
    }
    let mut request = fetch_request(topic, 0, 0);
    request.topics[0].partitions = (0..3)
        .map(|partition| FetchPartition {
            partition,
            fetch_offset: 0,
            // One gets its first batch alone, the others all of theirs.
            partition_max_bytes: if partition == 1 { 100 } else { i32::MAX },
            ..FetchPartition::default()
        })
        .collect();
    let response = client.ask(request).await;
    for data in &response.responses[0].partitions {
        let large = value(data.partition_index);
        let records: Vec<String> = records_of(data).into_iter().map(|it| it.1).collect();
        match data.partition_index {
            1 => assert_eq!(records, ["few"]),
            _ => assert_eq!(records, ["few", &large, &large, &large]),
        }
    }
    broker.stop().await;
}
