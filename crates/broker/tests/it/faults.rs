use fleuve_model::ErrorCode;
use fleuve_storage::disk::{Fault, FaultKind, SimulatedDisk};

use crate::support::{Client, batch, code, config_on, start};

#[tokio::test]
async fn a_full_disk_refuses_writes_serves_reads_and_takes_writes_again_when_there_is_room() {
    let disk = SimulatedDisk::new();
    let broker = start(config_on(&disk)).await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("full", 1, &[]).await;
    assert_eq!(client.produce(topic, 0, batch(&["a"])).await.error_code, 0);
    disk.set_capacity(Some(0));
    let refused = client.produce(topic, 0, batch(&["b"])).await;
    assert_eq!(refused.error_code, code(ErrorCode::KafkaStorageError));
    assert_eq!(client.values(topic, 0, 0).await, ["a"]);
    disk.set_capacity(None);
    let taken = client.produce(topic, 0, batch(&["c"])).await;
    assert_eq!((taken.error_code, taken.base_offset), (0, 1));
    assert_eq!(client.values(topic, 0, 0).await, ["a", "c"]);
    broker.stop().await;
}

#[tokio::test]
async fn a_directory_that_fails_takes_only_its_own_partitions() {
    let disk = SimulatedDisk::new();
    let config = config_on(&disk)
        .with("log.dirs", "/one,/two")
        .expect("valid");
    let broker = start(config).await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("halved", 4, &[]).await;
    for partition in 0..4 {
        assert_eq!(
            client
                .produce(topic, partition, batch(&["a"]))
                .await
                .error_code,
            0
        );
    }
    disk.set_fault(Some(Fault {
        at_call: disk.calls(),
        kind: FaultKind::InputOutput,
    }));
    let hit = client.produce(topic, 0, batch(&["b"])).await;
    assert_eq!(hit.error_code, code(ErrorCode::KafkaStorageError));
    let mut codes = Vec::new();
    for partition in 0..4 {
        codes.push(
            client
                .produce(topic, partition, batch(&["c"]))
                .await
                .error_code,
        );
    }
    let failed = codes
        .iter()
        .filter(|it| **it == code(ErrorCode::KafkaStorageError))
        .count();
    let went_on = codes.iter().filter(|it| **it == 0).count();
    assert_eq!(
        (failed + went_on, failed > 0, went_on > 0),
        (4, true, true),
        "{codes:?}"
    );
    broker.stop().await;
}
