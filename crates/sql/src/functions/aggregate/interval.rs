//! Sums and averages of intervals, which are counted in months or in microseconds.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DurationMicrosecondType, Int64Type, IntervalYearMonthType};
use datafusion::functions_aggregate as engine;

use super::super::{FunctionCall, Invocation};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, DayTimeField, YearMonthField};

pub(super) fn sum(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let text = call.aggregate_text();
    let result = call.arguments[0].data_type.clone();
    let total = total(call);
    Ok(as_interval(call, &[total], result).with_name(text))
}

pub(super) fn average(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let text = call.aggregate_text();
    let result = match &call.arguments[0].data_type {
        DataType::YearMonthInterval { .. } => DataType::YearMonthInterval {
            start: YearMonthField::Year,
            end: YearMonthField::Month,
        },
        _ => DataType::DayTimeInterval {
            start: DayTimeField::Day,
            end: DayTimeField::Second,
        },
    };
    let total = total(call);
    let argument = call.arguments[0].expr.clone();
    let count = call.aggregate(engine::count::count_udaf(), vec![argument]);
    let count = TypedExpr::new(count, DataType::Long, false, "count");
    Ok(as_interval(call, &[total, count], result).with_name(text))
}

/// The sum of the units.
fn total(call: &FunctionCall<'_>) -> TypedExpr {
    let argument = call.arguments[0].clone();
    let nullable = argument.nullable;
    let kernel = Arc::new(|inv: &Invocation<'_>| match inv.types[0] {
        DataType::YearMonthInterval { .. } => {
            let months = inv.year_months(0)?;
            inv.build::<Int64Type>(|row| Ok(months.get(row).map(i64::from)))
        }
        _ => {
            let micros = inv.day_times(0)?;
            inv.build::<Int64Type>(|row| Ok(micros.get(row)))
        }
    });
    let units = call.maker().call(
        "interval_units",
        "",
        kernel,
        &[argument],
        DataType::Long,
        nullable,
    );
    let units = datafusion::logical_expr::cast(units, WIDE);
    let sum = call.aggregate(engine::sum::sum_udaf(), vec![units]);
    TypedExpr::new(
        sum,
        crate::types::coercion::bounded_decimal(30, 0),
        true,
        "",
    )
}

/// Wide enough that an overflow is seen at the end.
const WIDE: arrow::datatypes::DataType = arrow::datatypes::DataType::Decimal128(20, 0);

/// Units as an interval, divided by a second argument if there is one.
fn as_interval(call: &FunctionCall<'_>, arguments: &[TypedExpr], result: DataType) -> TypedExpr {
    let kernel = Arc::new(|inv: &Invocation<'_>| -> Result<ArrayRef> {
        let totals = inv.decimals(0)?;
        let counts = inv.optional(1, Invocation::longs)?;
        let units = |row: usize| {
            let total = totals.get(row)?;
            let Some(counts) = &counts else {
                return Some(total);
            };
            let count = i128::from(counts.get(row).filter(|count| *count > 0)?);
            // Halves are rounded away from zero.
            Some((2 * total + total.signum() * count) / (2 * count))
        };
        let overflow = || SparkError::interval_overflow("the sum");
        match inv.result {
            DataType::YearMonthInterval { .. } => inv.build::<IntervalYearMonthType>(|row| {
                units(row)
                    .map(|months| i32::try_from(months).map_err(|_| overflow()))
                    .transpose()
            }),
            _ => inv.build::<DurationMicrosecondType>(|row| {
                units(row)
                    .map(|micros| i64::try_from(micros).map_err(|_| overflow()))
                    .transpose()
            }),
        }
    });
    let key = arguments.len().to_string();
    let expr = call.maker().call(
        "interval_of_units",
        key,
        kernel,
        arguments,
        result.clone(),
        true,
    );
    TypedExpr::new(expr, result, true, "")
}
