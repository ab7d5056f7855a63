//! Texts, continued: parts of them, trimming, distances between words.

mod words;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use arrow::datatypes::{Float64Type, Int32Type};

use super::{Arg, Function, FunctionCall, Invocation, Nulls, Returns, custom, ordinal, scalar};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Literal};

pub(super) const FUNCTIONS: &[Function] = &[
    scalar("bit_length", &[Arg::StrOrBinary], Returns::Int, |i| {
        bytes(i, 8)
    }),
    scalar("octet_length", &[Arg::StrOrBinary], Returns::Int, |i| {
        bytes(i, 1)
    }),
    scalar("char", &[Arg::Long], Returns::Str, character).or(&["chr"]),
    custom("elt", elt),
    scalar(
        "find_in_set",
        &[Arg::Str, Arg::Str],
        Returns::Int,
        find_in_set,
    ),
    custom("left", |call| side(call, true)),
    custom("right", |call| side(call, false)).nulls(Nulls::Always),
    custom("trim", |call| trim(call, "BOTH", [1, 0])),
    custom("btrim", |call| trim(call, "BOTH", [0, 1])),
    custom("ltrim", |call| trim(call, "LEADING", [1, 0])),
    custom("rtrim", |call| trim(call, "TRAILING", [1, 0])),
    scalar(
        "$trim",
        &[Arg::Str, Arg::Str, Arg::Str],
        Returns::Str,
        trimmed,
    ),
    scalar(
        "levenshtein",
        &[Arg::Str, Arg::Str, Arg::Int],
        Returns::Int,
        levenshtein,
    )
    .needs(2),
    scalar(
        "jaro_winkler_similarity",
        &[Arg::Str, Arg::Str],
        Returns::Double,
        |i| {
            let (a, b) = (i.strings(0)?, i.strings(1)?);
            i.build::<Float64Type>(|row| {
                Ok(a.get(row)
                    .zip(b.get(row))
                    .map(|(a, b)| words::jaro_winkler(a, b)))
            })
        },
    ),
    scalar("soundex", &[Arg::Str], Returns::Str, |i| {
        map(i, words::soundex)
    }),
    scalar("luhn_check", &[Arg::Str], Returns::Boolean, |i| {
        let texts = i.strings(0)?;
        i.build_booleans(|row| Ok(texts.get(row).map(words::luhn)))
    })
    .nulls(Nulls::Always)
    .nulls(Nulls::Always),
    scalar("quote", &[Arg::Str], Returns::Str, |i| {
        map(i, |s| {
            format!("'{}'", s.replace('\\', "\\\\").replace('\'', "\\'"))
        })
    })
    .nulls(Nulls::Always),
    custom("overlay", overlay),
    scalar(
        "mask",
        &[Arg::Str, Arg::Str, Arg::Str, Arg::Str, Arg::Str],
        Returns::Str,
        mask,
    )
    .nulls(Nulls::Always),
    custom("sentences", sentences).nulls(Nulls::Always),
    scalar("space", &[Arg::Int], Returns::Str, |i| {
        let counts = i.ints(0)?;
        i.build_strings(|row| Ok(counts.get(row).map(|n| " ".repeat(n.max(0) as usize))))
    }),
    scalar(
        "split_part",
        &[Arg::Str, Arg::Str, Arg::Int],
        Returns::Str,
        split_part,
    )
    .nulls(Nulls::Always),
    scalar(
        "substring_index",
        &[Arg::Str, Arg::Str, Arg::Int],
        Returns::Str,
        substring_index,
    ),
    custom("instr", instr),
    scalar(
        "$instr",
        &[Arg::Str, Arg::Str, Arg::Int, Arg::Int],
        Returns::Int,
        nth_position,
    ),
    custom("startswith", |call| test(call, <[u8]>::starts_with)),
    custom("endswith", |call| test(call, <[u8]>::ends_with)),
    custom("contains", |call| test(call, holds)),
    custom("collation", collation),
];

fn map(inv: &Invocation<'_>, f: impl Fn(&str) -> String) -> Result<ArrayRef> {
    let texts = inv.strings(0)?;
    inv.build_strings(|row| Ok(texts.get(row).map(&f)))
}

fn bytes(inv: &Invocation<'_>, factor: i32) -> Result<ArrayRef> {
    if inv.types[0] == DataType::Binary {
        let values = inv.binaries(0)?;
        return inv.build::<Int32Type>(|row| Ok(values.get(row).map(|v| v.len() as i32 * factor)));
    }
    let texts = inv.strings(0)?;
    inv.build::<Int32Type>(|row| Ok(texts.get(row).map(|v| v.len() as i32 * factor)))
}

/// The character of a code below 256.
fn character(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let codes = inv.longs(0)?;
    inv.build_strings(|row| {
        Ok(codes.get(row).map(|code| match code {
            code if code < 0 => String::new(),
            code => char::from((code & 0xff) as u8).to_string(),
        }))
    })
}

/// The argument that the first one counts to.
fn elt(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, usize::MAX)?;
    let text = call.text();
    call.convert(0, Arg::Int)?;
    let binary = call.arguments[1..]
        .iter()
        .all(|a| a.data_type == DataType::Binary);
    let target = if binary {
        DataType::Binary
    } else {
        DataType::STRING
    };
    for index in 1..call.arguments.len() {
        call.convert_to(index, &target)?;
    }
    let value = call.call("elt", target, true, |inv| {
        let places = inv.ints(0)?;
        let columns = (1..inv.count())
            .map(|i| inv.expanded(i))
            .collect::<Result<Vec<_>>>()?;
        let nulls = arrow::array::new_null_array(inv.return_type, 1);
        let mut refs: Vec<&dyn arrow::array::Array> = columns.iter().map(AsRef::as_ref).collect();
        refs.push(nulls.as_ref());
        let absent = (columns.len(), 0);
        let mut order = Vec::with_capacity(inv.rows);
        for row in 0..inv.rows {
            order.push(match places.get(row) {
                None => absent,
                Some(place) if (1..=columns.len() as i32).contains(&place) => {
                    (place as usize - 1, row)
                }
                Some(place) if inv.context.ansi => {
                    return Err(SparkError::array_index_out_of_bounds(
                        i64::from(place),
                        columns.len(),
                    ));
                }
                Some(_) => absent,
            });
        }
        Ok(arrow::compute::interleave(&refs, &order)?)
    });
    Ok(value.with_name(text))
}

fn find_in_set(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (words, lists) = (inv.strings(0)?, inv.strings(1)?);
    inv.build::<Int32Type>(|row| {
        Ok(words.get(row).zip(lists.get(row)).map(|(word, list)| {
            if word.contains(',') {
                return 0;
            }
            let place = list.split(',').position(|item| item == word);
            place.map_or(0, |place| place as i32 + 1)
        }))
    })
}

/// The first or last characters of a text, or bytes of a binary.
fn side(call: &mut FunctionCall<'_>, is_left: bool) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    let kind = if is_left { Arg::StrOrBinary } else { Arg::Str };
    call.convert(0, kind)?;
    call.convert(1, Arg::Int)?;
    let (data_type, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let kernel = std::sync::Arc::new(move |inv: &Invocation<'_>| {
        let counts = inv.ints(1)?;
        let bounds = |length: usize, count: i32| {
            let count = (count.max(0) as usize).min(length);
            if is_left {
                0..count
            } else {
                length - count..length
            }
        };
        if inv.types[0] == DataType::Binary {
            let values = inv.binaries(0)?;
            return inv.build_binaries(|row| {
                let pair = values.get(row).zip(counts.get(row));
                Ok(pair.map(|(v, n)| v[bounds(v.len(), n)].to_vec()))
            });
        }
        let texts = inv.strings(0)?;
        inv.build_strings(|row| {
            let pair = texts.get(row).zip(counts.get(row));
            Ok(pair.map(|(s, n)| {
                let range = bounds(s.chars().count(), n);
                s.chars()
                    .skip(range.start)
                    .take(range.len())
                    .collect::<String>()
            }))
        })
    });
    let key = is_left.to_string();
    Ok(call
        .call_keyed("side", &key, data_type, nullable, kernel)
        .with_name(text))
}

/// `order` says where the text and the characters to drop stand.
fn trim(call: &mut FunctionCall<'_>, side: &str, order: [usize; 2]) -> Result<TypedExpr> {
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

fn trimmed(inv: &Invocation<'_>) -> Result<ArrayRef> {
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

fn levenshtein(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (a, b) = (inv.strings(0)?, inv.strings(1)?);
    let limits = inv.optional(2, Invocation::ints)?;
    inv.build::<Int32Type>(|row| {
        let Some((a, b)) = a.get(row).zip(b.get(row)) else {
            return Ok(None);
        };
        let distance = words::levenshtein(a, b) as i32;
        Ok(match &limits {
            None => Some(distance),
            Some(limits) => limits
                .get(row)
                .map(|limit| if distance > limit { -1 } else { distance }),
        })
    })
}

/// Part of the first argument replaced by the second, from a position on.
fn overlay(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(4, 4)?;
    let text = call.text();
    let binary = call.arguments[..2]
        .iter()
        .all(|a| a.data_type == DataType::Binary);
    let data_type = if binary {
        DataType::Binary
    } else {
        DataType::STRING
    };
    call.convert_to(0, &data_type)?;
    call.convert_to(1, &data_type)?;
    call.convert(2, Arg::Int)?;
    call.convert(3, Arg::Int)?;
    let nullable = call.any_nullable();
    let value = call.call("overlay", data_type, nullable, |inv| {
        let (places, lengths) = (inv.ints(2)?, inv.ints(3)?);
        if inv.types[0] == DataType::Binary {
            let (values, parts) = (inv.binaries(0)?, inv.binaries(1)?);
            return inv.build_binaries(|row| {
                let (Some(value), Some(part), Some(place), Some(length)) = (
                    values.get(row),
                    parts.get(row),
                    places.get(row),
                    lengths.get(row),
                ) else {
                    return Ok(None);
                };
                Ok(Some(overlaid(value, part, place, length)))
            });
        }
        let (values, parts) = (inv.strings(0)?, inv.strings(1)?);
        inv.build_strings(|row| {
            let (Some(value), Some(part), Some(place), Some(length)) = (
                values.get(row),
                parts.get(row),
                places.get(row),
                lengths.get(row),
            ) else {
                return Ok(None);
            };
            let (value, part): (Vec<char>, Vec<char>) =
                (value.chars().collect(), part.chars().collect());
            Ok(Some(
                overlaid(&value, &part, place, length)
                    .into_iter()
                    .collect::<String>(),
            ))
        })
    });
    Ok(value.with_name(text))
}

fn overlaid<T: Clone>(value: &[T], part: &[T], place: i32, length: i32) -> Vec<T> {
    let length = if length < 0 {
        part.len() as i64
    } else {
        i64::from(length)
    };
    let start = (i64::from(place) - 1).clamp(0, value.len() as i64);
    let end = (i64::from(place) - 1 + length).clamp(0, value.len() as i64);
    [&value[..start as usize], part, &value[end as usize..]].concat()
}

/// Letters and digits replaced by one of their kind; a kind without replacement stays.
fn mask(inv: &Invocation<'_>) -> Result<ArrayRef> {
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

/// The words of each sentence. Sentences end at `.`, `!` and `?`; the language does not change that.
fn sentences(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 3)?;
    let text = call.text();
    for index in 0..call.arguments.len() {
        call.convert(index, Arg::Str)?;
    }
    let result = DataType::array(DataType::array(DataType::STRING, false), false);
    let nullable = call.arguments[0].nullable;
    let value = call.call("sentences", result, nullable, |inv| {
        let texts = inv.strings(0)?;
        let mut builder = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
        for row in 0..inv.rows {
            if let Some(text) = texts.get(row) {
                for sentence in text.split(['.', '!', '?']) {
                    let words: Vec<&str> = sentence
                        .split(|c: char| !c.is_alphanumeric() && c != '\'')
                        .filter(|word| !word.is_empty())
                        .collect();
                    if !words.is_empty() {
                        words
                            .iter()
                            .for_each(|w| builder.values().values().append_value(w));
                        builder.values().append(true);
                    }
                }
            }
            builder.append(texts.get(row).is_some());
        }
        Ok(std::sync::Arc::new(builder.finish()))
    });
    Ok(value.with_name(text))
}

fn split_part(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, delimiters, places) = (inv.strings(0)?, inv.strings(1)?, inv.ints(2)?);
    inv.build_strings(|row| {
        let (Some(text), Some(delimiter), Some(place)) =
            (texts.get(row), delimiters.get(row), places.get(row))
        else {
            return Ok(None);
        };
        let parts: Vec<&str> = if delimiter.is_empty() {
            vec![text]
        } else {
            text.split(delimiter).collect()
        };
        let index = match place {
            0 => return Err(SparkError::index_of_zero()),
            place if place > 0 => place as usize - 1,
            place => match parts.len().checked_sub(place.unsigned_abs() as usize) {
                Some(index) => index,
                None => return Ok(Some("")),
            },
        };
        Ok(Some(parts.get(index).copied().unwrap_or("")))
    })
}

/// What stands before the n-th delimiter, or behind the n-th from the end.
fn substring_index(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, delimiters, counts) = (inv.strings(0)?, inv.strings(1)?, inv.ints(2)?);
    inv.build_strings(|row| {
        let (Some(text), Some(delimiter), Some(count)) =
            (texts.get(row), delimiters.get(row), counts.get(row))
        else {
            return Ok(None);
        };
        if delimiter.is_empty() || count == 0 {
            return Ok(Some(""));
        }
        let nth = count.unsigned_abs() as usize - 1;
        Ok(Some(if count > 0 {
            match text.match_indices(delimiter).nth(nth) {
                Some((at, _)) => &text[..at],
                None => text,
            }
        } else {
            match text.rmatch_indices(delimiter).nth(nth) {
                Some((at, _)) => &text[at + delimiter.len()..],
                None => text,
            }
        }))
    })
}

fn instr(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 4)?;
    let shown = call.arguments.len();
    while call.arguments.len() < 4 {
        let one = call.analyzer.literal(&Literal::Integer(1))?;
        call.arguments.push(one);
    }
    let names: Vec<&str> = call.arguments.iter().map(|a| a.name.as_str()).collect();
    let names = if shown == 2 { &names[..2] } else { &names[..] };
    let text = format!("{}({})", call.name, names.join(", "));
    let arguments = call.arguments.clone();
    Ok(call.apply("$instr", arguments)?.with_name(text))
}

/// The place of the n-th occurrence from a start on, from the end backwards if the start is negative.
fn nth_position(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, words) = (inv.strings(0)?, inv.strings(1)?);
    let (starts, counts) = (inv.ints(2)?, inv.ints(3)?);
    inv.build::<Int32Type>(|row| {
        let (Some(text), Some(word), Some(start), Some(count)) = (
            texts.get(row),
            words.get(row),
            starts.get(row),
            counts.get(row),
        ) else {
            return Ok(None);
        };
        let (text, word): (Vec<char>, Vec<char>) = (text.chars().collect(), word.chars().collect());
        let fits = |at: &usize| text[*at..].starts_with(&word);
        let last = text.len() as i64 - word.len() as i64;
        let nth = (count.max(1) - 1) as usize;
        let found = match i64::from(start) {
            0 => None,
            start if start > 0 => (start - 1..=last)
                .map(|at| at as usize)
                .filter(fits)
                .nth(nth),
            start => {
                let from = (text.len() as i64 + start).min(last);
                (0..=from).rev().map(|at| at as usize).filter(fits).nth(nth)
            }
        };
        Ok(Some(found.map_or(0, |at| at as i32 + 1)))
    })
}

fn holds(value: &[u8], part: &[u8]) -> bool {
    part.is_empty() || value.windows(part.len()).any(|window| window == part)
}

/// Texts are compared byte by byte, so binaries and texts are tested alike.
fn test(call: &mut FunctionCall<'_>, holds: fn(&[u8], &[u8]) -> bool) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    let binary = call
        .arguments
        .iter()
        .all(|a| a.data_type == DataType::Binary);
    for index in 0..2 {
        if !binary {
            call.convert(index, Arg::Str)?;
        }
        call.cast_argument(index, &DataType::Binary)?;
    }
    let nullable = binary || call.any_nullable();
    let kernel = std::sync::Arc::new(move |inv: &Invocation<'_>| {
        let (values, parts) = (inv.binaries(0)?, inv.binaries(1)?);
        inv.build_booleans(|row| {
            Ok(values
                .get(row)
                .zip(parts.get(row))
                .map(|(v, p)| holds(v, p)))
        })
    });
    let name = call.name.clone();
    Ok(call
        .call_keyed(&name, "", DataType::Boolean, nullable, kernel)
        .with_name(text))
}

fn collation(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.text();
    let name = match &call.arguments[0].data_type {
        DataType::String(crate::ir::StringConstraint::Collation(name)) => name.clone(),
        DataType::String(_) => "UTF8_BINARY".to_owned(),
        _ => return Err(call.unexpected_type(0, "\"STRING\"")),
    };
    let full = Literal::String(format!("SYSTEM.BUILTIN.{name}"));
    Ok(call.analyzer.literal(&full)?.with_name(text))
}
