//! `format_number(x, digits)`: thousands apart, halves to the even digit; or a pattern of `#`, `0`, `,` and `.`.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType as ArrowType;

use crate::analyzer::TypedExpr;
use crate::cast::decimal_text;
use crate::error::Result;
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::DataType;

/// What a pattern says of whole and fraction.
struct Shape {
    group: usize,
    whole_least: usize,
    fraction_least: usize,
    fraction_most: usize,
    prefix: String,
    suffix: String,
}

pub(super) fn format_number(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    call.convert(0, Arg::Numeric)?;
    if !call.arguments[1].data_type.is_string() {
        call.convert(1, Arg::Int)?;
    }
    let value = call.call("format_number", DataType::STRING, true, |inv| {
        if matches!(inv.types[1], DataType::String(_)) {
            let patterns = inv.strings(1)?;
            return format_all(inv, |row| patterns.get(row).map(shape));
        }
        let digits = inv.ints(1)?;
        format_all(inv, |row| {
            let digits = digits.get(row).filter(|d| *d >= 0)? as usize;
            Some(Shape {
                group: 3,
                whole_least: 1,
                fraction_least: digits,
                fraction_most: digits,
                prefix: String::new(),
                suffix: String::new(),
            })
        })
    });
    Ok(value.with_name(text))
}

fn shape(pattern: &str) -> Shape {
    let pattern = if pattern.is_empty() {
        "#,###,###,###,###,###,##0"
    } else {
        pattern
    };
    let of_number = |c: char| "#0,.".contains(c);
    let start = pattern.find(of_number).unwrap_or(pattern.len());
    let end = pattern.rfind(of_number).map_or(start, |at| at + 1);
    let (whole, fraction) = pattern[start..end]
        .split_once('.')
        .unwrap_or((&pattern[start..end], ""));
    Shape {
        group: whole.rsplit_once(',').map_or(0, |(_, last)| last.len()),
        whole_least: whole.matches('0').count(),
        fraction_least: fraction.matches('0').count(),
        fraction_most: fraction.len(),
        prefix: pattern[..start].replace('\'', ""),
        suffix: pattern[end..].replace('\'', ""),
    }
}

fn format_all(inv: &Invocation<'_>, shape: impl Fn(usize) -> Option<Shape>) -> Result<ArrayRef> {
    let numbers = digits_of(inv)?;
    inv.build_strings(|row| {
        Ok(numbers(row)
            .zip(shape(row))
            .map(|(number, shape)| formatted(&number, &shape)))
    })
}

/// The numbers as plain decimal texts, or `NaN` and its kin.
fn digits_of<'a>(inv: &'a Invocation<'_>) -> Result<Box<dyn Fn(usize) -> Option<String> + 'a>> {
    Ok(match &inv.types[0] {
        DataType::Double => {
            let values = inv.doubles(0)?;
            Box::new(move |row| values.get(row).map(|v| format!("{v}")))
        }
        DataType::Float => {
            let values = inv.floats(0)?;
            Box::new(move |row| values.get(row).map(|v| format!("{}", f64::from(v))))
        }
        DataType::Decimal { scale, .. } => {
            let (values, scale) = (inv.decimals(0)?, *scale);
            Box::new(move |row| values.get(row).map(|v| decimal_text(v, scale)))
        }
        _ => {
            let longs = arrow::compute::cast(&inv.expanded(0)?, &ArrowType::Int64)?;
            let longs =
                arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(&longs).clone();
            Box::new(move |row| {
                arrow::array::Array::is_valid(&longs, row).then(|| longs.value(row).to_string())
            })
        }
    })
}

fn formatted(number: &str, shape: &Shape) -> String {
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    match number {
        "NaN" => return "NaN".to_owned(),
        "inf" => return if negative { "-∞" } else { "∞" }.to_owned(),
        _ => {}
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let (whole, mut fraction) = rounded(whole, fraction, shape.fraction_most);
    while fraction.len() > shape.fraction_least && fraction.ends_with('0') {
        fraction.pop();
    }
    let whole = format!(
        "{:0>width$}",
        whole.trim_start_matches('0'),
        width = shape.whole_least
    );
    let mut out = String::new();
    let is_zero = whole.chars().chain(fraction.chars()).all(|c| c == '0');
    if negative && !is_zero {
        out.push('-');
    }
    out.push_str(&shape.prefix);
    for (index, digit) in whole.chars().enumerate() {
        if shape.group > 0 && index > 0 && (whole.len() - index) % shape.group == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(&fraction);
    }
    out + &shape.suffix
}

/// Whole and fraction with exactly `digits` digits behind the point, halves to the even digit.
fn rounded(whole: &str, fraction: &str, digits: usize) -> (String, String) {
    if fraction.len() <= digits {
        return (whole.to_owned(), format!("{fraction:0<digits$}"));
    }
    let (kept, cut) = fraction.split_at(digits);
    let mut all: Vec<u8> = whole.bytes().chain(kept.bytes()).collect();
    let rest = cut[1..].bytes().any(|b| b != b'0');
    let last_is_odd = all.last().is_some_and(|b| (b - b'0') % 2 == 1);
    let up = match cut.as_bytes()[0] {
        b'5' => rest || last_is_odd,
        first => first > b'5',
    };
    if up {
        let mut place = all.len();
        loop {
            if place == 0 {
                all.insert(0, b'1');
                break;
            }
            place -= 1;
            if all[place] == b'9' {
                all[place] = b'0';
            } else {
                all[place] += 1;
                break;
            }
        }
    }
    let text: String = all.into_iter().map(char::from).collect();
    let (whole, fraction) = text.split_at(text.len() - digits);
    (whole.to_owned(), fraction.to_owned())
}
