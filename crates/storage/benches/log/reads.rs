//! Reading a log from beginning to end, beside reading its file.

use std::path::Path;
use std::time::{Duration, Instant};

use fleuve_model::record::Batches;
use fleuve_storage::PartitionLog;

use super::Scale;
use super::floor;
use super::loading::{Directory, fill};
use super::sample::{median, mib_per_second};

const TURNS: usize = 7;
const PIECE_BYTES: usize = 1 << 20;

pub(super) fn measure(folder: &Path, scale: Scale) {
    let bytes = scale.of(1 << 30);
    let directory = Directory::create(folder);
    let mut log = directory.create_partition(0);
    fill(&mut log, bytes, 16 << 10);
    let file = directory.log_file(0);

    let mut floors = Vec::new();
    let mut slices = Vec::new();
    let mut walks = Vec::new();
    for _ in 0..TURNS {
        floors.push(timed(|| floor::read(&file, PIECE_BYTES).expect("the disk works")).1);
        slices.push(timed(|| read(&log, |_| {})).1);
        walks.push(timed(|| read(&log, walk)).1);
    }
    let floor = mib_per_second(bytes, median(floors));
    println!("## Sequential read from the page cache, 1 MiB at a time\n");
    println!("| | MiB/s | of the floor |");
    println!("|---|---|---|");
    println!("| reading the file (floor) | {floor:.0} | |");
    for (what, durations) in [("log", slices), ("log, every batch's CRC verified", walks)] {
        let speed = mib_per_second(bytes, median(durations));
        println!("| {what} | {speed:.0} | {:.0} % |", speed / floor * 100.0);
    }
    println!();
    drop(log);
    directory.remove();
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn read(log: &PartitionLog, mut each: impl FnMut(bytes::Bytes)) {
    let reader = log.reader();
    let mut from = log.log_start();
    while from < log.log_end() {
        let snapshot = reader.snapshot();
        let end = snapshot.log_end();
        let slice = snapshot
            .read(from, end, PIECE_BYTES as u64, true)
            .expect("it is there");
        each(slice.read().expect("the disk works"));
        from = slice.next_offset;
    }
}

fn walk(bytes: bytes::Bytes) {
    for batch in Batches::new(bytes) {
        let batch = batch.expect("batches are whole");
        batch.verify_crc().expect("batches are undamaged");
    }
}
