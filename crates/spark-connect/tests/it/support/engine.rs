//! Engines that know only ranges: finite ones, one that never ends, and one that never begins.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType as ArrowType, Field, Schema};
use async_trait::async_trait;
use fleuve_spark_connect::engine::*;
use fleuve_spark_connect::streams::*;
use fleuve_sql::error::SparkError;
use fleuve_sql::ir::{
    Command, DataType, Relation, RelationNode, StructField, StructType, WriteStream,
};
use futures::StreamExt;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// A range that ends here never ends.
pub(crate) const ENDLESS: i64 = i64::MAX;
/// A range that ends here yields nothing and does not end either.
pub(crate) const STUCK: i64 = i64::MAX - 1;
/// A range that ends here panics.
pub(crate) const PANIC: i64 = i64::MAX - 2;
const BATCH_ROWS: i64 = 100;

/// Counts what a test wants to know about engines.
#[derive(Default)]
pub(crate) struct ScriptedEngines {
    pub opened: AtomicUsize,
    pub running: Arc<AtomicUsize>,
}

impl EngineFactory for ScriptedEngines {
    fn open(&self, options: &SessionOptions) -> Result<Arc<dyn SessionEngine>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(ScriptedEngine {
            settings: Mutex::new(options.defaults.clone()),
            running: self.running.clone(),
        }))
    }
}

struct ScriptedEngine {
    settings: Mutex<BTreeMap<String, String>>,
    running: Arc<AtomicUsize>,
}

/// Counts a query as running until it is dropped.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn schema() -> StructType {
    StructType::new(vec![StructField::new("id", DataType::Long, false)])
}

fn arrow_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("id", ArrowType::Int64, false)]))
}

fn batch(start: i64, end: i64) -> RecordBatch {
    let ids = Int64Array::from_iter_values(start..end);
    RecordBatch::try_new(arrow_schema(), vec![Arc::new(ids)]).expect("one column of longs")
}

fn refused(what: &str) -> SparkError {
    SparkError::unsupported_feature(what)
}

#[async_trait]
impl SessionEngine for ScriptedEngine {
    async fn analyze(&self, _relation: Relation) -> Result<Analysis> {
        Ok(Analysis {
            schema: schema(),
            is_streaming: false,
            is_local: false,
        })
    }

    async fn execute(
        &self,
        relation: Relation,
        _cancellation: CancellationToken,
    ) -> Result<QueryResult> {
        let RelationNode::Range { start, end, .. } = *relation.node else {
            return Err(refused("no range"));
        };
        let running = Running::new(&self.running);
        match end {
            STUCK => std::future::pending::<()>().await,
            PANIC => panic!("as the test asked"),
            _ => {}
        }
        let batches =
            futures::stream::unfold((start, running), move |(next, running)| async move {
                tokio::task::yield_now().await;
                let stop = next.saturating_add(BATCH_ROWS).min(end);
                (next < end).then(|| (Ok(batch(next, stop)), (stop, running)))
            });
        Ok(QueryResult {
            schema: schema(),
            arrow_schema: arrow_schema(),
            batches: batches.boxed(),
            summary: Box::new(QuerySummary::default),
        })
    }

    async fn explain(&self, _relation: Relation, _mode: ExplainMode) -> Result<String> {
        Err(refused("explain"))
    }

    async fn input_files(&self, _relation: Relation) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn same_semantics(&self, left: Relation, right: Relation) -> Result<bool> {
        Ok(left.node == right.node)
    }

    async fn semantic_hash(&self, _relation: Relation) -> Result<i32> {
        Ok(0)
    }

    async fn run(
        &self,
        _command: Command,
        _cancellation: CancellationToken,
    ) -> Result<CommandOutput> {
        Err(refused("commands"))
    }

    fn schema_tree(&self, _schema: &StructType, _level: Option<i32>) -> String {
        String::new()
    }

    fn parse_ddl(&self, text: &str) -> Result<DataType> {
        fleuve_sql::types::parse_schema(text)
    }

    fn json_to_ddl(&self, _json: &str) -> Result<String> {
        Err(refused("json_to_ddl"))
    }

    fn set(&self, key: &str, value: &str) -> Result<()> {
        if key.starts_with("static.") {
            return Err(SparkError::cannot_modify_static_configuration(key));
        }
        self.settings
            .lock()
            .unwrap()
            .insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn unset(&self, key: &str) -> Result<()> {
        self.settings.lock().unwrap().remove(key);
        Ok(())
    }

    fn get(&self, key: &str) -> Result<String> {
        self.get_option(key)
            .ok_or_else(|| SparkError::configuration_not_found(key))
    }

    fn get_option(&self, key: &str) -> Option<String> {
        self.settings.lock().unwrap().get(key).cloned()
    }

    fn get_set(&self, key: &str) -> Option<String> {
        self.get_option(key)
    }

    fn get_all(&self, prefix: Option<&str>) -> BTreeMap<String, String> {
        let prefix = prefix.unwrap_or_default();
        let settings = self.settings.lock().unwrap();
        settings
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone())))
            .collect()
    }

    fn is_modifiable(&self, key: &str) -> bool {
        !key.starts_with("static.")
    }

    fn forget_relation(&self, _relation_id: &str) {}

    async fn checkpoint(
        &self,
        _relation: Relation,
        _cancellation: CancellationToken,
    ) -> Result<String> {
        Err(refused("checkpoint"))
    }

    fn clone_session(&self, _options: &SessionOptions) -> Result<Arc<dyn SessionEngine>> {
        Ok(Arc::new(Self {
            settings: Mutex::new(self.settings.lock().unwrap().clone()),
            running: self.running.clone(),
        }))
    }

    fn streams(&self) -> Arc<dyn StreamingQueries> {
        Arc::new(NoQueries)
    }

    async fn start_stream(&self, _write: WriteStream) -> Result<StartedQuery> {
        Err(refused("streams"))
    }

    fn close(&self) {}
}

struct NoQueries;

#[async_trait]
impl StreamingQueries for NoQueries {
    async fn start(&self, _write: WriteStream) -> Result<StartedQuery> {
        Err(refused("streams"))
    }

    fn close(&self) {}

    fn active(&self) -> Vec<Arc<dyn StreamingQuery>> {
        Vec::new()
    }

    fn get(&self, _id: &str) -> Option<Arc<dyn StreamingQuery>> {
        None
    }

    async fn await_any_termination(&self, _timeout: Option<std::time::Duration>) -> Result<bool> {
        Ok(false)
    }

    fn reset_terminated(&self) {}

    fn subscribe(&self) -> broadcast::Receiver<ListenerEvent> {
        // Dropping the sender closes the channel: a listener of this engine hears the end at once.
        broadcast::Sender::new(1).subscribe()
    }
}
