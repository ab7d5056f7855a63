//! What runs behind the door: the language and the streams of one session.
//!
//! Always true: nothing is opened before the first client comes; the door calls an engine only on its own threads,
//! whose stacks are deep enough for the deepest plan that it decodes. Start at [`EngineFactory`].

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use fleuve_sql::error::SparkError;
use fleuve_sql::ir::{Command, DataType, Literal, Relation, StructType, WriteStream};
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use crate::streams::StreamingQueries;

pub type Result<T> = std::result::Result<T, SparkError>;

/// What a new session is told about itself.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    pub session_id: String,
    pub user_id: String,
    pub memory_bytes_max: usize,
    /// Settings that the server was started with.
    pub defaults: BTreeMap<String, String>,
}

/// Opens engines; called at the first request of each session.
pub trait EngineFactory: Send + Sync + 'static {
    fn open(&self, options: &SessionOptions) -> Result<Arc<dyn SessionEngine>>;
}

/// How much an explanation tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplainMode {
    Simple,
    Extended,
    Codegen,
    Cost,
    Formatted,
}

/// What analysis found out about a relation.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    pub schema: StructType,
    pub is_streaming: bool,
    pub is_local: bool,
}

/// A running query.
pub struct QueryResult {
    pub schema: StructType,
    /// The schema that every batch has.
    pub arrow_schema: SchemaRef,
    /// Plain Arrow arrays, without views and dictionaries. Dropping the stream stops the query.
    pub batches: BoxStream<'static, Result<RecordBatch>>,
    /// What is known once the stream has ended.
    pub summary: Box<dyn FnOnce() -> QuerySummary + Send>,
}

/// What a query tells about itself when it is done.
#[derive(Clone, Debug, Default)]
pub struct QuerySummary {
    pub metrics: Vec<OperatorMetrics>,
    pub observed: Vec<ObservedMetrics>,
}

/// The metrics of one operator of a physical plan.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorMetrics {
    pub name: String,
    pub id: i64,
    pub parent: i64,
    /// Key, name, value and Spark's kind (`sum`, `timing`, `size`).
    pub values: Vec<(String, String, i64, &'static str)>,
}

/// Values of `df.observe`.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedMetrics {
    pub name: String,
    pub keys: Vec<String>,
    pub values: Vec<Literal>,
    pub plan_id: i64,
}

/// The engine of one session.
#[async_trait]
pub trait SessionEngine: Send + Sync {
    async fn analyze(&self, relation: Relation) -> Result<Analysis>;
    async fn execute(
        &self,
        relation: Relation,
        cancellation: CancellationToken,
    ) -> Result<QueryResult>;
    async fn explain(&self, relation: Relation, mode: ExplainMode) -> Result<String>;
    async fn input_files(&self, relation: Relation) -> Result<Vec<String>>;
    async fn same_semantics(&self, left: Relation, right: Relation) -> Result<bool>;
    async fn semantic_hash(&self, relation: Relation) -> Result<i32>;
    /// Runs a command.
    async fn run(&self, command: Command, cancellation: CancellationToken)
    -> Result<CommandOutput>;

    fn schema_tree(&self, schema: &StructType, level: Option<i32>) -> String;
    fn parse_ddl(&self, text: &str) -> Result<DataType>;
    fn json_to_ddl(&self, json: &str) -> Result<String>;

    fn set(&self, key: &str, value: &str) -> Result<()>;
    fn unset(&self, key: &str) -> Result<()>;
    /// The value or default of a key; an error if it has neither.
    fn get(&self, key: &str) -> Result<String>;
    /// The value or default of a key.
    fn get_option(&self, key: &str) -> Option<String>;
    /// What was set under this key, leaving defaults aside.
    fn get_set(&self, key: &str) -> Option<String>;
    fn get_all(&self, prefix: Option<&str>) -> BTreeMap<String, String>;
    fn is_modifiable(&self, key: &str) -> bool;

    /// A data frame that the client holds by name no longer.
    fn forget_relation(&self, relation_id: &str);
    /// Computes a relation and keeps its rows under the returned name.
    async fn checkpoint(
        &self,
        relation: Relation,
        cancellation: CancellationToken,
    ) -> Result<String>;

    /// Another session with the same settings and temporary views.
    fn clone_session(&self, options: &SessionOptions) -> Result<Arc<dyn SessionEngine>>;
    fn streams(&self) -> Arc<dyn StreamingQueries>;
    /// Starts a streaming query.
    async fn start_stream(&self, write: WriteStream) -> Result<crate::streams::StartedQuery>;
    /// Ends everything that the session still runs.
    fn close(&self);
}

/// What a command left for its client.
pub enum CommandOutput {
    /// The command was a query: the client asks for its rows by itself.
    Query,
    /// Rows that exist already.
    Rows {
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    },
}
