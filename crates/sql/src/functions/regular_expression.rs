//! Regular expressions: split, replace, extract, count; where and whether they match.
//!
//! Start at [`Patterns`], which compiles a constant pattern once.

mod like;

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use arrow::datatypes::Int32Type;
use regex::Regex;

use like::matching;

use super::{Arg, Function, Invocation, Nulls, Returns, custom, scalar};
use crate::error::{Result, SparkError};

pub(super) const FUNCTIONS: &[Function] = &[
    scalar(
        "split",
        &[Arg::Str, Arg::Str, Arg::Int],
        Returns::StrArray,
        split,
    )
    .needs(3),
    scalar(
        "regexp_replace",
        &[Arg::Str, Arg::Str, Arg::Str, Arg::Int],
        Returns::Str,
        regexp_replace,
    ),
    scalar(
        "regexp_extract",
        &[Arg::Str, Arg::Str, Arg::Int],
        Returns::Str,
        regexp_extract,
    )
    .needs(2),
    custom("rlike", |call| matching(call, "RLIKE")).or(&["regexp", "regexp_like"]),
    custom("like", |call| matching(call, "LIKE")),
    custom("ilike", |call| matching(call, "ILIKE")),
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

/// What has a meaning in a pattern, outside of brackets.
const META_CHARACTERS: [char; 14] = [
    '\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$',
];

/// A regular expression of each row, compiled once if it is constant.
pub(super) struct Patterns<'a> {
    column: super::invocation::Column<&'a arrow::array::StringArray>,
    constant: Option<Regex>,
    function: &'static str,
}

impl<'a> Patterns<'a> {
    pub(super) fn new(
        inv: &'a Invocation<'_>,
        index: usize,
        function: &'static str,
    ) -> Result<Self> {
        let column = inv.strings(index)?;
        let constant = column
            .constant()
            .map(|p| compile(p, function))
            .transpose()?;
        Ok(Self {
            column,
            constant,
            function,
        })
    }

    pub(super) fn get(&self, row: usize) -> Result<Option<Cow<'_, Regex>>> {
        match (&self.constant, self.column.get(row)) {
            // A clone would search with a cache of its own, made for each row.
            (Some(regex), _) => Ok(Some(Cow::Borrowed(regex))),
            (None, Some(text)) => compile(text, self.function).map(|regex| Some(Cow::Owned(regex))),
            (None, None) => Ok(None),
        }
    }

    /// The text that a constant pattern stands for, if it matches nothing else.
    fn literal(&self) -> Option<&str> {
        let pattern = self.column.constant()?;
        let stands_for_itself = !pattern.is_empty() && !pattern.contains(META_CHARACTERS);
        stands_for_itself.then_some(pattern)
    }
}

fn compile(pattern: &str, function: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|_| {
        SparkError::invalid_parameter_value(
            "PATTERN",
            function,
            "regexp",
            format!("'{pattern}' is no valid pattern."),
        )
    })
}

/// A group that the pattern has.
fn group_of(regex: &Regex, group: i32, function: &str) -> Result<usize> {
    let last = regex.captures_len() as i32 - 1;
    if (0..=last).contains(&group) {
        return Ok(group as usize);
    }
    Err(SparkError::invalid_parameter_value(
        "REGEX_GROUP_INDEX",
        function,
        "idx",
        format!("Expects group index between 0 and {last}, but got {group}."),
    ))
}

fn split(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, patterns, limits) = (
        inv.strings(0)?,
        Patterns::new(inv, 1, "split")?,
        inv.ints(2)?,
    );
    let literal = patterns.literal();
    let mut builder = ListBuilder::new(StringBuilder::new());
    for row in 0..inv.rows {
        let (Some(text), Some(limit)) = (texts.get(row), limits.get(row)) else {
            builder.append(false);
            continue;
        };
        let parts = builder.values();
        if let Some(literal) = literal {
            split_at(text, literal, limit, |part| parts.append_value(part));
        } else if let Some(regex) = patterns.get(row)? {
            split_parts(text, &regex, limit, |part| parts.append_value(part));
        } else {
            builder.append(false);
            continue;
        }
        builder.append(true);
    }
    Ok(Arc::new(builder.finish()))
}

/// As [`split_parts`] with a pattern that matches `literal` alone.
fn split_at(text: &str, literal: &str, limit: i32, part: impl FnMut(&str)) {
    let most = if limit > 0 {
        limit as usize
    } else {
        usize::MAX
    };
    match *literal.as_bytes() {
        // Searching for a character is several times faster than for a text.
        [byte] => text.splitn(most, char::from(byte)).for_each(part),
        _ => text.splitn(most, literal).for_each(part),
    }
}

/// The parts of a text as Java's `split` gives them: an empty match at the start makes no part.
fn split_parts(text: &str, regex: &Regex, limit: i32, mut part: impl FnMut(&str)) {
    let mut start = 0;
    let mut parts = 1;
    for found in regex.find_iter(text) {
        if limit > 0 && parts >= limit {
            break;
        }
        if found.end() == 0 || (found.is_empty() && found.start() >= text.len()) {
            continue;
        }
        part(&text[start..found.start()]);
        start = found.end();
        parts += 1;
    }
    part(&text[start..]);
}

fn regexp_replace(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, patterns, replacements) = (
        inv.strings(0)?,
        Patterns::new(inv, 1, "regexp_replace")?,
        inv.strings(2)?,
    );
    let starts = inv.ints(3)?;
    inv.build_strings(|row| {
        let (Some(text), Some(regex), Some(replacement), Some(start)) = (
            texts.get(row),
            patterns.get(row)?,
            replacements.get(row),
            starts.get(row),
        ) else {
            return Ok(None);
        };
        let before: usize = text
            .chars()
            .take(start.max(1) as usize - 1)
            .map(char::len_utf8)
            .sum();
        let (kept, rest) = text.split_at(before);
        let replaced = regex.replace_all(rest, java_replacement(replacement).as_str());
        Ok(Some(format!("{kept}{replaced}")))
    })
}

/// `$1` in Java is `${1}` here, and a backslash escapes.
fn java_replacement(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('$') => out.push_str("$$"),
                Some(c) => out.push(c),
                None => {}
            },
            '$' if characters.peek().is_some_and(char::is_ascii_digit) => {
                let digit = characters.next().unwrap_or('0');
                out.push_str(&format!("${{{digit}}}"));
            }
            c => out.push(c),
        }
    }
    out
}

fn regexp_extract(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, patterns, groups) = (
        inv.strings(0)?,
        Patterns::new(inv, 1, "regexp_extract")?,
        inv.ints(2)?,
    );
    inv.build_strings(|row| {
        let (Some(text), Some(regex), Some(group)) =
            (texts.get(row), patterns.get(row)?, groups.get(row))
        else {
            return Ok(None);
        };
        let group = group_of(&regex, group, "regexp_extract")?;
        let found = regex
            .captures(text)
            .and_then(|c| c.get(group))
            .map_or("", |m| m.as_str());
        Ok(Some(found.to_owned()))
    })
}

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
