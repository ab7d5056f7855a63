//! Intervals: as text, from text, and to numbers.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, DurationMicrosecondArray, IntervalMonthDayNanoArray, IntervalYearMonthArray,
    StringArray,
};
use arrow::datatypes::{DurationMicrosecondType, IntervalMonthDayNano, IntervalYearMonthType};

use super::{CastMode, cast_array, decimal_text, from_string::quoted, rescale, trim_all};
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, DayTimeField, YearMonthField};
use crate::time::{MICROS_PER_DAY, MICROS_PER_SECOND};
use crate::types::sql_name;

const MICROS_PER_HOUR: i64 = 3600 * MICROS_PER_SECOND;
const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;

/// `INTERVAL '1-2' YEAR TO MONTH`.
pub(crate) fn year_month_text(months: i32, start: YearMonthField, end: YearMonthField) -> String {
    let sign = if months < 0 { "-" } else { "" };
    let months = months.unsigned_abs();
    match (start, end) {
        (YearMonthField::Year, YearMonthField::Year) => {
            format!("INTERVAL '{sign}{}' YEAR", months / 12)
        }
        (YearMonthField::Month, YearMonthField::Month) => {
            format!("INTERVAL '{sign}{months}' MONTH")
        }
        _ => format!(
            "INTERVAL '{sign}{}-{}' YEAR TO MONTH",
            months / 12,
            months % 12
        ),
    }
}

/// `INTERVAL '1 02:03:04.5' DAY TO SECOND`.
pub(crate) fn day_time_text(micros: i64, start: DayTimeField, end: DayTimeField) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let unit = |divisor: i64| micros / divisor as u64;
    let rest = |value: i64, above: i64| micros % above as u64 / value as u64;
    let seconds = |whole: String| {
        let fraction = micros % MICROS_PER_SECOND as u64;
        if fraction == 0 {
            whole
        } else {
            format!("{whole}.{}", format!("{fraction:06}").trim_end_matches('0'))
        }
    };
    let name = |field: DayTimeField| match field {
        DayTimeField::Day => "DAY",
        DayTimeField::Hour => "HOUR",
        DayTimeField::Minute => "MINUTE",
        DayTimeField::Second => "SECOND",
    };
    let mut text = match start {
        DayTimeField::Day => unit(MICROS_PER_DAY).to_string(),
        DayTimeField::Hour => format!("{:02}", unit(MICROS_PER_HOUR)),
        DayTimeField::Minute => format!("{:02}", unit(MICROS_PER_MINUTE)),
        DayTimeField::Second => seconds(format!("{:02}", unit(MICROS_PER_SECOND))),
    };
    if start < DayTimeField::Hour && end >= DayTimeField::Hour {
        text.push_str(&format!(" {:02}", rest(MICROS_PER_HOUR, MICROS_PER_DAY)));
    }
    if start < DayTimeField::Minute && end >= DayTimeField::Minute {
        text.push_str(&format!(":{:02}", rest(MICROS_PER_MINUTE, MICROS_PER_HOUR)));
    }
    if start < DayTimeField::Second && end >= DayTimeField::Second {
        text.push_str(&format!(
            ":{}",
            seconds(format!("{:02}", rest(MICROS_PER_SECOND, MICROS_PER_MINUTE)))
        ));
    }
    let unit = if start == end {
        name(start).to_owned()
    } else {
        format!("{} TO {}", name(start), name(end))
    };
    format!("INTERVAL '{sign}{text}' {unit}")
}

/// `1 years 2 months 3 days 4 hours`.
pub(crate) fn calendar_interval_text(months: i32, days: i32, micros: i64) -> String {
    let mut parts = Vec::new();
    let mut add = |value: i64, unit: &str| {
        if value != 0 {
            parts.push(format!("{value} {unit}"));
        }
    };
    add(i64::from(months / 12), "years");
    add(i64::from(months % 12), "months");
    add(i64::from(days), "days");
    add(micros / MICROS_PER_HOUR, "hours");
    add(micros % MICROS_PER_HOUR / MICROS_PER_MINUTE, "minutes");
    let rest = micros % MICROS_PER_MINUTE;
    if rest != 0 {
        let text = decimal_text(i128::from(rest), 6);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        parts.push(format!("{text} seconds"));
    }
    if parts.is_empty() {
        "0 seconds".to_owned()
    } else {
        parts.join(" ")
    }
}

/// Reads `[interval] 1 hour 30 minutes`, units in any number, as months, days and microseconds.
pub(crate) fn interval_from_text(text: &str) -> Option<(i32, i32, i64)> {
    let lower = text.trim().to_ascii_lowercase();
    let body = lower
        .strip_prefix("interval")
        .filter(|rest| rest.starts_with([' ', '\t']))
        .unwrap_or(&lower);
    let mut words = body.split_whitespace();
    let (mut months, mut days, mut micros, mut any) = (0i32, 0i32, 0i64, false);
    while let Some(number) = words.next() {
        let unit = words.next()?;
        let unit = unit.strip_suffix('s').unwrap_or(unit);
        any = true;
        if unit == "second" {
            micros = micros.checked_add(i64::try_from(super::parse_decimal(number, 6)?).ok()?)?;
            continue;
        }
        let number: i64 = number.parse().ok()?;
        let small = || i32::try_from(number).ok();
        match unit {
            "year" => months = months.checked_add(small()?.checked_mul(12)?)?,
            "quarter" => months = months.checked_add(small()?.checked_mul(3)?)?,
            "month" => months = months.checked_add(small()?)?,
            "week" => days = days.checked_add(small()?.checked_mul(7)?)?,
            "day" => days = days.checked_add(small()?)?,
            "hour" => micros = micros.checked_add(number.checked_mul(MICROS_PER_HOUR)?)?,
            "minute" => micros = micros.checked_add(number.checked_mul(MICROS_PER_MINUTE)?)?,
            "millisecond" => micros = micros.checked_add(number.checked_mul(1000)?)?,
            "microsecond" => micros = micros.checked_add(number)?,
            _ => return None,
        }
    }
    any.then_some((months, days, micros))
}

/// Reads `[+-]y-m`, `y` or `m`, as the fields say, or a whole `INTERVAL '…' YEAR TO MONTH`.
pub(crate) fn parse_year_month(
    text: &str,
    start: YearMonthField,
    end: YearMonthField,
) -> Option<i32> {
    let (sign, body) = signed(literal_body(text));
    let months = match (start, end) {
        (YearMonthField::Year, YearMonthField::Year) => {
            body.parse::<i32>().ok()?.checked_mul(12)?
        }
        (YearMonthField::Month, YearMonthField::Month) => body.parse::<i32>().ok()?,
        _ => {
            let (years, months) = body.split_once('-')?;
            let months: i32 = months.parse().ok().filter(|m| (0..12).contains(m))?;
            years
                .parse::<i32>()
                .ok()?
                .checked_mul(12)?
                .checked_add(months)?
        }
    };
    Some(sign as i32 * months)
}

/// Reads `[+-]d h:m:s.f` from the first field to the last.
pub(crate) fn parse_day_time(text: &str, start: DayTimeField, end: DayTimeField) -> Option<i64> {
    let (sign, body) = signed(literal_body(text));
    let mut parts: Vec<&str> = Vec::new();
    match body.split_once(' ') {
        Some((days, clock)) if start == DayTimeField::Day => {
            parts.push(days);
            parts.extend(clock.trim().split(':'));
        }
        _ => parts.extend(body.split(':')),
    }
    let fields = [
        DayTimeField::Day,
        DayTimeField::Hour,
        DayTimeField::Minute,
        DayTimeField::Second,
    ];
    let fields: Vec<_> = fields
        .into_iter()
        .filter(|f| *f >= start && *f <= end)
        .collect();
    if parts.len() != fields.len() {
        return None;
    }
    let mut total = 0i64;
    for (index, (part, field)) in parts.into_iter().zip(fields).enumerate() {
        let limit = match field {
            DayTimeField::Hour => 24,
            DayTimeField::Minute | DayTimeField::Second => 60,
            DayTimeField::Day => i64::MAX,
        };
        let whole = part.split('.').next()?.parse::<i64>().ok()?;
        if index > 0 && whole >= limit {
            return None;
        }
        let micros = match field {
            DayTimeField::Day => part.parse::<i64>().ok()?.checked_mul(MICROS_PER_DAY)?,
            DayTimeField::Hour => part.parse::<i64>().ok()?.checked_mul(MICROS_PER_HOUR)?,
            DayTimeField::Minute => part.parse::<i64>().ok()?.checked_mul(MICROS_PER_MINUTE)?,
            DayTimeField::Second => i64::try_from(super::parse_decimal(part, 6)?).ok()?,
        };
        total = total.checked_add(micros)?;
    }
    Some(sign * total)
}

/// What is between the quotes of a whole interval literal, or the text itself.
fn literal_body(text: &str) -> &str {
    let text = trim_all(text);
    let is_literal = text
        .get(..8)
        .is_some_and(|word| word.eq_ignore_ascii_case("interval"));
    match (is_literal, text.split_once('\''), text.rsplit_once('\'')) {
        (true, Some((_, after)), Some((before, _))) if before.len() > text.len() - after.len() => {
            &text[text.len() - after.len()..before.len()]
        }
        _ => text,
    }
}

fn signed(text: &str) -> (i64, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    }
}

/// Casts strings to intervals.
pub(super) fn cast_strings(
    strings: &StringArray,
    to: &DataType,
    mode: CastMode,
) -> Result<ArrayRef> {
    let checked = |text: &str, ok: bool| {
        if ok || !mode.strict {
            return Ok(());
        }
        Err(SparkError::cast_invalid_input(
            &quoted(text),
            "STRING",
            &sql_name(to),
        ))
    };
    match to {
        DataType::YearMonthInterval { start, end } => {
            let values = strings.iter().map(|value| {
                let Some(text) = value else { return Ok(None) };
                let parsed = parse_year_month(text, *start, *end);
                checked(text, parsed.is_some()).map(|()| parsed)
            });
            Ok(Arc::new(
                values.collect::<Result<IntervalYearMonthArray>>()?,
            ))
        }
        DataType::DayTimeInterval { start, end } => {
            let values = strings.iter().map(|value| {
                let Some(text) = value else { return Ok(None) };
                let parsed = parse_day_time(text, *start, *end);
                checked(text, parsed.is_some()).map(|()| parsed)
            });
            Ok(Arc::new(
                values.collect::<Result<DurationMicrosecondArray>>()?,
            ))
        }
        _ => {
            let values = strings.iter().map(|value| {
                let Some(text) = value else { return Ok(None) };
                let parsed = interval_from_text(text);
                checked(text, parsed.is_some())?;
                Ok(parsed.map(|(months, days, micros)| {
                    IntervalMonthDayNano::new(months, days, micros.saturating_mul(1000))
                }))
            });
            Ok(Arc::new(
                values.collect::<Result<IntervalMonthDayNanoArray>>()?,
            ))
        }
    }
}

/// Casts between intervals and between intervals and numbers, whose unit is the interval's last field.
pub(super) fn cast_interval(
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
    mode: CastMode,
) -> Result<ArrayRef> {
    match (from, to) {
        (DataType::YearMonthInterval { .. }, DataType::YearMonthInterval { end, .. }) => {
            let unit = months_per(*end);
            let values = array.as_primitive::<IntervalYearMonthType>();
            let values: IntervalYearMonthArray =
                values.iter().map(|v| v.map(|v| v / unit * unit)).collect();
            Ok(Arc::new(values))
        }
        (DataType::DayTimeInterval { .. }, DataType::DayTimeInterval { end, .. }) => {
            let unit = micros_per(*end);
            let values = array.as_primitive::<DurationMicrosecondType>();
            let values: DurationMicrosecondArray =
                values.iter().map(|v| v.map(|v| v / unit * unit)).collect();
            Ok(Arc::new(values))
        }
        (DataType::YearMonthInterval { end, .. }, _) => {
            let unit = months_per(*end);
            let values = array.as_primitive::<IntervalYearMonthType>();
            let values: arrow::array::Int32Array =
                values.iter().map(|v| v.map(|v| v / unit)).collect();
            cast_array(
                &(Arc::new(values) as ArrayRef),
                &DataType::Integer,
                to,
                mode,
            )
        }
        (DataType::DayTimeInterval { end, .. }, _) => {
            let unit = micros_per(*end);
            let values = array.as_primitive::<DurationMicrosecondType>();
            let whole = *end != DayTimeField::Second;
            let scale = if whole { 0 } else { 6 };
            let unit = if whole { unit } else { 1 };
            let values: arrow::array::Decimal128Array = values
                .iter()
                .map(|v| v.map(|v| i128::from(v / unit)))
                .collect();
            let through = DataType::Decimal {
                precision: 20,
                scale,
            };
            let values = values.with_data_type(internal_arrow(&through));
            cast_array(&(Arc::new(values) as ArrayRef), &through, to, mode)
        }
        (_, DataType::YearMonthInterval { end, .. }) => {
            let integers = cast_array(array, from, &DataType::Integer, mode)?;
            let unit = months_per(*end);
            let values = integers.as_primitive::<arrow::datatypes::Int32Type>();
            let values: IntervalYearMonthArray = values
                .iter()
                .map(|v| v.and_then(|v| v.checked_mul(unit)))
                .collect();
            Ok(Arc::new(values))
        }
        (_, DataType::DayTimeInterval { end, .. }) => {
            let through = DataType::Decimal {
                precision: 38,
                scale: 6,
            };
            let decimals = cast_array(array, from, &through, mode)?;
            let unit = i128::from(if *end == DayTimeField::Second {
                MICROS_PER_SECOND
            } else {
                micros_per(*end)
            });
            let values = decimals.as_primitive::<arrow::datatypes::Decimal128Type>();
            let micros = |v: i128| i64::try_from(rescale(v.checked_mul(unit)?, 6, 0)?).ok();
            let values: DurationMicrosecondArray =
                values.iter().map(|v| v.and_then(micros)).collect();
            Ok(Arc::new(values))
        }
        _ => Err(super::unexpected(from, to)),
    }
}

fn months_per(field: YearMonthField) -> i32 {
    match field {
        YearMonthField::Year => 12,
        YearMonthField::Month => 1,
    }
}

fn micros_per(field: DayTimeField) -> i64 {
    match field {
        DayTimeField::Day => MICROS_PER_DAY,
        DayTimeField::Hour => MICROS_PER_HOUR,
        DayTimeField::Minute => MICROS_PER_MINUTE,
        DayTimeField::Second => 1,
    }
}
