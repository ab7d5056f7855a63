//! The leaf of a streaming plan: one source's rows of the batch.

use std::fmt::{self, Debug};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, EmptyRecordBatchStream, ExecutionPlan, Partitioning,
    PlanProperties, ReplaceChildrenOptions,
};
use futures::StreamExt;

use crate::checkpoint::lock;
use crate::source::SourceBatch;

/// Where a source's current batch is handed to the plan.
#[derive(Debug)]
pub struct ScanSlot {
    schema: SchemaRef,
    description: String,
    batch: Mutex<SourceBatch>,
    rows: AtomicU64,
}

impl ScanSlot {
    pub fn new(schema: SchemaRef, description: String) -> Self {
        let batch = Mutex::new(SourceBatch::empty());
        Self {
            schema,
            description,
            batch,
            rows: AtomicU64::new(0),
        }
    }

    pub fn put(&self, batch: SourceBatch) {
        *lock(&self.batch) = batch;
    }

    /// How many rows have been read since this was asked last.
    pub fn take_rows(&self) -> u64 {
        self.rows.swap(0, Ordering::Relaxed)
    }

    fn batch(&self) -> SourceBatch {
        lock(&self.batch).clone()
    }

    /// How many plan partitions the current batch has; `None` when it is a table of its own,
    /// which must be planned anew.
    pub fn partitions(&self) -> Option<usize> {
        match &*lock(&self.batch) {
            SourceBatch::Partitions(partitions) => Some(partitions.len().max(1)),
            SourceBatch::Table(_) => None,
        }
    }
}

/// The table that stands for a source in the plan.
#[derive(Debug)]
pub struct MicroBatchTable {
    slot: Arc<ScanSlot>,
}

impl MicroBatchTable {
    pub fn new(slot: Arc<ScanSlot>) -> Self {
        Self { slot }
    }
}

#[async_trait]
impl TableProvider for MicroBatchTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.slot.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.slot.schema.fields().len()).collect();
        match self.slot.batch() {
            SourceBatch::Partitions(_) => Ok(Arc::new(MicroBatchScanExec::try_new(
                Arc::clone(&self.slot),
                projection.unwrap_or(&all).clone(),
            )?)),
            SourceBatch::Table(table) => {
                let input = table.scan(state, projection, filters, limit).await?;
                let schema = self.slot.schema.project(projection.unwrap_or(&all))?;
                Ok(Arc::new(CountedExec::new(
                    Arc::clone(&self.slot),
                    input,
                    schema,
                )))
            }
        }
    }
}

/// Reads the partitions of whatever batch is in the slot.
#[derive(Debug)]
pub struct MicroBatchScanExec {
    slot: Arc<ScanSlot>,
    projection: Vec<usize>,
    properties: Arc<PlanProperties>,
}

impl MicroBatchScanExec {
    fn try_new(slot: Arc<ScanSlot>, projection: Vec<usize>) -> Result<Self> {
        let schema = Arc::new(slot.schema.project(&projection)?);
        let partitions = slot.partitions().unwrap_or(1);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            slot,
            projection,
            properties: Arc::new(properties),
        })
    }
}

impl DisplayAs for MicroBatchScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "MicroBatchScan {} {:?}",
            self.slot.description, self.projection
        )
    }
}

impl ExecutionPlan for MicroBatchScanExec {
    fn name(&self) -> &'static str {
        "MicroBatchScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let SourceBatch::Partitions(partitions) = self.slot.batch() else {
            return Err(datafusion::error::DataFusionError::Internal(
                "a batch of files needs a plan of its own".to_owned(),
            ));
        };
        let Some(partition) = partitions.get(partition) else {
            return Ok(Box::pin(EmptyRecordBatchStream::new(self.schema())));
        };
        let rows = partition.open(&self.projection, context.session_config().batch_size())?;
        Ok(counted(Arc::clone(&self.slot), rows, self.schema()))
    }
}

/// Counts the rows of a batch that is read by a table of its own.
#[derive(Debug)]
struct CountedExec {
    slot: Arc<ScanSlot>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl CountedExec {
    fn new(slot: Arc<ScanSlot>, input: Arc<dyn ExecutionPlan>, schema: Schema) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::new(schema)),
            Partitioning::UnknownPartitioning(input.properties().partitioning.partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            slot,
            input,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for CountedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MicroBatchScan {}", self.slot.description)
    }
}

impl ExecutionPlan for CountedExec {
    fn name(&self) -> &'static str {
        "CountedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.schema().as_ref().clone();
        Ok(Arc::new(Self::new(
            Arc::clone(&self.slot),
            children.swap_remove(0),
            schema,
        )))
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.schema().as_ref().clone();
        Ok(Arc::new(Self::new(
            Arc::clone(&self.slot),
            children.swap_remove(0),
            schema,
        )))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        Ok(counted(Arc::clone(&self.slot), rows, self.schema()))
    }
}

/// Counts the rows and gives them the plan's column names.
fn counted(
    slot: Arc<ScanSlot>,
    rows: SendableRecordBatchStream,
    schema: SchemaRef,
) -> SendableRecordBatchStream {
    let renamed = Arc::clone(&schema);
    let rows = rows.map(move |batch| {
        let batch = batch?;
        slot.rows
            .fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.columns().to_vec();
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&renamed),
            columns,
            &options,
        )?)
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}
