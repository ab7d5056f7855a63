//! What a round of group commit costs when many partitions have something new.

use std::path::Path;
use std::time::{Duration, Instant};

use fleuve_model::LeaderEpoch;
use fleuve_storage::{AppendOrigin, Durability, PartitionLog, commit_round};

use super::Scale;
use super::loading::{Directory, NOW};
use super::sample::{batch, median};

const BATCH_BYTES: usize = 16 << 10;

pub(super) fn measure(folder: &Path, scale: Scale) {
    println!("## A round of group commit, each partition with one new batch of 16 KiB\n");
    println!("| dirty partitions | syncs in the round | round ms | µs a partition |");
    println!("|---|---|---|---|");
    for partitions in [1, 100, 1_000] {
        let rounds = scale.of(2_000 / partitions).max(5);
        measure_rounds(folder, partitions, rounds);
    }
    println!();
}

fn measure_rounds(folder: &Path, partitions: usize, rounds: usize) {
    let directory = Directory::create(folder);
    let mut logs: Vec<PartitionLog> = (0..partitions)
        .map(|number| directory.create_partition(number))
        .collect();
    // The first round makes the names durable too.
    let _ = round(&mut logs);
    let measured: Vec<(usize, Duration)> = (0..rounds).map(|_| round(&mut logs)).collect();
    let syncs = measured.last().map_or(0, |(syncs, _)| *syncs);
    let taken = median(measured.into_iter().map(|(_, taken)| taken).collect());
    println!(
        "| {partitions} | {syncs} | {:.2} | {:.0} |",
        taken.as_secs_f64() * 1e3,
        taken.as_secs_f64() * 1e6 / partitions as f64
    );
    drop(logs);
    directory.remove();
}

fn round(logs: &mut [PartitionLog]) -> (usize, Duration) {
    let batch = batch(BATCH_BYTES);
    for log in logs.iter_mut() {
        log.append_as_leader(&batch, LeaderEpoch::ZERO, AppendOrigin::Client, NOW)
            .expect("the disk works");
    }
    let syncs = logs.iter().map(PartitionLog::syncs_needed).sum();
    let start = Instant::now();
    for outcome in commit_round(logs, Durability::Fsync) {
        outcome.committed_end.expect("the disk works");
    }
    (syncs, start.elapsed())
}
