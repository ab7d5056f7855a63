//! What stands at the ends of a text: padding and trimming.

use std::sync::Arc;

use arrow::array::ArrayRef;

use crate::analyzer::TypedExpr;
use crate::error::Result;
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::{DataType, Literal};

/// A text filled up to a number of characters, or a binary to a number of bytes.
pub(super) fn padded(call: &mut FunctionCall<'_>, left: bool) -> Result<TypedExpr> {
    let is_binary = call
        .arguments
        .first()
        .is_some_and(|a| a.data_type == DataType::Binary);
    let filler = call.arguments.get(2).map(|a| a.data_type.is_string());
    let (least, most) = (2, 3);
    call.arity(least, most)?;
    let written = call.raw.len();
    let by_default = is_binary && written < most && filler == Some(true);
    if by_default {
        let zero = call.analyzer.literal(&Literal::Binary(vec![0]))?;
        call.arguments[2] = zero;
    }
    let text = call.text();
    let kind = if is_binary { Arg::Binary } else { Arg::Str };
    call.convert(0, kind)?;
    call.convert(1, Arg::Int)?;
    call.convert(2, kind)?;
    let (data_type, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let kernel = Arc::new(move |inv: &Invocation<'_>| match inv.types[0] {
        DataType::Binary => pad_binaries(inv, left),
        _ => pad(inv, left),
    });
    let key = left.to_string();
    Ok(call
        .call_keyed("pad", &key, data_type, nullable, kernel)
        .with_name(text))
}

fn pad_binaries(inv: &Invocation<'_>, left: bool) -> Result<ArrayRef> {
    let (values, widths, fillers) = (inv.binaries(0)?, inv.ints(1)?, inv.binaries(2)?);
    inv.build_binaries(|row| {
        let (Some(value), Some(width), Some(filler)) =
            (values.get(row), widths.get(row), fillers.get(row))
        else {
            return Ok(None);
        };
        let width = width.max(0) as usize;
        let missing = width.saturating_sub(value.len());
        let value = &value[..value.len().min(width)];
        let padding: Vec<u8> = filler.iter().copied().cycle().take(missing).collect();
        Ok(Some(if left {
            [&padding, value].concat()
        } else {
            [value, &padding].concat()
        }))
    })
}

fn pad(inv: &Invocation<'_>, left: bool) -> Result<ArrayRef> {
    let (texts, widths, fillers) = (inv.strings(0)?, inv.ints(1)?, inv.strings(2)?);
    inv.build_strings(|row| {
        let (Some(text), Some(width), Some(filler)) =
            (texts.get(row), widths.get(row), fillers.get(row))
        else {
            return Ok(None);
        };
        let (width, count) = (width.max(0) as usize, text.chars().count());
        if width <= count {
            return Ok(Some(text.chars().take(width).collect::<String>()));
        }
        let padding: String = filler
            .chars()
            .cycle()
            .take(if filler.is_empty() { 0 } else { width - count })
            .collect();
        Ok(Some(if left {
            padding + text
        } else {
            text.to_owned() + &padding
        }))
    })
}

/// `order` says where the text and the characters to drop stand.
pub(super) fn trim(
    call: &mut FunctionCall<'_>,
    side: &str,
    order: [usize; 2],
) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let side_argument = call.analyzer.literal(&Literal::String(side.to_owned()))?;
    if call.arguments.len() == 1 {
        let text = call.text();
        let blank = call.analyzer.literal(&Literal::String(" ".to_owned()))?;
        let value = call.arguments[0].clone();
        return Ok(call
            .apply("$trim", vec![value, blank, side_argument])?
            .with_name(text));
    }
    let [value, marks] = order.map(|index| call.arguments[index].clone());
    let text = match call.name.as_str() {
        "btrim" => call.text(),
        _ => format!("TRIM({side} {} FROM {})", marks.name, value.name),
    };
    Ok(call
        .apply("$trim", vec![value, marks, side_argument])?
        .with_name(text))
}

pub(super) fn trimmed(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, marks, sides) = (inv.strings(0)?, inv.strings(1)?, inv.strings(2)?);
    inv.build_strings(|row| {
        let (Some(mut text), Some(marks), Some(side)) =
            (texts.get(row), marks.get(row), sides.get(row))
        else {
            return Ok(None);
        };
        if side != "TRAILING" {
            text = text.trim_start_matches(|c| marks.contains(c));
        }
        if side != "LEADING" {
            text = text.trim_end_matches(|c| marks.contains(c));
        }
        Ok(Some(text))
    })
}
