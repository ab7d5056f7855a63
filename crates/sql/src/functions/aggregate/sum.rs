//! Sums and averages of numbers; those of intervals are in `interval`.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DECIMAL256_MAX_PRECISION, DataType as ArrowType, Decimal128Type, Decimal256Type,
};
use datafusion::functions_aggregate as engine;

use super::interval;
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::{FunctionCall, Invocation, arithmetic};
use crate::ir::DataType;
use crate::types::coercion::bounded_decimal;

pub(super) fn sum(call: &mut FunctionCall<'_>, trying: bool) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    if is_ansi_interval(&call.arguments[0].data_type) {
        return interval::sum(call);
    }
    let text = call.aggregate_text();
    let (operand, result) = match &call.arguments[0].data_type {
        t if t.is_integral() => (DataType::Long, DataType::Long),
        DataType::Decimal { precision, scale } => {
            let result = bounded_decimal(i32::from(*precision) + 10, i32::from(*scale));
            (call.arguments[0].data_type.clone(), result)
        }
        DataType::Float | DataType::Double | DataType::String(_) | DataType::Null => {
            (DataType::Double, DataType::Double)
        }
        _ => return Err(call.unexpected_type(0, "\"NUMERIC\" or \"ANSI INTERVAL\"")),
    };
    let argument = call
        .analyzer
        .cast_implicitly(call.arguments[0].clone(), &operand)?;
    if let DataType::Decimal { precision, scale } = operand
        && precision > PRECISION_THAT_MAY_OVERFLOW
    {
        return Ok(sum_of_wide_decimals(call, argument, (scale, result), trying).with_name(text));
    }
    if operand != DataType::Long {
        let expr = call.aggregate(engine::sum::sum_udaf(), vec![argument.expr]);
        return Ok(TypedExpr::new(expr, result, true, text));
    }
    // Long sums are made of decimals, so that an overflow is seen at the end.
    let wide = DataType::Decimal {
        precision: 20,
        scale: 0,
    };
    let small = matches!(
        call.arguments[0].data_type,
        DataType::Byte | DataType::Short | DataType::Integer
    );
    if small {
        let expr = call.aggregate(engine::sum::sum_udaf(), vec![argument.expr]);
        return Ok(TypedExpr::new(expr, result, true, text));
    }
    let argument = call.analyzer.cast_implicitly(argument, &wide)?;
    let total = call.aggregate(engine::sum::sum_udaf(), vec![argument.expr]);
    let total = TypedExpr::new(total, bounded_decimal(30, 0), true, text.clone());
    let ansi = call.analyzer.context.ansi;
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let totals = inv.decimals(0)?;
        inv.build::<arrow::datatypes::Int64Type>(|row| match totals.get(row) {
            None => Ok(None),
            Some(total) => match i64::try_from(total) {
                Ok(total) => Ok(Some(total)),
                Err(_) if trying => Ok(None),
                Err(_) if ansi => Err(SparkError::arithmetic_overflow(
                    "long overflow",
                    Some("try_sum"),
                )),
                Err(_) => Ok(Some(total as i64)),
            },
        })
    });
    let expr = call.maker().call(
        "checked_sum",
        format!("{trying}"),
        kernel,
        &[total],
        DataType::Long,
        true,
    );
    Ok(TypedExpr::new(expr, result, true, text))
}

/// Ten digits more than this are all that a decimal has.
const PRECISION_THAT_MAY_OVERFLOW: u8 = 28;

/// Summed with 76 digits, so that an overflow is seen at the end.
fn sum_of_wide_decimals(
    call: &FunctionCall<'_>,
    value: TypedExpr,
    (scale, result): (i8, DataType),
    trying: bool,
) -> TypedExpr {
    let wide = ArrowType::Decimal256(DECIMAL256_MAX_PRECISION, scale);
    let value = datafusion::logical_expr::cast(value.expr, wide);
    let total = call.aggregate(engine::sum::sum_udaf(), vec![value]);
    let total = TypedExpr::new(total, result.clone(), true, "sum");
    let fails = call.analyzer.context.ansi && !trying;
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let totals = inv.expanded(0)?;
        let totals = totals.as_primitive::<Decimal256Type>();
        inv.build::<Decimal128Type>(|row| {
            if totals.is_null(row) {
                return Ok(None);
            }
            let total = totals.value(row).to_i128();
            match total.filter(|t| t.unsigned_abs() < 10u128.pow(38)) {
                Some(total) => Ok(Some(total)),
                None if fails => Err(SparkError::arithmetic_overflow(
                    "Overflow in sum of decimals",
                    Some("try_sum"),
                )),
                None => Ok(None),
            }
        })
    });
    let maker = call.maker();
    let expr = maker.call(
        "checked_decimal_sum",
        fails.to_string(),
        kernel,
        &[total],
        result.clone(),
        true,
    );
    TypedExpr::new(expr, result, true, "")
}

pub(super) fn average(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    if is_ansi_interval(&call.arguments[0].data_type) {
        return interval::average(call);
    }
    let text = call.aggregate_text();
    let (operand, result) = match &call.arguments[0].data_type {
        DataType::Decimal { precision, scale } => {
            let result = bounded_decimal(i32::from(*precision) + 4, i32::from(*scale) + 4);
            (call.arguments[0].data_type.clone(), result)
        }
        t if t.is_numeric() || t.is_string() || *t == DataType::Null => {
            (DataType::Double, DataType::Double)
        }
        _ => return Err(call.unexpected_type(0, "\"NUMERIC\" or \"ANSI INTERVAL\"")),
    };
    let argument = call
        .analyzer
        .cast_implicitly(call.arguments[0].clone(), &operand)?;
    if let DataType::Decimal { .. } = operand {
        return Ok(average_of_decimals(call, argument, result).with_name(text));
    }
    let expr = call.aggregate(engine::average::avg_udaf(), vec![argument.expr]);
    Ok(TypedExpr::new(expr, result, true, text))
}

/// A sum divided by a count: the engine's own average cuts the last digit off instead of rounding it.
fn average_of_decimals(call: &FunctionCall<'_>, value: TypedExpr, result: DataType) -> TypedExpr {
    let DataType::Decimal { precision, scale } = value.data_type else {
        return value;
    };
    let total = call.aggregate(engine::sum::sum_udaf(), vec![value.expr.clone()]);
    let wide = bounded_decimal(i32::from(precision) + 10, i32::from(scale));
    let total = TypedExpr::new(total, wide, true, "sum");
    let count = call.aggregate(engine::count::count_udaf(), vec![value.expr]);
    let count = TypedExpr::new(count, DataType::Long, false, "count");
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (totals, counts) = (inv.decimals(0)?, inv.longs(1)?);
        let DataType::Decimal { scale: kept, .. } = *inv.result else {
            return Err(SparkError::internal("an average of decimals is a decimal"));
        };
        inv.build::<arrow::datatypes::Decimal128Type>(|row| {
            let pair = totals.get(row).zip(counts.get(row).filter(|n| *n > 0));
            Ok(pair.and_then(|(total, count)| {
                arithmetic::divide((total, scale), (i128::from(count), 0), kept)
            }))
        })
    });
    let arguments = [total, count];
    let expr = call.maker().call(
        "average_of_decimals",
        scale.to_string(),
        kernel,
        &arguments,
        result.clone(),
        true,
    );
    TypedExpr::new(expr, result, true, "")
}

fn is_ansi_interval(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::DayTimeInterval { .. } | DataType::YearMonthInterval { .. }
    )
}
