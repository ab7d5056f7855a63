use fleuve_protocol::api::{DescribeClusterRequest, DescribeLogDirsRequest, MetadataRequest};
use fleuve_storage::disk::SimulatedDisk;

use crate::support::{Client, batch, broker, config_on, start};

#[tokio::test]
async fn topics_configs_records_and_ids_survive_a_restart() {
    let disk = SimulatedDisk::new();
    let broker = start(config_on(&disk)).await;
    let cluster = broker.cluster_id();
    let mut client = Client::connect(&broker).await;
    let topic = client
        .create_topic("kept", 2, &[("retention.ms", "77000")])
        .await;
    client.produce(topic, 1, batch(&["a", "b"])).await;
    broker.stop().await;

    let broker = start(config_on(&disk)).await;
    assert_eq!(broker.cluster_id(), cluster);
    let mut client = Client::connect(&broker).await;
    assert_eq!(client.values(topic, 1, 0).await, ["a", "b"]);
    assert_eq!(client.produce(topic, 1, batch(&["c"])).await.base_offset, 2);
    let metadata = client
        .ask(MetadataRequest {
            topics: None,
            ..Default::default()
        })
        .await;
    let names: Vec<String> = metadata
        .topics
        .iter()
        .filter_map(|it| it.name.as_ref())
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["kept"]);
    // A restart begins a new leader epoch: what an earlier process wrote last may be lost.
    assert_eq!(metadata.topics[0].partitions[1].leader_epoch, 1);
    broker.stop().await;
}

#[tokio::test]
async fn many_brokers_live_in_one_process() {
    let (first, second) = (broker().await, broker().await);
    assert_ne!(first.address(), second.address());
    assert_ne!(first.cluster_id(), second.cluster_id());
    for broker in [&first, &second] {
        let mut client = Client::connect(broker).await;
        let response = client.ask(DescribeClusterRequest::default()).await;
        assert_eq!(response.cluster_id, *broker.cluster_id());
        assert_eq!(response.brokers[0].port, i32::from(broker.address().port()));
    }
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn log_directories_are_shown_with_their_sizes() {
    let config = config_on(&SimulatedDisk::new())
        .with("log.dirs", "/one,/two")
        .expect("valid");
    let broker = start(config).await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("spread", 4, &[]).await;
    client.produce(topic, 0, batch(&["a"])).await;
    let response = client.ask(DescribeLogDirsRequest { topics: None }).await;
    let count = |it: &fleuve_protocol::api::describe_log_dirs::DescribeLogDirsResult| {
        it.topics
            .iter()
            .map(|topic| topic.partitions.len())
            .sum::<usize>()
    };
    let mut counts: Vec<usize> = response.results.iter().map(count).collect();
    counts.sort_unstable();
    assert_eq!(counts.iter().sum::<usize>(), 4);
    assert!(counts[0] >= 1, "partitions are spread: {counts:?}");
    broker.stop().await;
}

#[tokio::test]
async fn a_directory_of_another_broker_is_refused() {
    let disk = SimulatedDisk::new();
    let broker = start(config_on(&disk)).await;
    broker.stop().await;
    let config = config_on(&disk).with("node.id", "7").expect("valid");
    let refused = fleuve_broker::Broker::start(config)
        .await
        .err()
        .expect("refused");
    assert_eq!(
        refused.to_string(),
        "log directory /data belongs to node 0 (meta.properties), and this is node 7"
    );
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = holder.local_addr().expect("bound").port();
    let config = config_on(&SimulatedDisk::new());
    let listeners = format!("PLAINTEXT://127.0.0.1:{port}");
    let config = config.with("listeners", &listeners).expect("valid");
    let refused = fleuve_broker::Broker::start(config)
        .await
        .err()
        .expect("refused")
        .to_string();
    assert!(
        refused.contains(&format!("127.0.0.1:{port} cannot be listened on")),
        "{refused}"
    );
    if cfg!(target_os = "linux") {
        assert!(refused.contains("it is held by"), "{refused}");
    }
}

#[tokio::test]
async fn a_client_of_the_same_process_gets_the_same_answers_without_a_socket() {
    use fleuve_client::transport::LocalBroker;
    let broker = broker().await;
    let connection = broker.local().connect();
    assert!(connection.is_ok());
    drop(connection);
    broker.stop().await;
}
