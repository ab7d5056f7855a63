//! What recovery does with bad bytes: above the recovery point they end the log, below it they
//! are damage.

use std::path::{Path, PathBuf};

use fleuve_model::Offset;
use fleuve_model::record::{BATCH_HEADER_BYTES, RecordBatch};
use fleuve_storage::disk::SimulatedDisk;
use fleuve_storage::recovery::{CutReason, LoadReport};
use fleuve_storage::{AppendOrigin, LoadedDirectory, LogConfig};

use crate::support::*;

const BATCHES: i64 = 10;

struct Case {
    disk: SimulatedDisk,
    batches: Vec<RecordBatch>,
    log: Vec<u8>,
}

fn log_path() -> PathBuf {
    Path::new(LOGS).join("orders-0/00000000000000000000.log")
}

/// A log of ten batches that was killed, with the recovery point after `recovery_point` of them.
fn killed_log(recovery_point: i64) -> Case {
    let disk = new_disk();
    let directory = open(&disk);
    let config = LogConfig {
        index_interval_bytes: 100,
        ..LogConfig::default()
    };
    let mut log = directory
        .create_partition(orders(0), None, config, at(0))
        .unwrap();
    let mut batches = Vec::new();
    for number in 0..BATCHES {
        let spec = BatchSpec {
            fill: number as u8,
            ..plain(1, number)
        };
        let batch = spec.build();
        log.append_as_leader(&batch, epoch(0), AppendOrigin::Client, at(0))
            .unwrap();
        batches.push(batch.assigned(offset(number), epoch(0)));
        if number + 1 == recovery_point {
            log.sync().unwrap();
            directory.checkpoint([(&mut log, None)]).unwrap();
        }
    }
    drop((log, directory));
    let log = disk.peek(&log_path()).unwrap();
    Case { disk, batches, log }
}

impl Case {
    fn load_with(&self, log: &[u8]) -> LoadedDirectory {
        self.disk.poke(&log_path(), log);
        load(&open(&self.disk), &LogConfig::default())
    }

    /// Where batch `number` begins in the file.
    fn position(&self, number: usize) -> usize {
        self.batches[..number]
            .iter()
            .map(|batch| batch.bytes().len())
            .sum()
    }

    /// Loads a log that ends after `kept` batches and goes on.
    fn assert_ends_after(&self, log: &[u8], kept: usize) -> LoadReport {
        let mut loaded = self.load_with(log);
        assert!(loaded.damaged.is_empty(), "{:?}", loaded.damaged);
        let (mut log, report) = loaded.logs.pop().unwrap();
        assert_eq!(log.log_end(), offset(kept as i64));
        assert_eq!(
            read_all(&log.reader().snapshot(), Offset::ZERO),
            self.batches[..kept]
        );
        let batch = plain(1, 99).build();
        log.append_as_leader(&batch, epoch(0), AppendOrigin::Client, at(0))
            .unwrap();
        log.sync().unwrap();
        report
    }

    /// The side files that the folder has, which are removed for the next try.
    fn take_side_files(&self, report: &LoadReport) -> Vec<Vec<u8>> {
        use fleuve_storage::disk::Disk;
        let files = report.cut_off.iter().flat_map(|cut| &cut.side_files);
        let take = |path: &PathBuf| {
            let content = self.disk.peek(path).unwrap();
            self.disk.remove(path).unwrap();
            content
        };
        files.map(take).collect()
    }
}

#[test]
fn a_tail_torn_at_any_byte_of_the_last_three_batches_ends_the_log_there() {
    let case = killed_log(5);
    for length in case.position(7)..=case.log.len() {
        let kept = (0..=10)
            .rfind(|kept| case.position(*kept) <= length)
            .unwrap();
        let report = case.assert_ends_after(&case.log[..length], kept);
        let is_torn = case.position(kept) < length;
        assert_eq!(report.cut_off.is_some(), is_torn, "cut at byte {length}");
        assert!(case.take_side_files(&report).is_empty());
    }
}

#[test]
fn a_tail_of_zeros_ends_the_log() {
    let case = killed_log(5);
    for start in case.position(7)..case.log.len() {
        let kept = (0..=10)
            .rfind(|kept| case.position(*kept) <= start)
            .unwrap();
        let mut log = case.log.clone();
        log[start..].fill(0);
        log.resize(log.len() + 5000, 0);
        // A batch whose last bytes are zeros anyway is whole.
        let mut loaded = case.load_with(&log);
        let (log, _) = loaded.logs.pop().unwrap();
        assert!((offset(kept as i64)..=offset(kept as i64 + 1)).contains(&log.log_end()));
    }
}

/// Every bit of a header but those of the leader epoch decides whether the batch is one; base
/// offset and leader epoch are outside the CRC, and only an impossible offset is noticed.
fn is_noticed(byte: usize) -> bool {
    !(0..8).contains(&byte) && !(12..16).contains(&byte)
}

#[test]
fn any_bit_of_a_header_above_the_recovery_point_ends_the_log_and_what_follows_is_kept_aside() {
    let case = killed_log(5);
    let damaged = 7;
    for bit in 0..BATCH_HEADER_BYTES * 8 {
        let mut log = case.log.clone();
        log[case.position(damaged) + bit / 8] ^= 1 << (bit % 8);
        if !is_noticed(bit / 8) {
            continue;
        }
        let report = case.assert_ends_after(&log, damaged);
        let cut = report.cut_off.clone().expect("something was cut off");
        assert_eq!(cut.log_end, offset(damaged as i64));
        assert_eq!(
            cut.bytes,
            (log.len() - case.position(damaged)) as u64,
            "bit {bit}"
        );
        let kept_aside = case.take_side_files(&report);
        assert_eq!(
            kept_aside,
            [log[case.position(damaged)..].to_vec()],
            "bit {bit}"
        );
    }
}

#[test]
fn any_bit_of_a_header_below_the_recovery_point_is_damage_and_nothing_is_touched() {
    let case = killed_log(5);
    for bit in 0..BATCH_HEADER_BYTES * 8 {
        let mut log = case.log.clone();
        log[case.position(3) + bit / 8] ^= 1 << (bit % 8);
        if !is_noticed(bit / 8) {
            continue;
        }
        let loaded = case.load_with(&log);
        assert!(loaded.logs.is_empty(), "bit {bit}");
        let [damage] = loaded.damaged.as_slice() else {
            panic!("one log is damaged")
        };
        assert_eq!(damage.next_offset, offset(3));
        assert_eq!(damage.recovery_point, offset(5));
        assert_eq!(damage.position, case.position(3) as u64);
        assert_eq!(case.disk.peek(&log_path()).unwrap(), log, "bit {bit}");
    }
}

/// A base offset that moves backwards is impossible; one that moves forwards looks like a gap
/// that compaction left, and what follows is then out of order.
#[test]
fn any_bit_of_a_base_offset_above_the_recovery_point_loses_nothing_below_it() {
    let case = killed_log(5);
    for bit in 0..64 {
        let mut log = case.log.clone();
        log[case.position(7) + bit / 8] ^= 1 << (bit % 8);
        let mut loaded = case.load_with(&log);
        assert!(loaded.damaged.is_empty());
        let (log, report) = loaded.logs.pop().unwrap();
        let found = read_all(&log.reader().snapshot(), Offset::ZERO);
        assert_eq!(found[..7], case.batches[..7], "bit {bit}");
        assert!(report.cut_off.is_some(), "bit {bit}");
        case.take_side_files(&report);
    }
}

#[test]
fn a_log_that_is_shorter_than_its_recovery_point_is_damaged() {
    let case = killed_log(5);
    let loaded = case.load_with(&case.log[..case.position(4)]);
    let [damage] = loaded.damaged.as_slice() else {
        panic!("one log is damaged")
    };
    assert_eq!(
        (damage.next_offset, damage.reason.clone()),
        (offset(4), None)
    );
}

#[test]
fn a_segment_that_does_not_join_its_successor_ends_the_log_above_the_recovery_point() {
    let disk = new_disk();
    let directory = open(&disk);
    let mut log = directory
        .create_partition(orders(0), None, small_config(), at(0))
        .unwrap();
    for number in 0..30 {
        let batch = plain(1, number).build();
        log.append_as_leader(&batch, epoch(0), AppendOrigin::Client, at(0))
            .unwrap();
    }
    let second = log.reader().snapshot().segments()[1].clone();
    let path = &second.paths(&Path::new(LOGS).join("orders-0"))[0];
    drop((log, directory));
    let content = disk.peek(path).unwrap();
    let batch_bytes = plain(1, 0).build().bytes().len();
    disk.poke(path, &content[..content.len() - batch_bytes]);

    let mut loaded = load(&open(&disk), &small_config());
    let (log, report) = loaded.logs.pop().unwrap();
    let cut = report.cut_off.unwrap();
    assert_eq!(cut.reason, CutReason::Gap);
    assert!(!cut.side_files.is_empty());
    assert_eq!(log.log_end(), cut.log_end);
}
