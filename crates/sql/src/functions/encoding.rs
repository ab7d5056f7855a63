//! Bytes as text and back: base64, base32, character sets, UTF-8.

use std::sync::Arc;

use arrow::array::ArrayRef;

use super::math::hex_bytes;
use super::{Arg, Function, FunctionCall, Invocation, Nulls, Returns, custom, scalar};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::DataType;

pub(super) const FUNCTIONS: &[Function] = &[
    scalar("base64", &[Arg::Binary], Returns::Str, |i| {
        to_text(i, &BASE_64)
    }),
    scalar("unbase64", &[Arg::Str], Returns::Binary, |i| {
        let texts = i.strings(0)?;
        i.build_binaries(|row| Ok(texts.get(row).map(|t| BASE_64.decode_leniently(t))))
    }),
    scalar("to_base32", &[Arg::Binary], Returns::Str, |i| {
        to_text(i, &BASE_32)
    }),
    scalar("from_base32", &[Arg::Str], Returns::Binary, from_base32).nulls(Nulls::Always),
    scalar("encode", &[Arg::Str, Arg::Str], Returns::Binary, encode).nulls(Nulls::Always),
    custom("decode", decode),
    custom("to_binary", |call| to_binary(call, true)),
    custom("try_to_binary", |call| to_binary(call, false)),
    scalar("is_valid_utf8", &[Arg::Str], Returns::Boolean, |i| {
        let texts = i.strings(0)?;
        i.build_booleans(|row| Ok(texts.get(row).map(|_| true)))
    })
    .nulls(Nulls::Always),
    // Texts are valid UTF-8 wherever they come from: what was not is replaced when bytes become a text.
    scalar("make_valid_utf8", &[Arg::Str], Returns::Str, |i| {
        i.expanded(0)
    })
    .nulls(Nulls::Always),
    scalar("validate_utf8", &[Arg::Str], Returns::Str, |i| {
        i.expanded(0)
    })
    .nulls(Nulls::Always),
    scalar("try_validate_utf8", &[Arg::Str], Returns::Str, |i| {
        i.expanded(0)
    })
    .nulls(Nulls::Always),
];

/// RFC 4648: an alphabet and how many bits each of its letters stands for.
pub(super) struct Base {
    alphabet: &'static [u8],
    bits: u32,
    /// Letters of a full group, which `=` fills up.
    group: usize,
}

pub(super) const BASE_64: Base = Base {
    alphabet: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    bits: 6,
    group: 4,
};
const BASE_32: Base = Base {
    alphabet: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    bits: 5,
    group: 8,
};

impl Base {
    pub(super) fn encode(&self, bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len() * 2);
        let (mut held, mut count) = (0u32, 0);
        let mask = (1 << self.bits) - 1;
        for byte in bytes {
            held = held << 8 | u32::from(*byte);
            count += 8;
            while count >= self.bits {
                count -= self.bits;
                text.push(char::from(self.alphabet[(held >> count & mask) as usize]));
            }
            held &= (1 << count) - 1;
        }
        if count > 0 {
            let rest = held << (self.bits - count) & mask;
            text.push(char::from(self.alphabet[rest as usize]));
        }
        while !text.len().is_multiple_of(self.group) {
            text.push('=');
        }
        text
    }

    /// Skips what is not of the alphabet.
    fn decode_leniently(&self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len());
        let (mut held, mut count) = (0u32, 0);
        let letters = text.bytes().take_while(|b| *b != b'=');
        for value in letters.filter_map(|b| self.alphabet.iter().position(|a| *a == b)) {
            held = held << self.bits | value as u32;
            count += self.bits;
            if count >= 8 {
                count -= 8;
                bytes.push((held >> count & 0xff) as u8);
                held &= (1 << count) - 1;
            }
        }
        bytes
    }

    fn decode(&self, text: &str) -> Option<Vec<u8>> {
        let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let letters = text.trim_end_matches('=');
        let known = letters.bytes().all(|b| self.alphabet.contains(&b));
        let loose = (letters.len() as u32 * self.bits) % 8 >= self.bits;
        (known && !loose).then(|| self.decode_leniently(letters))
    }
}

fn to_text(inv: &Invocation<'_>, base: &Base) -> Result<ArrayRef> {
    let values = inv.binaries(0)?;
    inv.build_strings(|row| Ok(values.get(row).map(|v| base.encode(v))))
}

fn from_base32(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let texts = inv.strings(0)?;
    inv.build_binaries(|row| {
        let Some(text) = texts.get(row) else {
            return Ok(None);
        };
        match BASE_32.decode(&text.to_uppercase()) {
            None if inv.context.ansi => Err(malformed(text, "BASE32", "from_base32")),
            bytes => Ok(bytes),
        }
    })
}

fn malformed(text: &str, format: &str, function: &str) -> SparkError {
    let suggestion = format!("`try_{function}`");
    SparkError::conversion_invalid_input(
        &format!("'{text}'"),
        &format!("'{format}'"),
        "BINARY",
        &suggestion,
    )
}

/// The character sets that Spark supports.
#[derive(Clone, Copy)]
enum Charset {
    Ascii,
    Latin1,
    Utf8,
    Utf16,
    Utf16Be,
    Utf16Le,
    Utf32,
}

impl Charset {
    fn parse(name: &str, function: &str) -> Result<Self> {
        Ok(match name.to_uppercase().as_str() {
            "US-ASCII" => Self::Ascii,
            "ISO-8859-1" => Self::Latin1,
            "UTF-8" => Self::Utf8,
            "UTF-16" => Self::Utf16,
            "UTF-16BE" => Self::Utf16Be,
            "UTF-16LE" => Self::Utf16Le,
            "UTF-32" => Self::Utf32,
            _ => {
                return Err(SparkError::invalid_parameter_value(
                    "CHARSET",
                    function,
                    "charset",
                    format!(
                        "expects one of the iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8, but got {name}."
                    ),
                ));
            }
        })
    }

    fn encode(self, text: &str) -> Option<Vec<u8>> {
        let single = |limit: u32| -> Option<Vec<u8>> {
            text.chars()
                .map(|c| (u32::from(c) < limit).then_some(c as u8))
                .collect()
        };
        Some(match self {
            Self::Ascii => single(0x80)?,
            Self::Latin1 => single(0x100)?,
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16 => [&[0xfe, 0xff][..], &Self::Utf16Be.encode(text)?].concat(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf32 => text
                .chars()
                .flat_map(|c| u32::from(c).to_be_bytes())
                .collect(),
        })
    }

    fn decode(self, bytes: &[u8]) -> Option<String> {
        let units = |read: fn([u8; 2]) -> u16, bytes: &[u8]| -> Option<String> {
            let units: Vec<u16> = bytes.chunks_exact(2).map(|c| read([c[0], c[1]])).collect();
            bytes
                .len()
                .is_multiple_of(2)
                .then(|| String::from_utf16(&units).ok())?
        };
        match self {
            Self::Ascii => bytes
                .is_ascii()
                .then(|| bytes.iter().map(|b| char::from(*b)).collect()),
            Self::Latin1 => Some(bytes.iter().map(|b| char::from(*b)).collect()),
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Utf16 => match bytes {
                [0xff, 0xfe, rest @ ..] => units(u16::from_le_bytes, rest),
                [0xfe, 0xff, rest @ ..] => units(u16::from_be_bytes, rest),
                _ => units(u16::from_be_bytes, bytes),
            },
            Self::Utf16Be => units(u16::from_be_bytes, bytes),
            Self::Utf16Le => units(u16::from_le_bytes, bytes),
            Self::Utf32 => bytes
                .chunks(4)
                .map(|c| char::from_u32(u32::from_be_bytes(c.try_into().ok()?)))
                .collect(),
        }
    }
}

fn unmappable(function: &str, charset: &str) -> SparkError {
    SparkError::malformed_character_coding(function, charset)
}

fn encode(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, charsets) = (inv.strings(0)?, inv.strings(1)?);
    inv.build_binaries(|row| {
        let Some((text, name)) = texts.get(row).zip(charsets.get(row)) else {
            return Ok(None);
        };
        let bytes = Charset::parse(name, "encode")?.encode(text);
        bytes.map(Some).ok_or_else(|| unmappable("encode", name))
    })
}

/// Bytes of a character set as text; with more arguments, the result beside the value that equals the first.
fn decode(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, usize::MAX)?;
    let text = call.text();
    if call.arguments.len() > 2 {
        return choose(call, text);
    }
    call.convert(0, Arg::Binary)?;
    call.convert(1, Arg::Str)?;
    let value = call.call("decode", DataType::STRING, true, |inv| {
        let (values, charsets) = (inv.binaries(0)?, inv.strings(1)?);
        inv.build_strings(|row| {
            let Some((bytes, name)) = values.get(row).zip(charsets.get(row)) else {
                return Ok(None);
            };
            let text = Charset::parse(name, "decode")?.decode(bytes);
            text.map(Some).ok_or_else(|| unmappable("decode", name))
        })
    });
    Ok(value.with_name(text))
}

fn choose(call: &mut FunctionCall<'_>, text: String) -> Result<TypedExpr> {
    let mut arguments = std::mem::take(&mut call.arguments).into_iter();
    let Some(wanted) = arguments.next() else {
        return Err(SparkError::wrong_number_of_arguments("decode", "> 1", 0));
    };
    let mut branches = Vec::new();
    let rest: Vec<TypedExpr> = arguments.collect();
    for pair in rest.chunks(2) {
        match pair {
            [candidate, result] => {
                let equal = call.apply("<=>", vec![wanted.clone(), candidate.clone()])?;
                branches.extend([equal, result.clone()]);
            }
            default => branches.extend(default.iter().cloned()),
        }
    }
    Ok(call.apply("when", branches)?.with_name(text))
}

#[derive(Clone, Copy, Debug)]
enum BinaryFormat {
    Hex,
    Utf8,
    Base64,
}

fn to_binary(call: &mut FunctionCall<'_>, fails: bool) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let text = call.text();
    let format = match call.arguments.get(1) {
        None => BinaryFormat::Hex,
        Some(argument) => {
            let argument = call.analyzer.fold(argument.clone());
            if argument.constant().is_some_and(|v| v.is_null()) {
                let null = crate::ir::Literal::Null(DataType::Binary);
                return Ok(call.analyzer.literal(&null)?.with_name(text));
            }
            let name = argument.constant_string().ok_or_else(|| {
                SparkError::not_foldable(&call.name, "fmt", "STRING", &argument.name)
            })?;
            match name.to_lowercase().as_str() {
                "hex" => BinaryFormat::Hex,
                "utf-8" | "utf8" => BinaryFormat::Utf8,
                "base64" => BinaryFormat::Base64,
                _ => {
                    return Err(SparkError::mismatch(
                        "INVALID_ARG_VALUE",
                        &text,
                        format!(
                            "The `fmt` value must to be a case-insensitive \"STRING\" literal of 'hex', 'utf-8', 'utf8', or 'base64', but got '{name}'."
                        ),
                    ));
                }
            }
        }
    };
    call.arguments.truncate(1);
    call.convert(0, Arg::Str)?;
    let strict = fails;
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let texts = inv.strings(0)?;
        inv.build_binaries(|row| {
            let Some(text) = texts.get(row) else {
                return Ok(None);
            };
            let (bytes, name) = match format {
                BinaryFormat::Hex => (hex_bytes(text), "HEX"),
                BinaryFormat::Utf8 => (Some(text.as_bytes().to_vec()), "UTF-8"),
                BinaryFormat::Base64 => (BASE_64.decode(text), "BASE64"),
            };
            match bytes {
                None if strict => Err(malformed(text, name, "to_binary")),
                bytes => Ok(bytes),
            }
        })
    });
    let key = format!("{format:?} {strict}");
    let certain = strict && matches!(format, BinaryFormat::Base64);
    let nullable = !certain || call.any_nullable();
    Ok(call
        .call_keyed("to_binary", &key, DataType::Binary, nullable, kernel)
        .with_name(text))
}
