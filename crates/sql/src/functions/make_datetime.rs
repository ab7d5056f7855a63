//! Dates, times and intervals made of their parts.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{
    DurationMicrosecondType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalYearMonthType,
    TimestampMicrosecondType,
};

use super::datetime::civil_date;
use super::{Arg, Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, DayTimeField, YearMonthField};
use crate::time::{MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone};

pub(super) const FUNCTIONS: &[Function] = &[
    custom("make_timestamp", |call| {
        timestamp(call, DataType::Timestamp, true)
    })
    .or(&["make_timestamp_ltz"]),
    custom("make_timestamp_ntz", |call| {
        timestamp(call, DataType::TimestampNtz, true)
    }),
    custom("try_make_timestamp", |call| {
        timestamp(call, DataType::Timestamp, false)
    })
    .or(&["try_make_timestamp_ltz"]),
    custom("try_make_timestamp_ntz", |call| {
        timestamp(call, DataType::TimestampNtz, false)
    }),
    custom("make_interval", |call| interval(call, true)),
    custom("try_make_interval", |call| interval(call, false)),
    custom("make_dt_interval", day_time_interval),
    custom("make_ym_interval", year_month_interval),
];

/// Seconds with microseconds, as the last part of a time.
const SECONDS: DataType = DataType::Decimal {
    precision: 16,
    scale: 6,
};
/// The same in an interval, where there may be many.
const INTERVAL_SECONDS: DataType = DataType::Decimal {
    precision: 18,
    scale: 6,
};

/// Six parts and perhaps a time zone; or a date, a time and perhaps a time zone.
fn timestamp(call: &mut FunctionCall<'_>, result: DataType, fails: bool) -> Result<TypedExpr> {
    call.arity(2, 7)?;
    let mut text = call.text();
    let of_parts = call.arguments.len() >= 6;
    let plain = if of_parts { 6 } else { 2 };
    let has_zone = call.arguments.len() > plain;
    if call.arguments.len() > plain + usize::from(result == DataType::Timestamp) {
        let expected = if of_parts { "[6, 7]" } else { "[2, 3]" };
        return Err(SparkError::wrong_number_of_arguments(
            &call.name,
            expected,
            call.arguments.len(),
        ));
    }
    if call.name == "try_make_timestamp" && of_parts && has_zone {
        // Spark leaves the time zone out of this name.
        let names: Vec<&str> = call.arguments[..6]
            .iter()
            .map(|a| a.name.as_str())
            .collect();
        text = format!("{}({})", call.name, names.join(", "));
    }
    if of_parts {
        for index in 0..5 {
            call.convert(index, Arg::Int)?;
        }
        call.convert(5, Arg::Numeric)?;
        call.cast_argument(5, &SECONDS)?;
    } else {
        call.convert(0, Arg::Date)?;
        if !matches!(call.arguments[1].data_type, DataType::Time { .. }) {
            return Err(call.unexpected_type(1, "\"TIME\""));
        }
    }
    if has_zone {
        call.convert(plain, Arg::Str)?;
    }
    let strict = fails && call.analyzer.context.ansi;
    let nullable = !strict || call.any_nullable();
    let is_local = result == DataType::TimestampNtz;
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let zones = inv.optional(plain, Invocation::strings)?;
        let local = if of_parts {
            from_parts(inv, strict)?
        } else {
            from_date_and_time(inv)?
        };
        inv.build::<TimestampMicrosecondType>(|row| {
            let Some(local) = local(row)? else {
                return Ok(None);
            };
            let zone = match &zones {
                None if is_local => return Ok(Some(local)),
                None => inv.context.time_zone,
                Some(zones) => match zones.get(row) {
                    None => return Ok(None),
                    Some(name) => TimeZone::parse(name).ok_or_else(|| {
                        SparkError::invalid_time_zone("spark.sql.session.timeZone", name)
                    })?,
                },
            };
            Ok(Some(zone.to_utc(local)))
        })
    });
    let key = format!("{strict} {of_parts}");
    let name = call.name.clone();
    Ok(call
        .call_keyed(&name, &key, result, nullable, kernel)
        .with_name(text))
}

type LocalMicros<'a> = Box<dyn Fn(usize) -> Result<Option<i64>> + 'a>;

fn from_parts<'a>(inv: &'a Invocation<'_>, strict: bool) -> Result<LocalMicros<'a>> {
    let parts = (0..5).map(|i| inv.ints(i)).collect::<Result<Vec<_>>>()?;
    let seconds = inv.decimals(5)?;
    Ok(Box::new(move |row| {
        let parts: Option<Vec<i32>> = parts.iter().map(|part| part.get(row)).collect();
        let Some((parts, micros)) = parts.zip(seconds.get(row)) else {
            return Ok(None);
        };
        match local_micros(&parts, micros) {
            Ok(local) => Ok(Some(local)),
            Err(error) if strict => Err(error),
            Err(_) => Ok(None),
        }
    }))
}

fn local_micros(parts: &[i32], micros: i128) -> Result<i64> {
    let [year, month, day, hour, minute] = *parts else {
        return Err(SparkError::internal("a time has five whole parts"));
    };
    let out_of_bounds = |what: String| SparkError::datetime_field_out_of_bounds(&what);
    let minute_micros = 60 * i128::from(MICROS_PER_SECOND);
    if micros > minute_micros {
        return Err(SparkError::invalid_fraction_of_second(
            &crate::cast::decimal_text(micros, 6),
        ));
    }
    let days = civil_date(i64::from(year), month, day)
        .ok_or_else(|| out_of_bounds(format!("Invalid date {year}-{month}-{day}")))?;
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || micros < 0 {
        return Err(out_of_bounds(format!("Invalid time {hour}:{minute}")));
    }
    let minutes = i64::from(hour) * 60 + i64::from(minute);
    Ok(days * MICROS_PER_DAY + minutes * 60 * MICROS_PER_SECOND + micros as i64)
}

fn from_date_and_time<'a>(inv: &'a Invocation<'_>) -> Result<LocalMicros<'a>> {
    use arrow::array::{Array, AsArray};
    let dates = inv.dates(0)?;
    let times = inv.expanded(1)?;
    Ok(Box::new(move |row| {
        let times = times.as_primitive::<arrow::datatypes::Time64NanosecondType>();
        let time = times.is_valid(row).then(|| times.value(row) / 1000);
        Ok(dates
            .get(row)
            .zip(time)
            .map(|(date, time)| i64::from(date) * MICROS_PER_DAY + time))
    }))
}

fn interval(call: &mut FunctionCall<'_>, fails: bool) -> Result<TypedExpr> {
    call.arity(7, 7)?;
    let text = call.text();
    for index in 0..6 {
        call.convert(index, Arg::Int)?;
    }
    call.convert(6, Arg::Numeric)?;
    call.cast_argument(6, &INTERVAL_SECONDS)?;
    let strict = fails && call.analyzer.context.ansi;
    let nullable = !strict || call.any_nullable();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let parts = (0..6).map(|i| inv.ints(i)).collect::<Result<Vec<_>>>()?;
        let seconds = inv.decimals(6)?;
        inv.build::<IntervalMonthDayNanoType>(|row| {
            let parts: Option<Vec<i32>> = parts.iter().map(|part| part.get(row)).collect();
            let Some((parts, micros)) = parts.zip(seconds.get(row)) else {
                return Ok(None);
            };
            match calendar_interval(&parts, micros) {
                None if strict => Err(SparkError::interval_overflow("integer overflow")),
                made => Ok(made),
            }
        })
    });
    let key = strict.to_string();
    Ok(call
        .call_keyed(
            "make_interval",
            &key,
            DataType::CalendarInterval,
            nullable,
            kernel,
        )
        .with_name(text))
}

fn calendar_interval(parts: &[i32], micros: i128) -> Option<IntervalMonthDayNano> {
    let [years, months, weeks, days, hours, minutes] = *parts else {
        return None;
    };
    let months = years.checked_mul(12)?.checked_add(months)?;
    let days = weeks.checked_mul(7)?.checked_add(days)?;
    let minutes = i64::from(hours) * 60 + i64::from(minutes);
    let micros = minutes
        .checked_mul(60 * MICROS_PER_SECOND)?
        .checked_add(i64::try_from(micros).ok()?)?;
    Some(IntervalMonthDayNano::new(
        months,
        days,
        micros.checked_mul(1000)?,
    ))
}

fn day_time_interval(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(4, 4)?;
    let text = call.text();
    for index in 0..3 {
        call.convert(index, Arg::Int)?;
    }
    call.convert(3, Arg::Numeric)?;
    call.cast_argument(3, &INTERVAL_SECONDS)?;
    let nullable = call.any_nullable();
    let result = DataType::DayTimeInterval {
        start: DayTimeField::Day,
        end: DayTimeField::Second,
    };
    let value = call.call(
        "make_dt_interval",
        result,
        nullable,
        |inv| -> Result<ArrayRef> {
            let parts = (0..3).map(|i| inv.ints(i)).collect::<Result<Vec<_>>>()?;
            let seconds = inv.decimals(3)?;
            inv.build::<DurationMicrosecondType>(|row| {
                let parts: Option<Vec<i64>> = parts
                    .iter()
                    .map(|part| part.get(row).map(i64::from))
                    .collect();
                let Some((parts, micros)) = parts.zip(seconds.get(row)) else {
                    return Ok(None);
                };
                let minutes = (parts[0] * 24 + parts[1]) * 60 + parts[2];
                let whole = i128::from(minutes) * 60 * i128::from(MICROS_PER_SECOND) + micros;
                let whole = i64::try_from(whole);
                whole
                    .map(Some)
                    .map_err(|_| SparkError::interval_overflow("long overflow"))
            })
        },
    );
    Ok(value.with_name(text))
}

fn year_month_interval(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    call.convert(0, Arg::Int)?;
    call.convert(1, Arg::Int)?;
    let nullable = call.any_nullable();
    let result = DataType::YearMonthInterval {
        start: YearMonthField::Year,
        end: YearMonthField::Month,
    };
    let value = call.call("make_ym_interval", result, nullable, |inv| {
        let (years, months) = (inv.ints(0)?, inv.ints(1)?);
        inv.build::<IntervalYearMonthType>(|row| {
            let Some((years, months)) = years.get(row).zip(months.get(row)) else {
                return Ok(None);
            };
            let all = years.checked_mul(12).and_then(|y| y.checked_add(months));
            all.map(Some)
                .ok_or_else(|| SparkError::interval_overflow("integer overflow"))
        })
    });
    Ok(value.with_name(text))
}
