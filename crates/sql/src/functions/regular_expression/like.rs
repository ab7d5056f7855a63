//! `LIKE`, `ILIKE` and `RLIKE`: whether a text is of a pattern.

use std::sync::Arc;

use super::compile;
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::DataType;

pub(super) fn matching(call: &mut FunctionCall<'_>, word: &'static str) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let text = match word {
        "RLIKE" => format!(
            "{}({}, {})",
            call.name.to_uppercase(),
            call.arguments[0].name,
            call.arguments[1].name
        ),
        "LIKE" => {
            let escape = match call.arguments.get(2).and_then(|e| e.constant_string()) {
                Some(escape) if escape != "\\" => format!(" ESCAPE '{escape}'"),
                _ => String::new(),
            };
            let [value, pattern] = [0, 1].map(|i| &call.arguments[i].name);
            format!("{value} LIKE {pattern}{escape}")
        }
        _ => format!(
            "ilike({}, {})",
            call.arguments[0].name, call.arguments[1].name
        ),
    };
    let escape = match call.arguments.get(2) {
        Some(_) => call
            .constant_string(2, "escapeChar")?
            .chars()
            .next()
            .unwrap_or('\\'),
        None => '\\',
    };
    call.arguments.truncate(2);
    call.convert(0, Arg::Str)?;
    call.convert(1, Arg::Str)?;
    let nullable = call.any_nullable();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (texts, patterns) = (inv.strings(0)?, inv.strings(1)?);
        let compiled = |pattern: &str| match word {
            "RLIKE" => compile(pattern, "rlike"),
            _ => compile(&like_pattern(pattern, escape, word == "ILIKE")?, "like"),
        };
        let constant = patterns.constant().map(&compiled).transpose()?;
        inv.build_booleans(|row| {
            let (Some(text), Some(pattern)) = (texts.get(row), patterns.get(row)) else {
                return Ok(None);
            };
            match &constant {
                Some(regex) => Ok(Some(regex.is_match(text))),
                None => Ok(Some(compiled(pattern)?.is_match(text))),
            }
        })
    });
    Ok(call
        .call_keyed(
            word,
            &escape.to_string(),
            DataType::Boolean,
            nullable,
            kernel,
        )
        .with_name(text))
}

/// A LIKE pattern as a regular expression.
fn like_pattern(pattern: &str, escape: char, ignore_case: bool) -> Result<String> {
    let mut out = String::from(if ignore_case { "(?is)^" } else { "(?s)^" });
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            c if c == escape => match characters.next() {
                Some(next @ ('%' | '_')) => out.push(next),
                Some(next) if next == escape => out.push_str(&regex::escape(&next.to_string())),
                Some(next) => out.push_str(&regex::escape(&format!("{escape}{next}"))),
                None => {
                    return Err(SparkError::streaming(
                        crate::error::Exception::Analysis,
                        "INVALID_FORMAT.ESC_AT_THE_END",
                        "42601",
                        format!(
                            "The format is invalid: '{pattern}'. The escape character is not allowed to end with."
                        ),
                        &[("format", pattern)],
                    ));
                }
            },
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    out.push('$');
    Ok(out)
}
