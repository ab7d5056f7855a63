//! One value of a group as it is: the least, the greatest, the first, the last, the one beside another's least.

use std::sync::Arc;

use datafusion::functions_aggregate as engine;
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment, Sort};
use datafusion::logical_expr::{AggregateUDF, Expr};

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::FunctionCall;
use crate::ir::{DataType, Literal};
use crate::types::{coercion, sql_name};

pub(super) fn extreme(
    call: &mut FunctionCall<'_>,
    function: Arc<AggregateUDF>,
) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let argument = call.arguments[0].clone();
    if !coercion::is_orderable(&argument.data_type) {
        return Err(SparkError::invalid_ordering_type(
            &call.text(),
            &call.name,
            &sql_name(&argument.data_type),
        ));
    }
    if argument.data_type == DataType::Null {
        let text = call.aggregate_text();
        return Ok(call
            .analyzer
            .literal(&Literal::Null(DataType::Null))?
            .with_name(text));
    }
    let text = call.aggregate_text();
    call.distinct = false;
    let expr = call.aggregate(function, vec![argument.expr]);
    Ok(TypedExpr::new(expr, argument.data_type, true, text))
}

/// The value beside the least or greatest key.
pub(super) fn by(call: &mut FunctionCall<'_>, least: bool) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    if call.arguments.len() == 3 {
        return several_by(call, least);
    }
    let [value, key] = [0, 1].map(|i| call.arguments[i].clone());
    if !coercion::is_orderable(&key.data_type) {
        return Err(SparkError::invalid_ordering_type(
            &call.text(),
            &call.name,
            &sql_name(&key.data_type),
        ));
    }
    let order = vec![Sort::new(key.expr, least, false)];
    let expr = call.aggregate_ordered(
        engine::first_last::first_value_udaf(),
        vec![value.expr],
        order,
        None,
    );
    Ok(call.aggregate_value(expr, value.data_type, true))
}

/// The values beside the `k` least or greatest keys, nearest first.
fn several_by(call: &mut FunctionCall<'_>, least: bool) -> Result<TypedExpr> {
    let text = call.aggregate_text();
    let [value, key] = [0, 1].map(|i| call.arguments[i].clone());
    let count = call.constant_integer(2, "k")?;
    let sort = Sort::new(key.expr.clone(), least, false);
    let present = Expr::IsNotNull(Box::new(key.expr));
    let filter = match &call.filter {
        Some(filter) => filter.expr.clone().and(present),
        None => present,
    };
    let expr = Expr::AggregateFunction(AggregateFunction::new_udf(
        engine::array_agg::array_agg_udaf(),
        vec![value.expr],
        false,
        Some(Box::new(filter)),
        vec![sort],
        None,
    ));
    let all = DataType::array(value.data_type, true);
    let all = TypedExpr::new(expr, all, true, text.clone());
    let one = call.analyzer.literal(&Literal::Integer(1))?;
    let count = call.analyzer.literal(&Literal::Integer(count as i32))?;
    Ok(call.apply("slice", vec![all, one, count])?.with_name(text))
}

pub(super) fn positional(call: &mut FunctionCall<'_>, first: bool) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let ignore = call
        .arguments
        .get(1)
        .is_some_and(|a| a.expr == datafusion::prelude::lit(true));
    let value = call.arguments[0].clone();
    let text = call.filtered(format!("{}({})", call.name, value.name));
    let function = if first {
        engine::first_last::first_value_udaf()
    } else {
        engine::first_last::last_value_udaf()
    };
    let nulls = Some(if ignore {
        NullTreatment::IgnoreNulls
    } else {
        NullTreatment::RespectNulls
    });
    call.distinct = false;
    let expr = call.aggregate_ordered(function, vec![value.expr], Vec::new(), nulls);
    Ok(TypedExpr::new(expr, value.data_type, true, text))
}
