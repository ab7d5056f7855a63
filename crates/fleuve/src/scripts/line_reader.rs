//! How the console producer reads a line.
//!
//! `headers<delimiter>key<separator>value`, of which headers and key are there only if asked for
//! (`parse.headers`, `parse.key`). Start at [`LineReader::configure`].

use std::collections::BTreeMap;

/// A header's name and value.
pub(crate) type Header = (String, Option<Vec<u8>>);

/// A record that a line stands for.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Line {
    pub headers: Vec<Header>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
}

/// Takes lines apart; remembers their number for its errors.
#[derive(Debug)]
pub(super) struct LineReader {
    parse_headers: bool,
    parse_key: bool,
    headers_delimiter: String,
    headers_separator: String,
    headers_key_separator: String,
    key_separator: String,
    null_marker: Option<String>,
    ignore_error: bool,
    line_number: u64,
}

/// Why a line is no record, or lines cannot be read so.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    #[error("{0} and {1} may not be equal")]
    MarksEqual(&'static str, &'static str),
    #[error("No {what} found on line number {number}: '{line}'")]
    MarkMissing {
        what: &'static str,
        number: u64,
        line: String,
    },
    #[error("No header key separator found in pair '{pair}' on line number {number}")]
    HeaderKeySeparatorMissing { pair: String, number: u64 },
    #[error("Header keys should not be equal to the null marker '{0}' as they can't be null")]
    HeaderKeyNull(String),
    #[error("unknown reader {0}: only Kafka's LineMessageReader is built in")]
    UnknownClass(String),
}

/// The names that mean this reader, today and in the courses' days.
const CLASS_NAMES: [&str; 3] = [
    "org.apache.kafka.tools.LineMessageReader",
    "kafka.tools.ConsoleProducer$LineMessageReader",
    "LineMessageReader",
];

impl LineReader {
    /// A reader set by Kafka's properties; `class` is the Java class that was asked for.
    pub(super) fn configure(
        class: Option<&str>,
        properties: &BTreeMap<String, String>,
    ) -> Result<LineReader, LineError> {
        if let Some(class) = class.filter(|class| !CLASS_NAMES.contains(class)) {
            return Err(LineError::UnknownClass(class.to_owned()));
        }
        let set = |name| {
            properties
                .get(name)
                .is_some_and(|v| v.trim().eq_ignore_ascii_case("true"))
        };
        let text = |name, default: &str| {
            properties
                .get(name)
                .map_or(default, String::as_str)
                .to_owned()
        };
        let reader = LineReader {
            parse_headers: set("parse.headers"),
            parse_key: set("parse.key"),
            headers_delimiter: text("headers.delimiter", "\t"),
            headers_separator: text("headers.separator", ","),
            headers_key_separator: text("headers.key.separator", ":"),
            key_separator: text("key.separator", "\t"),
            null_marker: properties.get("null.marker").cloned(),
            ignore_error: set("ignore.error"),
            line_number: 0,
        };
        reader.check()?;
        Ok(reader)
    }

    fn check(&self) -> Result<(), LineError> {
        let marks = [
            ("headers.delimiter", Some(&self.headers_delimiter)),
            ("headers.separator", Some(&self.headers_separator)),
            ("headers.key.separator", Some(&self.headers_key_separator)),
        ];
        let null = ("null.marker", self.null_marker.as_ref());
        let key = ("key.separator", Some(&self.key_separator));
        let pairs = [
            (marks[0], marks[1]),
            (marks[0], marks[2]),
            (marks[1], marks[2]),
            (null, key),
            (null, marks[1]),
            (null, marks[0]),
            (null, marks[2]),
        ];
        for ((first, one), (second, other)) in pairs {
            if one.is_some() && one == other {
                return Err(LineError::MarksEqual(first, second));
            }
        }
        Ok(())
    }

    /// The record that the next line stands for.
    pub(super) fn read(&mut self, line: &str) -> Result<Line, LineError> {
        self.line_number += 1;
        let (headers, rest) = self.split(
            self.parse_headers,
            line,
            line,
            &self.headers_delimiter,
            "headers delimiter",
        )?;
        let (key, value) = self.split(
            self.parse_key,
            rest,
            line,
            &self.key_separator,
            "key separator",
        )?;
        let headers = match headers.filter(|text| !self.is_null(text)) {
            Some(text) => self.headers(text)?,
            None => Vec::new(),
        };
        Ok(Line {
            headers,
            key: key.and_then(|k| self.bytes(k)),
            value: self.bytes(value),
        })
    }

    /// What stands before `mark` in `rest`, if it is wanted, and what stands behind it.
    fn split<'a>(
        &self,
        wanted: bool,
        rest: &'a str,
        line: &str,
        mark: &str,
        what: &'static str,
    ) -> Result<(Option<&'a str>, &'a str), LineError> {
        if !wanted {
            return Ok((None, rest));
        }
        match rest.split_once(mark) {
            Some((before, behind)) => Ok((Some(before), behind)),
            None if self.ignore_error => Ok((None, rest)),
            None => Err(LineError::MarkMissing {
                what,
                number: self.line_number,
                line: line.to_owned(),
            }),
        }
    }

    fn headers(&self, text: &str) -> Result<Vec<Header>, LineError> {
        text.split(self.headers_separator.as_str())
            .map(|pair| self.header(pair))
            .collect()
    }

    fn header(&self, pair: &str) -> Result<Header, LineError> {
        let Some((name, value)) = pair.split_once(self.headers_key_separator.as_str()) else {
            if self.ignore_error {
                return Ok((pair.to_owned(), None));
            }
            return Err(LineError::HeaderKeySeparatorMissing {
                pair: pair.to_owned(),
                number: self.line_number,
            });
        };
        if self.is_null(name) {
            return Err(LineError::HeaderKeyNull(name.to_owned()));
        }
        Ok((name.to_owned(), self.bytes(value)))
    }

    fn bytes(&self, text: &str) -> Option<Vec<u8>> {
        (!self.is_null(text)).then(|| text.as_bytes().to_vec())
    }

    fn is_null(&self, text: &str) -> bool {
        self.null_marker.as_deref() == Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(properties: &[(&str, &str)]) -> Result<LineReader, LineError> {
        let properties = properties
            .iter()
            .map(|(n, v)| (n.to_string(), v.to_string()))
            .collect();
        LineReader::configure(None, &properties)
    }

    #[test]
    fn a_line_is_a_value_unless_more_is_asked_for() {
        let line = reader(&[]).unwrap().read("a\tb").unwrap();
        assert_eq!(
            line,
            Line {
                value: Some(b"a\tb".to_vec()),
                ..Line::default()
            }
        );
    }

    #[test]
    fn headers_key_and_value_stand_in_this_order() {
        let mut reader = reader(&[("parse.key", "true"), ("parse.headers", "TRUE")]).unwrap();
        let line = reader.read("a:1,b:2\tk\tv\tw").unwrap();
        let header = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
        assert_eq!(line.headers, [header("a", "1"), header("b", "2")]);
        assert_eq!(line.key.as_deref(), Some(&b"k"[..]));
        assert_eq!(line.value.as_deref(), Some(&b"v\tw"[..]));
    }

    #[test]
    fn a_missing_mark_names_the_line_unless_errors_are_ignored() {
        let mut strict = reader(&[("parse.key", "true")]).unwrap();
        strict.read("k\tv").unwrap();
        let error = strict.read("oops").unwrap_err().to_string();
        assert_eq!(error, "No key separator found on line number 2: 'oops'");
        let mut lax = reader(&[("parse.key", "true"), ("ignore.error", "true")]).unwrap();
        assert_eq!(
            lax.read("oops").unwrap().value.as_deref(),
            Some(&b"oops"[..])
        );
    }

    #[test]
    fn the_null_marker_makes_a_tombstone() {
        let mut reader = reader(&[("parse.key", "true"), ("null.marker", "NULL")]).unwrap();
        let line = reader.read("k\tNULL").unwrap();
        assert_eq!((line.key.as_deref(), line.value), (Some(&b"k"[..]), None));
    }

    #[test]
    fn equal_marks_are_refused() {
        let error = reader(&[("headers.delimiter", ",")])
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "headers.delimiter and headers.separator may not be equal"
        );
    }
}
