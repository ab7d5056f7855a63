//! The log's start, when a leader that has less makes a follower cut its log off below it.

use fleuve_model::Offset;
use fleuve_storage::{AppendOrigin, Durability, PartitionLog, commit_round};

use crate::support::*;

fn append(log: &mut PartitionLog, records: u32) {
    let batch = plain(records, 5).build();
    log.append_as_leader(&batch, epoch(0), AppendOrigin::Client, at(5))
        .unwrap();
    for outcome in commit_round([log], Durability::Fsync) {
        outcome.committed_end.unwrap();
    }
}

/// Twenty records, of which the first ten are given up; cut off at `target`, three more; a crash.
fn check_cut_below_the_start(target: Offset, config: fleuve_storage::LogConfig) {
    let disk = new_disk();
    let directory = open(&disk);
    let log = directory.create_partition(orders(0), None, config.clone(), at(0));
    let mut log = log.unwrap();
    for _ in 0..20 {
        append(&mut log, 1);
    }
    assert!(log.advance_log_start(offset(10)));
    log.apply_retention(log.log_end(), at(5)).unwrap();
    directory.checkpoint([(&mut log, None)]).unwrap();

    log.truncate_to(target, at(6)).unwrap();
    assert_eq!(log.log_end(), target);
    append(&mut log, 3);
    let (start, end) = (log.log_start(), log.log_end());
    let disk = disk.restart(&mut Seeded(1));

    let directory = open(&disk);
    let log = load_one(&directory, &config);
    assert_eq!((log.log_start(), log.log_end()), (start, end));
}

#[test]
fn what_follows_a_cut_below_the_start_within_a_segment_survives_a_crash() {
    check_cut_below_the_start(offset(4), fleuve_storage::LogConfig::default());
}

#[test]
fn what_follows_a_cut_below_the_first_segment_survives_a_crash() {
    check_cut_below_the_start(offset(4), small_config());
}
