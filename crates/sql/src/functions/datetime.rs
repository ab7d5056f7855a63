//! Dates, timestamps and intervals. Days count from 1970-01-01, microseconds from its first in UTC.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};

use super::{Arg, Function, FunctionCall, Invocation, Nulls, Returns, custom, scalar};
use crate::analyzer::{TypedExpr, cast_mode};
use crate::datetime_pattern::Pattern;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, EvalMode, Literal};
use crate::time::{
    MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone, add_months, civil_from_days, days_from_civil,
    days_in_month,
};

pub(super) const FUNCTIONS: &[Function] = &[
    scalar(
        "add_months",
        &[Arg::Date, Arg::Int],
        Returns::Date,
        add_months_kernel,
    ),
    custom("current_date", |call| constant_now(call, DataType::Date)).or(&["curdate"]),
    custom("current_timestamp", |call| {
        constant_now(call, DataType::Timestamp)
    })
    .or(&["now"]),
    custom("current_timezone", current_timezone),
    scalar("date_add", &[Arg::Date, Arg::Int], Returns::Date, |i| {
        shift_days(i, 1)
    })
    .or(&["dateadd"])
    .shown("date_add"),
    scalar(
        "date_format",
        &[Arg::Timestamp, Arg::Str],
        Returns::Str,
        date_format,
    ),
    scalar(
        "date_from_unix_date",
        &[Arg::Int],
        Returns::Date,
        date_from_unix_date,
    ),
    scalar("date_sub", &[Arg::Date, Arg::Int], Returns::Date, |i| {
        shift_days(i, -1)
    }),
    scalar(
        "date_trunc",
        &[Arg::Str, Arg::Timestamp],
        Returns::Timestamp,
        date_trunc,
    )
    .nulls(Nulls::Always),
    scalar("datediff", &[Arg::Date, Arg::Date], Returns::Int, datediff).or(&["date_diff"]),
    scalar("day", &[Arg::Date], Returns::Int, |i| {
        of_date(i, |_, _, day| day)
    })
    .or(&["dayofmonth"]),
    scalar("dayofweek", &[Arg::Date], Returns::Int, |i| {
        of_days(i, |d| (d + 4).rem_euclid(7) + 1)
    }),
    scalar("dayname", &[Arg::Date], Returns::Str, |i| shown(i, "EEE")),
    scalar("dayofyear", &[Arg::Date], Returns::Int, |i| {
        of_days(i, day_of_year)
    }),
    scalar(
        "from_unixtime",
        &[Arg::Long, Arg::Str],
        Returns::Str,
        from_unixtime,
    )
    .nulls(Nulls::Always)
    .needs(1),
    scalar(
        "from_utc_timestamp",
        &[Arg::Timestamp, Arg::Str],
        Returns::Timestamp,
        |i| in_zone(i, TimeZone::to_local),
    ),
    scalar("hour", &[Arg::Timestamp], Returns::Int, |i| {
        of_time(i, |s| s / 3600)
    }),
    scalar("last_day", &[Arg::Date], Returns::Date, last_day),
    scalar(
        "make_date",
        &[Arg::Int, Arg::Int, Arg::Int],
        Returns::Date,
        make_date,
    )
    .nulls(Nulls::Lenient),
    scalar("minute", &[Arg::Timestamp], Returns::Int, |i| {
        of_time(i, |s| s / 60 % 60)
    }),
    scalar("month", &[Arg::Date], Returns::Int, |i| {
        of_date(i, |_, month, _| month)
    }),
    scalar("monthname", &[Arg::Date], Returns::Str, |i| shown(i, "MMM")),
    scalar(
        "months_between",
        &[Arg::Timestamp, Arg::Timestamp, Arg::Boolean],
        Returns::Double,
        months_between,
    )
    .needs(2),
    scalar("next_day", &[Arg::Date, Arg::Str], Returns::Date, next_day).nulls(Nulls::Always),
    scalar("quarter", &[Arg::Date], Returns::Int, |i| {
        of_date(i, |_, month, _| (month - 1) / 3 + 1)
    }),
    scalar("second", &[Arg::Timestamp], Returns::Int, |i| {
        of_time(i, |s| s % 60)
    }),
    scalar("timestamp_micros", &[Arg::Long], Returns::Timestamp, |i| {
        from_units(i, 1)
    }),
    scalar("timestamp_millis", &[Arg::Long], Returns::Timestamp, |i| {
        from_units(i, 1000)
    }),
    custom("$timestamp_literal", timestamp_literal),
    custom("timestamp_seconds", timestamp_seconds),
    custom("to_date", |call| parsed(call, DataType::Date, true)),
    custom("to_timestamp", |call| {
        parsed(call, DataType::Timestamp, true)
    }),
    custom("to_timestamp_ltz", |call| {
        parsed(call, DataType::Timestamp, true)
    }),
    custom("to_timestamp_ntz", |call| {
        parsed(call, DataType::TimestampNtz, true)
    }),
    custom("to_unix_timestamp", unix_timestamp),
    scalar(
        "to_utc_timestamp",
        &[Arg::Timestamp, Arg::Str],
        Returns::Timestamp,
        |i| in_zone(i, TimeZone::to_utc),
    ),
    scalar("trunc", &[Arg::Date, Arg::Str], Returns::Date, trunc).nulls(Nulls::Always),
    custom("try_to_timestamp", |call| {
        parsed(call, DataType::Timestamp, false)
    }),
    custom("try_to_date", |call| parsed(call, DataType::Date, false)),
    scalar("unix_date", &[Arg::Date], Returns::Int, |i| {
        of_days(i, |days| days)
    }),
    scalar("unix_micros", &[Arg::Timestamp], Returns::Long, |i| {
        to_units(i, 1)
    }),
    scalar("unix_millis", &[Arg::Timestamp], Returns::Long, |i| {
        to_units(i, 1000)
    }),
    scalar("unix_seconds", &[Arg::Timestamp], Returns::Long, |i| {
        to_units(i, MICROS_PER_SECOND)
    }),
    custom("unix_timestamp", unix_timestamp),
    scalar("weekday", &[Arg::Date], Returns::Int, |i| {
        of_days(i, |d| (d + 3).rem_euclid(7))
    }),
    scalar("weekofyear", &[Arg::Date], Returns::Int, |i| {
        of_days(i, week_of_year)
    }),
    scalar("year", &[Arg::Date], Returns::Int, |i| {
        of_date(i, |year, _, _| year)
    }),
];

/// The moment at which analysis began.
fn constant_now(call: &mut FunctionCall<'_>, data_type: DataType) -> Result<TypedExpr> {
    call.arity(0, 0)?;
    let wanted = data_type.clone();
    let kernel = move |i: &Invocation<'_>| {
        let now = i.context.now;
        if wanted == DataType::Date {
            let days = i.context.time_zone.to_local(now).div_euclid(MICROS_PER_DAY);
            return i.build::<Date32Type>(|_| Ok(Some(days as i32)));
        }
        i.build::<TimestampMicrosecondType>(|_| Ok(Some(now)))
    };
    Ok(call.call_keyed(&call.name.clone(), "", data_type, false, Arc::new(kernel)))
}

fn current_timezone(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(0, 0)?;
    Ok(call.call("current_timezone", DataType::STRING, false, |i| {
        i.build_strings(|_| Ok(Some(i.context.time_zone_name.as_str())))
    }))
}

fn of_days(i: &Invocation<'_>, part: impl Fn(i64) -> i64) -> Result<ArrayRef> {
    let dates = i.dates(0)?;
    i.build::<Int32Type>(|row| Ok(dates.get(row).map(|days| part(i64::from(days)) as i32)))
}

fn of_date(i: &Invocation<'_>, part: impl Fn(i64, i64, i64) -> i64) -> Result<ArrayRef> {
    of_days(i, |days| {
        let (year, month, day) = civil_from_days(days);
        part(year, i64::from(month), i64::from(day))
    })
}

/// A part of the second of the day.
fn of_time(i: &Invocation<'_>, part: impl Fn(i64) -> i64) -> Result<ArrayRef> {
    let times = i.timestamps(0)?;
    let zone = i.context.time_zone;
    i.build::<Int32Type>(|row| {
        Ok(times.get(row).map(|micros| {
            let of_day = zone.to_local(micros).rem_euclid(MICROS_PER_DAY);
            part(of_day / MICROS_PER_SECOND) as i32
        }))
    })
}

fn shown(i: &Invocation<'_>, pattern: &str) -> Result<ArrayRef> {
    let pattern = Pattern::parse(pattern)?;
    let dates = i.dates(0)?;
    i.build_strings(|row| {
        Ok(dates
            .get(row)
            .map(|days| pattern.format_date(i64::from(days))))
    })
}

fn day_of_year(days: i64) -> i64 {
    days - days_from_civil(civil_from_days(days).0, 1, 1) + 1
}

/// ISO 8601: the week of the year's first Thursday is the first.
fn week_of_year(days: i64) -> i64 {
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    (day_of_year(thursday) - 1) / 7 + 1
}

pub(super) fn shift_days(i: &Invocation<'_>, sign: i32) -> Result<ArrayRef> {
    let (dates, counts) = (i.dates(0)?, i.ints(1)?);
    i.build::<Date32Type>(|row| {
        let Some((date, count)) = dates.get(row).zip(counts.get(row)) else {
            return Ok(None);
        };
        let moved = count
            .checked_mul(sign)
            .and_then(|count| date.checked_add(count));
        moved
            .map(Some)
            .ok_or_else(|| SparkError::arithmetic_overflow("integer overflow", None))
    })
}

fn add_months_kernel(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (dates, counts) = (i.dates(0)?, i.ints(1)?);
    i.build::<Date32Type>(|row| {
        let pair = dates.get(row).zip(counts.get(row));
        Ok(pair.map(|(date, months)| add_months(i64::from(date), i64::from(months)) as i32))
    })
}

fn datediff(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (i.dates(0)?, i.dates(1)?);
    i.build::<Int32Type>(|row| Ok(ends.get(row).zip(starts.get(row)).map(|(a, b)| a - b)))
}

fn date_from_unix_date(i: &Invocation<'_>) -> Result<ArrayRef> {
    let days = i.ints(0)?;
    i.build::<Date32Type>(|row| Ok(days.get(row)))
}

fn last_day(i: &Invocation<'_>) -> Result<ArrayRef> {
    let dates = i.dates(0)?;
    i.build::<Date32Type>(|row| {
        Ok(dates.get(row).map(|date| {
            let (year, month, day) = civil_from_days(i64::from(date));
            date + (days_in_month(year, month) - day) as i32
        }))
    })
}

fn make_date(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (years, months, days) = (i.ints(0)?, i.ints(1)?, i.ints(2)?);
    i.build::<Date32Type>(|row| {
        let (Some(year), Some(month), Some(day)) = (years.get(row), months.get(row), days.get(row))
        else {
            return Ok(None);
        };
        let made = civil_date(i64::from(year), month, day);
        match made {
            None if i.context.ansi => Err(SparkError::datetime_field_out_of_bounds(&format!(
                "Invalid date {year}-{month}-{day}"
            ))),
            made => Ok(made.map(|days| days as i32)),
        }
    })
}

pub(super) fn civil_date(year: i64, month: i32, day: i32) -> Option<i64> {
    let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    let exists = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    exists.then(|| days_from_civil(year, month, day))
}

const DAYS: [&str; 7] = [
    "MONDAY",
    "TUESDAY",
    "WEDNESDAY",
    "THURSDAY",
    "FRIDAY",
    "SATURDAY",
    "SUNDAY",
];

/// A day's name in two or three letters or in full.
fn is_day(day: &str, written: &str) -> bool {
    written == day || written == &day[..2] || written == &day[..3]
}

fn next_day(i: &Invocation<'_>) -> Result<ArrayRef> {
    const NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let (dates, names) = (i.dates(0)?, i.strings(1)?);
    i.build::<Date32Type>(|row| {
        let Some((date, name)) = dates.get(row).zip(names.get(row)) else {
            return Ok(None);
        };
        let short = name.get(..2).unwrap_or_default().to_uppercase();
        let long = name.to_uppercase();
        let wanted = NAMES
            .iter()
            .position(|known| *known == short && DAYS.iter().any(|day| is_day(day, &long)));
        let Some(wanted) = wanted else {
            if i.context.ansi {
                return Err(SparkError::illegal_day_of_week(name));
            }
            return Ok(None);
        };
        let weekday = (i64::from(date) + 3).rem_euclid(7);
        let ahead = (wanted as i64 - weekday + 6).rem_euclid(7) + 1;
        Ok(Some(date + ahead as i32))
    })
}

/// Compiles a constant pattern once, others row by row.
fn with_pattern<T>(
    constant: &Option<Pattern>,
    written: &str,
    use_pattern: impl FnOnce(&Pattern) -> T,
) -> Result<T> {
    match constant {
        Some(pattern) => Ok(use_pattern(pattern)),
        None => Ok(use_pattern(&Pattern::parse(written)?)),
    }
}

fn date_format(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (times, patterns) = (i.timestamps(0)?, i.strings(1)?);
    let constant = patterns.constant().map(Pattern::parse).transpose()?;
    let zone = i.context.time_zone;
    i.build_strings(|row| {
        let Some((micros, written)) = times.get(row).zip(patterns.get(row)) else {
            return Ok(None);
        };
        with_pattern(&constant, written, |pattern| {
            Some(pattern.format_timestamp(micros, zone))
        })
    })
}

fn from_unixtime(i: &Invocation<'_>) -> Result<ArrayRef> {
    const DEFAULT: &str = "yyyy-MM-dd HH:mm:ss";
    let seconds = i.longs(0)?;
    let patterns = if i.count() > 1 {
        Some(i.strings(1)?)
    } else {
        None
    };
    let constant = match &patterns {
        Some(patterns) => patterns.constant().map(Pattern::parse).transpose()?,
        None => Some(Pattern::parse(DEFAULT)?),
    };
    let zone = i.context.time_zone;
    i.build_strings(|row| {
        let written = patterns
            .as_ref()
            .map_or(Some(DEFAULT), |patterns| patterns.get(row));
        let Some((seconds, written)) = seconds.get(row).zip(written) else {
            return Ok(None);
        };
        let micros = seconds.saturating_mul(MICROS_PER_SECOND);
        with_pattern(&constant, written, |pattern| {
            Some(pattern.format_timestamp(micros, zone))
        })
    })
}

/// A text by a pattern, or by the rules of a cast; what is a time already is cast.
fn parsed(call: &mut FunctionCall<'_>, to: DataType, fails: bool) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let text = call.text();
    let value = call.arguments[0].clone();
    let mode = if fails {
        EvalMode::Session
    } else {
        EvalMode::Try
    };
    let strict = cast_mode(&call.maker().context, mode).strict;
    if call.arguments.len() == 1 || !matches!(value.data_type, DataType::String(_)) {
        let cast = call.analyzer.cast(value, &to, mode)?;
        return Ok(cast.with_name(text));
    }
    call.convert(1, Arg::Str)?;
    let nullable = !strict || call.any_nullable();
    let wanted = to.clone();
    let kernel = move |i: &Invocation<'_>| parse_by_pattern(i, &wanted, strict);
    let key = if strict { "strict" } else { "" };
    Ok(call.call_keyed(&call.name.clone(), key, to, nullable, Arc::new(kernel)))
}

fn parse_by_pattern(i: &Invocation<'_>, to: &DataType, strict: bool) -> Result<ArrayRef> {
    let (texts, patterns) = (i.strings(0)?, i.strings(1)?);
    let constant = patterns.constant().map(Pattern::parse).transpose()?;
    let zone = (*to == DataType::Timestamp).then_some(i.context.time_zone);
    let read = |row: usize| -> Result<Option<i64>> {
        let Some((text, written)) = texts.get(row).zip(patterns.get(row)) else {
            return Ok(None);
        };
        let found = with_pattern(&constant, written, |pattern| match to {
            DataType::Date => pattern.parse_date(text),
            _ => pattern.parse_timestamp(text, zone),
        })?;
        match found {
            None if strict => Err(SparkError::cannot_parse_timestamp(
                &format!("Text '{text}' could not be parsed"),
                if *to == DataType::Date {
                    "try_to_date"
                } else {
                    "try_to_timestamp"
                },
            )),
            found => Ok(found),
        }
    };
    match to {
        DataType::Date => i.build::<Date32Type>(|row| Ok(read(row)?.map(|days| days as i32))),
        _ => i.build::<TimestampMicrosecondType>(read),
    }
}

/// Seconds since 1970 of a time, or of a text by a pattern; of now without arguments.
fn unix_timestamp(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(0, 2)?;
    let text = call.text();
    if call.arguments.is_empty() {
        let now = call.call("unix_timestamp", DataType::Long, false, |i| {
            i.build::<Int64Type>(|_| Ok(Some(i.context.now.div_euclid(MICROS_PER_SECOND))))
        });
        let shown = format!("unix_timestamp(current_timestamp(), {DEFAULT_PATTERN})");
        return Ok(now.with_name(shown));
    }
    let text = if call.arguments.len() == 1 {
        format!(
            "{}({}, {DEFAULT_PATTERN})",
            call.name, call.arguments[0].name
        )
    } else {
        text
    };
    if matches!(call.arguments[0].data_type, DataType::String(_)) && call.arguments.len() == 1 {
        let pattern = Literal::String(DEFAULT_PATTERN.to_owned());
        let pattern = call.analyzer.literal(&pattern)?;
        call.arguments.push(pattern);
    }
    let time = parsed(call, DataType::Timestamp, true)?;
    let nullable = time.nullable;
    call.arguments = vec![time];
    let seconds = call.call("unix_seconds", DataType::Long, nullable, |i| {
        to_units(i, MICROS_PER_SECOND)
    });
    Ok(seconds.with_name(text))
}

const DEFAULT_PATTERN: &str = "yyyy-MM-dd HH:mm:ss";

fn to_units(i: &Invocation<'_>, unit: i64) -> Result<ArrayRef> {
    let times = i.timestamps(0)?;
    i.build::<Int64Type>(|row| Ok(times.get(row).map(|micros| micros.div_euclid(unit))))
}

fn from_units(i: &Invocation<'_>, unit: i64) -> Result<ArrayRef> {
    let counts = i.longs(0)?;
    i.build::<TimestampMicrosecondType>(|row| {
        let Some(count) = counts.get(row) else {
            return Ok(None);
        };
        let micros = count.checked_mul(unit);
        micros
            .map(Some)
            .ok_or_else(|| SparkError::arithmetic_overflow("long overflow", None))
    })
}

fn timestamp_seconds(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let nullable = call.any_nullable();
    if call.arguments[0].data_type.is_integral() {
        call.convert(0, Arg::Long)?;
        return Ok(
            call.call("timestamp_seconds", DataType::Timestamp, nullable, |i| {
                from_units(i, MICROS_PER_SECOND)
            }),
        );
    }
    // Doubles may be no time at all.
    let nullable = nullable
        || call.arguments[0].data_type == DataType::Double
        || call.arguments[0].data_type == DataType::Float;
    call.convert(0, Arg::Double)?;
    Ok(
        call.call("timestamp_seconds", DataType::Timestamp, nullable, |i| {
            let seconds = i.doubles(0)?;
            i.build::<TimestampMicrosecondType>(|row| {
                Ok(seconds
                    .get(row)
                    .map(|s| (s * MICROS_PER_SECOND as f64) as i64))
            })
        }),
    )
}

fn in_zone(i: &Invocation<'_>, shift: fn(TimeZone, i64) -> i64) -> Result<ArrayRef> {
    let (times, zones) = (i.timestamps(0)?, i.strings(1)?);
    i.build::<TimestampMicrosecondType>(|row| {
        let Some((micros, written)) = times.get(row).zip(zones.get(row)) else {
            return Ok(None);
        };
        let zone =
            TimeZone::parse(written).ok_or_else(|| SparkError::unknown_time_zone(written))?;
        Ok(Some(shift(zone, micros)))
    })
}

fn months_between(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (i.timestamps(0)?, i.timestamps(1)?);
    let rounds = if i.count() > 2 {
        Some(i.booleans(2)?)
    } else {
        None
    };
    let zone = i.context.time_zone;
    i.build::<Float64Type>(|row| {
        let round_off = rounds.as_ref().map_or(Some(true), |rounds| rounds.get(row));
        let (Some(end), Some(start), Some(round_off)) = (ends.get(row), starts.get(row), round_off)
        else {
            return Ok(None);
        };
        let months = months_apart(zone.to_local(end), zone.to_local(start));
        Ok(Some(if round_off {
            (months * 1e8).round() / 1e8
        } else {
            months
        }))
    })
}

/// Whole months if both are the same day of the month, or both the last; months of 31 days otherwise.
fn months_apart(end: i64, start: i64) -> f64 {
    let taken_apart = |micros: i64| {
        let (year, month, day) = civil_from_days(micros.div_euclid(MICROS_PER_DAY));
        let seconds = micros.rem_euclid(MICROS_PER_DAY) / MICROS_PER_SECOND;
        let is_last = day == days_in_month(year, month);
        (
            year * 12 + i64::from(month),
            i64::from(day),
            is_last,
            seconds,
        )
    };
    let (end_months, end_day, end_last, end_seconds) = taken_apart(end);
    let (start_months, start_day, start_last, start_seconds) = taken_apart(start);
    let months = (end_months - start_months) as f64;
    if end_day == start_day || (end_last && start_last) {
        return months;
    }
    let seconds = (end_day - start_day) * 86_400 + end_seconds - start_seconds;
    months + seconds as f64 / (31.0 * 86_400.0)
}

/// The first day of the year, quarter, month or week.
fn truncated_days(days: i64, unit: &str) -> Option<i64> {
    let (year, month, _) = civil_from_days(days);
    Some(match unit.to_uppercase().as_str() {
        "YEAR" | "YYYY" | "YY" => days_from_civil(year, 1, 1),
        "QUARTER" => days_from_civil(year, (month - 1) / 3 * 3 + 1, 1),
        "MONTH" | "MON" | "MM" => days_from_civil(year, month, 1),
        "WEEK" => days - (days + 3).rem_euclid(7),
        _ => return None,
    })
}

fn trunc(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (dates, units) = (i.dates(0)?, i.strings(1)?);
    i.build::<Date32Type>(|row| {
        let pair = dates.get(row).zip(units.get(row));
        Ok(pair
            .and_then(|(date, unit)| truncated_days(i64::from(date), unit))
            .map(|d| d as i32))
    })
}

fn date_trunc(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (units, times) = (i.strings(0)?, i.timestamps(1)?);
    let zone = i.context.time_zone;
    i.build::<TimestampMicrosecondType>(|row| {
        let pair = units.get(row).zip(times.get(row));
        Ok(pair.and_then(|(unit, micros)| truncated_micros(micros, unit, zone)))
    })
}

fn truncated_micros(micros: i64, unit: &str, zone: TimeZone) -> Option<i64> {
    let unit = unit.to_uppercase();
    let to = |size: i64| {
        let local = zone.to_local(micros);
        Some(zone.to_utc(local - local.rem_euclid(size)))
    };
    match unit.as_str() {
        "MICROSECOND" => Some(micros),
        "MILLISECOND" => to(1000),
        "SECOND" => to(MICROS_PER_SECOND),
        "MINUTE" => to(60 * MICROS_PER_SECOND),
        "HOUR" => to(3600 * MICROS_PER_SECOND),
        "DAY" | "DD" => to(MICROS_PER_DAY),
        unit => {
            let days = zone.to_local(micros).div_euclid(MICROS_PER_DAY);
            Some(zone.to_utc(truncated_days(days, unit)? * MICROS_PER_DAY))
        }
    }
}

/// `TIMESTAMP '…'`, read in the session's time zone.
fn timestamp_literal(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.constant_string(0, "timestamp")?;
    let zone = call.analyzer.context.time_zone;
    let micros = crate::cast::parse_timestamp(&text, Some(zone))
        .ok_or_else(|| SparkError::invalid_typed_literal("TIMESTAMP", &text))?;
    call.analyzer.literal(&Literal::Timestamp(micros))
}
