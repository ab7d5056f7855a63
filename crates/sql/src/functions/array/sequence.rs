//! `sequence`: numbers, dates or times from one to another.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, TimestampMicrosecondArray};

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::collection::build_list;
use crate::functions::time_arithmetic::{IntervalOf, interval_argument};
use crate::functions::{FunctionCall, Invocation};
use crate::ir::{DataType, DayTimeField, Literal};
use crate::time::{MICROS_PER_DAY, TimeZone, add_months};
use crate::types::{coercion, sql_name};

const LENGTH_MAX: i64 = i32::MAX as i64 - 15;

pub(super) fn sequence(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let text = call.text();
    let [start, stop] = [0, 1].map(|i| call.arguments[i].data_type.clone());
    let common = coercion::common_type(&start, &stop);
    let Some(common) = common.filter(|t| t.is_integral() || t.is_datetime()) else {
        let types = [start, stop].map(|t| sql_name(&t));
        return Err(SparkError::mismatch(
            "SEQUENCE_WRONG_INPUT_TYPES",
            &text,
            format!(
                "`sequence` uses the wrong parameter type. The parameter type must conform to: integral numbers, dates or timestamps with a matching step; found (\"{}\", \"{}\").",
                types[0], types[1]
            ),
        ));
    };
    let nullable = call.any_nullable();
    let result = DataType::array(common.clone(), false);
    if common.is_integral() {
        for index in 0..call.arguments.len() {
            call.convert_to(index, &DataType::Long)?;
        }
        let value = call.call(
            "sequence",
            DataType::array(DataType::Long, false),
            nullable,
            integers,
        );
        return Ok(call
            .analyzer
            .cast_implicitly(value, &result)?
            .with_name(text));
    }
    if call.arguments.len() == 2 {
        let day = Literal::DayTimeInterval {
            microseconds: MICROS_PER_DAY,
            data_type: DataType::DayTimeInterval {
                start: DayTimeField::Day,
                end: DayTimeField::Day,
            },
        };
        let day = call.analyzer.literal(&day)?;
        call.arguments.push(day);
    }
    if !call.arguments[2].data_type.is_interval() {
        return Err(call.unexpected_type(2, "\"INTERVAL\""));
    }
    let inner = if common == DataType::Date {
        DataType::TimestampNtz
    } else {
        common.clone()
    };
    for index in 0..2 {
        call.cast_argument(index, &inner)?;
    }
    let to_dates = common == DataType::Date;
    let kernel = Arc::new(move |inv: &Invocation<'_>| times(inv, to_dates));
    Ok(call
        .call_keyed("sequence", &to_dates.to_string(), result, nullable, kernel)
        .with_name(text))
}

fn checked_length(length: i64) -> Result<()> {
    if length > LENGTH_MAX {
        return Err(SparkError::collection_size_limit_exceeded(
            "sequence", length, LENGTH_MAX,
        ));
    }
    Ok(())
}

fn illegal(
    start: impl std::fmt::Display,
    stop: impl std::fmt::Display,
    step: impl std::fmt::Display,
) -> SparkError {
    SparkError::illegal_sequence_boundaries(&format!("{start} to {stop} by {step}"))
}

fn integers(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (starts, stops) = (inv.longs(0)?, inv.longs(1)?);
    let steps = inv.optional(2, Invocation::longs)?;
    let (mut values, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..inv.rows {
        let bounds = starts.get(row).zip(stops.get(row));
        let step = match (&steps, bounds) {
            (Some(steps), _) => steps.get(row),
            (None, Some((start, stop))) => Some(if start <= stop { 1 } else { -1 }),
            _ => None,
        };
        let before = values.len();
        let present = bounds.zip(step);
        valid.push(present.is_some());
        if let Some(((start, stop), step)) = present {
            let reachable =
                start == stop || (step > 0 && start < stop) || (step < 0 && start > stop);
            if !reachable {
                return Err(illegal(start, stop, step));
            }
            let (wide_start, wide_step) = (i128::from(start), i128::from(step));
            let count = if step == 0 {
                1
            } else {
                (i128::from(stop) - wide_start) / wide_step + 1
            };
            checked_length(i64::try_from(count).unwrap_or(i64::MAX))?;
            values.extend((0..count).map(|n| (wide_start + n * wide_step) as i64));
        }
        lengths.push(values.len() - before);
    }
    build_list(inv, Arc::new(Int64Array::from(values)), lengths, valid)
}

fn times(inv: &Invocation<'_>, to_dates: bool) -> Result<ArrayRef> {
    let (starts, stops) = (inv.timestamps(0)?, inv.timestamps(1)?);
    let steps: IntervalOf<'_> = interval_argument(inv, 2)?;
    let zone = match inv.types[0] {
        DataType::TimestampNtz => TimeZone::UTC,
        _ => inv.context.time_zone,
    };
    let (mut values, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..inv.rows {
        let before = values.len();
        let present = starts.get(row).zip(stops.get(row)).zip(steps(row));
        valid.push(present.is_some());
        if let Some(((start, stop), step)) = present {
            steps_of(start, stop, step, zone, &mut values)?;
        }
        lengths.push(values.len() - before);
    }
    let values: ArrayRef = if to_dates {
        let days = values.iter().map(|v| v.div_euclid(MICROS_PER_DAY) as i32);
        Arc::new(Date32Array::from_iter_values(days))
    } else {
        Arc::new(TimestampMicrosecondArray::from(values))
    };
    build_list(inv, values, lengths, valid)
}

/// Each value is so many steps from the start, so that the end of a month comes back after a short one.
fn steps_of(
    start: i64,
    stop: i64,
    (months, days, micros): (i64, i64, i64),
    zone: TimeZone,
    values: &mut Vec<i64>,
) -> Result<()> {
    const MICROS_PER_MONTH: i64 = 28 * MICROS_PER_DAY;
    let estimate = months
        .saturating_mul(MICROS_PER_MONTH)
        .saturating_add(days.saturating_mul(MICROS_PER_DAY))
        .saturating_add(micros);
    let reachable =
        start == stop || (estimate > 0 && start < stop) || (estimate < 0 && start > stop);
    if !reachable {
        return Err(illegal(start, stop, estimate));
    }
    if estimate == 0 {
        values.push(start);
        return Ok(());
    }
    checked_length((stop - start) / estimate)?;
    let local = zone.to_local(start);
    for step in 0.. {
        let date = add_months(local.div_euclid(MICROS_PER_DAY), months * step) + days * step;
        let moved =
            zone.to_utc(date * MICROS_PER_DAY + local.rem_euclid(MICROS_PER_DAY)) + micros * step;
        if (estimate > 0 && moved > stop) || (estimate < 0 && moved < stop) {
            break;
        }
        values.push(moved);
    }
    Ok(())
}
