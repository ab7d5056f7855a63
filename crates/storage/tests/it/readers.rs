//! Readers beside a writer that appends, rolls, deletes and removes, on real files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fleuve_model::record::Batches;
use fleuve_storage::disk::RealDisk;
use fleuve_storage::{
    AppendOrigin, Durability, LogConfig, LogDirectory, LogReader, PartitionLog, ReadError,
    commit_round,
};

use crate::support::*;

const APPENDS: i64 = 4_000;

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 4_000,
        index_interval_bytes: 300,
        retention_bytes: Some(20_000),
        file_delete_delay: std::time::Duration::ZERO,
        ..LogConfig::default()
    }
}

fn write(log: &mut PartitionLog) {
    for number in 0..APPENDS {
        let batch = BatchSpec {
            fill: number as u8,
            ..plain(2, number)
        }
        .build();
        log.append_as_leader(&batch, epoch(0), AppendOrigin::Client, at(number))
            .unwrap();
        if number % 16 == 0 {
            for outcome in commit_round([&mut *log], Durability::PageCache) {
                outcome.committed_end.unwrap();
            }
            log.apply_retention(log.log_end(), at(number)).unwrap();
            log.remove_retired(at(number)).unwrap();
        }
    }
}

/// Reads to the end again and again; falls back to the log's start when retention has passed by.
fn follow(reader: &LogReader, is_written: &AtomicBool, batches_read: &AtomicU64) {
    let mut next = reader.snapshot().log_start();
    loop {
        let was_written = is_written.load(Ordering::Acquire);
        let snapshot = reader.snapshot();
        let slice = match snapshot.read(next, snapshot.log_end(), 5_000, true) {
            Err(ReadError::OffsetOutOfRange { log_start, .. }) => {
                next = log_start;
                continue;
            }
            slice => slice.unwrap(),
        };
        if slice.is_empty() && was_written && next == snapshot.log_end() {
            return;
        }
        for batch in Batches::new(slice.read().unwrap()) {
            let batch = batch.unwrap();
            batch.verify_crc().unwrap();
            assert_eq!(batch.header().base_offset, next);
            next = batch.header().next_offset();
            batches_read.fetch_add(1, Ordering::Relaxed);
        }
        assert_eq!(next, slice.next_offset);
    }
}

#[test]
fn readers_see_whole_batches_in_order_whatever_the_writer_does() {
    let folder = tempfile::tempdir().unwrap();
    let directory = LogDirectory::open(Arc::new(RealDisk), folder.path()).unwrap();
    let mut log = directory
        .create_partition(orders(0), None, config(), at(0))
        .unwrap();
    let reader = log.reader();
    let (is_written, batches_read) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| follow(&reader, &is_written, &batches_read));
        }
        write(&mut log);
        is_written.store(true, Ordering::Release);
    });
    assert!(batches_read.into_inner() > 0);
    assert!(
        log.log_start() > offset(0),
        "retention has deleted something"
    );
}

/// What a slice refers to can be read after its segment has been deleted and removed.
#[test]
fn a_slice_outlives_its_segment() {
    let folder = tempfile::tempdir().unwrap();
    let directory = LogDirectory::open(Arc::new(RealDisk), folder.path()).unwrap();
    let mut log = directory
        .create_partition(orders(0), None, config(), at(0))
        .unwrap();
    let batch = plain(2, 0).build();
    log.append_as_leader(&batch, epoch(0), AppendOrigin::Client, at(0))
        .unwrap();
    let snapshot = log.reader().snapshot();
    let slice = snapshot
        .read(offset(0), snapshot.log_end(), 1000, true)
        .unwrap();
    log.truncate_fully_and_start_at(offset(100), at(0)).unwrap();
    assert!(log.remove_retired(at(1)).unwrap() > 0);
    assert_eq!(
        slice.read().unwrap(),
        batch.assigned(offset(0), epoch(0)).bytes()
    );
    assert_eq!(read_all(&snapshot, offset(0)).len(), 1);
}
