//! Looking at files from outside.

use std::path::{Path, PathBuf};

use fleuve_model::record::{EndTransactionMarker, TransactionResult};
use fleuve_model::{ProducerEpoch, ProducerId};
use fleuve_storage::disk::SimulatedDisk;
use fleuve_storage::index::OffsetEntry;
use fleuve_storage::{AppendOrigin, OffsetFile, inspect};

use crate::support::*;

/// A cleanly stopped log with an aborted transaction in its first segment.
fn stopped_log() -> SimulatedDisk {
    let disk = new_disk();
    let directory = open(&disk);
    let mut log = directory
        .create_partition(orders(0), None, small_config(), at(0))
        .unwrap();
    let mut append = |batch: fleuve_model::record::RecordBatch, origin| {
        log.append_as_leader(&batch, epoch(0), origin, at(0))
            .unwrap();
    };
    let transactional = BatchSpec {
        producer: Some((7, 0, 0)),
        transactional: true,
        ..plain(2, 100)
    };
    append(transactional.build(), AppendOrigin::Client);
    let marker = EndTransactionMarker {
        result: TransactionResult::Abort,
        coordinator_epoch: 1,
    };
    let (id, producer_epoch) = (ProducerId::new(7).unwrap(), ProducerEpoch::new(0).unwrap());
    append(
        marker.batch(id, producer_epoch, at(105)),
        AppendOrigin::Coordinator,
    );
    for number in 0..30 {
        append(plain(1, 200 - number).build(), AppendOrigin::Client);
    }
    directory.close([(log, None)], 1).unwrap();
    disk
}

fn path(kind: OffsetFile, base: i64) -> PathBuf {
    Path::new(LOGS)
        .join("orders-0")
        .join(kind.name(offset(base)))
}

#[test]
fn every_file_of_a_stopped_log_is_shown_and_found_consistent() {
    let disk = stopped_log();
    let batches: Vec<_> = inspect::batches(&disk, &path(OffsetFile::Log, 0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(batches.iter().all(|batch| batch.damage.is_none()));
    assert_eq!(batches[1].batch.header().base_offset, offset(2));
    let index = path(OffsetFile::OffsetIndex, 0);
    let first = inspect::offset_index(&disk, &index).unwrap()[0];
    assert_eq!(
        first,
        OffsetEntry {
            offset: offset(3),
            position: batches[2].position as u32
        }
    );
    assert_eq!(inspect::check_offset_index(&disk, &index).unwrap(), []);
    let times = path(OffsetFile::TimeIndex, 0);
    assert!(!inspect::time_index(&disk, &times).unwrap().is_empty());
    assert_eq!(inspect::check_time_index(&disk, &times).unwrap(), []);
    let aborted = inspect::transaction_index(&disk, &path(OffsetFile::TransactionIndex, 0));
    let aborted = aborted.unwrap();
    assert_eq!(
        (aborted[0].first_offset, aborted[0].last_offset),
        (offset(0), offset(2))
    );
    let producers = inspect::producer_snapshot(&disk, &path(OffsetFile::Snapshot, 33)).unwrap();
    assert_eq!(producers[0].0, ProducerId::new(7).unwrap());
}

#[test]
fn a_damaged_batch_is_reported_and_walked_over() {
    let disk = stopped_log();
    let path = path(OffsetFile::Log, 0);
    let mut content = disk.peek(&path).unwrap();
    content[70] ^= 1;
    disk.poke(&path, &content);
    let batches: Vec<_> = inspect::batches(&disk, &path)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(batches[0].damage.is_some());
    assert!(batches[1..].iter().all(|batch| batch.damage.is_none()));
}

#[test]
fn a_table_that_the_log_contradicts_is_found_out() {
    let disk = stopped_log();
    for (kind, byte) in [(OffsetFile::OffsetIndex, 3), (OffsetFile::TimeIndex, 7)] {
        let path = path(kind, 0);
        let mut content = disk.peek(&path).unwrap();
        content[byte] ^= 1;
        disk.poke(&path, &content);
        let mismatches = match kind {
            OffsetFile::OffsetIndex => inspect::check_offset_index(&disk, &path),
            _ => inspect::check_time_index(&disk, &path),
        };
        assert_eq!(mismatches.unwrap().len(), 1, "{kind:?}");
    }
}
