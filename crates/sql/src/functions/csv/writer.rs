//! Rows as CSV.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Date32Type, Float32Type, Float64Type, TimestampMicrosecondType};

use super::options::CsvOptions;
use crate::cast::{Style, ValueWriter};
use crate::datetime_pattern::Pattern;
use crate::error::Result;
use crate::ir::{DataType, StructType};
use crate::time::TimeZone;

/// How times are written unless the options say otherwise.
const TIMESTAMP_PATTERN: &str = "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]";
const TIMESTAMP_NTZ_PATTERN: &str = "yyyy-MM-dd'T'HH:mm:ss[.SSS]";

pub(crate) struct CsvWriter {
    options: CsvOptions,
    values: ValueWriter,
}

impl CsvWriter {
    pub(crate) fn new(options: CsvOptions) -> Self {
        let values = ValueWriter::new(Style::Show, options.time_zone);
        Self { options, values }
    }

    pub(crate) fn header(&self, schema: &StructType) -> String {
        let names: Vec<String> = schema.fields.iter().map(|f| self.quoted(&f.name)).collect();
        names.join(&self.options.delimiter)
    }

    /// One row of the columns.
    pub(crate) fn line(
        &self,
        columns: &[ArrayRef],
        schema: &StructType,
        row: usize,
    ) -> Result<String> {
        let mut cells = Vec::with_capacity(columns.len());
        for (column, field) in columns.iter().zip(schema.fields.iter()) {
            cells.push(match self.text(column, &field.data_type, row)? {
                None => self.options.null_value.clone(),
                Some(text) if text.is_empty() => self.options.empty_value.clone(),
                Some(text) => self.quoted(self.trimmed(&text)),
            });
        }
        Ok(cells.join(&self.options.delimiter))
    }

    fn trimmed<'a>(&self, text: &'a str) -> &'a str {
        let mut text = text;
        if self.options.write_trim_left {
            text = text.trim_start();
        }
        if self.options.write_trim_right {
            text = text.trim_end();
        }
        text
    }

    fn text(&self, column: &ArrayRef, data_type: &DataType, row: usize) -> Result<Option<String>> {
        if column.is_null(row) {
            return Ok(None);
        }
        let options = &self.options;
        let special = |v: f64| match v {
            v if v.is_nan() => Some(options.nan_value.clone()),
            f64::INFINITY => Some(options.positive_infinity.clone()),
            f64::NEG_INFINITY => Some(options.negative_infinity.clone()),
            _ => None,
        };
        let plain = || self.values.text(column, data_type, row);
        Ok(match data_type {
            DataType::Double => {
                special(column.as_primitive::<Float64Type>().value(row)).or_else(plain)
            }
            DataType::Float => {
                special(f64::from(column.as_primitive::<Float32Type>().value(row))).or_else(plain)
            }
            DataType::Date => match &options.date_format {
                Some(pattern) => Some(
                    pattern.format_date(i64::from(column.as_primitive::<Date32Type>().value(row))),
                ),
                None => plain(),
            },
            DataType::Timestamp | DataType::TimestampNtz => {
                let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
                let (default, zone) = match data_type {
                    DataType::Timestamp => (TIMESTAMP_PATTERN, options.time_zone),
                    _ => (TIMESTAMP_NTZ_PATTERN, TimeZone::UTC),
                };
                Some(match &options.timestamp_format {
                    Some(pattern) => pattern.format_timestamp(micros, zone),
                    None => Pattern::parse(default)?.format_timestamp(micros, zone),
                })
            }
            _ => plain(),
        })
    }

    /// Between quotes if the text would not come back otherwise.
    fn quoted(&self, text: &str) -> String {
        let Some(quote) = self.options.quote else {
            return text.to_owned();
        };
        let needed = self.options.quote_all
            || text.contains(self.options.delimiter.as_str())
            || text.contains(['\n', '\r'])
            || (self.options.escape_quotes && text.contains(quote))
            || text.starts_with(quote);
        if !needed {
            return text.to_owned();
        }
        let mut out = String::from(quote);
        for c in text.chars() {
            if c == quote || c == self.options.escape {
                out.push(self.options.escape);
            }
            out.push(c);
        }
        out.push(quote);
        out
    }
}
