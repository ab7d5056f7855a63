//! How the console consumer prints a record.
//!
//! The columns and their order are those of Kafka's default formatter: timestamp, partition,
//! offset, delivery, epoch, headers, key, value. Start at [`Formatter::configure`].

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::deserializer::{DeserializeError, Deserializer};

/// A consumed record, as far as printing goes.
#[derive(Debug, Default, Clone)]
pub(super) struct Printed<'a> {
    /// The timestamp in milliseconds and whether the broker set it; `None` if there is none.
    pub timestamp: Option<(i64, TimestampOrigin)>,
    pub partition: i32,
    pub offset: i64,
    pub leader_epoch: Option<i32>,
    pub headers: Vec<(&'a str, Option<&'a [u8]>)>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
}

/// Who set a record's timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimestampOrigin {
    CreateTime,
    LogAppendTime,
}

/// Prints records, one after the other.
#[derive(Debug)]
pub(super) struct Formatter {
    kind: Kind,
    print: Columns,
    key_separator: Vec<u8>,
    line_separator: Vec<u8>,
    headers_separator: Vec<u8>,
    null_literal: Vec<u8>,
    key_deserializer: Option<Deserializer>,
    value_deserializer: Option<Deserializer>,
    headers_deserializer: Option<Deserializer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Default,
    Logging,
    NoOp,
}

#[derive(Debug)]
struct Columns {
    timestamp: bool,
    partition: bool,
    offset: bool,
    delivery: bool,
    epoch: bool,
    headers: bool,
    key: bool,
    value: bool,
}

/// Why records cannot be printed so.
#[derive(Debug, thiserror::Error)]
pub(super) enum FormatterError {
    /// There is no such class among those we know.
    #[error("unknown formatter {0}: known are {known}", known = KNOWN.map(|k| k.0).join(", "))]
    UnknownClass(String),
    #[error(transparent)]
    Deserialize(#[from] DeserializeError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

const KNOWN: [(&str, Kind); 3] = [
    ("DefaultMessageFormatter", Kind::Default),
    ("LoggingMessageFormatter", Kind::Logging),
    ("NoOpMessageFormatter", Kind::NoOp),
];

/// Where Kafka keeps its formatters, today and in the courses' days.
const PACKAGES: [&str; 2] = ["org.apache.kafka.tools.consumer.", "kafka.tools."];

impl Formatter {
    /// The formatter of a Java class (the default one without), set by Kafka's properties.
    pub(super) fn configure(
        class: Option<&str>,
        properties: &BTreeMap<String, String>,
    ) -> Result<Formatter, FormatterError> {
        let set = |name: &str, default: bool| {
            properties
                .get(name)
                .map_or(default, |v| v.trim().eq_ignore_ascii_case("true"))
        };
        let bytes = |name: &str, default: &str| {
            properties
                .get(name)
                .map_or(default, String::as_str)
                .as_bytes()
                .to_vec()
        };
        let deserializer = |name: &str| {
            properties
                .get(name)
                .map(|class| Deserializer::by_class_name(class))
                .transpose()
        };
        Ok(Formatter {
            kind: class.map_or(Ok(Kind::Default), kind_of)?,
            print: Columns {
                timestamp: set("print.timestamp", false),
                partition: set("print.partition", false),
                offset: set("print.offset", false),
                delivery: set("print.delivery", false),
                epoch: set("print.epoch", false),
                headers: set("print.headers", false),
                key: set("print.key", false),
                value: set("print.value", true),
            },
            key_separator: bytes("key.separator", "\t"),
            line_separator: bytes("line.separator", "\n"),
            headers_separator: bytes("headers.separator", ","),
            null_literal: bytes("null.literal", "null"),
            key_deserializer: deserializer("key.deserializer")?,
            value_deserializer: deserializer("value.deserializer")?,
            headers_deserializer: deserializer("headers.deserializer")?,
        })
    }

    /// Prints `record`: the columns that are wanted, then the line's end.
    pub(super) fn write(
        &self,
        record: &Printed<'_>,
        output: &mut dyn Write,
    ) -> Result<(), FormatterError> {
        match self.kind {
            Kind::NoOp => return Ok(()),
            Kind::Logging => write_timestamp_note(record, output)?,
            Kind::Default => {}
        }
        let columns = self.columns(record)?;
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                output.write_all(&self.key_separator)?;
            }
            output.write_all(column)?;
        }
        if !columns.is_empty() {
            output.write_all(&self.line_separator)?;
        }
        Ok(())
    }

    fn columns(&self, record: &Printed<'_>) -> Result<Vec<Vec<u8>>, FormatterError> {
        let mut columns = Vec::new();
        let print = &self.print;
        if print.timestamp {
            columns.push(timestamp_text(record).into_bytes());
        }
        if print.partition {
            columns.push(format!("Partition:{}", record.partition).into_bytes());
        }
        if print.offset {
            columns.push(format!("Offset:{}", record.offset).into_bytes());
        }
        if print.delivery {
            // Only share groups count deliveries.
            columns.push(b"Delivery:NOT_PRESENT".to_vec());
        }
        if print.epoch {
            let epoch = record
                .leader_epoch
                .map_or("NOT_PRESENT".to_owned(), |e| e.to_string());
            columns.push(format!("Epoch:{epoch}").into_bytes());
        }
        if print.headers {
            columns.push(self.headers_text(record)?);
        }
        if print.key {
            columns.push(self.text(self.key_deserializer, record.key)?);
        }
        if print.value {
            columns.push(self.text(self.value_deserializer, record.value)?);
        }
        Ok(columns)
    }

    fn headers_text(&self, record: &Printed<'_>) -> Result<Vec<u8>, FormatterError> {
        if record.headers.is_empty() {
            return Ok(b"NO_HEADERS".to_vec());
        }
        let mut text = Vec::new();
        for (index, (name, value)) in record.headers.iter().enumerate() {
            if index > 0 {
                text.extend_from_slice(&self.headers_separator);
            }
            text.extend_from_slice(name.as_bytes());
            text.push(b':');
            text.extend(self.text(self.headers_deserializer, *value)?);
        }
        Ok(text)
    }

    /// Kafka hands the null literal to the deserializer too; ours prints it as it is.
    fn text(
        &self,
        deserializer: Option<Deserializer>,
        bytes: Option<&[u8]>,
    ) -> Result<Vec<u8>, FormatterError> {
        match (bytes, deserializer) {
            (None, _) => Ok(self.null_literal.clone()),
            (Some(bytes), None) => Ok(bytes.to_vec()),
            (Some(bytes), Some(deserializer)) => Ok(deserializer.text(bytes)?.into_owned()),
        }
    }
}

fn kind_of(class: &str) -> Result<Kind, FormatterError> {
    let short = PACKAGES
        .iter()
        .find_map(|package| class.strip_prefix(package))
        .unwrap_or(class);
    KNOWN
        .iter()
        .find(|(name, _)| *name == short)
        .map(|(_, kind)| *kind)
        .ok_or_else(|| FormatterError::UnknownClass(class.to_owned()))
}

fn timestamp_text(record: &Printed<'_>) -> String {
    match record.timestamp {
        Some((milliseconds, TimestampOrigin::CreateTime)) => format!("CreateTime:{milliseconds}"),
        Some((milliseconds, TimestampOrigin::LogAppendTime)) => {
            format!("LogAppendTime:{milliseconds}")
        }
        None => "NO_TIMESTAMP".to_owned(),
    }
}

/// Kafka's logging formatter says the timestamp in its log, then prints by the default one.
fn write_timestamp_note(record: &Printed<'_>, output: &mut dyn Write) -> io::Result<()> {
    if record.timestamp.is_some() {
        write!(output, "{}, ", timestamp_text(record))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(properties: &[(&str, &str)], record: &Printed<'_>) -> String {
        let properties = properties
            .iter()
            .map(|(n, v)| (n.to_string(), v.to_string()))
            .collect();
        let formatter = Formatter::configure(None, &properties).unwrap();
        let mut output = Vec::new();
        formatter.write(record, &mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    fn record() -> Printed<'static> {
        Printed {
            timestamp: Some((1_690_000_000_000, TimestampOrigin::CreateTime)),
            partition: 2,
            offset: 5,
            leader_epoch: Some(0),
            headers: vec![("colour", Some(b"blue")), ("none", None)],
            key: Some(b"k"),
            value: Some(b"v"),
        }
    }

    #[test]
    fn only_the_value_is_printed_unless_more_is_asked_for() {
        assert_eq!(printed(&[], &record()), "v\n");
    }

    #[test]
    fn all_columns_come_in_kafkas_order() {
        let all = [
            "print.value",
            "print.key",
            "print.headers",
            "print.epoch",
            "print.delivery",
            "print.offset",
            "print.partition",
            "print.timestamp",
        ];
        let properties: Vec<_> = all.iter().map(|name| (*name, "true")).collect();
        assert_eq!(
            printed(&properties, &record()),
            "CreateTime:1690000000000\tPartition:2\tOffset:5\tDelivery:NOT_PRESENT\tEpoch:0\t\
             colour:blue,none:null\tk\tv\n"
        );
    }

    #[test]
    fn nulls_and_absent_headers_have_their_words() {
        let bare = Printed {
            headers: vec![],
            key: None,
            value: None,
            ..record()
        };
        let properties = [
            ("print.key", "true"),
            ("print.headers", "true"),
            ("null.literal", "-"),
        ];
        assert_eq!(printed(&properties, &bare), "NO_HEADERS\t-\t-\n");
    }

    #[test]
    fn the_old_formatter_class_of_the_courses_is_the_default_one() {
        let properties = BTreeMap::new();
        assert!(
            Formatter::configure(Some("kafka.tools.DefaultMessageFormatter"), &properties).is_ok()
        );
        let error = Formatter::configure(Some("Nope"), &properties)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("unknown formatter Nope: known are Default"),
            "{error}"
        );
    }
}
