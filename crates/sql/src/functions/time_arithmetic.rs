//! Arithmetic of dates, times and intervals.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, DurationMicrosecondType, TimestampMicrosecondType};

use super::arithmetic::Operation;
use super::datetime::shift_days;
use super::{Arg, FunctionCall, Invocation};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, DayTimeField};
use crate::time::{MICROS_PER_DAY, TimeZone, add_months};
use crate::types::sql_name;

/// `date ± days`, `time ± interval`, `time - time`, `date - date`, `interval ± interval`; nothing if the operands are
/// no times.
pub(super) fn arithmetic(
    call: &mut FunctionCall<'_>,
    operation: Operation,
    is_try: bool,
) -> Result<Option<TypedExpr>> {
    use DataType as T;
    let [left, right] = [0, 1].map(|index| call.arguments[index].data_type.clone());
    let [one, other] = [0, 1].map(|index| call.arguments[index].name.clone());
    let mut nullable = call.any_nullable();
    let sign = match operation {
        Operation::Add => 1,
        Operation::Subtract => -1,
        _ => return super::interval::scaled(call, operation, is_try),
    };
    let is_interval = |t: &T| {
        matches!(
            t,
            T::DayTimeInterval { .. } | T::YearMonthInterval { .. } | T::CalendarInterval
        )
    };
    let is_time = |t: &T| matches!(t, T::Timestamp | T::TimestampNtz);
    let may_swap = is_interval(&left) || (left.is_integral() && right == T::Date);
    if sign == 1 && may_swap && right.is_datetime() {
        call.arguments.swap(0, 1);
        let swapped = arithmetic(call, operation, false)?;
        call.arguments.swap(0, 1);
        return Ok(swapped);
    }
    let days_and_back = T::DayTimeInterval {
        start: DayTimeField::Day,
        end: DayTimeField::Day,
    };
    let seconds = T::DayTimeInterval {
        start: DayTimeField::Day,
        end: DayTimeField::Second,
    };
    let symbol = if sign == 1 { "+" } else { "-" };
    // What moves a time has no parentheses in Spark's text.
    let mut text = match left.is_datetime() && is_interval(&right) {
        true => format!("{one} {symbol} {other}"),
        false => format!("({one} {symbol} {other})"),
    };
    let (result, kernel): (T, fn(&Invocation<'_>) -> Result<ArrayRef>) = match (&left, &right) {
        (T::Date, right) if right.is_integral() => {
            call.convert(1, Arg::Int)?;
            let function = if sign == 1 { "date_add" } else { "date_sub" };
            text = format!("{function}({one}, {other})");
            (
                T::Date,
                if sign == 1 {
                    |i| shift_days(i, 1)
                } else {
                    |i| shift_days(i, -1)
                },
            )
        }
        (T::Date, T::Date) if sign == -1 => (days_and_back, date_minus_date),
        (T::Date, T::String(_)) if sign == -1 => {
            call.convert(1, Arg::Date)?;
            nullable = true;
            (days_and_back, date_minus_date)
        }
        (T::Date, T::YearMonthInterval { .. }) => (
            T::Date,
            if sign == 1 {
                |i| date_months(i, 1)
            } else {
                |i| date_months(i, -1)
            },
        ),
        (T::Date, days) if *days == days_and_back => {
            let days = format!("extractansiintervaldays({other})");
            text = match sign {
                1 => format!("date_add({one}, {days})"),
                _ => format!("date_add({one}, (- {days}))"),
            };
            (
                T::Date,
                if sign == 1 {
                    |i| date_days(i, 1)
                } else {
                    |i| date_days(i, -1)
                },
            )
        }
        (T::Date, T::CalendarInterval) => (
            T::Date,
            if sign == 1 {
                |i| date_plus_interval(i, 1)
            } else {
                |i| date_plus_interval(i, -1)
            },
        ),
        (T::Date, T::DayTimeInterval { .. }) => {
            call.convert(0, Arg::Timestamp)?;
            (T::Timestamp, shift_time(sign))
        }
        (time, right) if is_time(time) && is_interval(right) => (left.clone(), shift_time(sign)),
        (one, other) if sign == -1 && one.is_datetime() && other.is_datetime() => {
            call.convert(0, Arg::Timestamp)?;
            call.convert(1, Arg::Timestamp)?;
            (seconds, time_minus_time)
        }
        (T::YearMonthInterval { .. }, T::YearMonthInterval { .. }) => {
            let common = crate::types::coercion::common_type(&left, &right);
            (
                common.unwrap_or_else(|| left.clone()),
                if sign == 1 {
                    |i| add_months_intervals(i, 1)
                } else {
                    |i| add_months_intervals(i, -1)
                },
            )
        }
        (T::DayTimeInterval { .. }, T::DayTimeInterval { .. }) => (
            crate::types::coercion::common_type(&left, &right).unwrap_or(seconds),
            if sign == 1 {
                |i| add_intervals(i, 1)
            } else {
                |i| add_intervals(i, -1)
            },
        ),
        (one, other) if is_interval(one) && is_interval(other) => {
            return Err(call.unexpected_type(1, &format!("\"{}\"", sql_name(one))));
        }
        (one, T::String(_)) | (T::String(_), one) if is_time(one) => {
            let expected = "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")";
            let actual = sql_name(&T::STRING);
            return Err(SparkError::binary_operator_wrong_type(
                &text, expected, &actual,
            ));
        }
        (T::Date, _) if sign == 1 => {
            return Err(call.unexpected_type(1, "(\"INT\" or \"SMALLINT\" or \"TINYINT\")"));
        }
        _ => return Ok(None),
    };
    let value = call.call("time_arithmetic", result, nullable, kernel);
    Ok(Some(value.with_name(text)))
}

fn shift_time(sign: i64) -> fn(&Invocation<'_>) -> Result<ArrayRef> {
    if sign == 1 {
        |i| time_plus(i, 1)
    } else {
        |i| time_plus(i, -1)
    }
}

fn date_minus_date(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (i.dates(0)?, i.dates(1)?);
    i.build::<DurationMicrosecondType>(|row| {
        let pair = ends.get(row).zip(starts.get(row));
        Ok(pair.map(|(end, start)| i64::from(end - start) * MICROS_PER_DAY))
    })
}

fn date_months(i: &Invocation<'_>, sign: i64) -> Result<ArrayRef> {
    let (dates, months) = (i.dates(0)?, i.year_months(1)?);
    i.build::<Date32Type>(|row| {
        let pair = dates.get(row).zip(months.get(row));
        Ok(pair.map(|(date, months)| add_months(i64::from(date), sign * i64::from(months)) as i32))
    })
}

fn date_days(i: &Invocation<'_>, sign: i64) -> Result<ArrayRef> {
    let (dates, days) = (i.dates(0)?, i.day_times(1)?);
    i.build::<Date32Type>(|row| {
        let pair = dates.get(row).zip(days.get(row));
        Ok(pair.map(|(date, micros)| {
            (i64::from(date) + sign * micros.div_euclid(MICROS_PER_DAY)) as i32
        }))
    })
}

/// A calendar interval moves a date by its months and days; a time in it has no place there.
fn date_plus_interval(i: &Invocation<'_>, sign: i64) -> Result<ArrayRef> {
    let (dates, interval) = (i.dates(0)?, interval_argument(i, 1)?);
    i.build::<Date32Type>(|row| {
        let Some((date, (months, days, micros))) = dates.get(row).zip(interval(row)) else {
            return Ok(None);
        };
        if micros != 0 && i.context.ansi {
            return Err(SparkError::date_plus_time());
        }
        let moved = add_months(i64::from(date), sign * months) + sign * days;
        let moved = moved * MICROS_PER_DAY + sign * micros;
        Ok(Some(moved.div_euclid(MICROS_PER_DAY) as i32))
    })
}

/// By the clocks on the wall: a day on which they change is a day.
fn time_minus_time(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (i.timestamps(0)?, i.timestamps(1)?);
    let zone = i.context.time_zone;
    i.build::<DurationMicrosecondType>(|row| {
        let pair = ends.get(row).zip(starts.get(row));
        Ok(pair.map(|(end, start)| zone.to_local(end) - zone.to_local(start)))
    })
}

fn add_months_intervals(i: &Invocation<'_>, sign: i32) -> Result<ArrayRef> {
    let (ones, others) = (i.year_months(0)?, i.year_months(1)?);
    i.build::<arrow::datatypes::IntervalYearMonthType>(|row| {
        let Some((one, other)) = ones.get(row).zip(others.get(row)) else {
            return Ok(None);
        };
        let sum = other
            .checked_mul(sign)
            .and_then(|other| one.checked_add(other));
        sum.map(Some)
            .ok_or_else(|| SparkError::interval_overflow("integer overflow"))
    })
}

fn add_intervals(i: &Invocation<'_>, sign: i64) -> Result<ArrayRef> {
    let (ones, others) = (i.day_times(0)?, i.day_times(1)?);
    i.build::<DurationMicrosecondType>(|row| {
        let Some((one, other)) = ones.get(row).zip(others.get(row)) else {
            return Ok(None);
        };
        let sum = other
            .checked_mul(sign)
            .and_then(|other| one.checked_add(other));
        sum.map(Some)
            .ok_or_else(|| SparkError::interval_overflow("long overflow"))
    })
}

/// Months go by the calendar, days by the clocks of the zone, the rest by the time that passes.
fn time_plus(i: &Invocation<'_>, sign: i64) -> Result<ArrayRef> {
    let times = i.timestamps(0)?;
    let zone = match i.types[0] {
        DataType::TimestampNtz => TimeZone::UTC,
        _ => i.context.time_zone,
    };
    let interval = interval_argument(i, 1)?;
    let in_days = matches!(i.types[1], DataType::DayTimeInterval { .. });
    let interval = |row: usize| {
        let parts = interval(row)?;
        Some(match parts {
            (months, 0, micros) if in_days => {
                (months, micros / MICROS_PER_DAY, micros % MICROS_PER_DAY)
            }
            parts => parts,
        })
    };
    i.build::<TimestampMicrosecondType>(|row| {
        let Some((time, (months, days, micros))) = times.get(row).zip(interval(row)) else {
            return Ok(None);
        };
        let mut moved = time;
        if months != 0 || days != 0 {
            let local = zone.to_local(time);
            let date = add_months(local.div_euclid(MICROS_PER_DAY), sign * months) + sign * days;
            moved = zone.to_utc(date * MICROS_PER_DAY + local.rem_euclid(MICROS_PER_DAY));
        }
        moved
            .checked_add(sign * micros)
            .map(Some)
            .ok_or_else(|| SparkError::arithmetic_overflow("long overflow", None))
    })
}

pub(super) type IntervalOf<'a> = Box<dyn Fn(usize) -> Option<(i64, i64, i64)> + 'a>;

/// An argument in months, days and microseconds.
pub(super) fn interval_argument<'a>(i: &'a Invocation<'_>, index: usize) -> Result<IntervalOf<'a>> {
    Ok(match i.types[index] {
        DataType::YearMonthInterval { .. } => {
            let months = i.year_months(index)?;
            Box::new(move |row| months.get(row).map(|months| (i64::from(months), 0, 0)))
        }
        DataType::CalendarInterval => {
            let intervals = i.calendar_intervals(index)?;
            Box::new(move |row| {
                intervals.get(row).map(|interval| {
                    let micros = interval.nanoseconds / 1000;
                    (i64::from(interval.months), i64::from(interval.days), micros)
                })
            })
        }
        _ => {
            let durations = i.day_times(index)?;
            Box::new(move |row| durations.get(row).map(|micros| (0, 0, micros)))
        }
    })
}

pub(super) fn negate(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let data_type = call.arguments[0].data_type.clone();
    let nullable = call.any_nullable();
    match data_type {
        DataType::DayTimeInterval { .. } => Ok(call.call("negative", data_type, nullable, |i| {
            let durations = i.day_times(0)?;
            i.build::<DurationMicrosecondType>(|row| Ok(durations.get(row).map(|d| -d)))
        })),
        DataType::YearMonthInterval { .. } => Ok(call.call("negative", data_type, nullable, |i| {
            let months = i.year_months(0)?;
            i.build::<arrow::datatypes::IntervalYearMonthType>(|row| {
                Ok(months.get(row).map(|m| -m))
            })
        })),
        _ => Err(SparkError::unsupported_feature(
            "the negation of a calendar interval",
        )),
    }
}
