//! Statistics of doubles: how variances, regressions and shapes of distributions are called.
//!
//! What they add up is in `moments` and `summary`.

use std::sync::Arc;

use datafusion::logical_expr::AggregateUDF;

use super::distribution::over_doubles;
use super::moments::{self, Statistic};
use super::summary::Summary;
use crate::analyzer::TypedExpr;
use crate::error::Result;
use crate::functions::{Arg, FunctionCall};
use crate::ir::DataType;

pub(super) fn moment(
    call: &mut FunctionCall<'_>,
    name: &'static str,
    statistic: Statistic,
    distinct: Arc<AggregateUDF>,
) -> Result<TypedExpr> {
    let function = moments::function(name, statistic, distinct);
    if statistic.arguments() == 2 {
        return regression(call, function, DataType::Double);
    }
    call.arity(1, 1)?;
    let text = call.aggregate_text();
    call.convert(0, Arg::Double)?;
    let argument = call.arguments[0].expr.clone();
    let expr = call.aggregate(function, vec![argument]);
    Ok(TypedExpr::new(expr, DataType::Double, true, text))
}

pub(super) fn regression(
    call: &mut FunctionCall<'_>,
    function: Arc<AggregateUDF>,
    result: DataType,
) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.aggregate_text();
    call.convert(0, Arg::Double)?;
    call.convert(1, Arg::Double)?;
    let arguments = call.arguments.iter().map(|a| a.expr.clone()).collect();
    let expr = call.aggregate(function, arguments);
    let nullable = result != DataType::Long;
    let expr = if nullable {
        expr
    } else {
        datafusion::logical_expr::cast(expr, arrow::datatypes::DataType::Int64)
    };
    Ok(TypedExpr::new(expr, result, nullable, text))
}

/// A double that is computed from a summary of the group's doubles.
pub(super) fn shape(call: &mut FunctionCall<'_>, summary: Summary) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    if call.distinct {
        // A summary cannot tell what it has seen.
        return over_doubles(call, &format!("{summary:?}"), move |values| {
            summary.of_doubles(values)
        });
    }
    let text = call.aggregate_text();
    call.convert(0, Arg::Double)?;
    let argument = call.arguments[0].expr.clone();
    let expr = call.aggregate(summary.function(), vec![argument]);
    Ok(TypedExpr::new(expr, DataType::Double, true, text))
}
