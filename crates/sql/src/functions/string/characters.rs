//! Texts character by character: codes, case, translation, masks.

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;

use crate::error::{Result, SparkError};
use crate::functions::{Invocation, ordinal};

pub(super) fn initcap(text: &str) -> String {
    let mut start = true;
    text.chars()
        .flat_map(|c| {
            let converted: Vec<char> = if start {
                c.to_uppercase().collect()
            } else {
                c.to_lowercase().collect()
            };
            start = c == ' ';
            converted
        })
        .collect()
}

pub(super) fn translate(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, froms, tos) = (inv.strings(0)?, inv.strings(1)?, inv.strings(2)?);
    inv.build_strings(|row| {
        let (Some(text), Some(from), Some(to)) = (texts.get(row), froms.get(row), tos.get(row))
        else {
            return Ok(None);
        };
        let to: Vec<char> = to.chars().collect();
        let translated = text
            .chars()
            .filter_map(|c| match from.chars().position(|f| f == c) {
                None => Some(c),
                Some(index) => to.get(index).copied(),
            });
        Ok(Some(translated.collect::<String>()))
    })
}

pub(super) fn ascii(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let texts = inv.strings(0)?;
    inv.build::<Int32Type>(|row| {
        Ok(texts
            .get(row)
            .map(|s| s.chars().next().map_or(0, |c| c as i32)))
    })
}

/// The character of a code below 256.
pub(super) fn character(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let codes = inv.longs(0)?;
    inv.build_strings(|row| {
        Ok(codes.get(row).map(|code| match code {
            code if code < 0 => String::new(),
            code => char::from((code & 0xff) as u8).to_string(),
        }))
    })
}

/// Letters and digits replaced by one of their kind; a kind without replacement stays.
pub(super) fn mask(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let texts = inv.strings(0)?;
    let replacements = (1..5).map(|i| inv.strings(i)).collect::<Result<Vec<_>>>()?;
    inv.build_strings(|row| {
        let Some(text) = texts.get(row) else {
            return Ok(None);
        };
        let mut marks = [None; 4];
        for (index, replacement) in replacements.iter().enumerate() {
            let Some(word) = replacement.get(row) else {
                continue;
            };
            let mut characters = word.chars();
            marks[index] = characters.next();
            if marks[index].is_none() || characters.next().is_some() {
                return Err(SparkError::mismatch(
                    "INPUT_SIZE_NOT_ONE",
                    "mask",
                    format!("Length of {} should be 1.", ordinal(index + 1)),
                ));
            }
        }
        let masked = text.chars().map(|c| {
            let kind = match c {
                c if c.is_uppercase() => 0,
                c if c.is_lowercase() => 1,
                c if c.is_numeric() => 2,
                _ => 3,
            };
            marks[kind].unwrap_or(c)
        });
        Ok(Some(masked.collect::<String>()))
    })
}
