//! Values as text: as a cast shows them, and as `show` does.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType, IntervalYearMonthType,
    Time64NanosecondType, TimestampMicrosecondType,
};

use super::{calendar_interval_text, day_time_text, decimal_text, year_month_text};
use crate::ir::DataType;
use crate::time::{MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone, civil_from_days};

/// What the text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `CAST(x AS STRING)`: nulls inside of containers are `null`, bytes are text.
    Cast,
    /// `show`: nulls are `NULL`, bytes are `[31 32]`.
    Show,
}

/// Writes values of any type.
pub(crate) struct ValueWriter {
    style: Style,
    time_zone: TimeZone,
}

impl ValueWriter {
    pub(crate) fn new(style: Style, time_zone: TimeZone) -> Self {
        Self { style, time_zone }
    }

    /// The text of a value, or nothing if it is null.
    pub(crate) fn text(
        &self,
        array: &ArrayRef,
        data_type: &DataType,
        row: usize,
    ) -> Option<String> {
        if array.is_null(row) || *data_type == DataType::Null {
            return None;
        }
        let mut text = String::new();
        self.write(array, data_type, row, &mut text);
        Some(text)
    }

    fn null(&self) -> &'static str {
        match self.style {
            Style::Cast => "null",
            Style::Show => "NULL",
        }
    }

    fn write(&self, array: &ArrayRef, data_type: &DataType, row: usize, out: &mut String) {
        if array.is_null(row) || *data_type == DataType::Null {
            out.push_str(self.null());
            return;
        }
        match data_type {
            DataType::Boolean => out.push_str(super::boolean_text(array.as_boolean().value(row))),
            DataType::Byte => push(out, array.as_primitive::<Int8Type>().value(row)),
            DataType::Short => push(out, array.as_primitive::<Int16Type>().value(row)),
            DataType::Integer => push(out, array.as_primitive::<Int32Type>().value(row)),
            DataType::Long => push(out, array.as_primitive::<Int64Type>().value(row)),
            DataType::Float => {
                out.push_str(&float_text(array.as_primitive::<Float32Type>().value(row)))
            }
            DataType::Double => {
                out.push_str(&double_text(array.as_primitive::<Float64Type>().value(row)))
            }
            DataType::Decimal { scale, .. } => {
                out.push_str(&decimal_text(
                    array.as_primitive::<Decimal128Type>().value(row),
                    *scale,
                ));
            }
            DataType::String(_) => out.push_str(array.as_string::<i32>().value(row)),
            DataType::Binary | DataType::Variant => {
                self.write_binary(array.as_binary::<i32>().value(row), out)
            }
            DataType::Date => out.push_str(&date_text(i64::from(
                array.as_primitive::<Date32Type>().value(row),
            ))),
            DataType::Timestamp => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                out.push_str(&timestamp_text(micros, self.time_zone));
            }
            DataType::TimestampNtz => {
                out.push_str(&timestamp_ntz_text(
                    array.as_primitive::<TimestampMicrosecondType>().value(row),
                ));
            }
            DataType::Time { .. } => {
                let nanos = array.as_primitive::<Time64NanosecondType>().value(row);
                out.push_str(&time_text(nanos / 1000));
            }
            DataType::CalendarInterval => {
                let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
                out.push_str(&calendar_interval_text(
                    value.months,
                    value.days,
                    value.nanoseconds / 1000,
                ));
            }
            DataType::YearMonthInterval { start, end } => {
                let months = array.as_primitive::<IntervalYearMonthType>().value(row);
                out.push_str(&year_month_text(months, *start, *end));
            }
            DataType::DayTimeInterval { start, end } => {
                let micros = array.as_primitive::<DurationMicrosecondType>().value(row);
                out.push_str(&day_time_text(micros, *start, *end));
            }
            DataType::Array { element, .. } => {
                let values = array.as_list::<i32>().value(row);
                out.push('[');
                for index in 0..values.len() {
                    separate(out, index);
                    self.write(&values, element, index, out);
                }
                out.push(']');
            }
            DataType::Map { key, value, .. } => {
                let entries = array.as_map().value(row);
                let (keys, values) = (entries.column(0), entries.column(1));
                out.push('{');
                for index in 0..entries.len() {
                    separate(out, index);
                    self.write(keys, key, index, out);
                    out.push_str(" -> ");
                    self.write(values, value, index, out);
                }
                out.push('}');
            }
            DataType::Struct(fields) => {
                let structure = array.as_struct();
                out.push('{');
                for (index, (field, column)) in
                    fields.fields.iter().zip(structure.columns()).enumerate()
                {
                    separate(out, index);
                    self.write(column, &field.data_type, row, out);
                }
                out.push('}');
            }
            DataType::UserDefined { sql_type, .. } => self.write(array, sql_type, row, out),
            DataType::Null => out.push_str(self.null()),
        }
    }

    fn write_binary(&self, bytes: &[u8], out: &mut String) {
        match self.style {
            Style::Cast => out.push_str(&String::from_utf8_lossy(bytes)),
            Style::Show => {
                let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02X}")).collect();
                let _ = write!(out, "[{}]", hex.join(" "));
            }
        }
    }
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

fn separate(out: &mut String, index: usize) {
    if index > 0 {
        out.push_str(", ");
    }
}

/// A double as Java prints it.
pub(crate) fn double_text(value: f64) -> String {
    java_float(
        value.is_nan(),
        value.is_infinite(),
        value < 0.0 || (value == 0.0 && value.is_sign_negative()),
        value == 0.0,
        &format!("{:e}", value.abs()),
    )
}

/// A float as Java prints it.
pub(crate) fn float_text(value: f32) -> String {
    java_float(
        value.is_nan(),
        value.is_infinite(),
        value < 0.0 || (value == 0.0 && value.is_sign_negative()),
        value == 0.0,
        &format!("{:e}", value.abs()),
    )
}

/// `scientific` is the shortest form that reads back: `1.25e-3`.
fn java_float(nan: bool, infinite: bool, negative: bool, zero: bool, scientific: &str) -> String {
    if nan {
        return "NaN".to_owned();
    }
    let sign = if negative { "-" } else { "" };
    if infinite {
        return format!("{sign}Infinity");
    }
    if zero {
        return format!("{sign}0.0");
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if !(-3..7).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        return format!("{sign}{first}.{rest}E{exponent}");
    }
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize));
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        return format!("{sign}{digits:0<whole$}.0");
    }
    let (whole, fraction) = digits.split_at(whole);
    format!("{sign}{whole}.{fraction}")
}

/// `2020-01-31`.
pub(crate) fn date_text(days: i64) -> String {
    let (year, month, day) = civil_from_days(days);
    format!("{}-{month:02}-{day:02}", year_text(year))
}

fn year_text(year: i64) -> String {
    match year {
        0..=9999 => format!("{year:04}"),
        year if year < 0 => format!("-{:04}", -year),
        year => format!("+{year}"),
    }
}

/// `2020-01-31 10:00:00.5` in the time zone.
pub(crate) fn timestamp_text(micros: i64, time_zone: TimeZone) -> String {
    timestamp_ntz_text(time_zone.to_local(micros))
}

pub(crate) fn timestamp_ntz_text(local_micros: i64) -> String {
    let days = local_micros.div_euclid(MICROS_PER_DAY);
    format!(
        "{} {}",
        date_text(days),
        time_text(local_micros.rem_euclid(MICROS_PER_DAY))
    )
}

/// `10:00:00.5`.
fn time_text(micros: i64) -> String {
    let seconds = micros / MICROS_PER_SECOND;
    let fraction = micros % MICROS_PER_SECOND;
    let mut text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
    text
}
