//! Values as JSON text.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};

use super::base64_like;
use super::parse::Json;
use crate::cast::{Style, ValueWriter};
use crate::datetime_pattern::Pattern;
use crate::error::{Result, SparkError};
use crate::ir::DataType;
use crate::time::TimeZone;

const TIMESTAMP_FORMAT: &str = "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]";
const TIMESTAMP_NTZ_FORMAT: &str = "yyyy-MM-dd'T'HH:mm:ss[.SSS]";

/// Writes values of any type; null fields of structs are left out unless told otherwise.
pub(crate) struct JsonWriter {
    ignore_nulls: bool,
    pretty: bool,
    time_zone: TimeZone,
    date_format: Option<Pattern>,
    timestamp_format: Pattern,
    timestamp_ntz_format: Pattern,
    values: ValueWriter,
}

impl JsonWriter {
    /// Option keys in lower case.
    pub(crate) fn new(options: &BTreeMap<String, String>, time_zone: TimeZone) -> Result<Self> {
        let time_zone = match options.get("timezone") {
            Some(zone) => TimeZone::parse(zone).ok_or_else(|| {
                SparkError::invalid_data_source_option("timeZone", zone, "it is no time zone")
            })?,
            None => time_zone,
        };
        let is_true = |key: &str| {
            options
                .get(key)
                .is_some_and(|v| v.eq_ignore_ascii_case("true"))
        };
        let format = |key: &str, default: &str| {
            Pattern::parse(options.get(key).map_or(default, String::as_str))
        };
        Ok(Self {
            ignore_nulls: !options
                .get("ignorenullfields")
                .is_some_and(|v| v.eq_ignore_ascii_case("false")),
            pretty: is_true("pretty"),
            time_zone,
            date_format: options
                .get("dateformat")
                .map(|f| Pattern::parse(f))
                .transpose()?,
            timestamp_format: format("timestampformat", TIMESTAMP_FORMAT)?,
            timestamp_ntz_format: format("timestampntzformat", TIMESTAMP_NTZ_FORMAT)?,
            values: ValueWriter::new(Style::Cast, time_zone),
        })
    }

    /// The JSON of a value, nothing if it is null.
    pub(crate) fn text(
        &self,
        array: &ArrayRef,
        data_type: &DataType,
        row: usize,
    ) -> Result<Option<String>> {
        if array.is_null(row) {
            return Ok(None);
        }
        let mut out = String::new();
        self.write(array, data_type, row, &mut out)?;
        if self.pretty
            && let Ok(value) = serde_json::from_str::<serde_json::Value>(&out)
        {
            return Ok(Some(
                serde_json::to_string_pretty(&value)
                    .unwrap_or(out)
                    .replace("\": ", "\" : "),
            ));
        }
        Ok(Some(out))
    }

    fn write(
        &self,
        array: &ArrayRef,
        data_type: &DataType,
        row: usize,
        out: &mut String,
    ) -> Result<()> {
        if array.is_null(row) || *data_type == DataType::Null {
            out.push_str("null");
            return Ok(());
        }
        match data_type {
            DataType::Struct(fields) => {
                let structure = array.as_struct();
                out.push('{');
                let mut first = true;
                for (field, column) in fields.fields.iter().zip(structure.columns()) {
                    if self.ignore_nulls
                        && (column.is_null(row) || field.data_type == DataType::Null)
                    {
                        continue;
                    }
                    if !std::mem::take(&mut first) {
                        out.push(',');
                    }
                    quote(&field.name, out);
                    out.push(':');
                    self.write(column, &field.data_type, row, out)?;
                }
                out.push('}');
            }
            DataType::Array { element, .. } => {
                let values = array.as_list::<i32>().value(row);
                out.push('[');
                for index in 0..values.len() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.write(&values, element, index, out)?;
                }
                out.push(']');
            }
            DataType::Map { key, value, .. } => {
                let entries = array.as_map().value(row);
                out.push('{');
                let mut first = true;
                for index in 0..entries.len() {
                    if self.ignore_nulls && entries.column(1).is_null(index) {
                        continue;
                    }
                    if !std::mem::take(&mut first) {
                        out.push(',');
                    }
                    let name = self
                        .values
                        .text(entries.column(0), key, index)
                        .unwrap_or_else(|| "null".to_owned());
                    quote(&name, out);
                    out.push(':');
                    self.write(entries.column(1), value, index, out)?;
                }
                out.push('}');
            }
            DataType::String(_) => quote(array.as_string::<i32>().value(row), out),
            DataType::Binary => quote(
                &base64_like::encode(array.as_binary::<i32>().value(row)),
                out,
            ),
            DataType::Double | DataType::Float => {
                let text = self.values.text(array, data_type, row).unwrap_or_default();
                let special = text.ends_with("NaN") || text.ends_with("Infinity");
                if special {
                    quote(&text, out)
                } else {
                    out.push_str(&text)
                }
            }
            DataType::Date => {
                let days = i64::from(
                    array
                        .as_primitive::<arrow::datatypes::Date32Type>()
                        .value(row),
                );
                let text = match &self.date_format {
                    Some(format) => format.format_date(days),
                    None => crate::cast::date_text(days),
                };
                quote(&text, out);
            }
            DataType::Timestamp => {
                let micros = array
                    .as_primitive::<arrow::datatypes::TimestampMicrosecondType>()
                    .value(row);
                quote(
                    &self
                        .timestamp_format
                        .format_timestamp(micros, self.time_zone),
                    out,
                );
            }
            DataType::TimestampNtz => {
                let micros = array
                    .as_primitive::<arrow::datatypes::TimestampMicrosecondType>()
                    .value(row);
                let text = self
                    .timestamp_ntz_format
                    .format_timestamp(micros, TimeZone::UTC);
                quote(&text, out);
            }
            t if t.is_numeric() || *t == DataType::Boolean => {
                out.push_str(&self.values.text(array, data_type, row).unwrap_or_default());
            }
            _ => quote(
                &self.values.text(array, data_type, row).unwrap_or_default(),
                out,
            ),
        }
        Ok(())
    }
}

/// A string in JSON's quotes.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A tree as text again.
pub(crate) fn json_text(json: &Json<'_>) -> String {
    let mut out = String::new();
    write_tree(json, &mut out);
    out
}

fn write_tree(json: &Json<'_>, out: &mut String) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        // What is no whole number is read as a double.
        Json::Number(text) => match text.contains(['.', 'e', 'E']).then(|| text.parse()) {
            Some(Ok(value)) => out.push_str(&crate::cast::double_text(value)),
            _ => out.push_str(text),
        },
        Json::String(text) => quote(text, out),
        Json::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_tree(value, out);
            }
            out.push(']');
        }
        Json::Object(fields) => {
            out.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                quote(name, out);
                out.push(':');
                write_tree(value, out);
            }
            out.push('}');
        }
    }
}
