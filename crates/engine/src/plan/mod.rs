//! From an analyzed plan to one that runs batch after batch.
//!
//! Always true: the streaming parts of a plan (sources, watermarks, stateful operators) are found
//! and numbered once, in one order, so that a restart finds the same numbers.
//! Start at [`StreamingPlan::new`].

mod checker;
mod event_time;

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    Aggregate, Expr, Extension, Join, JoinType, LogicalPlan, LogicalPlanBuilder, TableScan,
};
use fleuve_sql::plan::{Deduplicate, EventTimeWatermark, StreamingTable};

pub use checker::{Checked, CorrectnessCheck, check};
pub use event_time::{EventTimeColumn, event_time_columns};

use crate::operator::OperatorContext;
use crate::operator::aggregate::StatefulAggregateNode;
use crate::operator::deduplicate::StatefulDeduplicateNode;
use crate::operator::event_time::WatermarkNode;
use crate::operator::scan::{MicroBatchTable, ScanSlot};
use crate::watermark::EventTimeCollector;

/// A plan with its streaming parts taken out and named.
#[derive(Debug)]
pub struct StreamingPlan {
    pub plan: LogicalPlan,
    /// In source order.
    pub slots: Vec<Arc<ScanSlot>>,
    pub watermarks: Vec<Arc<EventTimeCollector>>,
    pub stateful_operators: u32,
    /// Whether the plan must be made anew for every batch: it reads tables that may change, or
    /// asks for the time.
    pub replan: bool,
}

impl StreamingPlan {
    /// Puts this crate's operators into `plan`. `slots` are by the ids of the plan's streams.
    pub fn new(
        plan: &LogicalPlan,
        slots: &[(u64, Arc<ScanSlot>)],
        context: &Arc<OperatorContext>,
    ) -> Result<Self> {
        let mut watermarks = Vec::new();
        let mut operators = 0;
        let replan = needs_replanning(plan)?;
        let transformed = plan.clone().transform_up(|node| match node {
            LogicalPlan::TableScan(scan) => replace_scan(scan, slots),
            LogicalPlan::Aggregate(aggregate) if is_streaming(&aggregate.input)? => {
                let operator = operators;
                operators += 1;
                stateful_aggregate(aggregate, operator, context)
            }
            LogicalPlan::Join(join) => static_side_first(join),
            LogicalPlan::Extension(extension) => {
                if let Some(node) = extension.node.as_any().downcast_ref::<Deduplicate>() {
                    let operator = operators;
                    operators += 1;
                    return stateful_deduplicate(node, operator, context);
                }
                match extension.node.as_any().downcast_ref::<EventTimeWatermark>() {
                    Some(node) => watermark(node, &mut watermarks),
                    None => Ok(Transformed::no(LogicalPlan::Extension(extension))),
                }
            }
            other => Ok(Transformed::no(other)),
        })?;
        Ok(Self {
            plan: transformed.data,
            slots: slots.iter().map(|(_, slot)| Arc::clone(slot)).collect(),
            watermarks,
            stateful_operators: operators,
            replan,
        })
    }
}

/// The streams of a plan, each once, in the order of their first use.
pub fn streams(plan: &LogicalPlan) -> Result<Vec<Arc<StreamingScan>>> {
    let mut found: Vec<Arc<StreamingScan>> = Vec::new();
    plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let provider = source_as_provider(&scan.source)?;
            if let Some(table) = provider.downcast_ref::<StreamingTable>()
                && !found.iter().any(|known| known.id == table.id)
            {
                found.push(Arc::new(StreamingScan::from(table)));
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// A stream that a plan reads.
#[derive(Debug, Clone)]
pub struct StreamingScan {
    pub id: u64,
    pub format: String,
    pub options: fleuve_sql::source::SourceOptions,
    pub paths: Vec<String>,
    pub table: Option<String>,
    pub schema: fleuve_sql::ir::StructType,
    /// With the column names of the plan.
    pub arrow_schema: arrow::datatypes::SchemaRef,
}

impl From<&StreamingTable> for StreamingScan {
    fn from(table: &StreamingTable) -> Self {
        Self {
            id: table.id,
            format: table.format.clone(),
            options: table.options.clone(),
            paths: table.paths.clone(),
            table: table.table.clone(),
            schema: table.schema.clone(),
            arrow_schema: Arc::clone(&table.arrow_schema),
        }
    }
}

/// Whether rows of a stream come out of `plan`.
pub(crate) fn is_streaming(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| {
        let LogicalPlan::TableScan(scan) = node else {
            return Ok(false);
        };
        let Ok(provider) = source_as_provider(&scan.source) else {
            return Ok(false);
        };
        Ok(provider.is::<StreamingTable>() || provider.is::<MicroBatchTable>())
    })
}

fn needs_replanning(plan: &LogicalPlan) -> Result<bool> {
    const TIME_FUNCTIONS: [&str; 5] = [
        "now",
        "current_timestamp",
        "current_date",
        "current_time",
        "localtimestamp",
    ];
    plan.exists(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(provider) = source_as_provider(&scan.source)
            && !provider.is::<StreamingTable>()
        {
            return Ok(true);
        }
        let asks_time = |expr: &Expr| {
            expr.exists(|expr| {
                Ok(matches!(expr, Expr::ScalarFunction(call)
                    if TIME_FUNCTIONS.contains(&call.name())))
            })
        };
        let mut found = false;
        for expr in node.expressions() {
            found |= asks_time(&expr)?;
        }
        Ok(found)
    })
}

fn replace_scan(
    scan: TableScan,
    slots: &[(u64, Arc<ScanSlot>)],
) -> Result<Transformed<LogicalPlan>> {
    let Ok(provider) = source_as_provider(&scan.source) else {
        return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
    };
    let slot = provider
        .downcast_ref::<StreamingTable>()
        .and_then(|table| slots.iter().find(|(id, _)| *id == table.id));
    let Some((_, slot)) = slot else {
        return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
    };
    let table = Arc::new(MicroBatchTable::new(Arc::clone(slot)));
    let scan = TableScan {
        source: provider_as_source(table),
        ..scan
    };
    Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
}

/// Puts the static side of a join on the left, where a hash join builds its table: the stream is
/// then never held, and keeps its partitions.
fn static_side_first(join: Join) -> Result<Transformed<LogicalPlan>> {
    let stream_first = is_streaming(&join.left)? && !is_streaming(&join.right)?;
    let swappable = matches!(
        join.join_type,
        JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti
    );
    if !stream_first || !swappable || join.null_aware {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    }
    let columns = join.schema.columns();
    let on = join
        .on
        .into_iter()
        .map(|(left, right)| (right, left))
        .collect();
    let swapped = Join::try_new(
        join.right,
        join.left,
        on,
        join.filter,
        join.join_type.swap(),
        join.join_constraint,
        join.null_equality,
        false,
    )?;
    let in_order = columns.into_iter().map(Expr::Column).collect::<Vec<_>>();
    let plan = LogicalPlanBuilder::from(LogicalPlan::Join(swapped))
        .project(in_order)?
        .build()?;
    Ok(Transformed::yes(plan))
}

fn watermark(
    node: &EventTimeWatermark,
    watermarks: &mut Vec<Arc<EventTimeCollector>>,
) -> Result<Transformed<LogicalPlan>> {
    let collector = Arc::new(EventTimeCollector::new(node.delay_millis()));
    watermarks.push(Arc::clone(&collector));
    let schema = Arc::clone(node.input.schema());
    let (qualifier, field) = schema.qualified_field_with_unqualified_name(&node.column)?;
    let event_time = Expr::from((qualifier, field));
    let node = WatermarkNode {
        input: node.input.clone(),
        event_time,
        schema,
        collector,
    };
    Ok(Transformed::yes(LogicalPlan::Extension(Extension {
        node: Arc::new(node),
    })))
}

fn stateful_deduplicate(
    node: &Deduplicate,
    operator: u32,
    context: &Arc<OperatorContext>,
) -> Result<Transformed<LogicalPlan>> {
    let schema = node.input.schema();
    let column = |name: &str| {
        let (qualifier, field) = schema.qualified_field_with_unqualified_name(name)?;
        Ok::<_, DataFusionError>(Expr::from((qualifier, field)))
    };
    let keys = node
        .keys
        .iter()
        .map(|name| column(name))
        .collect::<Result<Vec<_>>>()?;
    let event_time = event_time_columns(&node.input)?
        .into_iter()
        .enumerate()
        .find_map(|(index, mark)| Some((index, mark?)))
        .map(|(index, mark)| (Expr::from(schema.qualified_field(index)), mark.delay_ms));
    let node = StatefulDeduplicateNode {
        input: node.input.clone(),
        keys,
        within_watermark: node.within_watermark,
        event_time,
        operator,
        context: Arc::clone(context),
    };
    Ok(Transformed::yes(LogicalPlan::Extension(Extension {
        node: Arc::new(node),
    })))
}

fn stateful_aggregate(
    aggregate: Aggregate,
    operator: u32,
    context: &Arc<OperatorContext>,
) -> Result<Transformed<LogicalPlan>> {
    let input_columns = event_time_columns(&aggregate.input)?;
    let event_time = aggregate.group_expr.iter().position(|expr| {
        event_time::of_expr(expr, aggregate.input.schema(), &input_columns).is_some()
    });
    let node = StatefulAggregateNode {
        input: aggregate.input.as_ref().clone(),
        group_expr: aggregate.group_expr,
        aggr_expr: aggregate.aggr_expr,
        schema: aggregate.schema,
        operator,
        event_time,
        context: Arc::clone(context),
    };
    Ok(Transformed::yes(LogicalPlan::Extension(Extension {
        node: Arc::new(node),
    })))
}
