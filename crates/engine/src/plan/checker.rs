//! What Spark refuses in a streaming plan, in its words, and what is refused here beyond that.
//!
//! Start at [`check`].

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Aggregate, Expr, Join, JoinType, LogicalPlan, Operator};
use datafusion::scalar::ScalarValue;
use fleuve_sql::error::{Exception, SparkError};
use fleuve_sql::plan::Deduplicate;

use super::{event_time_columns, is_streaming};
use crate::error::StreamError;
use crate::operator::user_name;
use crate::sink::OutputMode;

type Result<T> = std::result::Result<T, StreamError>;

/// What the check found out about the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    pub aggregates: usize,
}

/// Whether an update-mode chain of stateful operators is let through,
/// `spark.sql.streaming.statefulOperator.checkCorrectness.enabled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorrectnessCheck(pub bool);

/// Refuses what cannot run as a stream with this output mode.
pub fn check(
    plan: &LogicalPlan,
    mode: OutputMode,
    correctness: CorrectnessCheck,
) -> Result<Checked> {
    let mut aggregates = 0;
    let mut failure = None;
    plan.apply(|node| {
        if !is_streaming(node)? {
            return Ok(TreeNodeRecursion::Jump);
        }
        if matches!(node, LogicalPlan::Aggregate(_)) {
            aggregates += 1;
        }
        match check_node(node, mode, plan) {
            Ok(()) => Ok(TreeNodeRecursion::Continue),
            Err(error) => {
                failure.get_or_insert(error);
                Ok(TreeNodeRecursion::Stop)
            }
        }
    })?;
    if let Some(error) = failure {
        return Err(error);
    }
    check_mode(plan, mode, aggregates, correctness)?;
    Ok(Checked { aggregates })
}

fn check_mode(
    plan: &LogicalPlan,
    mode: OutputMode,
    aggregates: usize,
    correctness: CorrectnessCheck,
) -> Result<()> {
    if mode == OutputMode::Complete && aggregates == 0 {
        return Err(unsupported_mode(mode, "no streaming aggregations"));
    }
    if aggregates > 1 && mode != OutputMode::Append && correctness.0 {
        return Err(unsupported(
            "Detected pattern of possible 'correctness' issue due to global watermark. The query \
             contains stateful operation which can emit rows older than the current watermark \
             plus allowed late record delay, which are \"late rows\" in downstream stateful \
             operations and these rows can be discarded. Please refer the programming guide doc \
             for more details. If you understand the possible risk of correctness issue and still \
             need to run the query, you can disable this check by setting the config \
             `spark.sql.streaming.statefulOperator.checkCorrectness.enabled` to false.",
            plan,
        ));
    }
    Ok(())
}

fn check_node(node: &LogicalPlan, mode: OutputMode, plan: &LogicalPlan) -> Result<()> {
    match node {
        LogicalPlan::Aggregate(aggregate) => check_aggregate(aggregate, mode, node),
        LogicalPlan::Join(join) => check_join(join, node),
        LogicalPlan::Union(union) => {
            let streaming = union
                .inputs
                .iter()
                .map(|input| is_streaming(input))
                .collect::<DataFusionResult<Vec<_>>>()?;
            if streaming.iter().any(|streaming| !streaming) {
                return Err(unsupported(
                    "Union between streaming and batch DataFrames/Datasets is not supported",
                    node,
                ));
            }
            Ok(())
        }
        LogicalPlan::Sort(sort) => match mode {
            OutputMode::Complete if has_aggregate(&sort.input)? => Ok(()),
            _ => Err(unsupported(
                "Sorting is not supported on streaming DataFrames/Datasets, unless it is on \
                 aggregated DataFrame/Dataset in Complete output mode",
                node,
            )),
        },
        LogicalPlan::Limit(limit) if skips(limit.skip.as_deref()) => Err(unsupported(
            "Offset is not supported on streaming DataFrames/Datasets",
            node,
        )),
        LogicalPlan::Limit(limit) => match mode {
            OutputMode::Complete if has_aggregate(&limit.input)? => Ok(()),
            OutputMode::Update => Err(unsupported(
                "Limits are not supported on streaming DataFrames/Datasets in Update output mode",
                node,
            )),
            _ => Err(unsupported(
                "Limits on streaming DataFrames/Datasets are not supported here yet, unless on \
                 aggregated DataFrame/Dataset in Complete output mode",
                node,
            )),
        },
        LogicalPlan::Extension(extension) => {
            let within = extension
                .node
                .as_any()
                .downcast_ref::<Deduplicate>()
                .filter(|node| node.within_watermark);
            match within {
                Some(within)
                    if event_time_columns(&within.input)?
                        .iter()
                        .all(Option::is_none) =>
                {
                    Err(unsupported(
                        "dropDuplicatesWithinWatermark is not supported on streaming \
                         DataFrames/DataSets without watermark",
                        node,
                    ))
                }
                _ => Ok(()),
            }
        }
        LogicalPlan::Window(window) => Err(window_function(&window.window_expr, plan)?),
        LogicalPlan::Distinct(_) => Err(unsupported(
            "This form of distinct is not supported on streaming DataFrames/Datasets",
            node,
        )),
        _ => Ok(()),
    }
}

fn check_aggregate(aggregate: &Aggregate, mode: OutputMode, node: &LogicalPlan) -> Result<()> {
    let distinct = aggregate.aggr_expr.iter().any(|expr| {
        expr.exists(|expr| {
            Ok(matches!(expr, Expr::AggregateFunction(call)
                if call.params.distinct && !of_present_values(call)))
        })
        .unwrap_or(false)
    });
    if distinct {
        return Err(unsupported(
            "Distinct aggregations are not supported on streaming DataFrames/Datasets. Consider \
             using approx_count_distinct() instead.",
            node,
        ));
    }
    let columns = event_time_columns(&aggregate.input)?;
    let watermarked = aggregate
        .group_expr
        .iter()
        .any(|expr| super::event_time::of_expr(expr, aggregate.input.schema(), &columns).is_some());
    if mode == OutputMode::Append && !watermarked {
        return Err(unsupported_mode(
            mode,
            "streaming aggregations without watermark",
        ));
    }
    Ok(())
}

fn check_join(join: &Join, node: &LogicalPlan) -> Result<()> {
    let (left, right) = (is_streaming(&join.left)?, is_streaming(&join.right)?);
    let refused = match (join.join_type, left, right) {
        (JoinType::LeftSemi, true, true) if compares_rows(join) => {
            "Intersect of streaming DataFrames/Datasets is not supported"
        }
        (JoinType::LeftAnti, _, true) if compares_rows(join) => {
            "Except on a streaming DataFrame/Dataset on the right is not supported"
        }
        (_, true, true) => {
            "Joins between two streaming DataFrames/Datasets are not supported here yet"
        }
        (JoinType::Left, false, true) => {
            "LeftOuter join with a streaming DataFrame/Dataset on the right and a static \
             DataFrame/Dataset on the left is not supported"
        }
        (JoinType::Right, true, false) => {
            "RightOuter join with a streaming DataFrame/Dataset on the left and a static \
             DataFrame/DataSet on the right not supported"
        }
        (JoinType::Full, true, false) => {
            "FullOuter joins with streaming DataFrames/Datasets on the left and a static \
             DataFrame/Dataset on the right is not supported"
        }
        (JoinType::Full, false, true) => {
            "FullOuter joins with streaming DataFrames/Datasets on the right and a static \
             DataFrame/Dataset on the left is not supported"
        }
        (JoinType::LeftSemi | JoinType::LeftMark, false, true) => {
            "LeftSemi join with a streaming DataFrame/Dataset on the right and a static \
             DataFrame/Dataset on the left is not supported"
        }
        (JoinType::LeftAnti, false, true) => {
            "LeftAnti joins with a streaming DataFrame/Dataset on the right are not supported"
        }
        _ => return Ok(()),
    };
    Err(unsupported(refused, node))
}

/// Whether this is `collect_set`, which is distinct over the values that are there: Spark keeps its
/// state from batch to batch.
fn of_present_values(call: &AggregateFunction) -> bool {
    let present = |condition: &&Expr| matches!(condition, Expr::IsNotNull(value) if Some(value.as_ref()) == call.params.args.first());
    let conditions = call
        .params
        .filter
        .iter()
        .flat_map(|filter| split_conjunction(filter));
    conditions.collect::<Vec<_>>().iter().any(present)
}

/// Whether the join stands for INTERSECT or EXCEPT: their nulls are equal.
fn compares_rows(join: &Join) -> bool {
    let null_safe = |expr: &&Expr| matches!(expr, Expr::BinaryExpr(binary) if binary.op == Operator::IsNotDistinctFrom);
    let conditions = join.filter.iter().flat_map(split_conjunction);
    join.on.is_empty()
        && join.filter.is_some()
        && conditions.collect::<Vec<_>>().iter().all(null_safe)
}

fn skips(skip: Option<&Expr>) -> bool {
    !matches!(
        skip,
        None | Some(Expr::Literal(
            ScalarValue::Int64(Some(0)) | ScalarValue::Int32(Some(0)),
            _
        ))
    )
}

fn has_aggregate(plan: &LogicalPlan) -> DataFusionResult<bool> {
    plan.exists(|node| Ok(matches!(node, LogicalPlan::Aggregate(_))))
}

fn unsupported(message: &str, node: &LogicalPlan) -> StreamError {
    let text = format!("{message};\n{}\n", node.display_indent());
    StreamError::Spark(SparkError::unsupported_streaming_operation(&text))
}

fn unsupported_mode(mode: OutputMode, operation: &str) -> StreamError {
    StreamError::Spark(SparkError::unsupported_output_mode(
        mode.lower_name(),
        operation,
    ))
}

fn window_function(exprs: &[Expr], plan: &LogicalPlan) -> DataFusionResult<StreamError> {
    let functions: Vec<String> = exprs.iter().map(called).collect();
    let mut columns = Vec::new();
    for expr in exprs {
        let column = expr.schema_name().to_string();
        let shown = alias_of(&column, plan)?.unwrap_or(column);
        columns.push(format!("`{}`", user_name(&shown)));
    }
    let (functions, columns) = (functions.join(", "), columns.join(", "));
    let text = format!(
        "Window function is not supported in {functions} (as column {columns}) on streaming \
         DataFrames/Datasets.\n\
         Structured Streaming only supports time-window aggregation using the WINDOW function."
    );
    Ok(StreamError::Spark(SparkError::streaming(
        Exception::Analysis,
        "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
        "42KDE",
        text,
        &[
            ("windowFunc", functions.as_str()),
            ("columnName", columns.as_str()),
        ],
    )))
}

/// The name that a projection of `plan` gives to a column.
fn alias_of(column: &str, plan: &LogicalPlan) -> DataFusionResult<Option<String>> {
    let mut found = None;
    plan.apply(|node| {
        if let LogicalPlan::Projection(projection) = node {
            for expr in &projection.expr {
                if let Expr::Alias(alias) = expr
                    && alias
                        .expr
                        .column_refs()
                        .iter()
                        .any(|inner| inner.name == column)
                {
                    found = Some(alias.name.clone());
                    return Ok(TreeNodeRecursion::Stop);
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// A window function as Spark writes it: `ROW_NUMBER()`.
fn called(expr: &Expr) -> String {
    match expr {
        Expr::Alias(alias) => called(&alias.expr),
        Expr::WindowFunction(function) => {
            let arguments: Vec<String> = function
                .params
                .args
                .iter()
                .map(ToString::to_string)
                .collect();
            format!(
                "{}({})",
                function.fun.name().to_uppercase(),
                arguments.join(", ")
            )
        }
        other => other.to_string(),
    }
}
