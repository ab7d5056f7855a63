//! Parts of dates, times and intervals by name, and steps of a unit by name.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType};

use super::time_arithmetic::{IntervalOf, interval_argument};
use super::{Arg, Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::DataType;
use crate::time::{MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone, add_months, civil_from_days};

pub(super) const FUNCTIONS: &[Function] = &[
    custom("extract", extract),
    custom("date_part", extract).or(&["datepart"]),
    custom("timestampadd", timestamp_add),
    custom("timestampdiff", timestamp_diff),
    custom("convert_timezone", convert_timezone),
    custom("localtimestamp", local_timestamp),
    custom("time_bucket", time_bucket),
];

/// The function that gives a part of a date or time.
fn function_of(field: &str) -> Option<&'static str> {
    Some(match field {
        "YEAR" | "Y" | "YEARS" | "YR" | "YRS" => "year",
        "YEAROFWEEK" => "$year_of_week",
        "QUARTER" | "QTR" => "quarter",
        "MONTH" | "MON" | "MONS" | "MONTHS" => "month",
        "WEEK" | "W" | "WEEKS" => "weekofyear",
        "DAY" | "D" | "DAYS" => "day",
        "DAYOFWEEK" | "DOW" => "dayofweek",
        "DAYOFWEEK_ISO" | "DOW_ISO" => "$iso_day_of_week",
        "DOY" => "dayofyear",
        "HOUR" | "H" | "HOURS" | "HR" | "HRS" => "hour",
        "MINUTE" | "M" | "MIN" | "MINS" | "MINUTES" => "minute",
        "SECOND" | "S" | "SEC" | "SECONDS" | "SECS" => "$seconds",
        _ => return None,
    })
}

fn extract(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = match call.name.as_str() {
        "extract" => format!(
            "extract({} FROM {})",
            call.arguments[0].name, call.arguments[1].name
        ),
        _ => call.text(),
    };
    let field = call.constant_string(0, "field")?.to_uppercase();
    let source = call.arguments[1].clone();
    let Some(function) = function_of(&field) else {
        return Err(SparkError::invalid_extract_field(&field, &source.name));
    };
    let value = match function {
        _ if source.data_type.is_interval() => of_interval(call, function, &field)?,
        "$seconds" => seconds(call)?,
        "$iso_day_of_week" => {
            let day = call.apply("weekday", vec![source])?;
            let one = call.analyzer.literal(&crate::ir::Literal::Integer(1))?;
            call.apply("+", vec![day, one])?
        }
        "$year_of_week" => {
            call.arguments = vec![source];
            call.convert(0, Arg::Date)?;
            let nullable = call.any_nullable();
            call.call("year_of_week", DataType::Integer, nullable, |inv| {
                let dates = inv.dates(0)?;
                inv.build::<Int32Type>(|row| {
                    Ok(dates.get(row).map(|days| {
                        let days = i64::from(days);
                        let thursday = days - (days + 3).rem_euclid(7) + 3;
                        civil_from_days(thursday).0 as i32
                    }))
                })
            })
        }
        function => call.apply(function, vec![source])?,
    };
    Ok(value.with_name(text))
}

/// Seconds with their fraction.
fn seconds(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arguments.remove(0);
    call.convert(0, Arg::Timestamp)?;
    let nullable = call.any_nullable();
    let result = DataType::Decimal {
        precision: 8,
        scale: 6,
    };
    Ok(call.call("seconds", result, nullable, |inv| {
        let times = inv.timestamps(0)?;
        let zone = inv.context.time_zone;
        inv.build::<Decimal128Type>(|row| {
            let of_minute = |t: i64| zone.to_local(t).rem_euclid(60 * MICROS_PER_SECOND);
            Ok(times.get(row).map(|t| i128::from(of_minute(t))))
        })
    }))
}

/// A part of an interval: each counts what the larger ones leave.
fn of_interval(
    call: &mut FunctionCall<'_>,
    function: &'static str,
    field: &str,
) -> Result<TypedExpr> {
    let source = call.arguments.remove(1);
    let of_months = !matches!(source.data_type, DataType::DayTimeInterval { .. });
    let of_time = !matches!(source.data_type, DataType::YearMonthInterval { .. });
    let known = match function {
        "year" | "month" => of_months,
        "day" | "hour" | "minute" | "$seconds" => of_time,
        _ => false,
    };
    if !known {
        return Err(SparkError::invalid_extract_field(field, &source.name));
    }
    let nullable = source.nullable;
    let calendar = source.data_type == DataType::CalendarInterval;
    call.arguments = vec![source];
    if function == "$seconds" {
        let result = DataType::Decimal {
            precision: 8,
            scale: 6,
        };
        return Ok(call.call("interval_seconds", result, nullable, |inv| {
            let parts = interval_argument(inv, 0)?;
            inv.build::<Decimal128Type>(|row| {
                Ok(parts(row).map(|(_, _, micros)| i128::from(micros % (60 * MICROS_PER_SECOND))))
            })
        }));
    }
    let part = move |(months, days, micros): (i64, i64, i64)| match function {
        "year" => months / 12,
        "month" => months % 12,
        "day" if calendar => days,
        "day" => micros / MICROS_PER_DAY,
        "hour" if calendar => micros / (3600 * MICROS_PER_SECOND),
        "hour" => micros % MICROS_PER_DAY / (3600 * MICROS_PER_SECOND),
        _ => micros / (60 * MICROS_PER_SECOND) % 60,
    };
    let result = match function {
        "year" | "day" => DataType::Integer,
        _ => DataType::Byte,
    };
    let kernel = Arc::new(move |inv: &Invocation<'_>| -> Result<ArrayRef> {
        let parts = interval_argument(inv, 0)?;
        if *inv.result == DataType::Byte {
            return inv
                .build::<arrow::datatypes::Int8Type>(|row| Ok(parts(row).map(|p| part(p) as i8)));
        }
        inv.build::<Int32Type>(|row| Ok(parts(row).map(|p| part(p) as i32)))
    });
    Ok(call.call_keyed("interval_part", function, result, nullable, kernel))
}

/// A step by which times are moved or measured.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Months(i64),
    Days(i64),
    Micros(i64),
}

impl Unit {
    fn parse(name: &str, function: &str) -> Result<Self> {
        Ok(match name.to_uppercase().as_str() {
            "YEAR" => Self::Months(12),
            "QUARTER" => Self::Months(3),
            "MONTH" => Self::Months(1),
            "WEEK" => Self::Days(7),
            "DAY" | "DAYOFYEAR" => Self::Days(1),
            "HOUR" => Self::Micros(3600 * MICROS_PER_SECOND),
            "MINUTE" => Self::Micros(60 * MICROS_PER_SECOND),
            "SECOND" => Self::Micros(MICROS_PER_SECOND),
            "MILLISECOND" => Self::Micros(1000),
            "MICROSECOND" => Self::Micros(1),
            _ => {
                return Err(SparkError::invalid_parameter_value(
                    "DATETIME_UNIT",
                    function,
                    "unit",
                    format!(
                        "expects one of the units without quotes YEAR, QUARTER, MONTH, WEEK, DAY, DAYOFYEAR, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, but got '{name}'."
                    ),
                ));
            }
        })
    }
}

fn zone_of(inv: &Invocation<'_>, index: usize) -> TimeZone {
    match inv.types[index] {
        DataType::TimestampNtz => TimeZone::UTC,
        _ => inv.context.time_zone,
    }
}

fn timestamp_add(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(3, 3)?;
    let text = call.text();
    let name = call.constant_string(0, "unit")?;
    let unit = Unit::parse(&name, "TIMESTAMPADD")?;
    call.convert(1, Arg::Long)?;
    if call.arguments[2].data_type != DataType::TimestampNtz {
        call.convert(2, Arg::Timestamp)?;
    }
    let (result, nullable) = (call.arguments[2].data_type.clone(), call.any_nullable());
    call.arguments.remove(0);
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (counts, times) = (inv.longs(0)?, inv.timestamps(1)?);
        let zone = zone_of(inv, 1);
        inv.build::<TimestampMicrosecondType>(|row| {
            let Some((count, time)) = counts.get(row).zip(times.get(row)) else {
                return Ok(None);
            };
            moved(time, count, unit, zone).map(Some).ok_or_else(|| {
                SparkError::datetime_overflow(&format!("add {count} '{name}' to the time"))
            })
        })
    });
    let key = format!("{unit:?}");
    Ok(call
        .call_keyed("timestampadd", &key, result, nullable, kernel)
        .with_name(text))
}

fn moved(time: i64, count: i64, unit: Unit, zone: TimeZone) -> Option<i64> {
    let local = zone.to_local(time);
    let (day, of_day) = (
        local.div_euclid(MICROS_PER_DAY),
        local.rem_euclid(MICROS_PER_DAY),
    );
    let days = match unit {
        Unit::Micros(size) => return time.checked_add(count.checked_mul(size)?),
        Unit::Days(size) => day.checked_add(count.checked_mul(size)?)?,
        Unit::Months(size) => add_months(
            day,
            i64::from(i32::try_from(count.checked_mul(size)?).ok()?),
        ),
    };
    Some(zone.to_utc(days.checked_mul(MICROS_PER_DAY)?.checked_add(of_day)?))
}

fn timestamp_diff(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(3, 3)?;
    let text = call.text();
    let unit = Unit::parse(&call.constant_string(0, "unit")?, "TIMESTAMPDIFF")?;
    call.convert(1, Arg::Timestamp)?;
    call.convert(2, Arg::Timestamp)?;
    call.arguments.remove(0);
    let nullable = call.any_nullable();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (starts, ends) = (inv.timestamps(0)?, inv.timestamps(1)?);
        let zone = inv.context.time_zone;
        inv.build::<Int64Type>(|row| {
            let pair = starts.get(row).zip(ends.get(row));
            Ok(pair.map(|(start, end)| between(zone.to_local(start), zone.to_local(end), unit)))
        })
    });
    let key = format!("{unit:?}");
    Ok(call
        .call_keyed("timestampdiff", &key, DataType::Long, nullable, kernel)
        .with_name(text))
}

/// Whole units from one local time to another.
fn between(start: i64, end: i64, unit: Unit) -> i64 {
    match unit {
        Unit::Micros(size) => (end - start) / size,
        Unit::Days(size) => (end - start) / MICROS_PER_DAY / size,
        Unit::Months(size) => {
            let taken_apart = |local: i64| {
                let (year, month, day) = civil_from_days(local.div_euclid(MICROS_PER_DAY));
                let rest = i64::from(day) * MICROS_PER_DAY + local.rem_euclid(MICROS_PER_DAY);
                (year * 12 + i64::from(month), rest)
            };
            let ((first, start_rest), (last, end_rest)) = (taken_apart(start), taken_apart(end));
            let mut months = last - first;
            if months > 0 && end_rest < start_rest {
                months -= 1;
            } else if months < 0 && end_rest > start_rest {
                months += 1;
            }
            months / size
        }
    }
}

/// A time without zone from the clocks of one zone to those of another.
fn convert_timezone(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    if call.arguments.len() == 2 {
        let own = call.apply("current_timezone", Vec::new())?;
        call.arguments.insert(0, own);
    }
    let text = call.text();
    call.convert(0, Arg::Str)?;
    call.convert(1, Arg::Str)?;
    if call.arguments[2].data_type != DataType::TimestampNtz {
        call.convert(2, Arg::Timestamp)?;
        call.cast_argument(2, &DataType::TimestampNtz)?;
    }
    let nullable = call.any_nullable();
    let value = call.call(
        "convert_timezone",
        DataType::TimestampNtz,
        nullable,
        |inv| {
            let (sources, targets, times) = (inv.strings(0)?, inv.strings(1)?, inv.timestamps(2)?);
            let zone = |name: &str| {
                TimeZone::parse(name).ok_or_else(|| SparkError::unknown_time_zone(name))
            };
            inv.build::<TimestampMicrosecondType>(|row| {
                let (Some(source), Some(target), Some(time)) =
                    (sources.get(row), targets.get(row), times.get(row))
                else {
                    return Ok(None);
                };
                Ok(Some(zone(target)?.to_local(zone(source)?.to_utc(time))))
            })
        },
    );
    Ok(value.with_name(text))
}

fn local_timestamp(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(0, 0)?;
    let text = call.text();
    let now = call.apply("current_timestamp", Vec::new())?;
    let local = call
        .analyzer
        .cast_implicitly(now, &DataType::TimestampNtz)?;
    Ok(local.with_name(text))
}

/// The start of the interval that a time falls into, counted from an origin.
fn time_bucket(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let text = call.text();
    if !matches!(
        call.arguments[0].data_type,
        DataType::DayTimeInterval { .. }
    ) {
        return Err(call.unexpected_type(0, "\"INTERVAL DAY TO SECOND\""));
    }
    for index in 1..call.arguments.len() {
        if call.arguments[index].data_type != DataType::TimestampNtz {
            call.convert(index, Arg::Timestamp)?;
        }
    }
    let (result, nullable) = (call.arguments[1].data_type.clone(), call.any_nullable());
    let value = call.call("time_bucket", result, nullable, |inv| {
        let (sizes, times): (IntervalOf<'_>, _) = (interval_argument(inv, 0)?, inv.timestamps(1)?);
        let origins = inv.optional(2, Invocation::timestamps)?;
        let zone = zone_of(inv, 1);
        inv.build::<TimestampMicrosecondType>(|row| {
            let origin = match &origins {
                None => Some(zone.to_utc(0)),
                Some(origins) => origins.get(row),
            };
            let (Some((_, _, size)), Some(time), Some(origin)) =
                (sizes(row), times.get(row), origin)
            else {
                return Ok(None);
            };
            if size <= 0 {
                return Err(SparkError::invalid_parameter_value(
                    "BUCKET_WIDTH",
                    "time_bucket",
                    "bucketWidth",
                    "the width of a bucket must be positive.",
                ));
            }
            Ok(Some(time - (time - origin).rem_euclid(size)))
        })
    });
    Ok(value.with_name(text))
}
