//! Dates, timestamps and intervals. Days count from 1970-01-01, microseconds from its first in UTC.
//!
//! Start at [`FUNCTIONS`]; the kernels are in files by what they do to a date or a time.

mod calendar;
mod epoch;
mod fields;
mod text;
mod truncation;

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};

use calendar::{
    add_months_kernel, date_from_unix_date, datediff, last_day, make_date, months_between, next_day,
};
use epoch::{from_units, timestamp_seconds, to_units};
use fields::{day_of_year, of_date, of_days, of_time, shown, week_of_year};
use text::{date_format, from_unixtime, parsed, unix_timestamp};
use truncation::{date_trunc, trunc};

use super::{Arg, Function, FunctionCall, Invocation, Nulls, Returns, custom, scalar};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Literal};
use crate::time::{MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone};

pub(super) use calendar::{civil_date, shift_days};

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

/// `TIMESTAMP '…'`, read in the session's time zone.
fn timestamp_literal(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.constant_string(0, "timestamp")?;
    let zone = call.analyzer.context.time_zone;
    let micros = crate::cast::parse_timestamp(&text, Some(zone))
        .ok_or_else(|| SparkError::invalid_typed_literal("TIMESTAMP", &text))?;
    call.analyzer.literal(&Literal::Timestamp(micros))
}
