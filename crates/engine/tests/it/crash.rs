//! Queries that are ended at every step, again and again, and still write each row once.
//!
//! A run is ended by an error at a named step, or by a file operation that fails before or after
//! it took effect. The next run starts from what is on disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::prelude::ident;
use fleuve_engine::StreamError;
use fleuve_engine::checkpoint::BatchId;
use fleuve_engine::file_system::{DirectoryEntry, FileSystem, OutputFile};
use fleuve_engine::micro_batch::{Step, StepObserver};
use fleuve_engine::query::EngineSettings;
use fleuve_sql::ir::WriteStream;
use tempfile::TempDir;

use crate::checkpoint::quick_files;
use crate::kafka::{ADDRESS, Cluster, read_topic};
use crate::support::{
    World, logged_files, longs, part_files, rate_micro_batch, read_parquet, running_counts,
    settings, sorted_rows, windowed_counts, with_watermark, write,
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
    settings: EngineSettings,
    plan: &LogicalPlan,
    request: &WriteStream,
    batches: u64,
    seed: Option<u64>,
) -> u64 {
    run_in(settings, plan, request, batches, seed).await.1
}

/// The same with the world that the last run was in.
async fn run_in(
    mut settings: EngineSettings,
    plan: &LogicalPlan,
    request: &WriteStream,
    batches: u64,
    seed: Option<u64>,
) -> (World, u64) {
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
    (world, runs)
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

pub(crate) fn parquet(folder: &TempDir, name: &str) -> (WriteStream, PathBuf) {
    files("parquet", folder, name)
}

fn files(format: &str, folder: &TempDir, name: &str) -> (WriteStream, PathBuf) {
    let output = folder.path().join(name).join("output");
    let checkpoint = folder.path().join(name).join("checkpoint");
    let request = write(
        format,
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

/// Sweeps a sink of lines and checks that the number in each line is there once.
async fn check_lines(
    format: &str,
    columns: Vec<Expr>,
    partition: Option<&str>,
    seed: u64,
    number: impl Fn(&str) -> i64,
) {
    let folder = TempDir::new().unwrap();
    let plan = LogicalPlanBuilder::from(rate_micro_batch(7, 1_000))
        .project(columns)
        .unwrap()
        .build()
        .unwrap();
    let (mut request, output) = files(format, &folder, "disturbed");
    request.partition_columns = partition.iter().map(ToString::to_string).collect();
    run(&plan, &request, BATCHES, Some(seed)).await;
    let expected: Vec<i64> = (0..BATCHES as i64 * 7).collect();
    for files in [logged_files(&output), part_files(&output)] {
        let texts = files
            .iter()
            .map(|file| std::fs::read_to_string(file).unwrap());
        let mut numbers: Vec<i64> = texts
            .flat_map(|text| text.lines().map(&number).collect::<Vec<_>>())
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, expected, "{format}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_holds_each_row_once_however_often_the_query_is_ended() {
    let columns = vec![
        ident("timestamp"),
        ident("value"),
        (ident("value") % lit(3_i64)).alias("third"),
    ];
    check_lines("json", columns, Some("third"), 3, |line| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["value"].as_i64().unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn csv_holds_each_row_once_however_often_the_query_is_ended() {
    let columns = vec![ident("value"), lit("a,b").alias("quoted")];
    check_lines("csv", columns, None, 7, |line| {
        line.strip_suffix(r#","a,b""#).unwrap().parse().unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_holds_each_row_once_however_often_the_query_is_ended() {
    let columns = vec![cast(ident("value"), DataType::Utf8).alias("line")];
    check_lines("text", columns, None, 4, |line| line.parse().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complete_memory_table_counts_right_however_often_the_query_was_ended() {
    let folder = TempDir::new().unwrap();
    let plan = running_counts(rate_micro_batch(7, 1_000), 3);
    let checkpoint = folder.path().to_str().unwrap();
    let mut request = write("memory", &[("checkpointLocation", checkpoint)]);
    request.output_mode = "complete".to_owned();
    request.query_name = Some("counts".to_owned());
    run(&plan, &request, BATCHES, Some(5)).await;
    // A table in memory is empty after a restart, until a batch fills it.
    let (world, _) = run_in(settings(), &plan, &request, BATCHES + 1, None).await;
    let rows = (BATCHES as i64 + 1) * 7;
    let counts: Vec<i64> = (0..3).map(|k| (rows + 2 - k) / 3).rev().collect();
    assert_eq!(longs(&world.table("counts").await, "n"), counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_misses_no_row_however_often_the_query_is_ended() {
    let folder = TempDir::new().unwrap();
    let cluster = Cluster::start().await;
    cluster.topic("out").await;
    let plan = LogicalPlanBuilder::from(rate_micro_batch(7, 1_000))
        .project(vec![cast(ident("value"), DataType::Utf8).alias("value")])
        .unwrap()
        .build()
        .unwrap();
    let checkpoint = folder.path().to_str().unwrap();
    let request = write(
        "kafka",
        &[
            ("kafka.bootstrap.servers", ADDRESS),
            ("topic", "out"),
            ("checkpointLocation", checkpoint),
        ],
    );
    let mut settings = settings();
    settings.kafka = cluster.access();
    run_in(settings, &plan, &request, BATCHES, Some(6)).await;
    let mut sent = read_topic(&cluster.world(), "out").await;
    assert!(sent.len() >= BATCHES as usize * 7);
    sent.dedup();
    assert_eq!(sent, (0..BATCHES as i64 * 7).collect::<Vec<i64>>());
}
