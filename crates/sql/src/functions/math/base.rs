//! Numbers in other bases: binary, hexadecimal, any from 2 to 36.

use arrow::array::ArrayRef;

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::{FunctionCall, Invocation};
use crate::ir::DataType;

pub(super) fn binary(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let values = inv.longs(0)?;
    inv.build_strings(|row| Ok(values.get(row).map(|n| format!("{n:b}"))))
}

/// Numbers, and the bytes of texts and binaries.
pub(super) fn hex(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.text();
    let is_bytes = match &call.arguments[0].data_type {
        DataType::Binary | DataType::String(_) => true,
        t if t.is_numeric() || *t == DataType::Null => false,
        _ => return Err(call.unexpected_type(0, "(\"BIGINT\" or \"BINARY\" or \"STRING\")")),
    };
    let target = if is_bytes {
        DataType::Binary
    } else {
        DataType::Long
    };
    call.cast_argument(0, &target)?;
    let nullable = call.any_nullable();
    let value = call.call("hex", DataType::STRING, nullable, |inv| {
        if inv.types[0] == DataType::Long {
            let values = inv.longs(0)?;
            return inv.build_strings(|row| Ok(values.get(row).map(|n| format!("{n:X}"))));
        }
        let values = inv.binaries(0)?;
        inv.build_strings(|row| Ok(values.get(row).map(hex_text)))
    });
    Ok(value.with_name(text))
}

/// Two capital digits a byte.
pub(in crate::functions) fn hex_text(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

/// The bytes of a text of hexadecimal digits; an odd first digit is a byte of its own.
pub(in crate::functions) fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).map(|d| d as u8))
        .collect();
    let mut digits = digits?;
    if digits.len() % 2 == 1 {
        digits.insert(0, 0);
    }
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

pub(super) fn unhex(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let texts = inv.strings(0)?;
    inv.build_binaries(|row| Ok(texts.get(row).and_then(hex_bytes)))
}

/// A number's digits from one base to another; a negative target base keeps the sign.
pub(super) fn convert(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, froms, tos) = (inv.strings(0)?, inv.ints(1)?, inv.ints(2)?);
    inv.build_strings(|row| {
        let (Some(text), Some(from), Some(to)) = (texts.get(row), froms.get(row), tos.get(row))
        else {
            return Ok(None);
        };
        if !(2..=36).contains(&from) || !(2..=36).contains(&to.abs()) {
            return Ok(None);
        }
        converted(text.trim(), from as u32, to, inv.context.ansi)
    })
}

fn converted(text: &str, from: u32, to: i32, ansi: bool) -> Result<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut value: u64 = 0;
    for digit in digits.chars().map_while(|c| c.to_digit(from)) {
        let next = value
            .checked_mul(u64::from(from))
            .and_then(|v| v.checked_add(u64::from(digit)));
        value = match next {
            Some(next) => next,
            None if ansi => {
                return Err(SparkError::arithmetic_overflow(
                    "Overflow in function conv()",
                    None,
                ));
            }
            None => {
                value = u64::MAX;
                break;
            }
        };
    }
    let mut negative = negative;
    if negative && to > 0 {
        value = if (value as i64) < 0 {
            u64::MAX
        } else {
            (value as i64).wrapping_neg() as u64
        };
        negative = false;
    }
    if to < 0 && (value as i64) < 0 {
        value = (value as i64).wrapping_neg() as u64;
        negative = true;
    }
    let mut text = in_base(value, u64::from(to.unsigned_abs()));
    if negative && to < 0 {
        text.insert(0, '-');
    }
    Ok(Some(text))
}

fn in_base(mut value: u64, base: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = char::from_digit((value % base) as u32, base as u32).unwrap_or('0');
        digits.push(digit.to_ascii_uppercase());
        value /= base;
        if value == 0 {
            return digits.iter().rev().collect();
        }
    }
}
