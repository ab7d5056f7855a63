//! Text to values.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringArray,
};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time64NanosecondType, TimestampMicrosecondType,
};

use super::{CastMode, interval, unexpected};
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::DataType;
use crate::time::{MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone, days_from_civil, days_in_month};
use crate::types::sql_name;

/// Casts strings to any type but strings.
pub(super) fn cast_strings(array: &ArrayRef, to: &DataType, mode: CastMode) -> Result<ArrayRef> {
    let strings = array.as_string::<i32>();
    match to {
        DataType::Binary => Ok(super::strings_to_binary(array)),
        DataType::Boolean => {
            let values = strings.iter().map(|value| match value {
                None => Ok(None),
                Some(text) => checked(parse_boolean(text), text, to, mode),
            });
            Ok(Arc::new(values.collect::<Result<BooleanArray>>()?))
        }
        DataType::Byte => collect::<Int8Type>(strings, to, mode, |s| {
            parse_integer(s, mode.ansi)?.try_into().ok()
        }),
        DataType::Short => collect::<Int16Type>(strings, to, mode, |s| {
            parse_integer(s, mode.ansi)?.try_into().ok()
        }),
        DataType::Integer => collect::<Int32Type>(strings, to, mode, |s| {
            parse_integer(s, mode.ansi)?.try_into().ok()
        }),
        DataType::Long => collect::<Int64Type>(strings, to, mode, |s| parse_integer(s, mode.ansi)),
        DataType::Float => collect::<Float32Type>(strings, to, mode, parse_float),
        DataType::Double => collect::<Float64Type>(strings, to, mode, parse_double),
        DataType::Decimal { precision, scale } => {
            cast_to_decimal(strings, (*precision, *scale), mode)
        }
        DataType::Date => {
            collect::<Date32Type>(strings, to, mode, |s| parse_date(s).map(|d| d as i32))
        }
        DataType::Timestamp => collect::<TimestampMicrosecondType>(strings, to, mode, |s| {
            parse_timestamp(s, Some(mode.time_zone))
        }),
        DataType::TimestampNtz => {
            collect::<TimestampMicrosecondType>(strings, to, mode, |s| parse_timestamp(s, None))
        }
        DataType::Time { .. } => collect::<Time64NanosecondType>(strings, to, mode, parse_time),
        t if t.is_interval() => interval::cast_strings(strings, to, mode),
        _ => Err(unexpected(&DataType::STRING, to)),
    }
}

fn checked<T>(value: Option<T>, text: &str, to: &DataType, mode: CastMode) -> Result<Option<T>> {
    match value {
        None if mode.strict => Err(SparkError::cast_invalid_input(
            &quoted(text),
            "STRING",
            &sql_name(to),
        )),
        value => Ok(value),
    }
}

/// A string as an SQL literal.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn collect<T: ArrowPrimitiveType>(
    strings: &StringArray,
    to: &DataType,
    mode: CastMode,
    parse: impl Fn(&str) -> Option<T::Native>,
) -> Result<ArrayRef> {
    let values = strings.iter().map(|value| match value {
        None => Ok(None),
        Some(text) => checked(parse(text), text, to, mode),
    });
    let values: PrimitiveArray<T> = values.collect::<Result<_>>()?;
    Ok(Arc::new(values.with_data_type(internal_arrow(to))))
}

/// Without the white space and control characters around it.
pub(crate) fn trim_all(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control())
}

fn parse_boolean(text: &str) -> Option<bool> {
    match trim_all(text).to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// A whole number. Without ANSI, a fraction may follow and is cut off.
pub(crate) fn parse_integer(text: &str, ansi: bool) -> Option<i64> {
    let text = trim_all(text);
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if !ansi && fraction.bytes().all(|b| b.is_ascii_digit()) => {
            if whole.is_empty() || whole == "-" || whole == "+" {
                return (!fraction.is_empty()).then_some(0);
            }
            whole
        }
        _ => text,
    };
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    whole.strip_prefix('+').unwrap_or(whole).parse().ok()
}

/// A floating-point number in Java's notation, suffixes included.
pub(crate) fn parse_double(text: &str) -> Option<f64> {
    let trimmed = trim_all(text);
    if let Some(special) = special_float(trimmed) {
        return Some(special);
    }
    let body = trimmed
        .strip_suffix(['d', 'D', 'f', 'F'])
        .unwrap_or(trimmed);
    is_plain_float(body).then(|| body.parse().ok()).flatten()
}

fn parse_float(text: &str) -> Option<f32> {
    let trimmed = trim_all(text);
    if let Some(special) = special_float(trimmed) {
        return Some(special as f32);
    }
    let body = trimmed
        .strip_suffix(['d', 'D', 'f', 'F'])
        .unwrap_or(trimmed);
    is_plain_float(body).then(|| body.parse().ok()).flatten()
}

fn is_plain_float(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'))
}

fn special_float(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "inf" | "+inf" | "infinity" | "+infinity" => Some(f64::INFINITY),
        "-inf" | "-infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn cast_to_decimal(strings: &StringArray, to: (u8, i8), mode: CastMode) -> Result<ArrayRef> {
    let (precision, scale) = to;
    let target = DataType::Decimal { precision, scale };
    let values = strings.iter().map(|value| {
        let Some(text) = value else { return Ok(None) };
        if !is_decimal(trim_all(text)) {
            return checked(None, text, &target, mode);
        }
        match parse_decimal(text, scale)
            .filter(|v| v.unsigned_abs() < 10u128.pow(u32::from(precision)))
        {
            Some(value) => Ok(Some(value)),
            None if mode.strict => Err(SparkError::numeric_value_out_of_range(
                trim_all(text),
                precision,
                scale,
            )),
            None => Ok(None),
        }
    });
    let values: PrimitiveArray<Decimal128Type> = values.collect::<Result<_>>()?;
    Ok(Arc::new(values.with_data_type(internal_arrow(&target))))
}

fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let points = mantissa.bytes().filter(|b| *b == b'.').count();
    digits > 0
        && digits + points == mantissa.len()
        && points <= 1
        && !exponent.is_empty()
        && exponent.bytes().all(|b| b.is_ascii_digit())
}

/// A decimal number, scientific notation included, with `scale` digits after the point, halves rounded up.
pub(crate) fn parse_decimal(text: &str, scale: i8) -> Option<i128> {
    let text = trim_all(text);
    if !is_decimal(text) {
        return None;
    }
    let negative = text.starts_with('-');
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let shift = exponent
        .checked_sub(fraction.len() as i32)?
        .checked_add(i32::from(scale))?;
    let magnitude = shifted(digits, shift)?;
    Some(if negative { -magnitude } else { magnitude })
}

/// Digits × 10^shift, halves rounded up.
fn shifted(digits: &str, shift: i32) -> Option<i128> {
    if digits.is_empty() {
        return Some(0);
    }
    if shift >= 0 {
        if digits.len() as i64 + i64::from(shift) > 39 {
            return None;
        }
        return digits
            .parse::<i128>()
            .ok()?
            .checked_mul(10i128.checked_pow(shift as u32)?);
    }
    let cut = (-shift) as usize;
    if cut > digits.len() {
        return Some(0);
    }
    let (kept, dropped) = digits.split_at(digits.len() - cut);
    let kept: i128 = if kept.is_empty() {
        0
    } else {
        kept.parse().ok()?
    };
    Some(kept + i128::from(dropped.as_bytes().first().is_some_and(|d| *d >= b'5')))
}

/// A date: `yyyy[-m[m][-d[d]]]`, anything after a `T` or a space ignored. Days since 1970-01-01.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let (days, rest, full) = parse_date_part(trim_all(text).as_bytes())?;
    let valid_end = rest.is_empty() || (full && matches!(rest[0], b' ' | b'T'));
    let valid_end = valid_end && i32::try_from(days).is_ok();
    valid_end.then_some(days)
}

/// The date at the front of a text, what follows it, and whether the date had a day.
fn parse_date_part(text: &[u8]) -> Option<(i64, &[u8], bool)> {
    let (negative, text) = match text.first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (year, year_digits, mut rest) = digits(text)?;
    if !(4..=7).contains(&year_digits) {
        return None;
    }
    let year = if negative { -year } else { year };
    let (mut month, mut day, mut full) = (1, 1, false);
    if let Some(after) = rest.strip_prefix(b"-") {
        let (value, count, after) = digits(after)?;
        (month, rest) = (value, after);
        if count > 2 {
            return None;
        }
        if let Some(after) = rest.strip_prefix(b"-") {
            let (value, count, after) = digits(after)?;
            (day, rest, full) = (value, after, true);
            if count > 2 {
                return None;
            }
        }
    }
    let valid = (1..=12).contains(&month)
        && day >= 1
        && day <= i64::from(days_in_month(year, month as u32));
    valid.then(|| (days_from_civil(year, month as u32, day as u32), rest, full))
}

/// The number at the front of a text, how many digits it has, and what follows.
fn digits(text: &[u8]) -> Option<(i64, usize, &[u8])> {
    let count = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 || count > 9 {
        return None;
    }
    let value = text[..count]
        .iter()
        .fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
    Some((value, count, &text[count..]))
}

/// Nanoseconds since midnight of a text like `10:00:00.5`.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let (micros, rest) = parse_clock(trim_all(text).as_bytes())?;
    rest.is_empty().then_some(micros * 1000)
}

/// A timestamp: a date, or a date and a time, or a time of today, and perhaps a zone. With `zone`, microseconds since
/// 1970-01-01 UTC; without, local microseconds (a zone in the text is ignored).
pub(crate) fn parse_timestamp(text: &str, zone: Option<TimeZone>) -> Option<i64> {
    let text = trim_all(text).as_bytes();
    let (days, rest, full) = parse_date_part(text)?;
    let (clock, rest) = match rest.first() {
        None => (0, rest),
        Some(b' ' | b'T') if full => parse_clock(&rest[1..])?,
        _ => return None,
    };
    let local = days.checked_mul(MICROS_PER_DAY)?.checked_add(clock)?;
    let suffix = std::str::from_utf8(rest).ok()?.trim();
    match (zone, suffix.is_empty()) {
        (Some(zone), true) => Some(zone.to_utc(local)),
        (Some(_), false) => Some(TimeZone::parse(suffix)?.to_utc(local)),
        (None, true) => Some(local),
        (None, false) => TimeZone::parse(suffix).map(|_| local),
    }
}

/// `h[h][:m[m][:s[s][.f*]]]` and what follows.
fn parse_clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hours, count, mut rest) = digits(text)?;
    if count > 2 || hours > 23 {
        return None;
    }
    let (mut minutes, mut seconds, mut micros) = (0, 0, 0);
    if let Some(after) = rest.strip_prefix(b":") {
        let count;
        (minutes, count, rest) = digits(after)?;
        if count > 2 || minutes > 59 {
            return None;
        }
        if let Some(after) = rest.strip_prefix(b":") {
            let count;
            (seconds, count, rest) = digits(after)?;
            if count > 2 || seconds > 59 {
                return None;
            }
            if let Some(after) = rest.strip_prefix(b".") {
                let count = after.iter().take_while(|b| b.is_ascii_digit()).count();
                let padded = after[..count]
                    .iter()
                    .copied()
                    .chain(std::iter::repeat(b'0'));
                micros = padded
                    .take(6)
                    .fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
                rest = &after[count..];
            }
        }
    }
    Some((
        ((hours * 60 + minutes) * 60 + seconds) * MICROS_PER_SECOND + micros,
        rest,
    ))
}
