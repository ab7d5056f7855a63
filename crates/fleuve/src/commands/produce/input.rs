//! How a line becomes a record.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fleuve_client::{ProducerRecord, RecordHeader};
use fleuve_model::{PartitionId, Timestamp, TopicName};
use serde_json::{Map, Value};

use super::ProduceArguments;
use crate::commands::terminal::Problem;

/// Makes records of lines.
pub(super) struct Input {
    topic: TopicName,
    partition: Option<PartitionId>,
    key: Option<Bytes>,
    key_separator: Option<Vec<u8>>,
    headers: Vec<RecordHeader>,
    is_json: bool,
}

/// Why a line is no record.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineProblem {
    #[error("it has no {0:?} between key and value")]
    SeparatorMissing(String),
    #[error("it is not a JSON object: {0}")]
    NotAnObject(String),
    #[error("it has a field {0:?}, which means nothing")]
    UnknownField(String),
    #[error("its {field} is not {expected}")]
    Malformed {
        field: &'static str,
        expected: &'static str,
    },
    #[error("it has neither value nor value_base64")]
    ValueMissing,
}

impl LineProblem {
    /// What to do about it.
    pub(super) fn advice(&self) -> Option<&'static str> {
        match self {
            LineProblem::SeparatorMissing(_) => {
                Some("leave --key-separator away if lines have no key")
            }
            LineProblem::NotAnObject(_) => {
                Some("leave --json away if lines are values as they are")
            }
            LineProblem::UnknownField(_) => Some(
                "the fields are value, key, value_base64, key_base64, headers, partition and \
                 timestamp",
            ),
            LineProblem::ValueMissing => Some("a tombstone is written \"value\": null"),
            LineProblem::Malformed { .. } => None,
        }
    }
}

impl Input {
    pub(super) fn new(topic: TopicName, arguments: &ProduceArguments) -> Result<Input, Problem> {
        if arguments.key_separator.as_deref() == Some("") {
            return Err(Problem::new("--key-separator is empty")
                .next("name what stands between key and value, such as --key-separator :"));
        }
        let header = |(key, value): &(String, String)| RecordHeader {
            key: Bytes::from(key.clone()),
            value: Some(Bytes::from(value.clone())),
        };
        Ok(Input {
            topic,
            partition: super::partition(arguments.partition),
            key: arguments.key.clone().map(Bytes::from),
            key_separator: arguments.key_separator.as_deref().map(unescaped),
            headers: arguments.header.iter().map(header).collect(),
            is_json: arguments.json,
        })
    }

    pub(super) fn record_of_value(&self, value: Bytes) -> ProducerRecord {
        ProducerRecord {
            topic: self.topic.clone(),
            partition: self.partition,
            key: self.key.clone(),
            value: Some(value),
            headers: self.headers.clone(),
            timestamp: None,
        }
    }

    pub(super) fn record(&self, line: &[u8]) -> Result<ProducerRecord, LineProblem> {
        if self.is_json {
            return self.record_of_json(line);
        }
        let Some(separator) = &self.key_separator else {
            return Ok(self.record_of_value(Bytes::copy_from_slice(line)));
        };
        let at = line
            .windows(separator.len())
            .position(|window| window == separator.as_slice());
        let at = at.ok_or_else(|| {
            LineProblem::SeparatorMissing(String::from_utf8_lossy(separator).into_owned())
        })?;
        let value = &line[at + separator.len()..];
        let mut record = self.record_of_value(Bytes::copy_from_slice(value));
        record.key = Some(Bytes::copy_from_slice(&line[..at]));
        Ok(record)
    }

    fn record_of_json(&self, line: &[u8]) -> Result<ProducerRecord, LineProblem> {
        let fields: Map<String, Value> = serde_json::from_slice(line)
            .map_err(|error| LineProblem::NotAnObject(error.to_string()))?;
        let mut record = self.record_of_value(Bytes::new());
        let mut has_value = false;
        for (field, value) in fields {
            match field.as_str() {
                "value" => record.value = bytes(value),
                "value_base64" => record.value = Some(base64("value_base64", &value)?),
                "key" => record.key = bytes(value),
                "key_base64" => record.key = Some(base64("key_base64", &value)?),
                "headers" => record.headers.extend(headers(value)?),
                "partition" => record.partition = Some(partition(&value)?),
                "timestamp" => record.timestamp = Some(timestamp(&value)?),
                // What a consumer prints besides says where the record was.
                "topic" | "offset" | "time" => {}
                _ => return Err(LineProblem::UnknownField(field)),
            }
            has_value |= field.starts_with("value");
        }
        match has_value {
            true => Ok(record),
            false => Err(LineProblem::ValueMissing),
        }
    }
}

/// A string as it is, nothing for null, anything else as its JSON text.
fn bytes(value: Value) -> Option<Bytes> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Bytes::from(text)),
        other => Some(Bytes::from(other.to_string())),
    }
}

fn base64(field: &'static str, value: &Value) -> Result<Bytes, LineProblem> {
    let decoded = value.as_str().and_then(|text| STANDARD.decode(text).ok());
    let expected = "base64";
    decoded
        .map(Bytes::from)
        .ok_or(LineProblem::Malformed { field, expected })
}

fn partition(value: &Value) -> Result<PartitionId, LineProblem> {
    let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
    number
        .and_then(PartitionId::from_wire)
        .ok_or(LineProblem::Malformed {
            field: "partition",
            expected: "a partition's number",
        })
}

fn timestamp(value: &Value) -> Result<Timestamp, LineProblem> {
    let millis = value.as_i64().and_then(Timestamp::from_wire);
    millis.ok_or(LineProblem::Malformed {
        field: "timestamp",
        expected: "a number of milliseconds since 1970",
    })
}

/// `{"name": "value"}`, or a list of `{"key": "name", "value": "value"}`, in which a name may
/// stand twice.
fn headers(value: Value) -> Result<Vec<RecordHeader>, LineProblem> {
    let malformed = || LineProblem::Malformed {
        field: "headers",
        expected: "an object, or a list of objects with key and value",
    };
    let header = |key: String, value: Value| RecordHeader {
        key: Bytes::from(key),
        value: bytes(value),
    };
    match value {
        Value::Object(pairs) => Ok(pairs
            .into_iter()
            .map(|(key, value)| header(key, value))
            .collect()),
        Value::Array(items) => {
            let read = |mut item: Value| {
                let key = item.get("key")?.as_str()?.to_owned();
                let encoded = item.get("value_base64").cloned();
                Some(match encoded {
                    Some(encoded) => RecordHeader {
                        key: Bytes::from(key),
                        value: Some(base64("headers", &encoded).ok()?),
                    },
                    None => header(key, item.get_mut("value")?.take()),
                })
            };
            let read: Option<Vec<RecordHeader>> = items.into_iter().map(read).collect();
            read.ok_or_else(malformed)
        }
        _ => Err(malformed()),
    }
}

/// `\t` as a tabulator: separators are often that, and shells make it hard to type.
fn unescaped(text: &str) -> Vec<u8> {
    text.replace("\\t", "\t").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(is_json: bool, separator: Option<&str>) -> Input {
        Input {
            topic: TopicName::new("t").unwrap(),
            partition: None,
            key: None,
            key_separator: separator.map(unescaped),
            headers: Vec::new(),
            is_json,
        }
    }

    #[test]
    fn the_first_separator_ends_the_key() {
        let record = input(false, Some(":")).record(b"a:b:c").unwrap();
        assert_eq!(record.key.as_deref(), Some(&b"a"[..]));
        assert_eq!(record.value.as_deref(), Some(&b"b:c"[..]));
        let record = input(false, Some("\\t")).record(b"a\tb").unwrap();
        assert_eq!(record.key.as_deref(), Some(&b"a"[..]));
        let missing = input(false, Some(":")).record(b"abc").unwrap_err();
        assert_eq!(missing, LineProblem::SeparatorMissing(":".to_owned()));
    }

    #[test]
    fn json_lines_have_all_that_a_record_has() {
        let line =
            br#"{"key":"k","value":{"a":1},"headers":{"h":"1"},"partition":2,"timestamp":5}"#;
        let record = input(true, None).record(line).unwrap();
        assert_eq!(record.key.as_deref(), Some(&b"k"[..]));
        assert_eq!(record.value.as_deref(), Some(&br#"{"a":1}"#[..]));
        assert_eq!(record.headers[0].value.as_deref(), Some(&b"1"[..]));
        assert_eq!(record.partition, PartitionId::from_wire(2));
        assert_eq!(record.timestamp, Timestamp::from_wire(5));
    }

    #[test]
    fn null_is_a_tombstone_and_no_value_is_a_mistake() {
        let input = input(true, None);
        assert_eq!(
            input.record(br#"{"key":"k","value":null}"#).unwrap().value,
            None
        );
        let missing = input.record(br#"{"key":"k"}"#).unwrap_err();
        assert_eq!(missing, LineProblem::ValueMissing);
        let unknown = input.record(br#"{"valeu":1}"#).unwrap_err();
        assert_eq!(unknown, LineProblem::UnknownField("valeu".to_owned()));
    }

    #[test]
    fn bytes_that_are_no_text_come_as_base64() {
        let record = input(true, None)
            .record(br#"{"value_base64":"/w=="}"#)
            .unwrap();
        assert_eq!(record.value.as_deref(), Some(&[0xff][..]));
        assert!(
            input(true, None)
                .record(br#"{"value_base64":"%"}"#)
                .is_err()
        );
    }
}
