//! Running analyzed plans: from a logical plan to batches that a client may see.
//!
//! Always true: batches carry exactly the schema that analysis announced, hold no view types, and end with an error
//! once the caller's token is cancelled.

mod conform;
mod in_order;
mod join_sides;
mod narrow;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, displayable};
use datafusion::prelude::SessionConfig;
use futures::stream::{self, BoxStream, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::cast::{Style, ValueWriter};
use crate::error::{Result, SparkError};
use crate::ir::Literal;
use crate::plan::{AnalyzedPlan, Observation};
use crate::session::Session;
use crate::time::TimeZone;
use crate::types::{INTERNAL_TIME_ZONE, to_arrow_schema};

pub use conform::conform;
pub(crate) use conform::{rename_schema, reshape, with_schema};
pub(crate) use in_order::gathered;

/// Rows per batch inside the engine.
const BATCH_ROWS: usize = 8192;

/// The rows of a plan, with the schema that every batch has.
pub struct RowStream {
    pub schema: SchemaRef,
    pub batches: BoxStream<'static, Result<RecordBatch>>,
}

impl RowStream {
    /// All batches, in order.
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        while let Some(batch) = self.batches.next().await {
            batches.push(batch?);
        }
        Ok(batches)
    }
}

/// The engine state that plans of a session run in.
pub fn engine_state(session: &Session) -> SessionState {
    let configuration = session.configuration();
    let mut config = SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.execution.parquet.schema_force_view_types = false;
    options.execution.time_zone = Some(configuration.time_zone());
    options.optimizer.enable_round_robin_repartition = false;
    options.optimizer.repartition_file_scans = false;
    options.execution.keep_partition_by_columns = true;
    SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(session.environment().runtime.clone())
        .with_optimizer_rule(Arc::new(narrow::NarrowRecords))
        .with_physical_optimizer_rules(join_sides::rules())
        .build()
}

/// The physical plan of a logical one.
pub async fn physical_plan(
    state: &SessionState,
    plan: &LogicalPlan,
) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(in_order::read_in_order(
        state.create_physical_plan(plan).await?,
    )?)
}

pub(crate) async fn execute(
    session: &Session,
    plan: &AnalyzedPlan,
    cancellation: CancellationToken,
) -> Result<RowStream> {
    let partitions = partitions(session, plan, cancellation).await?;
    let schema = to_arrow_schema(&plan.schema, &session.configuration().time_zone());
    let target = schema.clone();
    let batches = stream::iter(partitions)
        .flatten()
        .map(move |batch| batch.and_then(|batch| conform(&batch, &target)))
        .boxed();
    Ok(RowStream { schema, batches })
}

/// The rows of each partition, in the engine's own time zone: what writes take.
pub(crate) async fn execute_partitions(
    session: &Session,
    plan: &AnalyzedPlan,
    cancellation: CancellationToken,
) -> Result<Vec<BoxStream<'static, Result<RecordBatch>>>> {
    if !plan.observed.is_empty() {
        // A write has nowhere to tell the values.
        return Err(SparkError::unsupported_feature("observing what is written"));
    }
    partitions(session, plan, cancellation).await
}

/// The values of an observation, with their names.
pub(crate) async fn observe(
    session: &Session,
    observation: &Observation,
    cancellation: CancellationToken,
) -> Result<Vec<(String, Literal)>> {
    let rows = execute(session, &observation.plan, cancellation).await?;
    let batches = rows.collect().await?;
    let row = batches.iter().find(|batch| batch.num_rows() > 0);
    let row = row.ok_or_else(|| SparkError::internal("an observation without a row"))?;
    let fields = observation.plan.schema.fields.iter();
    let values = fields.zip(row.columns()).map(|(field, array)| {
        let value = ScalarValue::try_from_array(array, 0)?;
        Ok((
            field.name.clone(),
            crate::analyzer::literal_of(&value, &field.data_type)?,
        ))
    });
    values.collect()
}

async fn partitions(
    session: &Session,
    plan: &AnalyzedPlan,
    cancellation: CancellationToken,
) -> Result<Vec<BoxStream<'static, Result<RecordBatch>>>> {
    if plan.is_streaming {
        return Err(SparkError::streaming_source_needs_write_stream());
    }
    let state = engine_state(session);
    let physical = physical_plan(&state, &plan.plan).await?;
    let schema = to_arrow_schema(&plan.schema, INTERNAL_TIME_ZONE);
    let count = physical.output_partitioning().partition_count();
    let context = state.task_ctx();
    let streams = (0..count).map(|partition| {
        let physical = physical.clone();
        let context = context.clone();
        let schema = schema.clone();
        let rows = stream::once(async move { physical.execute(partition, context) })
            .map(|started| match started {
                Ok(rows) => rows.map(|batch| batch.map_err(SparkError::from)).boxed(),
                Err(error) => stream::once(async move { Err(SparkError::from(error)) }).boxed(),
            })
            .flatten()
            .map(move |batch| batch.and_then(|batch| conform(&batch, &schema)));
        until_cancelled(rows.boxed(), cancellation.clone())
    });
    Ok(streams.collect())
}

/// Every value of the rows of `plan` as text.
pub(crate) fn as_text(plan: &AnalyzedPlan, batches: &[RecordBatch]) -> Vec<Vec<Option<String>>> {
    let time_zone = TimeZone::parse(&plan.time_zone).unwrap_or(TimeZone::UTC);
    let writer = ValueWriter::new(Style::Cast, time_zone);
    let mut rows = Vec::new();
    for batch in batches {
        rows.extend((0..batch.num_rows()).map(|row| {
            let columns = plan.schema.fields.iter().zip(batch.columns());
            columns
                .map(|(field, array)| writer.text(array, &field.data_type, row))
                .collect()
        }));
    }
    rows
}

fn until_cancelled(
    rows: BoxStream<'static, Result<RecordBatch>>,
    cancellation: CancellationToken,
) -> BoxStream<'static, Result<RecordBatch>> {
    stream::unfold(Some((rows, cancellation)), |state| async move {
        let (mut rows, cancellation) = state?;
        tokio::select! {
            biased;
            () = cancellation.cancelled() => Some((Err(SparkError::cancelled()), None)),
            next = rows.next() => match next {
                Some(Ok(batch)) => Some((Ok(batch), Some((rows, cancellation)))),
                Some(Err(error)) => Some((Err(error), None)),
                None => None,
            }
        }
    })
    .boxed()
}

pub(crate) async fn explain(
    session: &Session,
    plan: &AnalyzedPlan,
    extended: bool,
) -> Result<String> {
    let state = engine_state(session);
    if plan.is_streaming {
        return Ok(format!(
            "== Analyzed Logical Plan ==\n{}\n",
            plan.plan.display_indent()
        ));
    }
    let physical = physical_plan(&state, &plan.plan).await?;
    let physical = displayable(physical.as_ref()).indent(false).to_string();
    if !extended {
        return Ok(format!("== Physical Plan ==\n{physical}\n"));
    }
    let optimized = state.optimize(&plan.plan)?;
    Ok(format!(
        "== Analyzed Logical Plan ==\n{}\n\n== Optimized Logical Plan ==\n{}\n\n== Physical Plan ==\n{physical}\n",
        plan.plan.display_indent(),
        optimized.display_indent(),
    ))
}

/// Partitions put together so that there are `wanted` of them, or as many as there are rows' origins.
pub(crate) fn regroup(
    partitions: Vec<BoxStream<'static, Result<RecordBatch>>>,
    wanted: Option<usize>,
) -> Vec<BoxStream<'static, Result<RecordBatch>>> {
    let Some(wanted) = wanted.filter(|wanted| *wanted > 0 && *wanted < partitions.len()) else {
        return partitions;
    };
    let mut groups: Vec<Vec<_>> = (0..wanted).map(|_| Vec::new()).collect();
    for (index, partition) in partitions.into_iter().enumerate() {
        groups[index % wanted].push(partition);
    }
    groups
        .into_iter()
        .map(|group| stream::iter(group).flatten().boxed())
        .collect()
}
