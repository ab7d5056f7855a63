//! What a log does, one behaviour a test.

use fleuve_model::Offset;
use fleuve_storage::{AppendOrigin, Durability, PartitionLog, commit_round};

use crate::support::*;

fn append(log: &mut PartitionLog, spec: &BatchSpec) -> Offset {
    let batch = spec.build();
    let appended = log
        .append_as_leader(&batch, epoch(0), AppendOrigin::Client, at(spec.timestamp))
        .unwrap();
    appended.base_offset
}

#[test]
fn a_log_gives_back_what_was_appended_over_many_segments_and_a_clean_restart() {
    let disk = new_disk();
    let directory = open(&disk);
    let mut log = directory
        .create_partition(orders(0), None, small_config(), at(0))
        .unwrap();
    for number in 0..50 {
        assert_eq!(append(&mut log, &plain(2, number * 10)), offset(number * 2));
    }
    assert!(log.segments_count() > 4);
    commit_round([&mut log], Durability::Fsync);
    let before = joined(&read_all(&log.reader().snapshot(), Offset::ZERO));
    directory.close([(log, None)], 7).unwrap();

    let directory = open(&disk);
    assert!(directory.was_stopped_cleanly());
    let log = load_one(&directory, &small_config());
    assert_eq!(log.log_end(), offset(100));
    assert_eq!(
        joined(&read_all(&log.reader().snapshot(), Offset::ZERO)),
        before
    );
}

#[test]
fn what_was_synced_is_there_after_a_power_cut() {
    let disk = new_disk();
    let directory = open(&disk);
    let mut log = directory
        .create_partition(orders(0), None, small_config(), at(0))
        .unwrap();
    for number in 0..30 {
        append(&mut log, &plain(1, number));
    }
    commit_round([&mut log], Durability::Fsync);
    let durable = joined(&read_all(&log.reader().snapshot(), Offset::ZERO));
    for number in 30..40 {
        append(&mut log, &plain(1, number));
    }
    let disk = disk.restart(&mut Seeded(1));
    let directory = open(&disk);
    let log = load_one(&directory, &small_config());
    assert!(log.log_end() >= offset(30));
    let after = joined(&read_all(&log.reader().snapshot(), Offset::ZERO));
    assert_eq!(after[..durable.len()], durable);
}
