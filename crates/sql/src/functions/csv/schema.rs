//! The types of CSV's columns, as Spark infers them: the narrowest of a fixed ladder that all cells fit.

use super::options::CsvOptions;
use super::record::Cell;
use crate::cast::{parse_date, parse_timestamp};
use crate::ir::{DataType, StructField, StructType};
use crate::types::coercion::{bounded_decimal, decimal_for, wider_decimal};

/// Widens the types so that they hold one more record.
pub(crate) fn widen(types: &mut [DataType], cells: &[Cell], options: &CsvOptions) {
    for (data_type, cell) in types.iter_mut().zip(cells) {
        let found = infer(data_type, &cell.text, options);
        *data_type = merge(data_type, &found);
    }
}

/// The schema with strings where only nulls were seen.
pub(crate) fn named(names: &[String], types: Vec<DataType>) -> StructType {
    let fields = names.iter().zip(types).map(|(name, data_type)| {
        let data_type = match data_type {
            DataType::Null => DataType::STRING,
            other => other,
        };
        StructField::new(name.clone(), data_type, true)
    });
    StructType::new(fields.collect())
}

/// The type of a cell, given that the column has been `so_far`: what was ruled out is not tried again.
fn infer(so_far: &DataType, text: &str, options: &CsvOptions) -> DataType {
    if text.is_empty() || text == options.null_value {
        return so_far.clone();
    }
    let step = match so_far {
        DataType::Null | DataType::Integer => 0,
        DataType::Long => 1,
        DataType::Decimal { .. } => 2,
        DataType::Double => 3,
        DataType::Date => 4,
        DataType::TimestampNtz => 5,
        DataType::Timestamp => 6,
        DataType::Boolean => 7,
        _ => 8,
    };
    type Attempt<'a> = &'a dyn Fn(&str) -> Option<DataType>;
    let ladder: [Attempt<'_>; 8] = [
        &|t| t.parse::<i32>().ok().map(|_| DataType::Integer),
        &|t| t.parse::<i64>().ok().map(|_| DataType::Long),
        &whole_decimal,
        &|t| is_double(t, options).then_some(DataType::Double),
        &|t| is_date(t, options).then_some(DataType::Date),
        &|_| None,
        &|t| is_timestamp(t, options).then_some(DataType::Timestamp),
        &|t| {
            matches!(t.to_ascii_lowercase().as_str(), "true" | "false").then_some(DataType::Boolean)
        },
    ];
    let mut tries = ladder.iter().skip(step);
    tries
        .find_map(|attempt| attempt(text))
        .unwrap_or(DataType::STRING)
}

fn whole_decimal(text: &str) -> Option<DataType> {
    let digits = text.trim_start_matches(['-', '+']);
    let is_whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    (is_whole && digits.len() <= 38).then(|| bounded_decimal(digits.len() as i32, 0))
}

fn is_double(text: &str, options: &CsvOptions) -> bool {
    let named = [
        &options.nan_value,
        &options.positive_infinity,
        &options.negative_infinity,
    ];
    let starts_as_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    named.iter().any(|n| *n == text) || (starts_as_number && text.parse::<f64>().is_ok())
}

fn is_date(text: &str, options: &CsvOptions) -> bool {
    options.prefer_date
        && match &options.date_format {
            Some(pattern) => pattern.parse_date(text).is_some(),
            None => text.len() == 10 && parse_date(text).is_some(),
        }
}

fn is_timestamp(text: &str, options: &CsvOptions) -> bool {
    match &options.timestamp_format {
        Some(pattern) => pattern
            .parse_timestamp(text, Some(options.time_zone))
            .is_some(),
        None => text.len() > 4 && parse_timestamp(text, Some(options.time_zone)).is_some(),
    }
}

fn merge(a: &DataType, b: &DataType) -> DataType {
    match (a, b) {
        (a, b) if a == b => a.clone(),
        (DataType::Null, other) | (other, DataType::Null) => other.clone(),
        (DataType::Double, n) | (n, DataType::Double) if n.is_numeric() => DataType::Double,
        (x, y) if x.is_numeric() && y.is_numeric() => match (x, y) {
            (DataType::Decimal { .. }, _) | (_, DataType::Decimal { .. }) => {
                match (decimal_for(x), decimal_for(y)) {
                    (Some(x), Some(y)) => wider_decimal(x, y),
                    _ => DataType::Double,
                }
            }
            _ => DataType::Long,
        },
        (DataType::Date, DataType::Timestamp) | (DataType::Timestamp, DataType::Date) => {
            DataType::Timestamp
        }
        _ => DataType::STRING,
    }
}
