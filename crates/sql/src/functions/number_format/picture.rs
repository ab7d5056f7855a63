//! Pictures of numbers: `$999,999.00`, `S0D99`, `9.9PR`.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::Decimal128Type;

use crate::analyzer::TypedExpr;
use crate::cast::decimal_text;
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::DataType;
use crate::types::coercion::decimal_for;

/// How the sign is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    None,
    /// `S` or `MI` in front, behind.
    Leading {
        always: bool,
    },
    Trailing {
        always: bool,
    },
    /// `PR`: negative numbers between angle brackets.
    Brackets,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Picture {
    sign: Sign,
    dollar: bool,
    /// `9`, `0` and `,` in front of the point.
    whole: Vec<char>,
    /// `9` and `0` behind it.
    fraction: Vec<char>,
}

impl Picture {
    fn parse(text: &str) -> Option<Self> {
        let upper = text.to_uppercase();
        let mut rest = upper.as_str();
        let mut sign = Sign::None;
        if let Some(after) = rest.strip_prefix("MI") {
            (sign, rest) = (Sign::Leading { always: false }, after);
        } else if let Some(after) = rest.strip_prefix('S') {
            (sign, rest) = (Sign::Leading { always: true }, after);
        } else if let Some(before) = rest.strip_suffix("MI") {
            (sign, rest) = (Sign::Trailing { always: false }, before);
        } else if let Some(before) = rest.strip_suffix("PR") {
            (sign, rest) = (Sign::Brackets, before);
        } else if let Some(before) = rest.strip_suffix('S') {
            (sign, rest) = (Sign::Trailing { always: true }, before);
        }
        let dollar = rest.starts_with('$');
        rest = rest.strip_prefix('$').unwrap_or(rest);
        let (whole, fraction) = rest.split_once(['.', 'D']).unwrap_or((rest, ""));
        let whole: Vec<char> = whole
            .chars()
            .map(|c| if c == 'G' { ',' } else { c })
            .collect();
        let fraction: Vec<char> = fraction.chars().collect();
        let known =
            whole.iter().all(|c| "90,".contains(*c)) && fraction.iter().all(|c| "90".contains(*c));
        let digits = whole.iter().filter(|c| **c != ',').count() + fraction.len();
        let picture = Self {
            sign,
            dollar,
            whole,
            fraction,
        };
        (known && digits > 0 && digits <= 38).then_some(picture)
    }

    fn whole_digits(&self) -> usize {
        self.whole.iter().filter(|c| **c != ',').count()
    }

    fn data_type(&self) -> DataType {
        let scale = self.fraction.len();
        DataType::Decimal {
            precision: (self.whole_digits() + scale) as u8,
            scale: scale as i8,
        }
    }

    /// The number that a text shows, as digits of [`Picture::data_type`].
    fn read(&self, text: &str) -> Option<i128> {
        let text = text.trim();
        let (negative, text) = match self.sign {
            Sign::Brackets => match text.strip_prefix('<').and_then(|t| t.strip_suffix('>')) {
                Some(inner) => (true, inner),
                None => (false, text),
            },
            Sign::Leading { .. } => match text.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, text.strip_prefix('+').unwrap_or(text)),
            },
            Sign::Trailing { .. } => match text.strip_suffix('-') {
                Some(rest) => (true, rest),
                None => (false, text.strip_suffix('+').unwrap_or(text)),
            },
            Sign::None => (false, text),
        };
        let text = if self.dollar {
            text.strip_prefix('$')?
        } else {
            text
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let whole = self.whole_of(whole)?;
        if fraction.len() > self.fraction.len() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits = format!("{whole}{fraction:0<width$}", width = self.fraction.len());
        let value: i128 = if digits.is_empty() {
            0
        } else {
            digits.parse().ok()?
        };
        Some(if negative { -value } else { value })
    }

    /// The digits in front of the point: commas where the picture has them, at most as many digits, from a zero on
    /// exactly as many.
    fn whole_of(&self, text: &str) -> Option<String> {
        let mut digits = String::new();
        let mut given = text.chars().rev().peekable();
        for mark in self.whole.iter().rev() {
            match (mark, given.peek()) {
                (',', Some(',')) => {
                    given.next();
                }
                (',', None) => {}
                (',', Some(_)) => return None,
                (_, Some(c)) if c.is_ascii_digit() => {
                    digits.insert(0, *c);
                    given.next();
                }
                (_, Some(_)) => return None,
                (_, None) => {}
            }
        }
        let exact = self.whole.first() == Some(&'0') && digits.len() != self.whole_digits();
        (given.next().is_none() && !exact).then_some(digits)
    }

    /// The text of a number, `#` where it does not fit.
    fn write(&self, value: i128, scale: i8) -> String {
        let text = decimal_text(value.unsigned_abs() as i128, scale);
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let whole = whole.trim_start_matches('0');
        let fraction_digits = fraction.trim_end_matches('0');
        let overflows =
            whole.len() > self.whole_digits() || fraction_digits.len() > self.fraction.len();
        let mut out = String::new();
        let mut digits = whole.chars().rev();
        let mut left = whole.len();
        let zeros_from = self
            .whole
            .iter()
            .position(|c| *c == '0')
            .unwrap_or(usize::MAX);
        for (index, mark) in self.whole.iter().enumerate().rev() {
            let shown = match (*mark, left > 0, overflows) {
                (',', ..) if overflows => ',',
                (',', true, _) => ',',
                (',', false, _) if index > zeros_from => ',',
                (',', ..) => ' ',
                (_, _, true) => '#',
                (_, true, _) => {
                    left -= 1;
                    digits.next().unwrap_or('0')
                }
                (_, false, _) if index >= zeros_from => '0',
                _ => ' ',
            };
            out.insert(0, shown);
        }
        if self.dollar {
            let blanks = out.len() - out.trim_start().len();
            out.insert(blanks, '$');
        }
        if !self.fraction.is_empty() {
            out.push('.');
            let mut digits = fraction.chars();
            for _ in &self.fraction {
                let digit = digits.next().unwrap_or('0');
                out.push(if overflows { '#' } else { digit });
            }
        }
        self.with_sign(out, value < 0)
    }

    fn with_sign(&self, text: String, negative: bool) -> String {
        let mark = |always: bool| match (negative, always) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => " ",
        };
        match self.sign {
            Sign::None if negative => format!("-{text}"),
            Sign::None => text,
            Sign::Leading { always } => {
                let blanks = text.len() - text.trim_start().len();
                format!("{}{}{}", &text[..blanks], mark(always), &text[blanks..])
            }
            Sign::Trailing { always } => format!("{text}{}", mark(always)),
            Sign::Brackets if negative => format!("<{text}>"),
            Sign::Brackets => format!("{text} "),
        }
    }
}

fn picture_argument(call: &FunctionCall<'_>) -> Result<(Picture, String)> {
    let argument = call.analyzer.fold(call.arguments[1].clone());
    let text = argument
        .constant_string()
        .ok_or_else(|| SparkError::not_foldable(&call.name, "format", "STRING", &argument.name))?
        .to_owned();
    let picture = Picture::parse(&text).ok_or_else(|| SparkError::invalid_number_format(&text))?;
    Ok((picture, text))
}

pub(super) fn to_number(call: &mut FunctionCall<'_>, fails: bool) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    let (picture, format) = picture_argument(call)?;
    let result = picture.data_type();
    call.arguments.truncate(1);
    call.convert(0, Arg::Str)?;
    let key = format!("{format} {fails}");
    let nullable = !fails || call.any_nullable();
    let kernel = Arc::new(move |inv: &Invocation<'_>| -> Result<ArrayRef> {
        let texts = inv.strings(0)?;
        inv.build::<Decimal128Type>(|row| {
            let Some(text) = texts.get(row) else {
                return Ok(None);
            };
            match picture.read(text) {
                None if fails => Err(SparkError::invalid_format_mismatch(text, &format)),
                number => Ok(number),
            }
        })
    });
    Ok(call
        .call_keyed("to_number", &key, result, nullable, kernel)
        .with_name(text))
}

pub(super) fn to_char(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let text = call.text();
    let (picture, format) = picture_argument(call)?;
    call.arguments.truncate(1);
    let target = match &call.arguments[0].data_type {
        DataType::Double | DataType::String(_) | DataType::Null => DataType::Decimal {
            precision: 30,
            scale: 15,
        },
        DataType::Float => DataType::Decimal {
            precision: 14,
            scale: 7,
        },
        other => match decimal_for(other) {
            Some((precision, scale)) => DataType::Decimal { precision, scale },
            None => return Err(call.unexpected_type(0, "\"DECIMAL\"")),
        },
    };
    call.cast_argument(0, &target)?;
    let nullable = call.any_nullable();
    let DataType::Decimal { scale, .. } = target else {
        return Err(SparkError::internal("a number is a decimal here"));
    };
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let values = inv.decimals(0)?;
        inv.build_strings(|row| Ok(values.get(row).map(|v| picture.write(v, scale))))
    });
    Ok(call
        .call_keyed("to_char", &format, DataType::STRING, nullable, kernel)
        .with_name(text))
}
