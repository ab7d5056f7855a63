use std::path::Path;

use fleuve_broker::{Broker, StartError};
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

#[tokio::test]
async fn a_broker_whose_metadata_is_damaged_says_so_instead_of_waiting() {
    let disk = SimulatedDisk::new();
    let broker = start(config_on(&disk)).await;
    let mut client = Client::connect(&broker).await;
    client.create_topic("lost", 1, &[]).await;
    broker.stop().await;
    let log = Path::new("/data/__fleuve_metadata-0/00000000000000000000.log");
    let mut bytes = disk.peek(log).expect("the metadata is there");
    bytes[80] ^= 0xff;
    disk.poke(log, &bytes);
    let Err(error) = Broker::start(config_on(&disk)).await else {
        panic!("it started")
    };
    let StartError::MetadataDamaged { folder, reason } = error else {
        panic!("{error}")
    };
    assert_eq!(folder, Path::new("/data/__fleuve_metadata-0"));
    assert!(reason.contains("CRC"), "{reason}");
    assert_eq!(disk.peek(log), Some(bytes));
}

#[tokio::test]
async fn a_broker_whose_metadata_is_in_a_directory_that_is_away_does_not_begin_anew() {
    let disk = SimulatedDisk::new();
    let config = || {
        let config = config_on(&disk);
        config.with("log.dirs", "/one,/two").expect("valid")
    };
    let broker = start(config()).await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("kept", 2, &[]).await;
    client.produce(topic, 0, batch(&["a"])).await;
    broker.stop().await;
    let first_segment = "__fleuve_metadata-0/00000000000000000000.log";
    let mut folders = ["/one", "/two"].map(Path::new).into_iter();
    let holds = |folder: &&Path| disk.peek(&folder.join(first_segment)).is_some();
    let folder = folders.find(holds).expect("one of them has the metadata");
    let meta = folder.join("meta.properties");
    let good = disk.peek(&meta).expect("it is there");
    disk.poke(&meta, b"version=9");
    let Err(error) = Broker::start(config()).await else {
        panic!("it started")
    };
    let StartError::MetadataMissing { folders } = error else {
        panic!("{error}")
    };
    assert_eq!(folders, [folder]);
    disk.poke(&meta, &good);
    let broker = start(config()).await;
    let mut client = Client::connect(&broker).await;
    assert_eq!(client.values(topic, 0, 0).await, ["a"]);
    broker.stop().await;
}

#[tokio::test]
async fn a_directory_of_a_newer_format_is_named_once() {
    let disk = SimulatedDisk::new();
    start(config_on(&disk)).await.stop().await;
    let meta = Path::new("/data/meta.properties");
    let text = String::from_utf8(disk.peek(meta).expect("it is there")).expect("text");
    disk.poke(meta, text.replace("version=1", "version=9").as_bytes());
    let Err(error) = Broker::start(config_on(&disk)).await else {
        panic!("it started")
    };
    assert_eq!(
        error.to_string(),
        "log directory /data: meta.properties has version 9, known is 1"
    );
}
