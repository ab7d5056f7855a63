//! Strings: letters, lengths, parts, places, words. What binaries have in common with them is here too.
//!
//! Always true: places in a text are counted in characters, in a binary in bytes, from one. Patterns are in
//! `regular_expression`. Start at [`FUNCTIONS`].

mod characters;
mod concatenation;
mod padding;
mod part;
mod position;
mod words;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use arrow::datatypes::{Float64Type, Int32Type};

use characters::{ascii, character, initcap, mask, translate};
use concatenation::{concat, concat_ws, elt};
use padding::{padded, trim, trimmed};
use part::{overlay, side, split_part, substring, substring_index};
use position::{find_in_set, holds, instr, nth_position, position, test};

use super::{Arg, Function, FunctionCall, Invocation, Nulls, Returns, custom, scalar};
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
    scalar("ascii", &[Arg::Str], Returns::Int, ascii),
    custom("concat", concat),
    custom("concat_ws", concat_ws),
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

fn length(inv: &Invocation<'_>) -> Result<ArrayRef> {
    if inv.types[0] == DataType::Binary {
        let values = inv.binaries(0)?;
        return inv.build::<Int32Type>(|row| Ok(values.get(row).map(|v| v.len() as i32)));
    }
    let texts = inv.strings(0)?;
    inv.build::<Int32Type>(|row| Ok(texts.get(row).map(|s| s.chars().count() as i32)))
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

fn bytes(inv: &Invocation<'_>, factor: i32) -> Result<ArrayRef> {
    if inv.types[0] == DataType::Binary {
        let values = inv.binaries(0)?;
        return inv.build::<Int32Type>(|row| Ok(values.get(row).map(|v| v.len() as i32 * factor)));
    }
    let texts = inv.strings(0)?;
    inv.build::<Int32Type>(|row| Ok(texts.get(row).map(|v| v.len() as i32 * factor)))
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
