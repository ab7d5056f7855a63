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

#[test]
fn a_partition_that_is_made_again_owes_nothing_of_the_one_before() {
    let disk = new_disk();
    let directory = open(&disk);
    let mut log = directory
        .create_partition(orders(0), None, small_config(), at(0))
        .unwrap();
    append(&mut log, &plain(5, 0));
    log.sync().unwrap();
    directory.checkpoint([(&mut log, Some(offset(5)))]).unwrap();
    let folder = directory
        .delete_partition(log, uuid::Uuid::from_u128(1))
        .unwrap();
    directory.remove_folder(&folder).unwrap();
    let mut log = directory
        .create_partition(orders(0), None, small_config(), at(0))
        .unwrap();
    append(&mut log, &plain(1, 0));
    log.sync().unwrap();

    let disk = disk.restart(&mut Seeded(1));
    let directory = open(&disk);
    assert_eq!(directory.noted_high_watermark(&orders(0)), None);
    assert_eq!(load_one(&directory, &small_config()).log_end(), offset(1));
}

#[test]
fn a_deleted_partition_is_gone_after_a_restart_and_readers_go_on_until_then() {
    let disk = new_disk();
    let directory = open(&disk);
    let mut log = directory
        .create_partition(orders(0), None, small_config(), at(0))
        .unwrap();
    append(&mut log, &plain(5, 0));
    let reader = log.reader();
    directory
        .delete_partition(log, uuid::Uuid::from_u128(1))
        .unwrap();
    assert_eq!(read_all(&reader.snapshot(), Offset::ZERO).len(), 1);
    drop(directory);
    let directory = open(&disk);
    assert!(load(&directory, &small_config()).logs.is_empty());
}

#[test]
fn only_one_process_opens_a_directory() {
    let disk = new_disk();
    let directory = open(&disk);
    let again = fleuve_storage::LogDirectory::open(
        std::sync::Arc::new(disk.clone()),
        std::path::Path::new(LOGS),
    );
    assert!(matches!(
        again,
        Err(fleuve_storage::OpenDirectoryError::Locked { .. })
    ));
    drop(directory);
    open(&disk);
}
