//! `withWatermark`: passes rows on and notes their event times.

use std::cmp::Ordering;
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchemaRef, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::StreamExt;

use crate::watermark::{EventTimeCollector, EventTimes};

/// A `withWatermark` node of a streaming plan.
#[derive(Debug, Clone)]
pub struct WatermarkNode {
    pub input: LogicalPlan,
    pub event_time: Expr,
    pub schema: DFSchemaRef,
    pub collector: Arc<EventTimeCollector>,
}

impl WatermarkNode {
    fn identity(&self) -> (usize, &LogicalPlan, &Expr) {
        (
            Arc::as_ptr(&self.collector) as usize,
            &self.input,
            &self.event_time,
        )
    }
}

impl PartialEq for WatermarkNode {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for WatermarkNode {}

impl Hash for WatermarkNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl PartialOrd for WatermarkNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.input.partial_cmp(&other.input)
    }
}

impl UserDefinedLogicalNodeCore for WatermarkNode {
    fn name(&self) -> &'static str {
        "EventTimeWatermark"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![self.event_time.clone()]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "EventTimeWatermark {}, {} ms",
            self.event_time, self.collector.delay_ms
        )
    }

    fn with_exprs_and_inputs(
        &self,
        mut exprs: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> Result<Self> {
        let (Some(event_time), Some(input)) = (exprs.pop(), inputs.pop()) else {
            return internal_err!("a watermark has one column and one input");
        };
        // Projections below may have been narrowed.
        let schema = Arc::clone(input.schema());
        Ok(Self {
            input,
            event_time,
            schema,
            collector: Arc::clone(&self.collector),
        })
    }

    /// As Spark's: a filter that does not ask for the event time goes below, so that rows it drops
    /// do not move the watermark.
    #[expect(clippy::disallowed_types, reason = "the trait's own signature")]
    fn prevent_predicate_push_down_columns(&self) -> std::collections::HashSet<String> {
        let Expr::Column(column) = &self.event_time else {
            return self.schema.field_names().into_iter().collect();
        };
        std::collections::HashSet::from([column.name.clone()])
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let Expr::Column(column) = &self.event_time else {
            return None;
        };
        let event_time = self.input.schema().index_of_column(column).ok()?;
        let mut columns = output_columns.to_vec();
        columns.push(event_time);
        columns.sort_unstable();
        columns.dedup();
        Some(vec![columns])
    }
}

/// Notes the event times of one column.
#[derive(Debug)]
pub struct WatermarkExec {
    input: Arc<dyn ExecutionPlan>,
    event_time: Arc<dyn PhysicalExpr>,
    collector: Arc<EventTimeCollector>,
    properties: Arc<PlanProperties>,
}

impl WatermarkExec {
    pub fn try_new(
        input: Arc<dyn ExecutionPlan>,
        event_time: Arc<dyn PhysicalExpr>,
        collector: Arc<EventTimeCollector>,
    ) -> Result<Self> {
        let data_type = event_time.data_type(&input.schema())?;
        if !matches!(data_type, DataType::Timestamp(..)) {
            return plan_err!("the event time must be a timestamp, not {data_type}");
        }
        let properties = Arc::clone(input.properties());
        Ok(Self {
            input,
            event_time,
            collector,
            properties,
        })
    }
}

impl DisplayAs for WatermarkExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "EventTimeWatermark {}, {} ms",
            self.event_time, self.collector.delay_ms
        )
    }
}

impl ExecutionPlan for WatermarkExec {
    fn name(&self) -> &'static str {
        "WatermarkExec"
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
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        f(&self.event_time)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (event_time, collector) = (Arc::clone(&self.event_time), Arc::clone(&self.collector));
        Ok(Arc::new(Self::try_new(
            children.swap_remove(0),
            event_time,
            collector,
        )?))
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (event_time, collector) = (Arc::clone(&self.event_time), Arc::clone(&self.collector));
        Ok(Arc::new(Self::try_new(
            children.swap_remove(0),
            event_time,
            collector,
        )?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        let (event_time, collector) = (Arc::clone(&self.event_time), Arc::clone(&self.collector));
        let rows = rows.map(move |batch| {
            let batch = batch?;
            collector.report(&event_times(&batch, event_time.as_ref())?);
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

fn event_times(batch: &RecordBatch, event_time: &dyn PhysicalExpr) -> Result<EventTimes> {
    let column = event_time.evaluate(batch)?.into_array(batch.num_rows())?;
    let mut times = EventTimes::default();
    for_each_ms(column.as_ref(), |_, ms| times.add(ms))?;
    Ok(times)
}

/// Visits the rows of a timestamp column that are not null, in whole milliseconds rounded down.
pub(super) fn for_each_ms(column: &dyn Array, mut visit: impl FnMut(usize, i64)) -> Result<()> {
    macro_rules! visit_all {
        ($type:ty, $to_ms:expr) => {{
            let column = column.as_primitive::<$type>();
            for (row, value) in column.iter().enumerate() {
                if let Some(value) = value {
                    visit(row, $to_ms(value));
                }
            }
        }};
    }
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            visit_all!(TimestampSecondType, |value: i64| value * 1_000)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            visit_all!(TimestampMillisecondType, |value: i64| value)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            visit_all!(TimestampMicrosecondType, |value: i64| value
                .div_euclid(1_000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            visit_all!(TimestampNanosecondType, |value: i64| value
                .div_euclid(1_000_000))
        }
        other => return plan_err!("the event time must be a timestamp, not {other}"),
    }
    Ok(())
}

/// Visits the rows as the earliest whole millisecond that is not before them: a state that ends
/// at a time is complete once the watermark has reached it.
pub(super) fn for_each_ms_ceiling(
    column: &dyn Array,
    mut visit: impl FnMut(usize, i64),
) -> Result<()> {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let column = column.as_primitive::<TimestampMicrosecondType>();
            for (row, value) in column.iter().enumerate() {
                if let Some(value) = value {
                    visit(row, -(-value).div_euclid(1_000));
                }
            }
            Ok(())
        }
        _ => for_each_ms(column, visit),
    }
}
