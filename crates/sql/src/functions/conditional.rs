//! Choosing between values: `CASE`, `IF`, `COALESCE` and their kin.

use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Case;

use super::{Arg, Function, FunctionCall, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Literal};
use crate::types::{coercion, sql_name};

pub(super) const FUNCTIONS: &[Function] = &[
    custom("when", case).or(&["case"]),
    custom("if", if_function),
    custom("coalesce", coalesce),
    custom("ifnull", coalesce_two).or(&["nvl"]),
    custom("nvl2", nvl2),
    custom("nullif", nullif),
    custom("nanvl", nanvl),
    custom("nullifzero", nullifzero),
    custom("zeroifnull", zeroifnull),
    custom("greatest", |call| extreme(call, true)),
    custom("least", |call| extreme(call, false)),
    custom("at_least_n_non_nulls", at_least_n_non_nulls),
];

/// Conditions and values in turn, and perhaps a last value.
fn case(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, usize::MAX)?;
    let arguments = call.arguments.clone();
    let has_else = arguments.len() % 2 == 1;
    let mut text = String::from("CASE");
    for pair in arguments.chunks_exact(2) {
        text.push_str(&format!(" WHEN {} THEN {}", pair[0].name, pair[1].name));
    }
    if has_else {
        text.push_str(&format!(" ELSE {}", arguments[arguments.len() - 1].name));
    }
    text.push_str(" END");
    branches(call, &arguments, &text)
}

fn branches(call: &mut FunctionCall<'_>, arguments: &[TypedExpr], text: &str) -> Result<TypedExpr> {
    let is_case = text.starts_with("CASE");
    let has_else = arguments.len() % 2 == 1;
    let is_value = |index: usize| index % 2 == 1 || (has_else && index == arguments.len() - 1);
    let values = || {
        arguments
            .iter()
            .enumerate()
            .filter(|(i, _)| is_value(*i))
            .map(|(_, a)| a)
    };
    let types: Vec<DataType> = values().map(|v| v.data_type.clone()).collect();
    let common = coercion::common_type_of(types.iter()).ok_or_else(|| {
        let types: Vec<String> = types.iter().map(sql_name).collect();
        SparkError::data_types_differ(text, "casewhen", &types)
    })?;
    // What stands behind a condition that is true is never reached.
    let is_true = |a: &&TypedExpr| a.expr == datafusion::prelude::lit(true);
    let certain = arguments[..arguments.len() - usize::from(has_else)]
        .iter()
        .step_by(2)
        .position(|condition| is_case && is_true(&condition));
    let nullable = match certain {
        Some(branch) => values().take(branch + 1).any(|v| v.nullable),
        None => !has_else || values().any(|v| v.nullable),
    };
    let mut when_then: Vec<(Box<Expr>, Box<Expr>)> = Vec::new();
    let mut otherwise = None;
    for (index, argument) in arguments.iter().enumerate() {
        if is_value(index) {
            let value = call.analyzer.cast_implicitly(argument.clone(), &common)?;
            if has_else && index == arguments.len() - 1 {
                otherwise = Some(Box::new(value.expr));
            } else if let Some((_, then)) = when_then.last_mut() {
                **then = value.expr;
            }
        } else {
            if !matches!(argument.data_type, DataType::Boolean | DataType::Null) {
                return Err(SparkError::unexpected_input_type(
                    text,
                    super::ordinal(index),
                    "\"BOOLEAN\"",
                    &argument.name,
                    &sql_name(&argument.data_type),
                ));
            }
            let condition = call
                .analyzer
                .cast_implicitly(argument.clone(), &DataType::Boolean)?;
            let placeholder = condition.expr.clone();
            when_then.push((Box::new(condition.expr), Box::new(placeholder)));
        }
    }
    let otherwise = match otherwise {
        Some(otherwise) => Some(otherwise),
        None => Some(Box::new(
            call.analyzer.literal(&Literal::Null(common.clone()))?.expr,
        )),
    };
    let expr = Expr::Case(Case::new(None, when_then, otherwise));
    Ok(TypedExpr::new(expr, common, nullable, text))
}

fn if_function(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(3, 3)?;
    let [a, b, c] = [0, 1, 2].map(|i| call.arguments[i].name.clone());
    let text = format!("(IF({a}, {b}, {c}))");
    let arguments = call.arguments.clone();
    branches(call, &arguments, &text)
}

fn coalesce(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, usize::MAX)?;
    let text = call.text();
    let common = call.unify(0)?;
    let nullable = call.arguments.iter().all(|a| a.nullable);
    let arguments = call.arguments.clone();
    let Some((last, first)) = arguments.split_last() else {
        return Err(SparkError::wrong_number_of_arguments("coalesce", "> 0", 0));
    };
    if first.is_empty() {
        return Ok(last
            .replaced(last.expr.clone(), common, nullable)
            .with_name(text));
    }
    let when_then = first
        .iter()
        .map(|a| {
            (
                Box::new(Expr::IsNotNull(Box::new(a.expr.clone()))),
                Box::new(a.expr.clone()),
            )
        })
        .collect();
    let expr = Expr::Case(Case::new(
        None,
        when_then,
        Some(Box::new(last.expr.clone())),
    ));
    Ok(TypedExpr::new(expr, common, nullable, text))
}

fn coalesce_two(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    coalesce(call)
}

fn nvl2(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(3, 3)?;
    let text = call.text();
    let [value, present, absent] = [0, 1, 2].map(|i| call.arguments[i].clone());
    let present_test = call.apply("isnotnull", vec![value])?;
    branches(call, &[present_test, present, absent], &text)
}

fn nullif(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    let [value, other] = [0, 1].map(|i| call.arguments[i].clone());
    let equal = call.apply("==", vec![value.clone(), other])?;
    let null = call
        .analyzer
        .literal(&Literal::Null(value.data_type.clone()))?;
    branches(call, &[equal, null, value], &text)
}

fn nanvl(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    let common = if call
        .arguments
        .iter()
        .all(|a| a.data_type == DataType::Float)
    {
        DataType::Float
    } else {
        DataType::Double
    };
    for index in 0..2 {
        call.convert(index, Arg::Numeric)?;
        let argument = call.arguments[index].clone();
        call.arguments[index] = call.analyzer.cast_implicitly(argument, &common)?;
    }
    let [value, other] = [0, 1].map(|i| call.arguments[i].clone());
    let nan = call.apply("isnan", vec![value.clone()])?;
    branches(call, &[nan, other, value], &text)
}

fn nullifzero(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.text();
    call.convert(0, Arg::Numeric)?;
    let value = call.arguments[0].clone();
    let zero = call.analyzer.literal(&Literal::Integer(0))?;
    let is_zero = call.apply("==", vec![value.clone(), zero])?;
    let null = call
        .analyzer
        .literal(&Literal::Null(value.data_type.clone()))?;
    branches(call, &[is_zero, null, value], &text)
}

fn zeroifnull(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.text();
    if call.arguments[0].data_type != DataType::Null {
        call.convert(0, Arg::Numeric)?;
    }
    let zero = call.analyzer.literal(&Literal::Integer(0))?;
    let value = call.arguments[0].clone();
    Ok(call.apply("coalesce", vec![value, zero])?.with_name(text))
}

fn extreme(call: &mut FunctionCall<'_>, greatest: bool) -> Result<TypedExpr> {
    call.arity(2, usize::MAX)?;
    let text = call.text();
    // A string becomes nothing else here.
    let types: Vec<DataType> = call.arguments.iter().map(|a| a.data_type.clone()).collect();
    let alike = types.iter().skip(1).try_fold(types[0].clone(), |a, b| {
        coercion::tightest_common_type(&a, b)
    });
    if alike.is_none() {
        let types: Vec<String> = types.iter().map(sql_name).collect();
        return Err(SparkError::data_types_differ(&text, &call.name, &types));
    }
    let common = call.unify(0)?;
    if !coercion::is_orderable(&common) {
        return Err(SparkError::invalid_ordering_type(
            &text,
            &call.name,
            &sql_name(&common),
        ));
    }
    let nullable = call.arguments.iter().all(|a| a.nullable);
    let key = greatest.to_string();
    let kernel = std::sync::Arc::new(move |inv: &super::Invocation<'_>| {
        let columns = (0..inv.count())
            .map(|i| inv.expanded(i))
            .collect::<Result<Vec<_>>>()?;
        let refs: Vec<&dyn arrow::array::Array> = columns.iter().map(AsRef::as_ref).collect();
        let data_type = &inv.types[0];
        let pairs: Vec<Vec<crate::compare::Comparator>> = columns
            .iter()
            .map(|a| {
                columns
                    .iter()
                    .map(|b| crate::compare::Comparator::new(a, b, data_type))
                    .collect::<Result<_>>()
            })
            .collect::<Result<_>>()?;
        let chosen: Vec<(usize, usize)> = (0..inv.rows)
            .map(|row| {
                let mut best: Option<usize> = None;
                for (index, column) in columns.iter().enumerate() {
                    if column.is_null(row) {
                        continue;
                    }
                    let better = best.is_none_or(|b| {
                        let order = pairs[index][b].compare(row, row);
                        if greatest {
                            order.is_gt()
                        } else {
                            order.is_lt()
                        }
                    });
                    if better {
                        best = Some(index);
                    }
                }
                (best.unwrap_or(0), row)
            })
            .collect();
        Ok(arrow::compute::interleave(&refs, &chosen)?)
    });
    let arguments = call.arguments.clone();
    let expr = call.maker().call(
        &call.name,
        key,
        kernel,
        &arguments,
        common.clone(),
        nullable,
    );
    Ok(TypedExpr::new(expr, common, nullable, text))
}

/// True if at least as many values as the first argument says are neither null nor NaN.
fn at_least_n_non_nulls(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    use arrow::array::{Array, AsArray};
    let least = call.constant_integer(0, "n")?;
    call.arguments.remove(0);
    let key = least.to_string();
    Ok(call.call_keyed(
        "at_least_n_non_nulls",
        &key,
        DataType::Boolean,
        false,
        std::sync::Arc::new(move |inv| {
            let columns = (0..inv.count())
                .map(|i| inv.expanded(i))
                .collect::<Result<Vec<_>>>()?;
            inv.build_booleans(|row| {
                let present = columns.iter().filter(|c| {
                    !c.is_null(row)
                        && match c.data_type() {
                            arrow::datatypes::DataType::Float64 => !c
                                .as_primitive::<arrow::datatypes::Float64Type>()
                                .value(row)
                                .is_nan(),
                            arrow::datatypes::DataType::Float32 => !c
                                .as_primitive::<arrow::datatypes::Float32Type>()
                                .value(row)
                                .is_nan(),
                            _ => true,
                        }
                });
                Ok(Some(present.count() as i64 >= least))
            })
        }),
    ))
}
