//! Which columns of a plan carry a watermark.
//!
//! `withWatermark` marks a column; projections, filters, joins and windows over it pass the mark
//! on, as Spark's attribute metadata does.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use fleuve_sql::plan::EventTimeWatermark;

use crate::operator::aggregate::StatefulAggregateNode;
use crate::operator::event_time::WatermarkNode;

/// A column with a watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTimeColumn {
    pub delay_ms: i64,
}

/// Per output column of `plan`, its watermark.
pub fn event_time_columns(plan: &LogicalPlan) -> Result<Vec<Option<EventTimeColumn>>> {
    let unmarked = || vec![None; plan.schema().fields().len()];
    let of_exprs = |exprs: &[Expr], input: &LogicalPlan| -> Result<Vec<_>> {
        let columns = event_time_columns(input)?;
        Ok(exprs
            .iter()
            .map(|expr| of_expr(expr, input.schema(), &columns))
            .collect())
    };
    match plan {
        LogicalPlan::Projection(projection) => of_exprs(&projection.expr, &projection.input),
        LogicalPlan::Filter(filter) => event_time_columns(&filter.input),
        LogicalPlan::Sort(sort) => event_time_columns(&sort.input),
        LogicalPlan::Limit(limit) => event_time_columns(&limit.input),
        LogicalPlan::Repartition(repartition) => event_time_columns(&repartition.input),
        LogicalPlan::SubqueryAlias(alias) => event_time_columns(&alias.input),
        LogicalPlan::Union(union) => match union.inputs.first() {
            Some(first) => event_time_columns(first),
            None => Ok(unmarked()),
        },
        LogicalPlan::Join(join) => {
            let mut columns = event_time_columns(&join.left)?;
            columns.extend(event_time_columns(&join.right)?);
            columns.resize(plan.schema().fields().len(), None);
            Ok(columns)
        }
        LogicalPlan::Aggregate(aggregate) => {
            let mut columns = of_exprs(&aggregate.group_expr, &aggregate.input)?;
            columns.resize(plan.schema().fields().len(), None);
            Ok(columns)
        }
        LogicalPlan::Unnest(unnest) => unnested(plan, unnest),
        LogicalPlan::Extension(extension) => {
            let node = extension.node.as_any();
            if let Some(watermark) = node.downcast_ref::<EventTimeWatermark>() {
                let mark = EventTimeColumn {
                    delay_ms: watermark.delay_millis(),
                };
                return Ok(mark_only(plan.schema(), &watermark.column, mark));
            }
            if let Some(watermark) = node.downcast_ref::<WatermarkNode>() {
                let mark = EventTimeColumn {
                    delay_ms: watermark.collector.delay_ms,
                };
                let Expr::Column(column) = &watermark.event_time else {
                    return Ok(unmarked());
                };
                return Ok(mark_only(plan.schema(), &column.name, mark));
            }
            if let Some(aggregate) = node.downcast_ref::<StatefulAggregateNode>() {
                let mut columns = of_exprs(&aggregate.group_expr, &aggregate.input)?;
                columns.resize(plan.schema().fields().len(), None);
                return Ok(columns);
            }
            // A node that keeps its input's columns keeps their marks.
            match extension.node.inputs().as_slice() {
                [input] if input.schema().fields() == plan.schema().fields() => {
                    event_time_columns(input)
                }
                _ => Ok(unmarked()),
            }
        }
        _ => Ok(unmarked()),
    }
}

/// The columns that an unnest yields once a row of its input, or once an element of a list.
fn unnested(
    plan: &LogicalPlan,
    unnest: &datafusion::logical_expr::Unnest,
) -> Result<Vec<Option<EventTimeColumn>>> {
    let columns = event_time_columns(&unnest.input)?;
    let mut marks: Vec<_> = unnest
        .dependency_indices
        .iter()
        .map(|index| columns.get(*index).copied().flatten())
        .collect();
    marks.resize(plan.schema().fields().len(), None);
    Ok(marks)
}

fn mark_only(
    schema: &DFSchema,
    column: &str,
    mark: EventTimeColumn,
) -> Vec<Option<EventTimeColumn>> {
    schema
        .fields()
        .iter()
        .map(|field| (field.name() == column).then_some(mark))
        .collect()
}

/// The function whose result carries the watermark of its argument.
const WINDOW_TIME: &str = "window_time";

/// The watermark of an expression over columns with `columns`' marks.
pub(super) fn of_expr(
    expr: &Expr,
    schema: &DFSchema,
    columns: &[Option<EventTimeColumn>],
) -> Option<EventTimeColumn> {
    match expr {
        Expr::Alias(alias) => of_expr(&alias.expr, schema, columns),
        Expr::Column(column) => schema
            .index_of_column(column)
            .ok()
            .and_then(|index| columns[index]),
        Expr::ScalarFunction(call) if call.name() == WINDOW_TIME => call
            .args
            .first()
            .and_then(|argument| of_expr(argument, schema, columns)),
        other => {
            // However a window is computed, it is over the time column it mentions.
            let kind = other.get_type(schema).ok()?;
            if !is_window(&kind) {
                return None;
            }
            let mut columns = other
                .column_refs()
                .into_iter()
                .filter_map(|c| columns[schema.index_of_column(c).ok()?]);
            columns.next()
        }
    }
}

/// Whether this is the type of a time window, or of a list of them.
fn is_window(kind: &DataType) -> bool {
    match kind {
        DataType::Struct(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            names == ["start", "end"]
                && fields
                    .iter()
                    .all(|f| matches!(f.data_type(), DataType::Timestamp(..)))
        }
        DataType::List(element) => is_window(element.data_type()),
        _ => false,
    }
}
