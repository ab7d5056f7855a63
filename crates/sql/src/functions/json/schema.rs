//! The schema of JSON values, as Spark infers it: fields in alphabetical order, the widest type of each.

use std::collections::BTreeMap;

use super::options::JsonOptions;
use super::parse::Json;
use crate::ir::{DataType, StructField, StructType};
use crate::types::coercion::{bounded_decimal, decimal_for, wider_decimal};

/// The type of one value.
pub(crate) fn infer(value: &Json<'_>, options: &JsonOptions) -> DataType {
    match value {
        Json::Null => DataType::Null,
        Json::Boolean(_) if !options.primitives_as_string => DataType::Boolean,
        Json::Number(text) if !options.primitives_as_string => number(text, options),
        Json::Boolean(_) | Json::Number(_) => DataType::STRING,
        Json::String(text) if text.is_empty() => DataType::STRING,
        Json::String(text)
            if options.infer_timestamp
                && crate::cast::parse_timestamp(text, Some(options.time_zone)).is_some() =>
        {
            DataType::Timestamp
        }
        Json::String(_) => DataType::STRING,
        Json::Array(values) => {
            let element = values
                .iter()
                .map(|v| infer(v, options))
                .fold(DataType::Null, |a, b| merge(&a, &b));
            DataType::array(element, true)
        }
        Json::Object(fields) => {
            let mut merged: BTreeMap<String, DataType> = BTreeMap::new();
            for (name, value) in fields {
                let found = infer(value, options);
                let entry = merged.entry(name.to_string()).or_insert(DataType::Null);
                *entry = merge(entry, &found);
            }
            let fields = merged
                .into_iter()
                .map(|(name, data_type)| StructField::new(name, data_type, true));
            DataType::structure(fields.collect())
        }
    }
}

fn number(text: &str, options: &JsonOptions) -> DataType {
    let is_whole = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if is_whole {
        if text.parse::<i64>().is_ok() {
            return DataType::Long;
        }
        let digits = text.trim_start_matches('-').len() as i32;
        return if digits <= 38 {
            bounded_decimal(digits, 0)
        } else {
            DataType::Double
        };
    }
    if options.prefers_decimal {
        let fraction = text.split_once('.').map_or(0, |(_, f)| f.len() as i32);
        let digits = text.bytes().filter(u8::is_ascii_digit).count() as i32;
        if !text.contains(['e', 'E']) && digits <= 38 {
            return bounded_decimal(digits.max(fraction), fraction);
        }
    }
    DataType::Double
}

/// The type that holds both.
pub(crate) fn merge(a: &DataType, b: &DataType) -> DataType {
    match (a, b) {
        (a, b) if a == b => a.clone(),
        (DataType::Null, other) | (other, DataType::Null) => other.clone(),
        (DataType::Struct(x), DataType::Struct(y)) => {
            let mut merged: BTreeMap<String, DataType> = x
                .fields
                .iter()
                .map(|f| (f.name.clone(), f.data_type.clone()))
                .collect();
            for field in y.fields.iter() {
                let entry = merged.entry(field.name.clone()).or_insert(DataType::Null);
                *entry = merge(entry, &field.data_type);
            }
            let fields = merged
                .into_iter()
                .map(|(name, t)| StructField::new(name, t, true));
            DataType::Struct(StructType::new(fields.collect()))
        }
        (DataType::Array { element: x, .. }, DataType::Array { element: y, .. }) => {
            DataType::array(merge(x, y), true)
        }
        (x, y) if x.is_numeric() && y.is_numeric() => match (decimal_for(x), decimal_for(y)) {
            (Some(x), Some(y)) => wider_decimal(x, y),
            _ => DataType::Double,
        },
        _ => DataType::STRING,
    }
}

/// The type with strings where only nulls were seen; nothing if nothing is left.
pub(crate) fn finished(data_type: DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Null => DataType::STRING,
        DataType::Struct(fields) => {
            let fields = fields.fields.iter().filter_map(|f| {
                Some(StructField {
                    data_type: finished(f.data_type.clone())?,
                    ..f.clone()
                })
            });
            let fields: Vec<_> = fields.collect();
            if fields.is_empty() {
                return None;
            }
            DataType::structure(fields)
        }
        DataType::Array { element, .. } => {
            DataType::array(finished(element.as_ref().clone())?, true)
        }
        other => other,
    })
}
