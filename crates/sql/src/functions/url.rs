//! Addresses: their parts, and texts written so that they fit into one.

use arrow::array::ArrayRef;

use super::{Arg, Function, Invocation, Nulls, Returns, scalar};
use crate::error::{Result, SparkError};

pub(super) const FUNCTIONS: &[Function] = &[
    scalar("url_encode", &[Arg::Str], Returns::Str, |i| {
        let texts = i.strings(0)?;
        i.build_strings(|row| Ok(texts.get(row).map(encode)))
    })
    .nulls(Nulls::Always),
    scalar("url_decode", &[Arg::Str], Returns::Str, |i| decode(i, true)).nulls(Nulls::Always),
    scalar("try_url_decode", &[Arg::Str], Returns::Str, |i| {
        decode(i, false)
    })
    .nulls(Nulls::Always),
    scalar(
        "parse_url",
        &[Arg::Str, Arg::Str, Arg::Str],
        Returns::Str,
        |i| parse(i, i.context.ansi),
    )
    .needs(2)
    .nulls(Nulls::Always),
    scalar(
        "try_parse_url",
        &[Arg::Str, Arg::Str, Arg::Str],
        Returns::Str,
        |i| parse(i, false),
    )
    .needs(2)
    .nulls(Nulls::Always),
];

/// As HTML forms do: a blank is a plus, most else but letters and digits its bytes.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn decode(inv: &Invocation<'_>, fails: bool) -> Result<ArrayRef> {
    let texts = inv.strings(0)?;
    inv.build_strings(|row| {
        let Some(text) = texts.get(row) else {
            return Ok(None);
        };
        match decoded(text) {
            None if fails => Err(SparkError::cannot_decode_url(text)),
            decoded => Ok(decoded),
        }
    })
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &rest[2..];
            }
            byte => bytes.push(*byte),
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse(inv: &Invocation<'_>, fails: bool) -> Result<ArrayRef> {
    let (urls, parts) = (inv.strings(0)?, inv.strings(1)?);
    let keys = inv.optional(2, Invocation::strings)?;
    inv.build_strings(|row| {
        let Some((url, part)) = urls.get(row).zip(parts.get(row)) else {
            return Ok(None);
        };
        let Some(url_parts) = Url::split(url) else {
            return if fails {
                Err(SparkError::invalid_url(url))
            } else {
                Ok(None)
            };
        };
        Ok(match &keys {
            None => url_parts.part(part),
            Some(keys) => match keys.get(row) {
                Some(key) if part == "QUERY" => url_parts.parameter(key),
                _ => None,
            },
        })
    })
}

/// RFC 3986, split.
struct Url<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Url<'a> {
    /// Nothing if a character may not stand in an address.
    fn split(text: &'a str) -> Option<Self> {
        let refused = |c: char| c.is_ascii_control() || " \"<>\\^`{|}".contains(c);
        if text.contains(refused) {
            return None;
        }
        let (rest, fragment) = cut(text, '#');
        let (rest, query) = cut(rest, '?');
        let scheme_end = rest
            .find([':', '/'])
            .filter(|at| rest[*at..].starts_with(':'));
        let (scheme, rest) = match scheme_end {
            Some(0) => return None,
            Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
            None => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                (Some(&rest[..end]).filter(|a| !a.is_empty()), &rest[end..])
            }
            None => (None, rest),
        };
        Some(Self {
            scheme,
            authority,
            path,
            query,
            fragment,
        })
    }

    fn part(&self, name: &str) -> Option<String> {
        let user = |a: &'a str| a.rsplit_once('@').map(|(user, _)| user);
        let found = match name {
            "HOST" => self.authority.map(host),
            "PATH" => Some(self.path),
            "QUERY" => self.query,
            "REF" => self.fragment,
            "PROTOCOL" => self.scheme,
            "FILE" => {
                let query = self.query.map(|q| format!("?{q}")).unwrap_or_default();
                return Some(format!("{}{query}", self.path));
            }
            "AUTHORITY" => self.authority,
            "USERINFO" => self.authority.and_then(user),
            _ => None,
        };
        found.map(str::to_owned)
    }

    fn parameter(&self, key: &str) -> Option<String> {
        let pairs = self
            .query?
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs
            .into_iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.to_owned())
    }
}

fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// The authority without user and port.
fn host(authority: &str) -> &str {
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}
