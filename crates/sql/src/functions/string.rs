//! Strings.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use arrow::datatypes::Int32Type;
use regex::Regex;

use super::{Arg, Function, FunctionCall, Invocation, Returns, custom, scalar};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Literal};

pub(super) const FUNCTIONS: &[Function] = &[
    scalar("upper", &[Arg::Str], Returns::Str, |inv| {
        map(inv, |s| s.to_uppercase())
    })
    .or(&["ucase"]),
    scalar("lower", &[Arg::Str], Returns::Str, |inv| {
        map(inv, |s| s.to_lowercase())
    })
    .or(&["lcase"]),
    custom("reverse", reverse),
    scalar("initcap", &[Arg::Str], Returns::Str, |inv| {
        map(inv, initcap)
    }),
    scalar("length", &[Arg::StrOrBinary], Returns::Int, length).or(&[
        "len",
        "char_length",
        "character_length",
    ]),
    custom("substring", substring).or(&["substr"]),
    scalar("repeat", &[Arg::Str, Arg::Int], Returns::Str, repeat),
    custom("lpad", |call| padded(call, true)),
    custom("rpad", |call| padded(call, false)),
    scalar(
        "locate",
        &[Arg::Str, Arg::Str, Arg::Int],
        Returns::Int,
        |inv| position(inv, 1, 0),
    )
    .or(&["position"])
    .needs(2),
    scalar(
        "replace",
        &[Arg::Str, Arg::Str, Arg::Str],
        Returns::Str,
        replace,
    )
    .needs(2),
    scalar(
        "translate",
        &[Arg::Str, Arg::Str, Arg::Str],
        Returns::Str,
        translate,
    ),
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
    scalar("ascii", &[Arg::Str], Returns::Int, ascii),
    custom("rlike", |call| matching(call, "RLIKE")).or(&["regexp", "regexp_like"]),
    custom("like", |call| matching(call, "LIKE")),
    custom("ilike", |call| matching(call, "ILIKE")),
    custom("concat", concat),
    custom("concat_ws", concat_ws),
];

fn map(inv: &Invocation<'_>, f: impl Fn(&str) -> String) -> Result<ArrayRef> {
    let texts = inv.strings(0)?;
    inv.build_strings(|row| Ok(texts.get(row).map(&f)))
}

fn initcap(text: &str) -> String {
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

fn length(inv: &Invocation<'_>) -> Result<ArrayRef> {
    if inv.types[0] == DataType::Binary {
        let values = inv.binaries(0)?;
        return inv.build::<Int32Type>(|row| Ok(values.get(row).map(|v| v.len() as i32)));
    }
    let texts = inv.strings(0)?;
    inv.build::<Int32Type>(|row| Ok(texts.get(row).map(|s| s.chars().count() as i32)))
}

/// A part of a text in characters, or of a binary in bytes.
fn substring(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let text = call.text();
    call.convert(0, Arg::StrOrBinary)?;
    for index in 1..call.arguments.len() {
        call.convert(index, Arg::Int)?;
    }
    let (data_type, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let value = call.call("substring", data_type, nullable, |inv| {
        let (starts, lengths) = (inv.ints(1)?, inv.optional(2, Invocation::ints)?);
        let bounds = |row: usize| {
            let length = match &lengths {
                None => i32::MAX,
                Some(lengths) => lengths.get(row)?,
            };
            Some((starts.get(row)?, length))
        };
        if inv.types[0] == DataType::Binary {
            let values = inv.binaries(0)?;
            return inv.build_binaries(|row| {
                let pair = values.get(row).zip(bounds(row));
                Ok(pair.map(|(v, bounds)| v[part_of(v.len(), bounds)].to_vec()))
            });
        }
        let texts = inv.strings(0)?;
        inv.build_strings(|row| {
            let pair = texts.get(row).zip(bounds(row));
            Ok(pair.map(|(text, bounds)| {
                let range = part_of(text.chars().count(), bounds);
                text.chars()
                    .skip(range.start)
                    .take(range.len())
                    .collect::<String>()
            }))
        })
    });
    Ok(value.with_name(text))
}

/// Which of `count` items a start, counted from one or from the end, and a length mean.
fn part_of(count: usize, (start, length): (i32, i32)) -> std::ops::Range<usize> {
    let count = count as i64;
    let start = match i64::from(start) {
        0 => 0,
        s if s > 0 => s - 1,
        s => count + s,
    };
    let end = start.saturating_add(i64::from(length)).clamp(0, count);
    let start = start.clamp(0, count);
    start as usize..end.max(start) as usize
}

fn repeat(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, counts) = (inv.strings(0)?, inv.ints(1)?);
    inv.build_strings(|row| match (texts.get(row), counts.get(row)) {
        (Some(text), Some(count)) => {
            let count = count.max(0) as usize;
            if text.len().saturating_mul(count) > i32::MAX as usize {
                return Err(SparkError::out_of_memory(
                    "repeat makes a string of more than 2 GiB",
                ));
            }
            Ok(Some(text.repeat(count)))
        }
        _ => Ok(None),
    })
}

/// A text filled up to a number of characters, or a binary to a number of bytes.
fn padded(call: &mut FunctionCall<'_>, left: bool) -> Result<TypedExpr> {
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

/// The place of one text in another, counted from one; zero if it is not there.
fn position(inv: &Invocation<'_>, text: usize, needle: usize) -> Result<ArrayRef> {
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

fn replace(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, olds, news) = (inv.strings(0)?, inv.strings(1)?, inv.strings(2)?);
    inv.build_strings(|row| {
        Ok(match (texts.get(row), olds.get(row), news.get(row)) {
            (Some(text), Some(""), Some(_)) => Some(text.to_owned()),
            (Some(text), Some(old), Some(new)) => Some(text.replace(old, new)),
            _ => None,
        })
    })
}

fn translate(inv: &Invocation<'_>) -> Result<ArrayRef> {
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

/// Of texts, binaries and arrays.
fn reverse(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.text();
    if matches!(call.arguments[0].data_type, DataType::Array { .. }) {
        let array = call.arguments[0].clone();
        return Ok(call.apply("$reverse_array", vec![array])?.with_name(text));
    }
    call.convert(0, Arg::StrOrBinary)?;
    let (data_type, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let value = call.call("reverse", data_type, nullable, |inv| {
        if inv.types[0] == DataType::Binary {
            let values = inv.binaries(0)?;
            let reversed = |v: &[u8]| v.iter().rev().copied().collect::<Vec<u8>>();
            return inv.build_binaries(|row| Ok(values.get(row).map(reversed)));
        }
        map(inv, |s| s.chars().rev().collect())
    });
    Ok(value.with_name(text))
}

fn ascii(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let texts = inv.strings(0)?;
    inv.build::<Int32Type>(|row| {
        Ok(texts
            .get(row)
            .map(|s| s.chars().next().map_or(0, |c| c as i32)))
    })
}

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

    pub(super) fn get(&self, row: usize) -> Result<Option<Regex>> {
        match (&self.constant, self.column.get(row)) {
            (Some(regex), _) => Ok(Some(regex.clone())),
            (None, Some(text)) => compile(text, self.function).map(Some),
            (None, None) => Ok(None),
        }
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

fn split(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, patterns, limits) = (
        inv.strings(0)?,
        Patterns::new(inv, 1, "split")?,
        inv.ints(2)?,
    );
    let mut builder = ListBuilder::new(StringBuilder::new());
    for row in 0..inv.rows {
        let (Some(text), Some(regex), Some(limit)) =
            (texts.get(row), patterns.get(row)?, limits.get(row))
        else {
            builder.append(false);
            continue;
        };
        for part in split_parts(text, &regex, limit) {
            builder.values().append_value(part);
        }
        builder.append(true);
    }
    Ok(Arc::new(builder.finish()))
}

/// The parts of a text as Java's `split` gives them: an empty match at the start makes no part.
fn split_parts<'t>(text: &'t str, regex: &Regex, limit: i32) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for found in regex.find_iter(text) {
        if limit > 0 && parts.len() + 1 >= limit as usize {
            break;
        }
        if found.end() == 0 || (found.is_empty() && found.start() >= text.len()) {
            continue;
        }
        parts.push(&text[start..found.start()]);
        start = found.end();
    }
    parts.push(&text[start..]);
    parts
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

/// A group that the pattern has.
pub(super) fn group_of(regex: &Regex, group: i32, function: &str) -> Result<usize> {
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

fn matching(call: &mut FunctionCall<'_>, word: &'static str) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let text = match word {
        "RLIKE" => format!(
            "{}({}, {})",
            call.name.to_uppercase(),
            call.arguments[0].name,
            call.arguments[1].name
        ),
        "LIKE" => format!("{} LIKE {}", call.arguments[0].name, call.arguments[1].name),
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

fn concat(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let text = call.text();
    if call.arguments.is_empty() {
        return Ok(call
            .analyzer
            .literal(&Literal::String(String::new()))?
            .with_name(text));
    }
    if call
        .arguments
        .iter()
        .any(|a| matches!(a.data_type, DataType::Array { .. }))
    {
        let common = call.unify(0)?;
        let nullable = call.any_nullable();
        return Ok(call
            .call("concat", common, nullable, super::collection::concat_arrays)
            .with_name(text));
    }
    if call
        .arguments
        .iter()
        .all(|a| a.data_type == DataType::Binary)
    {
        let nullable = call.any_nullable();
        return Ok(call
            .call("concat", DataType::Binary, nullable, |inv| {
                let columns = (0..inv.count())
                    .map(|i| inv.binaries(i))
                    .collect::<Result<Vec<_>>>()?;
                inv.build_binaries(|row| {
                    let parts: Option<Vec<&[u8]>> = columns.iter().map(|c| c.get(row)).collect();
                    Ok(parts.map(|p| p.concat()))
                })
            })
            .with_name(text));
    }
    for index in 0..call.arguments.len() {
        call.convert(index, Arg::Str)?;
    }
    let nullable = call.any_nullable();
    Ok(call
        .call("concat", DataType::STRING, nullable, |inv| {
            let columns = (0..inv.count())
                .map(|i| inv.strings(i))
                .collect::<Result<Vec<_>>>()?;
            inv.build_strings(|row| {
                let parts: Option<Vec<&str>> = columns.iter().map(|c| c.get(row)).collect();
                Ok(parts.map(|p| p.concat()))
            })
        })
        .with_name(text))
}

fn concat_ws(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    use arrow::array::AsArray;
    call.arity(1, usize::MAX)?;
    let text = call.text();
    for index in 0..call.arguments.len() {
        if matches!(call.arguments[index].data_type, DataType::Array { .. }) {
            call.convert_to(index, &DataType::array(DataType::STRING, true))?;
        } else {
            call.convert(index, Arg::Str)?;
        }
    }
    let nullable = call.arguments[0].nullable;
    Ok(call
        .call("concat_ws", DataType::STRING, nullable, |inv| {
            let separators = inv.strings(0)?;
            let columns = (1..inv.count())
                .map(|i| inv.expanded(i))
                .collect::<Result<Vec<_>>>()?;
            inv.build_strings(|row| {
                let Some(separator) = separators.get(row) else {
                    return Ok(None);
                };
                let mut parts: Vec<String> = Vec::new();
                for column in columns.iter().filter(|c| !c.is_null(row)) {
                    match column.as_list_opt::<i32>() {
                        Some(list) => {
                            let values = list.value(row);
                            parts.extend(
                                values
                                    .as_string::<i32>()
                                    .iter()
                                    .flatten()
                                    .map(str::to_owned),
                            );
                        }
                        None => parts.push(column.as_string::<i32>().value(row).to_owned()),
                    }
                }
                Ok(Some(parts.join(separator)))
            })
        })
        .with_name(text))
}
