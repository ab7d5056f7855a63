//! Where one text stands in another, and whether it does.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;

use crate::analyzer::TypedExpr;
use crate::error::Result;
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::{DataType, Literal};

/// The place of one text in another, counted from one; zero if it is not there.
pub(super) fn position(inv: &Invocation<'_>, text: usize, needle: usize) -> Result<ArrayRef> {
    let (texts, needles) = (inv.strings(text)?, inv.strings(needle)?);
    let starts = if inv.count() > 2 {
        Some(inv.ints(2)?)
    } else {
        None
    };
    inv.build::<Int32Type>(|row| {
        let (Some(text), Some(needle)) = (texts.get(row), needles.get(row)) else {
            return Ok(None);
        };
        let start = starts.as_ref().map_or(Some(1), |s| s.get(row)).unwrap_or(0);
        if start < 1 {
            return Ok(Some(0));
        }
        let skipped: usize = text
            .chars()
            .take(start as usize - 1)
            .map(char::len_utf8)
            .sum();
        let found = text
            .get(skipped..)
            .and_then(|rest| rest.find(needle))
            .map(|i| i + skipped);
        Ok(Some(
            found.map_or(0, |i| text[..i].chars().count() as i32 + 1),
        ))
    })
}

pub(super) fn find_in_set(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (words, lists) = (inv.strings(0)?, inv.strings(1)?);
    inv.build::<Int32Type>(|row| {
        Ok(words.get(row).zip(lists.get(row)).map(|(word, list)| {
            if word.contains(',') {
                return 0;
            }
            let place = list.split(',').position(|item| item == word);
            place.map_or(0, |place| place as i32 + 1)
        }))
    })
}

pub(super) fn instr(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 4)?;
    let shown = call.arguments.len();
    while call.arguments.len() < 4 {
        let one = call.analyzer.literal(&Literal::Integer(1))?;
        call.arguments.push(one);
    }
    let names: Vec<&str> = call.arguments.iter().map(|a| a.name.as_str()).collect();
    let names = if shown == 2 { &names[..2] } else { &names[..] };
    let text = format!("{}({})", call.name, names.join(", "));
    let arguments = call.arguments.clone();
    Ok(call.apply("$instr", arguments)?.with_name(text))
}

/// The place of the n-th occurrence from a start on, from the end backwards if the start is negative.
pub(super) fn nth_position(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, words) = (inv.strings(0)?, inv.strings(1)?);
    let (starts, counts) = (inv.ints(2)?, inv.ints(3)?);
    inv.build::<Int32Type>(|row| {
        let (Some(text), Some(word), Some(start), Some(count)) = (
            texts.get(row),
            words.get(row),
            starts.get(row),
            counts.get(row),
        ) else {
            return Ok(None);
        };
        let (text, word): (Vec<char>, Vec<char>) = (text.chars().collect(), word.chars().collect());
        let fits = |at: &usize| text[*at..].starts_with(&word);
        let last = text.len() as i64 - word.len() as i64;
        let nth = (count.max(1) - 1) as usize;
        let found = match i64::from(start) {
            0 => None,
            start if start > 0 => (start - 1..=last)
                .map(|at| at as usize)
                .filter(fits)
                .nth(nth),
            start => {
                let from = (text.len() as i64 + start).min(last);
                (0..=from).rev().map(|at| at as usize).filter(fits).nth(nth)
            }
        };
        Ok(Some(found.map_or(0, |at| at as i32 + 1)))
    })
}

pub(super) fn holds(value: &[u8], part: &[u8]) -> bool {
    part.is_empty() || value.windows(part.len()).any(|window| window == part)
}

/// Texts are compared byte by byte, so binaries and texts are tested alike.
pub(super) fn test(
    call: &mut FunctionCall<'_>,
    holds: fn(&[u8], &[u8]) -> bool,
) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    let binary = call
        .arguments
        .iter()
        .all(|a| a.data_type == DataType::Binary);
    for index in 0..2 {
        if !binary {
            call.convert(index, Arg::Str)?;
        }
        call.cast_argument(index, &DataType::Binary)?;
    }
    let nullable = binary || call.any_nullable();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (values, parts) = (inv.binaries(0)?, inv.binaries(1)?);
        inv.build_booleans(|row| {
            Ok(values
                .get(row)
                .zip(parts.get(row))
                .map(|(v, p)| holds(v, p)))
        })
    });
    let name = call.name.clone();
    Ok(call
        .call_keyed(&name, "", DataType::Boolean, nullable, kernel)
        .with_name(text))
}
