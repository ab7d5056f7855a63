//! The plan of a query, run batch after batch.
//!
//! The physical plan is made once and reset for every batch, unless it must be made anew: when the
//! number of partitions changes, when a batch is a table of its own, when the plan reads tables
//! that may change or asks for the time.

use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::Session as PlannerSession;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use fleuve_sql::execution::conform;
use futures::StreamExt;
use indexmap::IndexMap;

use crate::checkpoint::{BatchId, lock};
use crate::error::StreamError;
use crate::micro_batch::{BatchContext, Program};
use crate::operator::OperatorContext;
use crate::operator::planner::StreamingPlanner;
use crate::plan::StreamingPlan;
use crate::progress::StateOperatorProgress;
use crate::sink::OutputMode;
use crate::source::SourceBatch;
use crate::state::StateVersion;
use crate::watermark::EventTimes;

/// Plans with this crate's operators.
#[derive(Debug)]
struct StreamingQueryPlanner;

#[async_trait]
impl QueryPlanner for StreamingQueryPlanner {
    async fn create_physical_plan(
        &self,
        logical_plan: &LogicalPlan,
        session: &dyn PlannerSession,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(StreamingPlanner)])
            .create_physical_plan(logical_plan, session)
            .await
    }
}

/// A query's plan and what runs it.
pub(super) struct StreamProgram {
    state: SessionState,
    plan: StreamingPlan,
    context: Arc<OperatorContext>,
    /// What the sink is given.
    output: SchemaRef,
    planned: Option<Planned>,
    shown: Arc<std::sync::Mutex<ShownPlan>>,
}

impl std::fmt::Debug for StreamProgram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamProgram")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

struct Planned {
    physical: Arc<dyn ExecutionPlan>,
    partitions: Vec<Option<usize>>,
}

/// The plans as `explain` shows them.
#[derive(Debug, Default)]
pub(super) struct ShownPlan {
    pub(super) logical: String,
    /// What the last batch ran, which nobody knows before there was one.
    pub(super) planned: Option<PlannedText>,
}

/// The plan of a batch, as text.
#[derive(Debug)]
pub(super) struct PlannedText {
    pub(super) optimized: String,
    pub(super) physical: String,
}

impl StreamProgram {
    pub(super) fn new(
        state: &SessionState,
        parallelism: usize,
        plan: StreamingPlan,
        context: Arc<OperatorContext>,
        output: SchemaRef,
    ) -> Self {
        let mut config = state.config().clone().with_target_partitions(parallelism);
        let options = config.options_mut();
        // Joins build their table from the static side once; the stream keeps its partitions.
        options.optimizer.repartition_joins = false;
        options.optimizer.repartition_aggregations = false;
        options.optimizer.enable_round_robin_repartition = false;
        let state = SessionStateBuilder::new_from_existing(state.clone())
            .with_config(config)
            .with_query_planner(Arc::new(StreamingQueryPlanner))
            .build();
        let shown = ShownPlan {
            logical: plan.plan.display_indent().to_string(),
            planned: None,
        };
        let shown = Arc::new(std::sync::Mutex::new(shown));
        Self {
            state,
            plan,
            context,
            output,
            planned: None,
            shown,
        }
    }

    pub(super) fn shown(&self) -> Arc<std::sync::Mutex<ShownPlan>> {
        Arc::clone(&self.shown)
    }

    pub(super) fn has_watermark(&self) -> bool {
        !self.plan.watermarks.is_empty()
    }

    async fn physical(&mut self, timestamp_ms: i64) -> Result<Arc<dyn ExecutionPlan>, StreamError> {
        let partitions: Vec<_> = self
            .plan
            .slots
            .iter()
            .map(|slot| slot.partitions())
            .collect();
        let reusable = !self.plan.replan && partitions.iter().all(Option::is_some);
        if let Some(planned) = &self.planned
            && reusable
            && planned.partitions == partitions
        {
            return Ok(reset_plan_states(Arc::clone(&planned.physical))?);
        }
        let mut state = self.state.clone();
        // What the plan takes for now is the batch's own time, however often it runs.
        state.execution_props_mut().query_execution_start_time =
            chrono::DateTime::from_timestamp_millis(timestamp_ms);
        let optimized = state.optimize(&self.plan.plan)?;
        let physical = state
            .query_planner()
            .create_physical_plan(&optimized, &state)
            .await?;
        lock(&self.shown).planned = Some(PlannedText {
            optimized: optimized.display_indent().to_string(),
            physical: displayable(physical.as_ref()).indent(false).to_string(),
        });
        self.planned = reusable.then(|| Planned {
            physical: Arc::clone(&physical),
            partitions,
        });
        Ok(physical)
    }
}

impl Drop for StreamProgram {
    fn drop(&mut self) {
        self.context.close();
    }
}

impl Program for StreamProgram {
    async fn start(
        &mut self,
        context: BatchContext,
        sources: Vec<SourceBatch>,
    ) -> Result<Vec<SendableRecordBatchStream>, StreamError> {
        self.context.begin(context);
        for (slot, batch) in self.plan.slots.iter().zip(sources) {
            slot.put(batch);
            slot.take_rows();
        }
        for watermark in &self.plan.watermarks {
            watermark.take();
        }
        let physical = self.physical(context.timestamp_ms).await?;
        let task = self.state.task_ctx();
        let partitions = physical.properties().partitioning.partition_count();
        (0..partitions)
            .map(|partition| {
                let rows = physical.execute(partition, Arc::clone(&task))?;
                let schema = Arc::clone(&self.output);
                let conformed = rows.map(move |batch| Ok(conform(&batch?, &schema)?));
                let schema = Arc::clone(&self.output);
                Ok(Box::pin(RecordBatchStreamAdapter::new(schema, conformed))
                    as SendableRecordBatchStream)
            })
            .collect()
    }

    async fn flush_state(&mut self, context: BatchContext) -> Result<(), StreamError> {
        self.context.check_memory()?;
        let version = StateVersion::new(context.batch.get()).next();
        for state in self.context.states() {
            let started = Instant::now();
            state.flush(version)?;
            state.report(|figures| figures.commit_time += started.elapsed());
        }
        Ok(())
    }

    fn commit_state(&mut self, committed: BatchId) -> Result<(), StreamError> {
        let committed = StateVersion::new(committed.get()).next();
        for state in self.context.states() {
            state.commit(committed)?;
        }
        Ok(())
    }

    fn clean_state(&mut self, oldest_kept: BatchId) -> Result<(), StreamError> {
        let oldest_kept = StateVersion::new(oldest_kept.get());
        for state in self.context.states() {
            state.clean(oldest_kept)?;
        }
        Ok(())
    }

    fn take_input_rows(&mut self) -> Vec<u64> {
        self.plan
            .slots
            .iter()
            .map(|slot| slot.take_rows())
            .collect()
    }

    fn take_event_times(&mut self) -> Vec<(EventTimes, i64)> {
        self.plan
            .watermarks
            .iter()
            .map(|watermark| (watermark.take(), watermark.delay_ms))
            .collect()
    }

    fn take_state_progress(&mut self) -> Vec<StateOperatorProgress> {
        // As Spark lists them: from the sink down.
        self.context
            .states()
            .iter()
            .rev()
            .map(|state| {
                let figures = state.take_figures();
                let partitions = state.partition_count() as u64;
                let millis = |duration: std::time::Duration| duration.as_millis() as u64;
                StateOperatorProgress {
                    operator_name: state.spec().name.clone(),
                    num_rows_total: state.rows(),
                    num_rows_updated: figures.updated,
                    all_updates_time_ms: millis(figures.update_time),
                    num_rows_removed: figures.removed,
                    all_removals_time_ms: millis(figures.removal_time),
                    commit_time_ms: millis(figures.commit_time),
                    memory_used_bytes: state.memory_bytes(),
                    num_rows_dropped_by_watermark: figures.dropped_by_watermark,
                    num_shuffle_partitions: partitions,
                    num_state_store_instances: partitions * state.spec().stores.len() as u64,
                    custom_metrics: IndexMap::from([("shards".to_owned(), state.shards() as i64)]),
                }
            })
            .collect()
    }

    fn watermark_moves_state(&self) -> bool {
        self.has_watermark()
            && self.plan.stateful_operators > 0
            && self.context.output_mode != OutputMode::Complete
    }
}
