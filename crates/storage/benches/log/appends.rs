//! Appends with group commit, beside CRC, write and `fdatasync` alone.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fleuve_model::LeaderEpoch;
use fleuve_model::record::{ProduceRules, ValidationDepth};
use fleuve_storage::{AppendOrigin, Durability, PartitionLog, commit_round};

use super::Scale;
use super::floor::Floor;
use super::loading::{Directory, NOW};
use super::sample::{as_received, batch, median, mib_per_second};

/// The log and its floor are measured in turns, this many times and each shortly, so that other
/// work on the machine meets both.
const TURNS: usize = 31;

struct Case {
    batch_bytes: usize,
    appends_per_turn: usize,
    appends_per_round: usize,
    durability: Durability,
}

pub(super) fn measure(folder: &Path, scale: Scale) {
    println!("## Append and group commit\n");
    println!("| batch | appends a round | durability | floor MiB/s | log MiB/s | log / floor |");
    println!("|---|---|---|---|---|---|");
    for durability in [Durability::Fsync, Durability::PageCache] {
        for (batch_bytes, appends_per_round, appends) in [
            (16 << 10, 1, 100),
            (16 << 10, 64, 1280),
            (1 << 20, 1, 20),
            (1 << 20, 8, 24),
        ] {
            let appends = scale.of(appends).next_multiple_of(appends_per_round);
            compare(
                folder,
                &Case {
                    batch_bytes,
                    appends_per_turn: appends,
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
    let received = as_received(&batch);
    let floor_path = folder.join("floor");
    let mut floor = Floor::create(&floor_path).expect("the disk works");
    let directory = Directory::create(folder);
    let mut log = directory.create_partition(0);
    // The first round makes the names durable too.
    log_turn(&mut log, &received, case);
    floor_turn(&mut floor, &received, case);
    let mut floors = Vec::new();
    let mut logs = Vec::new();
    for _ in 0..TURNS {
        floors.push(floor_turn(&mut floor, &received, case));
        logs.push(log_turn(&mut log, &received, case));
    }
    let bytes = received.len() * case.appends_per_turn;
    let floor_speed = mib_per_second(bytes, median(floors));
    let log_speed = mib_per_second(bytes, median(logs));
    println!(
        "| {} KiB | {} | {} | {floor_speed:.0} | {log_speed:.0} | {:.0} % |",
        case.batch_bytes >> 10,
        case.appends_per_round,
        name(case.durability),
        log_speed / floor_speed * 100.0
    );
    drop((log, floor));
    directory.remove();
    std::fs::remove_file(floor_path).expect("it is ours");
}

fn name(durability: Durability) -> &'static str {
    match durability {
        Durability::Fsync => "fsync",
        Durability::PageCache => "page-cache",
    }
}

fn floor_turn(floor: &mut Floor, batch: &[u8], case: &Case) -> Duration {
    let start = Instant::now();
    for number in 1..=case.appends_per_turn {
        floor.append(batch).expect("the disk works");
        if case.durability == Durability::Fsync && number % case.appends_per_round == 0 {
            floor.sync().expect("the disk works");
        }
    }
    start.elapsed()
}

fn log_turn(log: &mut PartitionLog, received: &Bytes, case: &Case) -> Duration {
    let rules = ProduceRules {
        depth: ValidationDepth::Header,
        batch_bytes_max: usize::MAX,
        ..ProduceRules::at(NOW)
    };
    let start = Instant::now();
    for number in 1..=case.appends_per_turn {
        let batch = rules.check(received).expect("it is what a client sends");
        log.append_as_leader(&batch, LeaderEpoch::ZERO, AppendOrigin::Client, NOW)
            .expect("the disk works");
        if number % case.appends_per_round == 0 {
            for outcome in commit_round([&mut *log], case.durability) {
                outcome.committed_end.expect("the disk works");
            }
        }
    }
    start.elapsed()
}
