//! Opening a directory after a clean stop and after a crash.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleuve_model::{LeaderEpoch, PartitionId, Timestamp, TopicName, TopicPartition};
use fleuve_storage::disk::RealDisk;
use fleuve_storage::{
    AppendOrigin, Durability, LogConfig, LogDirectory, PartitionLog, commit_round,
};

use super::Scale;
use super::sample::batch;

/// Nothing here depends on the time.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

const THREADS: usize = 2;

pub(super) fn measure(folder: &Path, scale: Scale) {
    println!("## Loading, on {THREADS} threads\n");
    println!("| what | stop | verified MiB | seconds |");
    println!("|---|---|---|---|");
    let partitions = scale.of(1_000);
    let what = format!("{partitions} partitions of 1 MiB");
    measure_loads(folder, &what, partitions, 1 << 20, 16 << 10);
    let gib = scale.of(10 * 1024) as f64 / 1024.0;
    let bytes = (gib * f64::from(1 << 30)) as usize;
    measure_loads(
        folder,
        &format!("1 partition of {gib:.1} GiB"),
        1,
        bytes,
        256 << 10,
    );
    println!();
}

fn measure_loads(folder: &Path, what: &str, partitions: usize, bytes: usize, batch_bytes: usize) {
    let directory = Directory::create(folder);
    let mut logs: Vec<PartitionLog> = (0..partitions)
        .map(|number| directory.create_partition(number))
        .collect();
    for log in &mut logs {
        fill(log, bytes, batch_bytes);
    }
    let path = directory.stop_cleanly(logs);
    let clean = load(&path);
    report(what, "clean", &clean);

    // A crash right after a checkpoint, and one that no checkpoint came before.
    let directory = Directory::open(&path);
    let (logs, _) = directory.load();
    directory.crash(logs);
    report(what, "crash, recovery point at the end", &load(&path));
    std::fs::remove_file(path.join("recovery-point-offset-checkpoint")).expect("it was written");
    let directory = Directory::open(&path);
    let (logs, loaded) = directory.load();
    report(what, "crash, nothing checkpointed", &loaded);
    drop(logs);
    directory.remove();
}

struct Loaded {
    taken: Duration,
    verified_bytes: u64,
}

fn report(what: &str, stop: &str, loaded: &Loaded) {
    let verified = loaded.verified_bytes as f64 / f64::from(1 << 20);
    println!(
        "| {what} | {stop} | {verified:.0} | {:.2} |",
        loaded.taken.as_secs_f64()
    );
}

/// Loads a directory and leaves it as after a crash.
fn load(path: &Path) -> Loaded {
    let directory = Directory::open(path);
    let (logs, loaded) = directory.load();
    directory.crash(logs);
    loaded
}

/// Appends `bytes` in batches, synced now and then.
pub(super) fn fill(log: &mut PartitionLog, bytes: usize, batch_bytes: usize) {
    let batch = batch(batch_bytes);
    let mut filled = 0;
    while filled < bytes {
        log.append_as_leader(&batch, LeaderEpoch::ZERO, AppendOrigin::Client, NOW)
            .expect("the disk works");
        filled += batch.bytes().len();
    }
    for outcome in commit_round([log], Durability::Fsync) {
        outcome.committed_end.expect("the disk works");
    }
}

/// A log directory in a folder of its own.
pub(super) struct Directory {
    path: PathBuf,
    directory: LogDirectory,
}

impl Directory {
    pub(super) fn create(folder: &Path) -> Directory {
        let path = folder.join("log-directory");
        std::fs::create_dir(&path).expect("the one before was removed");
        Directory::open(&path)
    }

    fn open(path: &Path) -> Directory {
        let directory = LogDirectory::open(Arc::new(RealDisk), path);
        let directory = directory.expect("it is a log directory");
        Directory {
            path: path.to_owned(),
            directory,
        }
    }

    pub(super) fn create_partition(&self, number: usize) -> PartitionLog {
        let partition = partition(number);
        let config = LogConfig::default();
        let log = self
            .directory
            .create_partition(partition, None, config, NOW);
        log.expect("the disk works")
    }

    /// The first segment's file.
    pub(super) fn log_file(&self, number: usize) -> PathBuf {
        self.path
            .join(partition(number).to_string())
            .join("00000000000000000000.log")
    }

    fn load(&self) -> (Vec<PartitionLog>, Loaded) {
        let start = Instant::now();
        let loaded = self.directory.load(&|_| LogConfig::default(), NOW, THREADS);
        let loaded = loaded.expect("the disk works");
        let taken = start.elapsed();
        assert!(
            loaded.damaged.is_empty() && loaded.failed.is_empty(),
            "every log is sound"
        );
        let verified_bytes = loaded
            .logs
            .iter()
            .map(|(_, report)| report.verified_bytes)
            .sum();
        let logs = loaded.logs.into_iter().map(|(log, _)| log).collect();
        (
            logs,
            Loaded {
                taken,
                verified_bytes,
            },
        )
    }

    fn stop_cleanly(self, logs: Vec<PartitionLog>) -> PathBuf {
        let logs = logs.into_iter().map(|log| {
            let high_watermark = Some(log.log_end());
            (log, high_watermark)
        });
        self.directory.close(logs, 1).expect("the disk works");
        self.path
    }

    /// Ends without closing anything.
    fn crash(self, logs: Vec<PartitionLog>) {
        drop(logs);
    }

    pub(super) fn remove(self) {
        std::fs::remove_dir_all(&self.path).expect("it is ours");
    }
}

fn partition(number: usize) -> TopicPartition {
    let topic = TopicName::new("measured").expect("it is a name");
    let number = i32::try_from(number).expect("there are few");
    TopicPartition::new(topic, PartitionId::new(number).expect("it is not negative"))
}
