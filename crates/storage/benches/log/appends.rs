//! Appends with group commit, beside CRC, write and `fdatasync` alone.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fleuve_model::LeaderEpoch;
use fleuve_model::record::{ProduceRules, RecordBatch, ValidationDepth};
use fleuve_storage::{AppendOrigin, Durability, PartitionLog, commit_round};

use super::Scale;
use super::floor;
use super::loading::{Directory, NOW};
use super::sample::{as_received, batch, median, mib_per_second};

/// Figures and their floors are measured in turns, this many times.
const TURNS: usize = 7;

struct Case {
    batch_bytes: usize,
    appends: usize,
    appends_per_round: usize,
    durability: Durability,
}

pub(super) fn measure(folder: &Path, scale: Scale) {
    println!("## Append and group commit\n");
    println!("| batch | appends a round | durability | floor MiB/s | log MiB/s | log / floor |");
    println!("|---|---|---|---|---|---|");
    for durability in [Durability::Fsync, Durability::PageCache] {
        for (batch_bytes, appends, appends_per_round) in [
            (16 << 10, 2_000, 1),
            (16 << 10, 20_000, 64),
            (1 << 20, 500, 1),
            (1 << 20, 1_000, 8),
        ] {
            let appends = scale.of(appends).next_multiple_of(appends_per_round);
            compare(
                folder,
                &Case {
                    batch_bytes,
                    appends,
                    appends_per_round,
                    durability,
                },
            );
        }
    }
    println!();
}

fn compare(folder: &Path, case: &Case) {
    let batch = batch(case.batch_bytes);
    let mut floors = Vec::new();
    let mut logs = Vec::new();
    for turn in 0..TURNS {
        floors.push(measure_floor(
            &folder.join(format!("floor-{turn}")),
            &batch,
            case,
        ));
        logs.push(measure_log(folder, &batch, case));
    }
    let bytes = batch.bytes().len() * case.appends;
    let floor = mib_per_second(bytes, median(floors));
    let log = mib_per_second(bytes, median(logs));
    let ratio = log / floor * 100.0;
    let Case {
        batch_bytes,
        appends_per_round,
        durability,
        ..
    } = case;
    println!(
        "| {} KiB | {appends_per_round} | {} | {floor:.0} | {log:.0} | {ratio:.0} % |",
        batch_bytes >> 10,
        name(*durability)
    );
}

pub(super) fn name(durability: Durability) -> &'static str {
    match durability {
        Durability::Fsync => "fsync",
        Durability::PageCache => "page-cache",
    }
}

fn measure_floor(path: &PathBuf, batch: &RecordBatch, case: &Case) -> Duration {
    let appends_per_sync = match case.durability {
        Durability::Fsync => case.appends_per_round,
        Durability::PageCache => 0,
    };
    // Both begin with a file that is there already.
    floor::append(path, batch.bytes(), 1, 1).expect("the disk works");
    let start = Instant::now();
    floor::append(path, batch.bytes(), case.appends, appends_per_sync).expect("the disk works");
    let taken = start.elapsed();
    std::fs::remove_file(path).expect("it was just written");
    taken
}

fn measure_log(folder: &Path, batch: &RecordBatch, case: &Case) -> Duration {
    let directory = Directory::create(folder);
    let mut log = directory.create_partition(0);
    // What a request brings is made before the clock runs, as the floor's is.
    let received = as_received(batch);
    let rules = ProduceRules {
        depth: ValidationDepth::Header,
        batch_bytes_max: usize::MAX,
        ..ProduceRules::at(NOW)
    };
    append(&mut log, &rules, &received);
    commit(&mut log, Durability::Fsync);
    let start = Instant::now();
    for number in 1..=case.appends {
        append(&mut log, &rules, &received);
        if number % case.appends_per_round == 0 {
            commit(&mut log, case.durability);
        }
    }
    let taken = start.elapsed();
    drop(log);
    directory.remove();
    taken
}

/// Takes in what a request brought.
fn append(log: &mut PartitionLog, rules: &ProduceRules, received: &Bytes) {
    let batch = rules.check(received).expect("it is what a client sends");
    log.append_as_leader(&batch, LeaderEpoch::ZERO, AppendOrigin::Client, NOW)
        .expect("the disk works");
}

fn commit(log: &mut PartitionLog, durability: Durability) {
    for outcome in commit_round([log], durability) {
        outcome.committed_end.expect("the disk works");
    }
}
