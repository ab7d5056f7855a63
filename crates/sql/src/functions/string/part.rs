//! Parts of texts and binaries: by place, by delimiter, and one part put in another's place.

use std::sync::Arc;

use arrow::array::ArrayRef;

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::DataType;

/// A part of a text in characters, or of a binary in bytes.
pub(super) fn substring(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let text = call.text();
    call.convert(0, Arg::StrOrBinary)?;
    for index in 1..call.arguments.len() {
        call.convert(index, Arg::Int)?;
    }
    let (data_type, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let value = call.call("substring", data_type, nullable, |inv| {
        let (starts, lengths) = (inv.ints(1)?, inv.optional(2, Invocation::ints)?);
        let bounds = |row: usize| {
            let length = match &lengths {
                None => i32::MAX,
                Some(lengths) => lengths.get(row)?,
            };
            Some((starts.get(row)?, length))
        };
        if inv.types[0] == DataType::Binary {
            let values = inv.binaries(0)?;
            return inv.build_binaries(|row| {
                let pair = values.get(row).zip(bounds(row));
                Ok(pair.map(|(v, bounds)| v[part_of(v.len(), bounds)].to_vec()))
            });
        }
        let texts = inv.strings(0)?;
        inv.build_strings(|row| {
            let pair = texts.get(row).zip(bounds(row));
            Ok(pair.map(|(text, bounds)| {
                let range = part_of(text.chars().count(), bounds);
                text.chars()
                    .skip(range.start)
                    .take(range.len())
                    .collect::<String>()
            }))
        })
    });
    Ok(value.with_name(text))
}

/// Which of `count` items a start, counted from one or from the end, and a length mean.
fn part_of(count: usize, (start, length): (i32, i32)) -> std::ops::Range<usize> {
    let count = count as i64;
    let start = match i64::from(start) {
        0 => 0,
        s if s > 0 => s - 1,
        s => count + s,
    };
    let end = start.saturating_add(i64::from(length)).clamp(0, count);
    let start = start.clamp(0, count);
    start as usize..end.max(start) as usize
}

/// The first or last characters of a text, or bytes of a binary.
pub(super) fn side(call: &mut FunctionCall<'_>, is_left: bool) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    let kind = if is_left { Arg::StrOrBinary } else { Arg::Str };
    call.convert(0, kind)?;
    call.convert(1, Arg::Int)?;
    let (data_type, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let counts = inv.ints(1)?;
        let bounds = |length: usize, count: i32| {
            let count = (count.max(0) as usize).min(length);
            if is_left {
                0..count
            } else {
                length - count..length
            }
        };
        if inv.types[0] == DataType::Binary {
            let values = inv.binaries(0)?;
            return inv.build_binaries(|row| {
                let pair = values.get(row).zip(counts.get(row));
                Ok(pair.map(|(v, n)| v[bounds(v.len(), n)].to_vec()))
            });
        }
        let texts = inv.strings(0)?;
        inv.build_strings(|row| {
            let pair = texts.get(row).zip(counts.get(row));
            Ok(pair.map(|(s, n)| {
                let range = bounds(s.chars().count(), n);
                s.chars()
                    .skip(range.start)
                    .take(range.len())
                    .collect::<String>()
            }))
        })
    });
    let key = is_left.to_string();
    Ok(call
        .call_keyed("side", &key, data_type, nullable, kernel)
        .with_name(text))
}

/// Part of the first argument replaced by the second, from a position on.
pub(super) fn overlay(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(4, 4)?;
    let text = call.text();
    let binary = call.arguments[..2]
        .iter()
        .all(|a| a.data_type == DataType::Binary);
    let data_type = if binary {
        DataType::Binary
    } else {
        DataType::STRING
    };
    call.convert_to(0, &data_type)?;
    call.convert_to(1, &data_type)?;
    call.convert(2, Arg::Int)?;
    call.convert(3, Arg::Int)?;
    let nullable = call.any_nullable();
    let value = call.call("overlay", data_type, nullable, |inv| {
        let (places, lengths) = (inv.ints(2)?, inv.ints(3)?);
        if inv.types[0] == DataType::Binary {
            let (values, parts) = (inv.binaries(0)?, inv.binaries(1)?);
            return inv.build_binaries(|row| {
                let (Some(value), Some(part), Some(place), Some(length)) = (
                    values.get(row),
                    parts.get(row),
                    places.get(row),
                    lengths.get(row),
                ) else {
                    return Ok(None);
                };
                Ok(Some(overlaid(value, part, place, length)))
            });
        }
        let (values, parts) = (inv.strings(0)?, inv.strings(1)?);
        inv.build_strings(|row| {
            let (Some(value), Some(part), Some(place), Some(length)) = (
                values.get(row),
                parts.get(row),
                places.get(row),
                lengths.get(row),
            ) else {
                return Ok(None);
            };
            let (value, part): (Vec<char>, Vec<char>) =
                (value.chars().collect(), part.chars().collect());
            Ok(Some(
                overlaid(&value, &part, place, length)
                    .into_iter()
                    .collect::<String>(),
            ))
        })
    });
    Ok(value.with_name(text))
}

fn overlaid<T: Clone>(value: &[T], part: &[T], place: i32, length: i32) -> Vec<T> {
    let length = if length < 0 {
        part.len() as i64
    } else {
        i64::from(length)
    };
    let start = (i64::from(place) - 1).clamp(0, value.len() as i64);
    let end = (i64::from(place) - 1 + length).clamp(0, value.len() as i64);
    [&value[..start as usize], part, &value[end as usize..]].concat()
}

pub(super) fn split_part(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, delimiters, places) = (inv.strings(0)?, inv.strings(1)?, inv.ints(2)?);
    inv.build_strings(|row| {
        let (Some(text), Some(delimiter), Some(place)) =
            (texts.get(row), delimiters.get(row), places.get(row))
        else {
            return Ok(None);
        };
        let parts: Vec<&str> = if delimiter.is_empty() {
            vec![text]
        } else {
            text.split(delimiter).collect()
        };
        let index = match place {
            0 => return Err(SparkError::index_of_zero()),
            place if place > 0 => place as usize - 1,
            place => match parts.len().checked_sub(place.unsigned_abs() as usize) {
                Some(index) => index,
                None => return Ok(Some("")),
            },
        };
        Ok(Some(parts.get(index).copied().unwrap_or("")))
    })
}

/// What stands before the n-th delimiter, or behind the n-th from the end.
pub(super) fn substring_index(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, delimiters, counts) = (inv.strings(0)?, inv.strings(1)?, inv.ints(2)?);
    inv.build_strings(|row| {
        let (Some(text), Some(delimiter), Some(count)) =
            (texts.get(row), delimiters.get(row), counts.get(row))
        else {
            return Ok(None);
        };
        if delimiter.is_empty() || count == 0 {
            return Ok(Some(""));
        }
        let nth = count.unsigned_abs() as usize - 1;
        Ok(Some(if count > 0 {
            match text.match_indices(delimiter).nth(nth) {
                Some((at, _)) => &text[..at],
                None => text,
            }
        } else {
            match text.rmatch_indices(delimiter).nth(nth) {
                Some((at, _)) => &text[at + delimiter.len()..],
                None => text,
            }
        }))
    })
}
