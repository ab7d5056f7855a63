//! Files that Apache Kafka 4.3.0 wrote, held byte for byte: the promises of `docs/formats`.

use std::path::{Path, PathBuf};

use fleuve_model::{BrokerId, LeaderEpoch, Offset};
use fleuve_storage::index::{OffsetEntry, TimeEntry};
use fleuve_storage::producer_state::{decode_snapshot, encode_snapshot};
use fleuve_storage::{
    LeaderEpochs, LogConfig, MetaProperties, OffsetFile, PartitionMetadata, decode_clean_shutdown,
    decode_offsets, encode_clean_shutdown, encode_offsets, inspect,
};

use crate::support::*;

/// The segment that was kept: three transactions begin before it, one is aborted in it.
const BASE: i64 = 348;
/// Where the next segment begins.
const END: i64 = 366;

fn golden(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/kafka-4.3.0")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn name(kind: OffsetFile, base: i64) -> String {
    kind.name(offset(base))
}

fn config() -> LogConfig {
    LogConfig {
        index_interval_bytes: 200,
        ..LogConfig::default()
    }
}

/// A snapshot's version and its entries by producer id: Kafka writes them in the order of its
/// hash table.
fn entries(snapshot: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut entries: Vec<Vec<u8>> = snapshot[10..].chunks(46).map(<[u8]>::to_vec).collect();
    entries.sort();
    ([&snapshot[..2], &snapshot[6..10]].concat(), entries)
}

/// Kafka's segment in a folder of ours, without its tables: they are made anew.
#[test]
fn a_segment_of_kafka_gets_the_tables_and_the_snapshot_that_kafka_gave_it() {
    let disk = new_disk();
    drop(
        open(&disk)
            .create_partition(orders(0), None, config(), at(0))
            .unwrap(),
    );
    let folder = PathBuf::from(LOGS).join("orders-0");
    fleuve_storage::disk::Disk::remove(&disk, &folder.join(name(OffsetFile::Log, 0))).unwrap();
    for kind in [OffsetFile::Log, OffsetFile::Snapshot] {
        disk.poke(&folder.join(name(kind, BASE)), &golden(&name(kind, BASE)));
    }
    let directory = open(&disk);
    let log = load_one(&directory, &config());
    assert_eq!(
        (log.log_start(), log.log_end()),
        (offset(BASE), offset(END))
    );
    directory.close([(log, None)], 1).unwrap();

    for kind in [
        OffsetFile::Log,
        OffsetFile::OffsetIndex,
        OffsetFile::TimeIndex,
        OffsetFile::TransactionIndex,
    ] {
        let ours = disk.peek(&folder.join(name(kind, BASE)));
        assert_eq!(ours, Some(golden(&name(kind, BASE))), "{kind:?}");
    }
    let ours = disk.peek(&folder.join(name(OffsetFile::Snapshot, END)));
    assert_eq!(
        entries(&ours.unwrap()),
        entries(&golden(&name(OffsetFile::Snapshot, END)))
    );
}

#[test]
fn tables_of_kafka_are_read_entry_by_entry() {
    let disk = new_disk();
    let folder = PathBuf::from(LOGS);
    for kind in OffsetFile::OF_SEGMENT {
        disk.poke(&folder.join(name(kind, BASE)), &golden(&name(kind, BASE)));
    }
    let offsets = folder.join(name(OffsetFile::OffsetIndex, BASE));
    let bytes = golden(&name(OffsetFile::OffsetIndex, BASE));
    let first = OffsetEntry {
        offset: offset(BASE + i64::from(u32::from_be_bytes(*bytes[..4].first_chunk().unwrap()))),
        position: u32::from_be_bytes(*bytes[4..].first_chunk().unwrap()),
    };
    assert_eq!(inspect::offset_index(&disk, &offsets).unwrap()[0], first);
    assert_eq!(inspect::check_offset_index(&disk, &offsets).unwrap(), []);
    let times = folder.join(name(OffsetFile::TimeIndex, BASE));
    let bytes = golden(&name(OffsetFile::TimeIndex, BASE));
    let first = TimeEntry {
        timestamp: at(i64::from_be_bytes(*bytes[..8].first_chunk().unwrap())),
        offset: offset(BASE + i64::from(u32::from_be_bytes(*bytes[8..].first_chunk().unwrap()))),
    };
    assert_eq!(inspect::time_index(&disk, &times).unwrap()[0], first);
    assert_eq!(inspect::check_time_index(&disk, &times).unwrap(), []);
    let aborted = folder.join(name(OffsetFile::TransactionIndex, BASE));
    let [aborted] = inspect::transaction_index(&disk, &aborted).unwrap()[..] else {
        panic!("one transaction was aborted")
    };
    assert!(aborted.first_offset < aborted.last_offset);
}

#[test]
fn a_producer_snapshot_is_written_as_it_was_read() {
    for base in [BASE, END] {
        let content = golden(&name(OffsetFile::Snapshot, base));
        let producers = decode_snapshot(&content).unwrap();
        assert!(!producers.is_empty());
        assert_eq!(
            entries(&encode_snapshot(producers.iter())),
            entries(&content)
        );
    }
}

#[test]
fn the_text_files_are_written_as_they_were_read() {
    let epochs = LeaderEpochs::decode(&golden("leader-epoch-checkpoint")).unwrap();
    let starts: Vec<(LeaderEpoch, Offset)> = epochs.iter().collect();
    assert_eq!(
        starts,
        [
            (epoch(0), offset(0)),
            (epoch(1), offset(300)),
            (epoch(3), offset(BASE))
        ]
    );
    assert_eq!(
        epochs.encode().as_bytes(),
        golden("leader-epoch-checkpoint")
    );

    let points = decode_offsets(&golden("recovery-point-offset-checkpoint")).unwrap();
    assert_eq!(points.values().copied().collect::<Vec<_>>(), [offset(970)]);
    assert_eq!(
        encode_offsets(&points).as_bytes(),
        golden("recovery-point-offset-checkpoint")
    );

    let metadata = PartitionMetadata::decode(&golden("partition.metadata")).unwrap();
    assert_eq!(metadata.encode().as_bytes(), golden("partition.metadata"));

    assert_eq!(
        decode_clean_shutdown(&golden("kafka_cleanshutdown")),
        Some(1)
    );
    assert_eq!(
        encode_clean_shutdown(1).as_bytes(),
        golden("kafka_cleanshutdown")
    );
}

/// The order of properties has no meaning, and Kafka's is that of a hash table.
#[test]
fn meta_properties_of_kafka_are_read_and_ours_say_the_same() {
    let read = MetaProperties::decode(&golden("meta.properties")).unwrap();
    assert_eq!(read.cluster_id, "oh-sxaDRTcyAr6pFRbXyzA");
    assert_eq!(read.node_id, BrokerId::new(7).unwrap());
    assert!(read.directory_id.is_some());
    assert_eq!(
        MetaProperties::decode(read.encode().as_bytes()),
        Ok(read.clone())
    );
    let lines = |text: &[u8]| {
        let text = String::from_utf8(text.to_vec()).unwrap();
        let mut lines: Vec<String> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(
        lines(read.encode().as_bytes()),
        lines(&golden("meta.properties"))
    );
}
