//! What a log does, one behaviour a test.

use std::io::IoSlice;

use fleuve_model::Offset;
use fleuve_storage::disk::{Disk, DiskCall, OpenMode, RealDisk, read_up_to};
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
fn a_start_after_a_clean_stop_syncs_only_that_the_marker_is_gone_and_one_after_a_kill_more() {
    let disk = new_disk();
    let directory = open(&disk);
    let logs: Vec<PartitionLog> = (0..3)
        .map(|number| {
            let partition = orders(number);
            let made = directory.create_partition(partition, None, small_config(), at(0));
            let mut log = made.unwrap();
            append(&mut log, &plain(2, 10));
            log
        })
        .collect();
    directory
        .close(logs.into_iter().map(|log| (log, None)), 7)
        .unwrap();

    let syncs_of_a_start = || {
        disk.start_trace();
        assert_eq!(load(&open(&disk), &small_config()).logs.len(), 3);
        let calls = disk.take_trace().into_iter();
        let is_sync = |call: &DiskCall| matches!(call, DiskCall::Sync | DiskCall::SyncDir);
        calls.filter(is_sync).count()
    };
    assert_eq!(syncs_of_a_start(), 1);
    // The marker is used up: to this directory the process that has just loaded it was killed. Its
    // own folder, and each log's with the file that was verified.
    assert_eq!(syncs_of_a_start(), 1 + 3 * 2);
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

/// Batches of no producer and of two, in order, repeated, with gaps and of a transaction.
fn mixed_batches(chance: &mut Seeded) -> Vec<BatchSpec> {
    let mut next = [0, 0];
    let mut specs = Vec::new();
    for number in 0..40 {
        let mut spec = plain(1 + chance.below(3) as u32, number * 10);
        let producer = chance.below(4) as usize;
        if let Some(sequence) = next.get_mut(producer) {
            let gap = i32::from(chance.below(10) == 0);
            spec.producer = Some((producer as i64, 0, *sequence + gap));
            spec.transactional = producer == 1 && chance.below(8) == 0;
            if gap == 0 {
                *sequence += spec.records as i32;
            }
        }
        specs.push(spec.clone());
        if chance.below(6) == 0 {
            specs.push(spec);
        }
    }
    specs
}

#[test]
fn batches_appended_together_are_as_if_each_was_appended_by_itself() {
    for seed in 0..200 {
        let mut chance = Seeded(seed);
        let batches: Vec<_> = mixed_batches(&mut chance)
            .iter()
            .map(BatchSpec::build)
            .collect();
        let disks = [new_disk(), new_disk()];
        let mut logs = disks.each_ref().map(|disk| {
            open(disk)
                .create_partition(orders(0), None, small_config(), at(0))
                .unwrap()
        });
        let [single, together] = &mut logs;
        let mut rest = &batches[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(1 + chance.below(8) as usize));
            rest = later;
            let alone =
                |batch| single.append_as_leader(batch, epoch(0), AppendOrigin::Client, at(0));
            let alone: Vec<_> = now.iter().map(alone).collect();
            let now: Vec<_> = now.iter().map(|it| (it, AppendOrigin::Client)).collect();
            let together = together.append_all_as_leader(&now, epoch(0), at(0));
            assert_eq!(format!("{together:?}"), format!("{alone:?}"), "seed {seed}");
        }
        assert!(single.segments_count() > 1);
        let read = |log: &PartitionLog| joined(&read_all(&log.reader().snapshot(), Offset::ZERO));
        assert_eq!(read(together), read(single), "seed {seed}");
        assert_eq!(together.segments_count(), single.segments_count());
    }
}

#[test]
fn of_batches_appended_together_those_that_the_disk_has_room_for_are_there() {
    let disk = new_disk();
    let mut log = open(&disk)
        .create_partition(orders(0), None, small_config(), at(0))
        .unwrap();
    append(&mut log, &plain(1, 0));
    let batches: Vec<_> = (1..=6).map(|number| plain(1, number).build()).collect();
    let batches: Vec<_> = batches
        .iter()
        .map(|it| (it, AppendOrigin::Client))
        .collect();
    disk.set_capacity(Some(1 << 20));
    let space = disk.space(std::path::Path::new(LOGS)).unwrap();
    let used = space.total_bytes - space.free_bytes;
    disk.set_capacity(Some(used + 3 * batches[0].0.bytes().len() as u64 + 5));
    let outcomes = log.append_all_as_leader(&batches, epoch(0), at(0));
    let taken: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [true, true, true, false, false, false]);
    assert_eq!(log.log_end(), offset(4));
    disk.set_capacity(None);
    assert_eq!(append(&mut log, &plain(1, 9)), offset(4));
    assert_eq!(read_all(&log.reader().snapshot(), Offset::ZERO).len(), 5);
}

#[test]
fn parts_of_any_size_and_number_are_appended_whole_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let file = RealDisk.open(&path, OpenMode::Replace).unwrap();
    const MIB: usize = 1 << 20;
    let sizes = [
        8,
        3 * MIB,
        0,
        MIB - 8,
        8,
        1,
        MIB,
        MIB + 1,
        500_000,
        500_000,
        500_000,
        7,
    ];
    let sizes = sizes.into_iter().chain(std::iter::repeat_n(3, 3000));
    let parts: Vec<Vec<u8>> = sizes
        .enumerate()
        .map(|(number, size)| {
            (0..size)
                .map(|at| (number * 31 + at / 1000) as u8)
                .collect()
        })
        .collect();
    let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    file.append(0, &slices).unwrap();
    let whole = parts.concat();
    file.append(whole.len() as u64, &slices[..2]).unwrap();

    assert_eq!(
        file.length_bytes().unwrap(),
        (whole.len() + 3 * MIB + 8) as u64
    );
    let mut read = vec![0; whole.len()];
    assert_eq!(read_up_to(&*file, &mut read, 0).unwrap(), whole.len());
    assert!(read == whole, "the bytes differ");
}
