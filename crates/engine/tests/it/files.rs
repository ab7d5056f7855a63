//! Files as a source: each once, in order, as many as asked for.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use fleuve_engine::query::{StreamingQuery, StreamingQueryManager};
use fleuve_engine::source::register_sources;
use fleuve_sql::error::Result as SqlResult;
use fleuve_sql::ir::{DataType, StreamTrigger, StringConstraint, StructField, StructType};
use fleuve_sql::plan::StreamingTable;
use fleuve_sql::source::{BatchSource, ReadRequest, SourceOptions};
use fleuve_sql::types::to_arrow_schema;
use fleuve_sql::{Environment, Session};
use tempfile::TempDir;

use crate::support::{World, logged_files, options, read_parquet, settings, write};

fn text_schema() -> StructType {
    let string = DataType::String(StringConstraint::None);
    StructType::new(vec![StructField::new("value", string, true)])
}

/// Reads lines, so that these tests need no file format.
struct Lines;

#[async_trait]
impl BatchSource for Lines {
    async fn schema(&self, _: &ReadRequest) -> SqlResult<StructType> {
        Ok(text_schema())
    }

    async fn scan(
        &self,
        request: &ReadRequest,
        schema: &StructType,
    ) -> SqlResult<Arc<dyn TableProvider>> {
        let schema = to_arrow_schema(schema, "UTC");
        let partitions = request
            .paths
            .iter()
            .map(|path| {
                let text = std::fs::read_to_string(path).unwrap();
                let lines = Arc::new(StringArray::from(text.lines().collect::<Vec<&str>>()));
                vec![RecordBatch::try_new(Arc::clone(&schema), vec![lines]).unwrap()]
            })
            .collect();
        Ok(Arc::new(MemTable::try_new(schema, partitions)?))
    }
}

fn world() -> World {
    let environment = Environment::default();
    let settings = settings();
    environment
        .registry
        .register_source("text", Arc::new(Lines));
    register_sources(&environment.registry, &settings);
    let session = Session::new(Arc::new(environment));
    World {
        manager: StreamingQueryManager::new(settings),
        session,
    }
}

fn stream(folder: &Path, pairs: &[(&str, &str)]) -> LogicalPlan {
    let schema = text_schema();
    let table = StreamingTable {
        id: 0,
        format: "text".to_owned(),
        options: SourceOptions::new(&options(pairs)),
        paths: vec![folder.to_str().unwrap().to_owned()],
        table: None,
        arrow_schema: to_arrow_schema(&schema, "UTC"),
        schema,
    };
    LogicalPlanBuilder::scan("text", provider_as_source(Arc::new(table)), None)
        .unwrap()
        .build()
        .unwrap()
}

/// Puts a file there whole, with a modification time of its own.
fn put(folder: &Path, name: &str, text: &str, second: u64) {
    let hidden = folder.join(format!(".{name}"));
    std::fs::write(&hidden, text).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + second);
    std::fs::File::options()
        .write(true)
        .open(&hidden)
        .unwrap()
        .set_modified(time)
        .unwrap();
    std::fs::rename(hidden, folder.join(name)).unwrap();
}

struct Job {
    folder: TempDir,
    world: World,
}

impl Job {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        Self {
            folder,
            world: world(),
        }
    }

    fn input(&self) -> std::path::PathBuf {
        self.folder.path().join("in")
    }

    async fn run(&self, pairs: &[(&str, &str)]) -> Arc<StreamingQuery> {
        let output = self.folder.path().join("out");
        let checkpoint = self.folder.path().join("checkpoint");
        let mut request = write(
            "parquet",
            &[
                ("path", output.to_str().unwrap()),
                ("checkpointLocation", checkpoint.to_str().unwrap()),
            ],
        );
        request.trigger = StreamTrigger::AvailableNow;
        let plan = stream(&self.input(), pairs);
        let query = self.world.start(&plan, &request).await.unwrap();
        query.await_termination(None).await.unwrap();
        query
    }

    fn output(&self) -> Vec<String> {
        let rows = read_parquet(&logged_files(&self.folder.path().join("out")));
        let mut lines: Vec<String> = rows
            .iter()
            .flat_map(|rows| {
                let values = rows.column(0).as_string::<i32>();
                values
                    .iter()
                    .map(|value| value.unwrap().to_owned())
                    .collect::<Vec<_>>()
            })
            .collect();
        lines.sort();
        lines
    }
}

#[tokio::test]
async fn each_file_is_read_once_over_restarts() {
    let job = Job::new();
    let mut expected = Vec::new();
    for run in 0..15 {
        put(
            &job.input(),
            &format!("{run:02}.txt"),
            &format!("line {run:02}\nmore {run:02}"),
            run,
        );
        expected.extend([format!("line {run:02}"), format!("more {run:02}")]);
        job.run(&[]).await;
    }
    expected.sort();
    assert_eq!(job.output(), expected);
    let log = std::fs::read_to_string(job.folder.path().join("checkpoint/sources/0/10")).unwrap();
    assert!(log.starts_with("v1\n{\"path\":\"file:///"), "{log}");
    assert!(
        log.ends_with("\"timestamp\":1700000010000,\"batchId\":10}"),
        "{log}"
    );
}

#[tokio::test]
async fn a_batch_takes_as_many_files_as_asked_for_oldest_first_or_latest_first() {
    for (latest_first, first) in [("false", "a"), ("true", "c")] {
        let job = Job::new();
        for (second, name) in [(2, "b"), (3, "c"), (1, "a")] {
            put(&job.input(), name, name, second);
        }
        let query = job
            .run(&[("maxFilesPerTrigger", "1"), ("latestFirst", latest_first)])
            .await;
        assert_eq!(query.recent_progress().len(), 3);
        assert_eq!(job.output(), ["a", "b", "c"]);
        let log = job.folder.path().join("checkpoint/sources/0/0");
        let log = std::fs::read_to_string(log).unwrap();
        assert!(log.contains(&format!("/in/{first}\"")), "{log}");
    }
}

#[tokio::test]
async fn files_whose_rows_are_committed_are_deleted_when_asked() {
    let job = Job::new();
    put(&job.input(), "a b", "text", 1);
    job.run(&[("cleanSource", "delete")]).await;
    assert_eq!(job.output(), ["text"]);
    assert_eq!(std::fs::read_dir(job.input()).unwrap().count(), 0);
}
