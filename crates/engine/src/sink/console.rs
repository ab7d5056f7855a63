//! `console`: each batch as a table on the server's output.

use std::fmt::Debug;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;
use fleuve_sql::Session;
use fleuve_sql::ir::{Relation, RelationNode, StructType};
use fleuve_sql::plan::AnalyzedPlan;

use tokio_util::sync::CancellationToken;

use super::noop::collect_partitions;
use super::open::OpenSink;
use super::{Sink, Staged, StagedBatch};
use crate::checkpoint::BatchId;
use crate::error::StreamError;

/// How many rows are shown unless `numRows` says otherwise.
const ROWS_DEFAULT: i32 = 20;
/// How long a cell may be unless `truncate` says otherwise.
const CELL_CHARACTERS_DEFAULT: i32 = 20;
const RULE: &str = "-------------------------------------------";

/// Where console sinks print.
pub trait ConsoleOutput: Debug + Send + Sync {
    fn print(&self, text: &str);
}

/// The server's standard output.
#[derive(Debug, Clone, Copy)]
pub struct StandardOutput;

impl ConsoleOutput for StandardOutput {
    fn print(&self, text: &str) {
        let mut output = std::io::stdout().lock();
        // There is nobody to tell that the output is gone.
        let _ = output
            .write_all(text.as_bytes())
            .and_then(|()| output.flush());
    }
}

/// The sink itself.
#[derive(Debug)]
pub struct ConsoleSink {
    output: Arc<dyn ConsoleOutput>,
    layout: Layout,
}

/// How a batch is printed.
#[derive(Clone)]
struct Layout {
    session: Session,
    schema: StructType,
    rows: i32,
    cell_characters: i32,
}

impl Debug for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layout")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Layout {
    /// The rows as `show` prints them.
    async fn table(&self, batch: BatchId, rows: Vec<RecordBatch>) -> Result<String, StreamError> {
        let plan = AnalyzedPlan::from_batches(self.schema.clone(), rows)?;
        let relation_id = format!("console batch {batch}");
        self.session.hold_data_frame(&relation_id, plan);
        let input = Relation::new(RelationNode::CachedRemoteRelation {
            relation_id: relation_id.clone(),
        });
        let shown = self
            .session
            .analyze(&Relation::new(RelationNode::ShowString {
                input,
                rows: self.rows,
                truncate: self.cell_characters,
                vertical: false,
            }))
            .await;
        self.session.release_data_frame(&relation_id);
        let rows = self
            .session
            .execute(&shown?, CancellationToken::new())
            .await?
            .collect()
            .await?;
        let text = rows
            .first()
            .map(|rows| rows.column(0).as_string::<i32>().value(0).to_owned());
        Ok(text.unwrap_or_default())
    }
}

impl ConsoleSink {
    pub fn open(open: &OpenSink<'_>) -> Result<Self, StreamError> {
        let rows = open
            .options
            .number::<i32>("numRows")?
            .unwrap_or(ROWS_DEFAULT);
        let cell_characters = match open.options.get("truncate") {
            None => CELL_CHARACTERS_DEFAULT,
            Some(_) if !open.options.flag("truncate", true)? => 0,
            Some(_) => CELL_CHARACTERS_DEFAULT,
        };
        let layout = Layout {
            session: open.query_session.clone(),
            schema: open.schema.clone(),
            rows,
            cell_characters,
        };
        Ok(Self {
            output: Arc::clone(&open.settings.console),
            layout,
        })
    }
}

#[async_trait]
impl Sink for ConsoleSink {
    fn description(&self) -> String {
        "org.apache.spark.sql.execution.streaming.ConsoleTable$".to_owned()
    }

    async fn begin(&mut self, batch: BatchId) -> Result<Box<dyn StagedBatch>, StreamError> {
        let (output, layout) = (Arc::clone(&self.output), self.layout.clone());
        Ok(Box::new(StagedTable {
            output,
            layout,
            batch,
            text: String::new(),
        }))
    }

    async fn last_committed(&mut self) -> Result<Option<BatchId>, StreamError> {
        Ok(None)
    }
}

struct StagedTable {
    output: Arc<dyn ConsoleOutput>,
    layout: Layout,
    batch: BatchId,
    text: String,
}

#[async_trait]
impl StagedBatch for StagedTable {
    async fn stage(
        &mut self,
        partitions: Vec<SendableRecordBatchStream>,
    ) -> Result<Staged, StreamError> {
        let rows: Vec<RecordBatch> = collect_partitions(partitions).await?;
        let count = rows.iter().map(|rows| rows.num_rows() as u64).sum();
        let table = self.layout.table(self.batch, rows).await?;
        self.text = format!("{RULE}\nBatch: {}\n{RULE}\n{table}\n", self.batch);
        Ok(Staged { rows: Some(count) })
    }

    async fn commit(self: Box<Self>) -> Result<(), StreamError> {
        self.output.print(&self.text);
        Ok(())
    }
}
