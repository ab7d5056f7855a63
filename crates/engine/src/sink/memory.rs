//! `memory`: the rows stay in the server, as a table of the query's name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
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
    pub fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            batches: Mutex::new(BTreeMap::new()),
        }
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
        // Nullability of a plan's output may be narrower than the table's.
        for rows in &mut self.rows {
            *rows = RecordBatch::try_new(Arc::clone(&self.table.schema), rows.columns().to_vec())?;
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
