//! `format_string`: Java's formats for the types that SQL has.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};

use crate::analyzer::TypedExpr;
use crate::cast::{Style, ValueWriter};
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::DataType;

pub(super) fn format_string(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, usize::MAX)?;
    let text = call.text();
    call.convert(0, Arg::Str)?;
    let nullable = call.arguments[0].nullable;
    let kernel = Arc::new(|inv: &Invocation<'_>| {
        let formats = inv.strings(0)?;
        let values = (1..inv.count())
            .map(|i| Value::new(inv, i))
            .collect::<Result<Vec<_>>>()?;
        let writer = ValueWriter::new(Style::Cast, inv.context.time_zone);
        inv.build_strings(|row| {
            formats
                .get(row)
                .map(|format| formatted(format, &values, row, &writer))
                .transpose()
        })
    });
    Ok(call
        .call_keyed("format_string", "", DataType::STRING, nullable, kernel)
        .with_name(text))
}

/// An argument as every conversion may want it.
struct Value<'a> {
    array: ArrayRef,
    data_type: &'a DataType,
    whole: Option<arrow::array::Int64Array>,
    real: Option<arrow::array::Float64Array>,
}

impl<'a> Value<'a> {
    fn new(inv: &'a Invocation<'_>, index: usize) -> Result<Self> {
        let array = inv.expanded(index)?;
        let data_type = &inv.types[index];
        let cast = |to| arrow::compute::cast(&array, to);
        let whole = match data_type.is_integral() {
            true => Some(
                cast(&arrow::datatypes::DataType::Int64)?
                    .as_primitive::<Int64Type>()
                    .clone(),
            ),
            false => None,
        };
        let real = match data_type.is_fractional() {
            true => Some(
                cast(&arrow::datatypes::DataType::Float64)?
                    .as_primitive::<Float64Type>()
                    .clone(),
            ),
            false => None,
        };
        Ok(Self {
            array,
            data_type,
            whole,
            real,
        })
    }
}

/// One `%…`: flags, width, precision, conversion.
struct Conversion {
    argument: Option<usize>,
    left: bool,
    plus: bool,
    zero: bool,
    comma: bool,
    width: usize,
    precision: Option<usize>,
    kind: char,
}

fn bad_format(format: &str) -> SparkError {
    SparkError::invalid_parameter_value(
        "PATTERN",
        "format_string",
        "strfmt",
        format!("the format '{format}' does not fit its arguments."),
    )
}

fn formatted(
    format: &str,
    values: &[Value<'_>],
    row: usize,
    writer: &ValueWriter,
) -> Result<String> {
    let mut out = String::new();
    let mut rest = format;
    let mut next = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (conversion, after) = conversion(&rest[at + 1..]).ok_or_else(|| bad_format(format))?;
        rest = after;
        match conversion.kind {
            '%' => out.push_str(&padded("%".to_owned(), &conversion)),
            'n' => out.push('\n'),
            _ => {
                let index = conversion.argument.unwrap_or_else(|| {
                    next += 1;
                    next - 1
                });
                let value = values.get(index).ok_or_else(|| bad_format(format))?;
                let text = converted(value, row, &conversion, writer);
                out.push_str(&text.ok_or_else(|| bad_format(format))?);
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn conversion(text: &str) -> Option<(Conversion, &str)> {
    let digits =
        |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mut rest = text;
    let mut argument = None;
    let index_length = digits(rest);
    if index_length > 0 && rest[index_length..].starts_with('$') {
        argument = Some(rest[..index_length].parse::<usize>().ok()?.checked_sub(1)?);
        rest = &rest[index_length + 1..];
    }
    let flags_length = rest.len()
        - rest
            .trim_start_matches(['-', '+', '0', ',', ' ', '(', '#'])
            .len();
    let flags = &rest[..flags_length];
    rest = &rest[flags_length..];
    let width_length = digits(rest);
    let width = rest[..width_length].parse().unwrap_or(0);
    rest = &rest[width_length..];
    let mut precision = None;
    if let Some(after) = rest.strip_prefix('.') {
        let length = digits(after);
        precision = Some(after[..length].parse().ok()?);
        rest = &after[length..];
    }
    let kind = rest.chars().next()?;
    let conversion = Conversion {
        argument,
        left: flags.contains('-'),
        plus: flags.contains('+'),
        zero: flags.contains('0'),
        comma: flags.contains(','),
        width,
        precision,
        kind,
    };
    Some((conversion, &rest[kind.len_utf8()..]))
}

/// Nothing if the value has no such form.
fn converted(
    value: &Value<'_>,
    row: usize,
    how: &Conversion,
    writer: &ValueWriter,
) -> Option<String> {
    if value.array.is_null(row) || *value.data_type == DataType::Null {
        return Some(padded("null".to_owned(), how));
    }
    let text = match how.kind {
        'd' => signed(
            value.whole.as_ref()?.value(row) < 0,
            &grouped(
                &value.whole.as_ref()?.value(row).unsigned_abs().to_string(),
                how,
            ),
            how,
        ),
        'x' | 'X' | 'o' => {
            let whole = value.whole.as_ref()?.value(row);
            let bits = match value.data_type {
                DataType::Integer => u64::from(whole as u32),
                _ => whole as u64,
            };
            match how.kind {
                'o' => format!("{bits:o}"),
                'x' => format!("{bits:x}"),
                _ => format!("{bits:X}"),
            }
        }
        'f' => {
            let real = value.real.as_ref()?.value(row);
            let digits = format!("{:.*}", how.precision.unwrap_or(6), real.abs());
            let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
            let whole = grouped(whole, how);
            let point = if fraction.is_empty() { "" } else { "." };
            signed(real < 0.0, &format!("{whole}{point}{fraction}"), how)
        }
        'e' | 'E' => {
            let real = value.real.as_ref()?.value(row);
            let text = format!("{:.*e}", how.precision.unwrap_or(6), real.abs());
            let (mantissa, exponent) = text.split_once('e')?;
            let exponent: i32 = exponent.parse().ok()?;
            let sign = if exponent < 0 { '-' } else { '+' };
            let text = format!("{mantissa}{}{sign}{:02}", how.kind, exponent.abs());
            signed(real < 0.0, &text, how)
        }
        'c' => char::from_u32(value.whole.as_ref()?.value(row) as u32)?.to_string(),
        'b' | 'B' if *value.data_type == DataType::Boolean => {
            writer.text(&value.array, value.data_type, row)?
        }
        's' | 'S' => {
            let text = writer.text(&value.array, value.data_type, row)?;
            let text: String = text
                .chars()
                .take(how.precision.unwrap_or(usize::MAX))
                .collect();
            if how.kind == 'S' {
                text.to_uppercase()
            } else {
                text
            }
        }
        _ => return None,
    };
    Some(padded(text, how))
}

fn grouped(digits: &str, how: &Conversion) -> String {
    if !how.comma {
        return digits.to_owned();
    }
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The sign stands before the zeros that fill the width.
fn signed(negative: bool, digits: &str, how: &Conversion) -> String {
    let sign = if negative {
        "-"
    } else if how.plus {
        "+"
    } else {
        ""
    };
    if how.zero && !how.left {
        let width = how.width.saturating_sub(sign.len());
        return format!("{sign}{digits:0>width$}");
    }
    format!("{sign}{digits}")
}

fn padded(text: String, how: &Conversion) -> String {
    let missing = how.width.saturating_sub(text.chars().count());
    let blanks = " ".repeat(missing);
    if how.left {
        text + &blanks
    } else {
        blanks + &text
    }
}
