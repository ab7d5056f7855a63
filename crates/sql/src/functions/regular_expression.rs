//! Functions of regular expressions, continued: how often, where and what.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use arrow::datatypes::Int32Type;

use super::string::{Patterns, group_of};
use super::{Arg, Function, Invocation, Nulls, Returns, scalar};
use crate::error::Result;

pub(super) const FUNCTIONS: &[Function] = &[
    scalar("regexp_count", &[Arg::Str, Arg::Str], Returns::Int, count),
    scalar(
        "regexp_extract_all",
        &[Arg::Str, Arg::Str, Arg::Int],
        Returns::StrArray,
        extract_all,
    ),
    scalar(
        "regexp_instr",
        &[Arg::Str, Arg::Str, Arg::Int],
        Returns::Int,
        position,
    ),
    scalar("regexp_substr", &[Arg::Str, Arg::Str], Returns::Str, first).nulls(Nulls::Always),
];

fn count(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, patterns) = (inv.strings(0)?, Patterns::new(inv, 1, "regexp_count")?);
    inv.build::<Int32Type>(|row| {
        let pair = texts.get(row).zip(patterns.get(row)?);
        Ok(pair.map(|(text, regex)| regex.find_iter(text).count() as i32))
    })
}

fn extract_all(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, groups) = (inv.strings(0)?, inv.ints(2)?);
    let patterns = Patterns::new(inv, 1, "regexp_extract_all")?;
    let mut builder = ListBuilder::new(StringBuilder::new());
    for row in 0..inv.rows {
        let (Some(text), Some(regex), Some(group)) =
            (texts.get(row), patterns.get(row)?, groups.get(row))
        else {
            builder.append(false);
            continue;
        };
        let group = group_of(&regex, group, "regexp_extract_all")?;
        for captures in regex.captures_iter(text) {
            let found = captures.get(group).map_or("", |m| m.as_str());
            builder.values().append_value(found);
        }
        builder.append(true);
    }
    Ok(Arc::new(builder.finish()))
}

/// The place of the first match, counted from one.
fn position(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, groups) = (inv.strings(0)?, inv.ints(2)?);
    let patterns = Patterns::new(inv, 1, "regexp_instr")?;
    inv.build::<Int32Type>(|row| {
        let (Some(text), Some(regex), Some(_)) =
            (texts.get(row), patterns.get(row)?, groups.get(row))
        else {
            return Ok(None);
        };
        let found = regex.find(text);
        Ok(Some(found.map_or(0, |m| {
            text[..m.start()].chars().count() as i32 + 1
        })))
    })
}

fn first(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, patterns) = (inv.strings(0)?, Patterns::new(inv, 1, "regexp_substr")?);
    inv.build_strings(|row| {
        let pair = texts.get(row).zip(patterns.get(row)?);
        Ok(pair.and_then(|(text, regex)| regex.find(text).map(|m| m.as_str().to_owned())))
    })
}
