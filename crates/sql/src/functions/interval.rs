//! Intervals multiplied and divided by numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType as ArrowType, DurationMicrosecondType, Float64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, IntervalYearMonthType,
};

use super::arithmetic::Operation;
use super::time_arithmetic::interval_argument;
use super::{FunctionCall, Invocation};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, DayTimeField, YearMonthField};
use crate::time::MICROS_PER_DAY;

/// `interval * number`, `number * interval`, `interval / number`; nothing if the operands are others.
pub(super) fn scaled(
    call: &mut FunctionCall<'_>,
    operation: Operation,
    is_try: bool,
) -> Result<Option<TypedExpr>> {
    let swapped = operation == Operation::Multiply && call.arguments[1].data_type.is_interval();
    let (interval, number) = if swapped { (1, 0) } else { (0, 1) };
    let fits = call.arguments[interval].data_type.is_interval()
        && call.arguments[number].data_type.is_numeric()
        && matches!(operation, Operation::Multiply | Operation::Divide);
    if !fits {
        return Ok(None);
    }
    let strict = call.analyzer.context.ansi && !is_try;
    let result = match &call.arguments[interval].data_type {
        DataType::YearMonthInterval { .. } => DataType::YearMonthInterval {
            start: YearMonthField::Year,
            end: YearMonthField::Month,
        },
        DataType::DayTimeInterval { .. } => DataType::DayTimeInterval {
            start: DayTimeField::Day,
            end: DayTimeField::Second,
        },
        other => other.clone(),
    };
    let nullable = call.any_nullable() || !strict || result == DataType::CalendarInterval;
    let arguments = [interval, number].map(|i| call.arguments[i].clone());
    let divides = operation == Operation::Divide;
    let kernel = Arc::new(move |inv: &Invocation<'_>| scale(inv, divides, strict));
    let key = format!("{divides} {strict}");
    let expr = call.maker().call(
        "scaled_interval",
        key,
        kernel,
        &arguments,
        result.clone(),
        nullable,
    );
    Ok(Some(TypedExpr::new(expr, result, nullable, call.text())))
}

fn scale(inv: &Invocation<'_>, divides: bool, strict: bool) -> Result<ArrayRef> {
    let parts = interval_argument(inv, 0)?;
    let numbers = arrow::compute::cast(&inv.expanded(1)?, &ArrowType::Float64)?;
    let numbers = numbers.as_primitive::<Float64Type>();
    // An interval's months, days and microseconds, and what to multiply them by.
    type Scaled = ((i64, i64, i64), f64);
    let factor = |row: usize| -> Result<Option<Scaled>> {
        let Some(parts) = parts(row).filter(|_| numbers.is_valid(row)) else {
            return Ok(None);
        };
        match numbers.value(row) {
            number if divides && number == 0.0 && strict => {
                Err(SparkError::interval_divided_by_zero())
            }
            number if divides && number == 0.0 => Ok(None),
            number if divides => Ok(Some((parts, 1.0 / number))),
            number => Ok(Some((parts, number))),
        }
    };
    let checked = |value: f64, limit: f64| -> Result<Option<i64>> {
        match value.is_finite() && value.abs() <= limit {
            true => Ok(Some(value as i64)),
            false if strict => Err(SparkError::interval_overflow("the product")),
            false => Ok(None),
        }
    };
    const LONG_MAX: f64 = i64::MAX as f64;
    const INT_MAX: f64 = i32::MAX as f64;
    match inv.types[0] {
        DataType::YearMonthInterval { .. } => inv.build::<IntervalYearMonthType>(|row| {
            let Some(((months, ..), factor)) = factor(row)? else {
                return Ok(None);
            };
            Ok(checked((months as f64 * factor).round(), INT_MAX)?.map(|v| v as i32))
        }),
        DataType::DayTimeInterval { .. } => inv.build::<DurationMicrosecondType>(|row| {
            let Some(((_, _, micros), factor)) = factor(row)? else {
                return Ok(None);
            };
            checked((micros as f64 * factor).round(), LONG_MAX)
        }),
        // What is left of a month is dropped, what is left of a day goes to its time.
        _ => inv.build::<IntervalMonthDayNanoType>(|row| {
            let Some(((months, days, micros), factor)) = factor(row)? else {
                return Ok(None);
            };
            let days = days as f64 * factor;
            let rest = days.fract() * MICROS_PER_DAY as f64;
            let whole = [
                checked((months as f64 * factor).trunc(), INT_MAX)?,
                checked(days.trunc(), INT_MAX)?,
                checked((micros as f64 * factor + rest).round(), LONG_MAX / 1000.0)?,
            ];
            let [Some(months), Some(days), Some(micros)] = whole else {
                return Ok(None);
            };
            Ok(Some(IntervalMonthDayNano::new(
                months as i32,
                days as i32,
                micros * 1000,
            )))
        }),
    }
}
