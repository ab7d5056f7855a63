//! How many: rows, rows that hold, an estimate of how many values are distinct.

use datafusion::common::ScalarValue;
use datafusion::functions_aggregate as engine;
use datafusion::logical_expr::Expr;

use super::summary::{Precision, Summary};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall};
use crate::ir::{DataType, Literal};

pub(super) fn count(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    if call.arguments.is_empty() {
        return Err(SparkError::count_of_nothing());
    }
    let text = call.aggregate_text();
    let arguments = if call.arguments.len() == 1 {
        let only = call.arguments[0].clone();
        if only.constant().is_some_and(|v| !v.is_null()) {
            vec![datafusion::prelude::lit(1i64)]
        } else {
            vec![only.expr]
        }
    } else {
        // A row counts if none of its values is null.
        let mut conditions = Vec::new();
        for argument in call.arguments.clone() {
            conditions.push(call.apply("isnotnull", vec![argument])?);
        }
        let mut all = conditions.remove(0);
        for condition in conditions {
            all = call.apply("and", vec![all, condition])?;
        }
        let value = if call.distinct {
            let arguments = call.arguments.clone();
            call.apply("struct", arguments)?
        } else {
            call.analyzer.literal(&Literal::Long(1))?
        };
        vec![call.apply("when", vec![all, value])?.expr]
    };
    let expr = call.aggregate(engine::count::count_udaf(), arguments);
    Ok(TypedExpr::new(expr, DataType::Long, false, text))
}

pub(super) fn count_if(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    call.convert(0, Arg::Boolean)?;
    let text = call.aggregate_text();
    let condition = call.arguments[0].clone();
    let one = call.analyzer.literal(&Literal::Long(1))?;
    let value = call.apply("when", vec![condition, one])?;
    let expr = call.aggregate(engine::count::count_udaf(), vec![value.expr]);
    Ok(TypedExpr::new(expr, DataType::Long, false, text))
}

pub(super) fn approx_count_distinct(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let name = call.arguments[0].name.clone();
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let text = call.filtered(format!("{}({distinct}{name})", call.name));
    let precision = precision(call)?;
    // What is seen twice makes no difference.
    call.distinct = false;
    let value = call.arguments[0].clone();
    let hash = call.apply("xxhash64", vec![value.clone()])?;
    let present = Expr::IsNotNull(Box::new(value.expr));
    let present = match &call.filter {
        Some(filter) => filter.expr.clone().and(present),
        None => present,
    };
    call.filter = Some(TypedExpr::new(present, DataType::Boolean, false, name));
    let function = Summary::DistinctEstimate(precision).function();
    let expr = call.aggregate(function, vec![hash.expr]);
    Ok(TypedExpr::new(expr, DataType::Long, false, text))
}

/// How exact an estimate is asked for, by its relative standard deviation.
fn precision(call: &FunctionCall<'_>) -> Result<Precision> {
    const DEVIATION_DEFAULT: f64 = 0.05;
    let deviation = match call.arguments.get(1) {
        None => DEVIATION_DEFAULT,
        Some(argument) => {
            let value = call.analyzer.evaluate(argument)?;
            let value = value.cast_to(&arrow::datatypes::DataType::Float64)?;
            let ScalarValue::Float64(Some(deviation)) = value else {
                return Err(call.unexpected_type(1, "\"DOUBLE\""));
            };
            deviation
        }
    };
    Precision::of_deviation(deviation).ok_or_else(|| {
        SparkError::mismatch(
            "VALUE_OUT_OF_RANGE",
            &call.text(),
            "HLL++ requires at least 4 bits for addressing. Use a lower error, at most 27%.",
        )
    })
}
