//! Named data sources: what `format("…")` means.
//!
//! Always true: a source yields columns of exactly the schema it announced, in Arrow types without views and with
//! timestamps in UTC. Files are one kind of source; others register themselves in the [`Registry`].

mod options;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use crate::Configuration;
use crate::error::{Result, SparkError};
use crate::ir::{SaveMode, StructType};

pub use options::SourceOptions;

/// What a query asks of a source.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// The name as the user gave it.
    pub format: String,
    pub options: SourceOptions,
    pub paths: Vec<String>,
    /// The schema that the user gave, if any.
    pub schema: Option<StructType>,
    /// The session's settings at the time of analysis.
    pub configuration: Configuration,
}

/// What a write asks of a sink.
#[derive(Clone, Debug)]
pub struct WriteRequest {
    pub format: String,
    pub options: SourceOptions,
    pub path: Option<String>,
    pub mode: SaveMode,
    pub partition_columns: Vec<String>,
    /// Names and types of the rows to come.
    pub schema: StructType,
    pub configuration: Configuration,
}

/// Rows of one partition of the data to write; columns are by position those of [`WriteRequest::schema`].
pub type PartitionStream = BoxStream<'static, Result<RecordBatch>>;

/// A source of rows.
#[async_trait]
pub trait BatchSource: Send + Sync {
    /// The schema of a batch read.
    async fn schema(&self, request: &ReadRequest) -> Result<StructType>;

    /// A table with the columns of `schema`, which is what [`BatchSource::schema`] gave.
    async fn scan(
        &self,
        request: &ReadRequest,
        schema: &StructType,
    ) -> Result<Arc<dyn TableProvider>>;

    /// The files that a read would touch.
    async fn input_files(&self, _request: &ReadRequest) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// The schema of a streaming read, or an error if this source cannot be read as a stream.
    async fn stream_schema(&self, request: &ReadRequest) -> Result<StructType> {
        Err(SparkError::unsupported_feature(&format!(
            "reading {} as a stream",
            request.format
        )))
    }
}

/// A sink of rows.
#[async_trait]
pub trait BatchSink: Send + Sync {
    /// Refuses what can be refused before any row is computed.
    fn check(&self, request: &WriteRequest) -> Result<()>;

    /// Writes all partitions. Nothing is visible of a write that failed or was cancelled.
    async fn write(
        &self,
        request: &WriteRequest,
        partitions: Vec<PartitionStream>,
        cancellation: CancellationToken,
    ) -> Result<()>;
}

/// The sources and sinks that sessions know by name; names are compared without regard to case.
#[derive(Clone, Default)]
pub struct Registry {
    sources: Arc<RwLock<BTreeMap<String, Arc<dyn BatchSource>>>>,
    sinks: Arc<RwLock<BTreeMap<String, Arc<dyn BatchSink>>>>,
}

impl Registry {
    /// The sources of this crate: json, csv, text, parquet.
    pub fn with_files() -> Self {
        let registry = Self::default();
        crate::formats::register(&registry);
        registry
    }

    pub fn register_source(&self, name: &str, source: Arc<dyn BatchSource>) {
        write(&self.sources).insert(name.to_ascii_lowercase(), source);
    }

    pub fn register_sink(&self, name: &str, sink: Arc<dyn BatchSink>) {
        write(&self.sinks).insert(name.to_ascii_lowercase(), sink);
    }

    pub fn source(&self, name: &str) -> Result<Arc<dyn BatchSource>> {
        let found = read(&self.sources).get(&canonical(name)).cloned();
        found.ok_or_else(|| SparkError::data_source_not_found(name))
    }

    pub fn sink(&self, name: &str) -> Result<Arc<dyn BatchSink>> {
        let found = read(&self.sinks).get(&canonical(name)).cloned();
        found.ok_or_else(|| SparkError::data_source_not_found(name))
    }
}

/// The short name of a source that was given by its class.
fn canonical(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let class = lower
        .strip_prefix("org.apache.spark.sql.execution.datasources.")
        .unwrap_or(&lower);
    match class {
        "json.jsonfileformat" | "org.apache.spark.sql.json" => "json".to_owned(),
        "csv.csvfileformat" => "csv".to_owned(),
        "text.textfileformat" => "text".to_owned(),
        "parquet.parquetfileformat" | "org.apache.spark.sql.parquet" => "parquet".to_owned(),
        "org.apache.spark.sql.kafka010.kafkasourceprovider" => "kafka".to_owned(),
        _ => lower,
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
