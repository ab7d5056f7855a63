//! The physical operator that every stateful node becomes: rows by key, partition by partition.
//!
//! Always true: the input is read whole before any state is touched; a partition of state is
//! worked on by one task. Start at [`StatefulExec`]; what is done with the rows is a
//! [`StatefulWork`].

use std::fmt::{self, Debug};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
    ReplaceChildrenOptions,
};

use super::OperatorContext;
use super::exchange::Exchange;
use crate::error::StreamError;
use crate::state::{EventTimeMs, OperatorState, StateError, StateStore};

/// What an operator does with the rows of one state partition.
pub(super) trait StatefulWork: Debug + Send + Sync {
    fn name(&self) -> &'static str;
    /// The schema of what [`StatefulWork::run`] returns.
    fn schema(&self) -> SchemaRef;
    /// Which columns of the input are the key.
    fn key_columns(&self) -> Vec<usize>;
    fn state(&self) -> &Arc<OperatorState>;
    fn context(&self) -> &OperatorContext;
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    /// Works on a partition's rows of the batch, which have their key's bytes in a last column.
    fn run(&self, partition: usize, rows: &RecordBatch) -> Result<RecordBatch>;
}

/// Brings the rows of a batch to the partitions of state, and works on them there.
#[derive(Debug)]
pub(super) struct StatefulExec {
    input: Arc<dyn ExecutionPlan>,
    work: Arc<dyn StatefulWork>,
    exchange: Exchange,
    properties: Arc<PlanProperties>,
}

impl StatefulExec {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, work: Arc<dyn StatefulWork>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(work.schema()),
            Partitioning::UnknownPartitioning(work.state().partition_count()),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            input,
            work,
            exchange: Exchange::default(),
            properties: Arc::new(properties),
        }
    }

    /// The same work, yet to be done, over another input.
    fn over(&self, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self::new(input, Arc::clone(&self.work)))
    }
}

impl DisplayAs for StatefulExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.work.describe(f)
    }
}

impl ExecutionPlan for StatefulExec {
    fn name(&self) -> &'static str {
        self.work.name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
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
        Ok(self.over(children.swap_remove(0)))
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.over(children.swap_remove(0)))
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.over(Arc::clone(&self.input)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = self.exchange.partition(
            partition,
            &self.input,
            &self.work.key_columns(),
            self.work.state(),
            &context,
        );
        let work = Arc::clone(&self.work);
        let output = async move {
            let output = work.run(partition, &rows.await?)?;
            work.state().measure(partition);
            work.context().check_memory().map_err(StreamError::from)?;
            Ok(output)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            futures::stream::once(output),
        )))
    }
}

/// Drops the rows of each of `times` and returns how many there were.
pub(super) fn drop_times(
    store: &mut dyn StateStore,
    times: Vec<EventTimeMs>,
) -> Result<u64, StateError> {
    times.into_iter().map(|time| store.drop_time(time)).sum()
}
