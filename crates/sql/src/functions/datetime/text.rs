//! Dates and times to and from texts, by a pattern.
//!
//! The patterns themselves are in `crate::datetime_pattern`. Start at [`with_pattern`].

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};

use super::epoch::to_units;
use crate::analyzer::{TypedExpr, cast_mode};
use crate::datetime_pattern::Pattern;
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::{DataType, EvalMode, Literal};
use crate::time::MICROS_PER_SECOND;

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

pub(super) fn date_format(i: &Invocation<'_>) -> Result<ArrayRef> {
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

pub(super) fn from_unixtime(i: &Invocation<'_>) -> Result<ArrayRef> {
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
pub(super) fn parsed(call: &mut FunctionCall<'_>, to: DataType, fails: bool) -> Result<TypedExpr> {
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
pub(super) fn unix_timestamp(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
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
