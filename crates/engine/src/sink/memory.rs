//! `memory`: the rows stay in the server, as a table of the query's name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::{MemTable, TableType};
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;

use super::noop::collect_partitions;
use super::{OutputMode, Sink, Staged, StagedBatch};
use crate::checkpoint::{BatchId, lock};
use crate::error::StreamError;

/// The rows of a memory sink, which queries read while the stream goes on.
#[derive(Debug)]
pub struct MemoryTable {
    schema: SchemaRef,
    batches: Mutex<BTreeMap<BatchId, Vec<RecordBatch>>>,
}

impl MemoryTable {
    pub fn new(schema: &SchemaRef) -> Self {
        // Plans tell columns apart by name, and a query may give two the same.
        let fields = schema.fields().iter().enumerate().map(|(index, field)| {
            field
                .as_ref()
                .clone()
                .with_name(format!("_{index}"))
                .with_nullable(true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
        Self {
            schema,
            batches: Mutex::new(BTreeMap::new()),
        }
    }

    /// The rows under the table's own column names.
    fn renamed(&self, rows: &RecordBatch) -> Result<RecordBatch, StreamError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let columns = rows.columns().to_vec();
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }

    /// Every row, batch by batch.
    pub fn rows(&self) -> Vec<RecordBatch> {
        lock(&self.batches).values().flatten().cloned().collect()
    }

    pub fn batch(&self, batch: BatchId) -> Vec<RecordBatch> {
        lock(&self.batches).get(&batch).cloned().unwrap_or_default()
    }

    fn put(&self, mode: OutputMode, batch: BatchId, rows: Vec<RecordBatch>) {
        let mut batches = lock(&self.batches);
        if mode == OutputMode::Complete {
            batches.clear();
        }
        // A batch that ran before a restart is replaced by itself.
        batches.insert(batch, rows);
    }
}

#[async_trait]
impl TableProvider for MemoryTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let table = MemTable::try_new(Arc::clone(&self.schema), vec![self.rows()])?;
        table.scan(state, projection, filters, limit).await
    }
}

/// The sink itself.
#[derive(Debug)]
pub struct MemorySink {
    table: Arc<MemoryTable>,
    mode: OutputMode,
}

impl MemorySink {
    pub fn new(table: Arc<MemoryTable>, mode: OutputMode) -> Self {
        Self { table, mode }
    }
}

#[async_trait]
impl Sink for MemorySink {
    fn description(&self) -> String {
        "MemorySink".to_owned()
    }

    async fn begin(&mut self, batch: BatchId) -> Result<Box<dyn StagedBatch>, StreamError> {
        let table = Arc::clone(&self.table);
        Ok(Box::new(StagedRows {
            table,
            mode: self.mode,
            batch,
            rows: Vec::new(),
        }))
    }

    async fn last_committed(&mut self) -> Result<Option<BatchId>, StreamError> {
        Ok(lock(&self.table.batches).keys().next_back().copied())
    }
}

struct StagedRows {
    table: Arc<MemoryTable>,
    mode: OutputMode,
    batch: BatchId,
    rows: Vec<RecordBatch>,
}

#[async_trait]
impl StagedBatch for StagedRows {
    async fn stage(
        &mut self,
        partitions: Vec<SendableRecordBatchStream>,
    ) -> Result<Staged, StreamError> {
        self.rows = collect_partitions(partitions).await?;
        for rows in &mut self.rows {
            *rows = self.table.renamed(rows)?;
        }
        Ok(Staged {
            rows: Some(self.rows.iter().map(|rows| rows.num_rows() as u64).sum()),
        })
    }

    async fn commit(self: Box<Self>) -> Result<(), StreamError> {
        self.table.put(self.mode, self.batch, self.rows);
        Ok(())
    }
}
