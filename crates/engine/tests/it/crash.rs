//! Queries that are ended at every step, again and again, and still write each row once.
//!
//! A run is ended by an error at a named step, or by a file operation that fails before or after
//! it took effect. The next run starts from what is on disk.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::logical_expr::LogicalPlan;
use fleuve_engine::StreamError;
use fleuve_engine::checkpoint::BatchId;
use fleuve_engine::file_system::{DirectoryEntry, FileSystem, OutputFile};
use fleuve_engine::micro_batch::{Step, StepObserver};
use fleuve_engine::query::EngineSettings;
use fleuve_sql::ir::WriteStream;
use tempfile::TempDir;

use crate::checkpoint::quick_files;
use crate::support::{
    World, logged_files, longs, part_files, rate_micro_batch, read_parquet, settings, sorted_rows,
    windowed_counts, with_watermark, write,
};

/// How many batches a sweep runs: enough that every step fails many times.
const BATCHES: u64 = 500;
/// One in so many steps fails.
const STEP_FAILS_ONE_IN: u64 = 20;
/// One in so many file operations fails.
const FILE_FAILS_ONE_IN: u64 = 60;

/// A small generator of numbers that a seed repeats (SplitMix64).
#[derive(Debug)]
pub(crate) struct Chance(AtomicU64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number below `n`.
    pub(crate) fn below(&self, n: u64) -> u64 {
        let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    pub(crate) fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Ends runs at random steps, and for good when batch `last` is due.
#[derive(Debug)]
struct Faults {
    chance: Arc<Chance>,
    last: u64,
    disturbed: bool,
    hits: Mutex<std::collections::BTreeMap<Step, u64>>,
}

impl StepObserver for Faults {
    fn reached(&self, batch: BatchId, step: Step) -> Result<(), StreamError> {
        let done = batch.get() >= self.last && step == Step::LatestOffset;
        let fails = self.disturbed && self.chance.one_in(STEP_FAILS_ONE_IN);
        if fails {
            *self.hits.lock().unwrap().entry(step).or_default() += 1;
        }
        if done || fails {
            Err(StreamError::Injected { step })
        } else {
            Ok(())
        }
    }
}

/// Files whose operations fail now and then, before or after they took effect.
#[derive(Debug)]
struct FaultyFiles {
    inner: Arc<dyn FileSystem>,
    chance: Arc<Chance>,
}

impl FaultyFiles {
    fn perhaps<T>(&self, operation: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let fault = || Err(io::Error::other("injected"));
        if self.chance.one_in(FILE_FAILS_ONE_IN) {
            return fault();
        }
        let result = operation()?;
        if self.chance.one_in(FILE_FAILS_ONE_IN) {
            return fault();
        }
        Ok(result)
    }
}

impl FileSystem for FaultyFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.inner.read(path)
    }
    fn list(&self, directory: &Path) -> io::Result<Vec<DirectoryEntry>> {
        self.inner.list(directory)
    }
    fn create_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.perhaps(|| self.inner.create_new(path, bytes))
    }
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.perhaps(|| self.inner.replace(path, bytes))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn OutputFile>> {
        self.perhaps(|| self.inner.create(path))
    }
    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.perhaps(|| self.inner.sync_directory(directory))
    }
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        self.inner.create_directory(directory)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.perhaps(|| self.inner.rename(from, to))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.perhaps(|| self.inner.remove(path))
    }
    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.inner.exists(path)
    }
}

/// Runs the query until `batches` batches are committed, however often it is ended on the way.
async fn run(plan: &LogicalPlan, request: &WriteStream, batches: u64, seed: Option<u64>) -> u64 {
    run_with(settings(), plan, request, batches, seed).await
}

/// The same with settings of the caller's.
pub(crate) async fn run_with(
    mut settings: EngineSettings,
    plan: &LogicalPlan,
    request: &WriteStream,
    batches: u64,
    seed: Option<u64>,
) -> u64 {
    let chance = Arc::new(Chance::new(seed.unwrap_or(0)));
    let observer = Arc::new(Faults {
        chance: Arc::clone(&chance),
        last: batches,
        disturbed: seed.is_some(),
        hits: Mutex::default(),
    });
    settings.observer = Arc::clone(&observer) as _;
    if seed.is_some() {
        settings.files = Arc::new(FaultyFiles {
            inner: quick_files(),
            chance,
        });
    }
    let world = World::new(settings);
    let mut runs = 0;
    loop {
        runs += 1;
        assert!(
            runs < batches * 20,
            "no progress after {runs} runs, seed {seed:?}"
        );
        let error = match world.start(plan, request).await {
            Err(error) => error,
            Ok(query) => query
                .await_termination(None)
                .await
                .expect_err("the run ends at an injected fault"),
        };
        let text = error.to_string();
        assert!(text.contains("injected"), "seed {seed:?}: {text}");
        if !text.contains("injected fault at LatestOffset") {
            continue;
        }
        let last = committed(&request.options["checkpointLocation"]);
        if last == Some(batches - 1) {
            break;
        }
    }
    // A shorter sweep may miss a step by chance.
    if seed.is_some() && batches >= BATCHES {
        let hits = observer.hits.lock().unwrap();
        for step in Step::ALL {
            assert!(
                hits.contains_key(&step),
                "{step:?} never failed, seed {seed:?}"
            );
        }
    }
    runs
}

fn committed(checkpoint: &str) -> Option<u64> {
    let entries = quick_files()
        .list(&Path::new(checkpoint).join("commits"))
        .unwrap();
    entries
        .iter()
        .filter_map(|entry| entry.name.parse().ok())
        .max()
}

pub(crate) fn parquet(folder: &TempDir, name: &str) -> (WriteStream, std::path::PathBuf) {
    let output = folder.path().join(name).join("output");
    let checkpoint = folder.path().join(name).join("checkpoint");
    let request = write(
        "parquet",
        &[
            ("path", output.to_str().unwrap()),
            ("checkpointLocation", checkpoint.to_str().unwrap()),
        ],
    );
    (request, output)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parquet_holds_each_row_once_however_often_the_query_is_ended() {
    let folder = TempDir::new().unwrap();
    let plan = rate_micro_batch(7, 1_000);
    let (request, output) = parquet(&folder, "disturbed");
    let runs = run(&plan, &request, BATCHES, Some(1)).await;
    assert!(runs > BATCHES / 10, "the query was ended {runs} times");
    let expected: Vec<i64> = (0..BATCHES as i64 * 7).collect();
    assert_eq!(
        longs(&read_parquet(&logged_files(&output)), "value"),
        expected,
        "by the log"
    );
    assert_eq!(
        longs(&read_parquet(&part_files(&output)), "value"),
        expected,
        "by the folder"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_close_once_and_with_the_same_counts_however_often_the_query_is_ended() {
    let folder = TempDir::new().unwrap();
    let plan = || {
        windowed_counts(
            with_watermark(rate_micro_batch(7, 1_000), "timestamp", 3_000),
            5_000,
            3,
        )
    };
    let (request, undisturbed) = parquet(&folder, "undisturbed");
    run(&plan(), &request, BATCHES, None).await;
    let (request, disturbed) = parquet(&folder, "disturbed");
    run(&plan(), &request, BATCHES, Some(2)).await;
    let expected = sorted_rows(&read_parquet(&logged_files(&undisturbed)));
    assert!(
        expected.len() > 200,
        "windows did close: {}",
        expected.len()
    );
    assert_eq!(
        sorted_rows(&read_parquet(&logged_files(&disturbed))),
        expected,
        "by the log"
    );
    assert_eq!(
        sorted_rows(&read_parquet(&part_files(&disturbed))),
        expected,
        "by the folder"
    );
}
