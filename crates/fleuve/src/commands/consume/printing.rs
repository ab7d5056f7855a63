//! How a record is printed: its value alone, by a template, as columns, JSON or YAML.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleuve_client::ConsumerRecord;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::ConsumeArguments;
use super::template::Template;
use crate::commands::terminal::{Format, Paint, Style, to_yaml};
use crate::tasks::times::rfc3339;

/// Prints records, one after the other.
pub(super) struct Printer {
    form: Form,
    has_printed: bool,
}

enum Form {
    Values,
    Template(Template),
    Columns { has_topic: bool, paint: Paint },
    Json { embeds: bool },
    Yaml,
}

impl Printer {
    pub(super) fn new(arguments: &ConsumeArguments, paint: Paint) -> Printer {
        let form = match (&arguments.format, arguments.output) {
            (Some(template), _) => Form::Template(template.clone()),
            (None, None) if arguments.json_values => Form::Json { embeds: true },
            (None, None) => Form::Values,
            (None, Some(Format::Table)) => Form::Columns {
                has_topic: arguments.topics.len() > 1,
                paint,
            },
            (None, Some(Format::Json)) => Form::Json {
                embeds: arguments.json_values,
            },
            (None, Some(Format::Yaml)) => Form::Yaml,
        };
        Printer {
            form,
            has_printed: false,
        }
    }

    pub(super) fn print(
        &mut self,
        record: &ConsumerRecord,
        output: &mut dyn Write,
    ) -> io::Result<()> {
        let is_first = !std::mem::replace(&mut self.has_printed, true);
        match &self.form {
            Form::Values => {
                output.write_all(record.value.as_deref().unwrap_or(b"null"))?;
                output.write_all(b"\n")
            }
            Form::Template(template) => template.print(record, output),
            Form::Columns { has_topic, paint } => {
                if is_first {
                    print_heads(*has_topic, *paint, output)?;
                }
                print_columns(record, *has_topic, *paint, output)
            }
            Form::Json { embeds } => print_json(record, *embeds, output),
            Form::Yaml => {
                let mark = if is_first { "" } else { "---\n" };
                write!(output, "{mark}{}", to_yaml(&value(record)))
            }
        }
    }
}

/// Columns that fit most records; a longer cell moves the rest of its line.
fn columns(cells: [&str; 6], has_topic: bool, paint: Paint, style: Style) -> String {
    let [topic, partition, offset, time, key, value] = cells;
    let topic = match has_topic {
        true => format!("{topic:<20}  "),
        false => String::new(),
    };
    let place = format!("{topic}{partition:>9}  {offset:>10}  {time:<24}");
    format!("{}  {key:<16}  {value}", paint.style(style, &place))
}

fn print_heads(has_topic: bool, paint: Paint, output: &mut dyn Write) -> io::Result<()> {
    let heads = ["TOPIC", "PARTITION", "OFFSET", "TIME", "KEY", "VALUE"];
    writeln!(output, "{}", columns(heads, has_topic, paint, Style::Bold))
}

fn print_columns(
    record: &ConsumerRecord,
    has_topic: bool,
    paint: Paint,
    output: &mut dyn Write,
) -> io::Result<()> {
    let cells = [
        record.partition.topic.as_str(),
        &record.partition.partition.to_string(),
        &record.offset.to_string(),
        &record
            .timestamp
            .map_or("-".to_owned(), |time| rfc3339(time.as_millis())),
        &one_line(record.key.as_deref()),
        &one_line(record.value.as_deref()),
    ];
    writeln!(output, "{}", columns(cells, has_topic, paint, Style::Dim))
}

/// Text on one line: what would move the cursor is shown as its escape.
fn one_line(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else {
        return "-".to_owned();
    };
    let shown = |letter: char| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    String::from_utf8_lossy(bytes).chars().map(shown).collect()
}

/// One object on one line. A value that is JSON may stand as it is, not read and written anew, so
/// that its numbers and the order of its fields stay.
fn print_json(record: &ConsumerRecord, embeds: bool, output: &mut dyn Write) -> io::Result<()> {
    let embedded = record
        .value
        .as_deref()
        .filter(|_| embeds)
        .filter(|bytes| serde_json::from_slice::<IgnoredAny>(bytes).is_ok());
    let Some(bytes) = embedded else {
        return writeln!(output, "{}", value(record));
    };
    let mut rest = value(record);
    if let Some(fields) = rest.as_object_mut() {
        fields.remove("value");
    }
    let rest = rest.to_string();
    // Between tokens of JSON a line's end means as much as a blank, and within one there is none.
    let text: Vec<u8> = bytes
        .iter()
        .map(|byte| {
            if matches!(byte, b'\n' | b'\r') {
                b' '
            } else {
                *byte
            }
        })
        .collect();
    output.write_all(&rest.as_bytes()[..rest.len() - 1])?;
    output.write_all(b",\"value\":")?;
    output.write_all(&text)?;
    output.write_all(b"}\n")
}

fn value(record: &ConsumerRecord) -> Value {
    let mut fields = Map::new();
    fields.insert("topic".into(), record.partition.topic.as_str().into());
    fields.insert(
        "partition".into(),
        record.partition.partition.value().into(),
    );
    fields.insert("offset".into(), record.offset.value().into());
    if let Some(time) = record.timestamp {
        fields.insert("timestamp".into(), time.as_millis().into());
        fields.insert("time".into(), rfc3339(time.as_millis()).into());
    }
    insert(&mut fields, "key", record.key.as_deref());
    let headers = record.headers.iter().map(|header| {
        let mut fields = Map::new();
        fields.insert("key".into(), json!(String::from_utf8_lossy(&header.key)));
        insert(&mut fields, "value", header.value.as_deref());
        Value::Object(fields)
    });
    let headers: Vec<Value> = headers.collect();
    if !headers.is_empty() {
        fields.insert("headers".into(), headers.into());
    }
    insert(&mut fields, "value", record.value.as_deref());
    Value::Object(fields)
}

/// Text as it is; bytes that are no text under a name of their own, so that nothing is lost.
fn insert(fields: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    match bytes.map(std::str::from_utf8) {
        None => drop(fields.insert(name.to_owned(), Value::Null)),
        Some(Ok(text)) => drop(fields.insert(name.to_owned(), text.into())),
        Some(Err(_)) => {
            let encoded = STANDARD.encode(bytes.unwrap_or_default());
            fields.insert(format!("{name}_base64"), encoded.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use fleuve_client::RecordHeader;
    use fleuve_model::record::TimestampType;
    use fleuve_model::{Offset, PartitionId, Timestamp, TopicName, TopicPartition};

    fn record(value: &'static [u8]) -> ConsumerRecord {
        let topic = TopicName::new("t").unwrap();
        ConsumerRecord {
            partition: TopicPartition::new(topic, PartitionId::new(1).unwrap()),
            offset: Offset::new(5).unwrap(),
            timestamp: Some(Timestamp::from_millis(0)),
            timestamp_type: TimestampType::CreateTime,
            key: None,
            value: Some(Bytes::from_static(value)),
            headers: vec![RecordHeader {
                key: Bytes::from_static(b"h"),
                value: Some(Bytes::from_static(b"1")),
            }],
            leader_epoch: None,
        }
    }

    fn printed(record: &ConsumerRecord, embeds: bool) -> Value {
        let mut output = Vec::new();
        print_json(record, embeds, &mut output).unwrap();
        assert_eq!(output.iter().filter(|byte| **byte == b'\n').count(), 1);
        serde_json::from_slice(&output).unwrap()
    }

    #[test]
    fn json_has_all_that_the_record_has() {
        assert_eq!(
            printed(&record(b"a\nb"), false),
            json!({
                "topic": "t", "partition": 1, "offset": 5, "timestamp": 0,
                "time": "1970-01-01T00:00:00.000Z", "key": null,
                "headers": [{ "key": "h", "value": "1" }], "value": "a\nb",
            })
        );
    }

    #[test]
    fn values_that_are_json_stand_as_such_if_that_is_wanted() {
        let object = record(b"{\"b\": 1,\n\"a\": 2}");
        assert_eq!(printed(&object, true)["value"], json!({ "a": 2, "b": 1 }));
        assert!(printed(&object, false)["value"].is_string());
        assert_eq!(printed(&record(b"no json"), true)["value"], "no json");
    }

    #[test]
    fn bytes_that_are_no_text_stand_as_base64() {
        let value = printed(&record(b"\xff"), false);
        assert_eq!(value["value_base64"], "/w==");
        assert!(value.get("value").is_none());
    }
}
