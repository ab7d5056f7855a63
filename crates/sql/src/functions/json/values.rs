//! Trees of JSON as columns: containers from their parts, and every value as its type wants it.
//!
//! Always true: a value that does not fit is a [`Misfit`], and its record is noted as bad. Start at [`JsonReader::build`].

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, MapArray, StringBuilder, StructArray, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};

use super::parse::Json;
use super::reader::JsonReader;
use super::writer;
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, StructType};

/// A value, or the news that it does not fit its type.
pub(super) type Fitted<T> = std::result::Result<Option<T>, Misfit>;

pub(super) struct Misfit;

/// A container with a part that does not fit is null; only records keep what fits of them.
fn drop_misfits(part: &DataType, owners: &[usize], misfit: &[bool], valid: &mut [bool]) {
    if matches!(part, DataType::Struct(_)) {
        return;
    }
    let bad = owners.iter().zip(misfit).filter(|(_, bad)| **bad);
    bad.for_each(|(owner, _)| valid[*owner] = false);
}

impl JsonReader {
    /// A column of one type from values, noting rows that did not fit.
    pub(super) fn build(
        &self,
        data_type: &DataType,
        values: &[Option<&Json<'_>>],
        bad: &mut [bool],
    ) -> Result<ArrayRef> {
        macro_rules! primitive {
            ($arrow:ty, $convert:expr) => {{
                let convert = $convert;
                let mut column = Vec::with_capacity(values.len());
                for (row, value) in values.iter().enumerate() {
                    column.push(match value {
                        None | Some(Json::Null) => None,
                        Some(json) => match convert(json) {
                            Ok(value) => value,
                            Err(Misfit) => {
                                bad[row] = true;
                                None
                            }
                        },
                    });
                }
                let array: arrow::array::PrimitiveArray<$arrow> = column.into_iter().collect();
                Ok(Arc::new(array.with_data_type(internal_arrow(data_type))) as ArrayRef)
            }};
        }
        match data_type {
            DataType::Boolean => {
                let column: arrow::array::BooleanArray = values
                    .iter()
                    .enumerate()
                    .map(|(row, value)| match value {
                        Some(Json::Boolean(v)) => Some(*v),
                        None | Some(Json::Null) => None,
                        _ => {
                            bad[row] = true;
                            None
                        }
                    })
                    .collect();
                Ok(Arc::new(column))
            }
            DataType::Byte => primitive!(Int8Type, |j: &Json<'_>| integer(j)
                .map(|v| v.and_then(|v| i8::try_from(v).ok()))),
            DataType::Short => primitive!(Int16Type, |j: &Json<'_>| integer(j)
                .map(|v| v.and_then(|v| i16::try_from(v).ok()))),
            DataType::Integer => primitive!(Int32Type, |j: &Json<'_>| match integer(j)? {
                Some(v) => i32::try_from(v).map(Some).map_err(|_| Misfit),
                None => Ok(None),
            }),
            DataType::Long => primitive!(Int64Type, integer),
            DataType::Float => primitive!(Float32Type, |j: &Json<'_>| double(j)
                .map(|v| v.map(|v| v as f32))),
            DataType::Double => primitive!(Float64Type, double),
            DataType::Decimal { precision, scale } => {
                let (limit, scale) = (10u128.pow(u32::from(*precision)), *scale);
                primitive!(Decimal128Type, |j: &Json<'_>| {
                    let text = match j {
                        Json::Number(text) => *text,
                        Json::String(text) => text.as_ref(),
                        _ => return Err(Misfit),
                    };
                    let value = crate::cast::parse_decimal(text, scale)
                        .filter(|v| v.unsigned_abs() < limit);
                    value.map(Some).ok_or(Misfit)
                })
            }
            DataType::Date => primitive!(Date32Type, |j: &Json<'_>| self.date(j)),
            DataType::Timestamp => primitive!(TimestampMicrosecondType, |j: &Json<'_>| self
                .timestamp(j, true)),
            DataType::TimestampNtz => primitive!(TimestampMicrosecondType, |j: &Json<'_>| self
                .timestamp(j, false)),
            DataType::String(_) => Ok(self.strings(values)),
            DataType::Binary => {
                let column: arrow::array::BinaryArray = values
                    .iter()
                    .map(|value| match value {
                        Some(Json::String(text)) => {
                            use super::base64_like::decode;
                            decode(text)
                        }
                        _ => None,
                    })
                    .collect();
                Ok(Arc::new(column))
            }
            DataType::Struct(fields) => self.structure(fields, values, bad),
            DataType::Array { element, .. } => self.list(element, values, bad),
            DataType::Map { key, value, .. } => self.map(key, value, values, bad),
            DataType::Null => Ok(new_null_array(&ArrowType::Null, values.len())),
            other => Err(SparkError::unsupported_feature(&format!(
                "{} in JSON",
                crate::types::sql_name(other)
            ))),
        }
    }

    fn strings(&self, values: &[Option<&Json<'_>>]) -> ArrayRef {
        let mut builder = StringBuilder::new();
        for value in values {
            match value {
                None | Some(Json::Null) => builder.append_null(),
                Some(Json::String(text)) => builder.append_value(text),
                Some(json) => builder.append_value(writer::json_text(json)),
            }
        }
        Arc::new(builder.finish())
    }

    fn structure(
        &self,
        fields: &StructType,
        values: &[Option<&Json<'_>>],
        bad: &mut [bool],
    ) -> Result<ArrayRef> {
        let mut valid = Vec::with_capacity(values.len());
        for (row, value) in values.iter().enumerate() {
            valid.push(match value {
                None | Some(Json::Null) => false,
                Some(Json::Object(_)) => true,
                // A record that is no object has no fields.
                Some(_) if self.is_root(fields) => true,
                Some(_) => {
                    bad[row] = true;
                    false
                }
            });
        }
        if fields.is_empty() {
            return Ok(Arc::new(StructArray::new_empty_fields(
                values.len(),
                Some(NullBuffer::from(valid)),
            )));
        }
        let mut columns = Vec::new();
        for field in fields.fields.iter() {
            let parts: Vec<Option<&Json<'_>>> = values
                .iter()
                .map(|value| match value {
                    Some(Json::Object(entries)) => entries
                        .iter()
                        .rev()
                        .find(|(name, _)| *name == field.name)
                        .map(|(_, v)| v),
                    Some(Json::Array(items)) if self.is_root(fields) => match items.first() {
                        Some(Json::Object(_)) | None => None,
                        Some(_) => None,
                    },
                    _ => None,
                })
                .collect();
            columns.push(self.build(&field.data_type, &parts, bad)?);
        }
        let data_type = DataType::Struct(fields.clone());
        let ArrowType::Struct(arrow_fields) = internal_arrow(&data_type) else {
            return Err(SparkError::internal("not a struct"));
        };
        Ok(Arc::new(StructArray::try_new(
            arrow_fields,
            columns,
            Some(NullBuffer::from(valid)),
        )?))
    }

    fn is_root(&self, fields: &StructType) -> bool {
        matches!(&self.data_type, DataType::Struct(root) if root == fields)
    }

    fn list(
        &self,
        element: &DataType,
        values: &[Option<&Json<'_>>],
        bad: &mut [bool],
    ) -> Result<ArrayRef> {
        let is_root = matches!(&self.data_type, DataType::Array { element: root, .. } if root.as_ref() == element);
        let (mut items, mut owners, mut lengths, mut valid) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (row, value) in values.iter().enumerate() {
            let before = items.len();
            let present = match value {
                Some(Json::Array(elements)) => {
                    items.extend(elements.iter().map(Some));
                    true
                }
                // One record stands for an array of it.
                Some(json @ Json::Object(_))
                    if is_root && matches!(element, DataType::Struct(_)) =>
                {
                    items.push(Some(*json));
                    true
                }
                None | Some(Json::Null) => false,
                Some(_) => {
                    bad[row] = true;
                    false
                }
            };
            owners.extend(std::iter::repeat_n(row, items.len() - before));
            lengths.push(items.len() - before);
            valid.push(present);
        }
        let mut item_bad = vec![false; items.len()];
        let built = self.build(element, &items, &mut item_bad)?;
        owners
            .iter()
            .zip(&item_bad)
            .filter(|(_, b)| **b)
            .for_each(|(row, _)| bad[*row] = true);
        drop_misfits(element, &owners, &item_bad, &mut valid);
        let data_type = DataType::array(element.clone(), true);
        let ArrowType::List(field) = internal_arrow(&data_type) else {
            return Err(SparkError::internal("not a list"));
        };
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(ListArray::try_new(
            field,
            offsets,
            built,
            Some(NullBuffer::from(valid)),
        )?))
    }

    pub(super) fn map(
        &self,
        key: &DataType,
        value_type: &DataType,
        values: &[Option<&Json<'_>>],
        bad: &mut [bool],
    ) -> Result<ArrayRef> {
        let (mut keys, mut items, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        let (mut lengths, mut valid) = (Vec::new(), Vec::new());
        for (row, value) in values.iter().enumerate() {
            let before = items.len();
            let present = match value {
                Some(Json::Object(entries)) => {
                    for (name, item) in entries {
                        keys.push(Json::String(name.clone()));
                        items.push(Some(item));
                    }
                    true
                }
                None | Some(Json::Null) => false,
                Some(_) => {
                    bad[row] = true;
                    false
                }
            };
            owners.extend(std::iter::repeat_n(row, items.len() - before));
            lengths.push(items.len() - before);
            valid.push(present);
        }
        let mut item_bad = vec![false; items.len()];
        let key_refs: Vec<Option<&Json<'_>>> = keys.iter().map(Some).collect();
        let built_keys = self.build(key, &key_refs, &mut item_bad)?;
        let built_values = self.build(value_type, &items, &mut item_bad)?;
        owners
            .iter()
            .zip(&item_bad)
            .filter(|(_, b)| **b)
            .for_each(|(row, _)| bad[*row] = true);
        drop_misfits(value_type, &owners, &item_bad, &mut valid);
        let data_type = DataType::map(key.clone(), value_type.clone(), true);
        let ArrowType::Map(field, sorted) = internal_arrow(&data_type) else {
            return Err(SparkError::internal("not a map"));
        };
        let ArrowType::Struct(fields) = field.data_type() else {
            return Err(SparkError::internal("not a map"));
        };
        let entries = StructArray::try_new(fields.clone(), vec![built_keys, built_values], None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(MapArray::try_new(
            field.clone(),
            offsets,
            entries,
            Some(NullBuffer::from(valid)),
            sorted,
        )?))
    }

    pub(super) fn date(&self, json: &Json<'_>) -> Fitted<i32> {
        match json {
            Json::String(text) => {
                let days = match &self.options.date_format {
                    Some(format) => format.parse_date(text),
                    None => crate::cast::parse_date(text),
                };
                days.and_then(|d| i32::try_from(d).ok())
                    .map(Some)
                    .ok_or(Misfit)
            }
            Json::Number(text) => text.parse().map(Some).map_err(|_| Misfit),
            _ => Err(Misfit),
        }
    }

    pub(super) fn timestamp(&self, json: &Json<'_>, zoned: bool) -> Fitted<i64> {
        let zone = zoned.then_some(self.options.time_zone);
        match json {
            Json::String(text) => {
                let micros = match &self.options.timestamp_format {
                    Some(format) => format.parse_timestamp(text, zone),
                    None => crate::cast::parse_timestamp(text, zone),
                };
                micros.map(Some).ok_or(Misfit)
            }
            Json::Number(text) if zoned => text
                .parse::<i64>()
                .map(|s| Some(s.saturating_mul(1_000_000)))
                .map_err(|_| Misfit),
            _ => Err(Misfit),
        }
    }
}

pub(super) fn integer(json: &Json<'_>) -> Fitted<i64> {
    match json {
        Json::Number(text) => text.parse().map(Some).map_err(|_| Misfit),
        Json::String(text) if text.is_empty() => Ok(None),
        _ => Err(Misfit),
    }
}

pub(super) fn double(json: &Json<'_>) -> Fitted<f64> {
    match json {
        Json::Number(text) => match *text {
            "NaN" => Ok(Some(f64::NAN)),
            "Infinity" | "+Infinity" | "INF" | "+INF" => Ok(Some(f64::INFINITY)),
            "-Infinity" | "-INF" => Ok(Some(f64::NEG_INFINITY)),
            text => text.parse().map(Some).map_err(|_| Misfit),
        },
        Json::String(text) => match text.as_ref() {
            "" => Ok(None),
            "NaN" => Ok(Some(f64::NAN)),
            "Infinity" | "+Infinity" | "INF" | "+INF" => Ok(Some(f64::INFINITY)),
            "-Infinity" | "-INF" => Ok(Some(f64::NEG_INFINITY)),
            _ => Err(Misfit),
        },
        _ => Err(Misfit),
    }
}
