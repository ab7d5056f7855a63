//! JSON into columns of a known type.
//!
//! Always true: in the permissive mode a field that does not fit is null and the rest of its record stands; a record
//! that is no JSON is a row of nulls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ListArray, MapArray, StringArray, StringBuilder, StructArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};

use super::parse::{Json, Syntax, parse};
use super::writer;
use crate::datetime_pattern::Pattern;
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, StructType};
use crate::time::TimeZone;

/// What happens to records that do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParseMode {
    Permissive,
    FailFast,
}

/// The options of JSON reading.
#[derive(Clone, Debug)]
pub(crate) struct JsonOptions {
    pub(crate) mode: ParseMode,
    pub(crate) syntax: Syntax,
    pub(crate) time_zone: TimeZone,
    pub(crate) primitives_as_string: bool,
    pub(crate) prefers_decimal: bool,
    pub(crate) infer_timestamp: bool,
    pub(crate) corrupt_column: String,
    date_format: Option<Pattern>,
    timestamp_format: Option<Pattern>,
}

impl JsonOptions {
    /// Keys in lower case.
    pub(crate) fn new(options: &BTreeMap<String, String>, time_zone: TimeZone) -> Result<Self> {
        let flag = |key: &str, default: bool| match options.get(key) {
            None => Ok(default),
            Some(value) => value
                .trim()
                .to_ascii_lowercase()
                .parse::<bool>()
                .map_err(|_| {
                    SparkError::invalid_data_source_option(key, value, "it must be true or false")
                }),
        };
        let format = |key: &str| options.get(key).map(|f| Pattern::parse(f)).transpose();
        let mode = match options
            .get("mode")
            .map(|m| m.to_ascii_uppercase())
            .as_deref()
        {
            None | Some("PERMISSIVE") => ParseMode::Permissive,
            Some("DROPMALFORMED") => {
                return Err(SparkError::unsupported_option(
                    "json",
                    "mode",
                    "DROPMALFORMED",
                ));
            }
            Some("FAILFAST") => ParseMode::FailFast,
            Some(_) => ParseMode::Permissive,
        };
        let zone = options.get("timezone");
        let time_zone = match zone {
            Some(zone) => TimeZone::parse(zone).ok_or_else(|| {
                SparkError::invalid_data_source_option("timeZone", zone, "it is no time zone")
            })?,
            None => time_zone,
        };
        Ok(Self {
            mode,
            time_zone,
            syntax: Syntax {
                single_quotes: flag("allowsinglequotes", true)?,
                unquoted_names: flag("allowunquotedfieldnames", false)?,
                leading_zeros: flag("allownumericleadingzeros", false)?,
                comments: flag("allowcomments", false)?,
                control_characters: flag("allowunquotedcontrolchars", false)?,
                backslash_any: flag("allowbackslashescapinganycharacter", false)?,
                non_numeric: flag("allownonnumericnumbers", true)?,
            },
            primitives_as_string: flag("primitivesasstring", false)?,
            prefers_decimal: flag("prefersdecimal", false)?,
            infer_timestamp: flag("infertimestamp", false)?,
            corrupt_column: options
                .get("columnnameofcorruptrecord")
                .cloned()
                .unwrap_or_else(|| "_corrupt_record".to_owned()),
            date_format: format("dateformat")?,
            timestamp_format: format("timestampformat")?,
        })
    }
}

/// Reads JSON texts as values of one type.
pub(crate) struct JsonReader {
    pub(super) data_type: DataType,
    pub(super) options: JsonOptions,
    /// Whether the values are records whose fields have a name each.
    can_skim: bool,
}

/// A value, or the news that it does not fit its type.
pub(super) type Fitted<T> = std::result::Result<Option<T>, Misfit>;

pub(super) struct Misfit;

impl JsonReader {
    pub(crate) fn new(data_type: DataType, options: JsonOptions) -> Self {
        let can_skim = match &data_type {
            DataType::Struct(fields) => {
                let names: BTreeSet<&str> = fields.fields.iter().map(|f| f.name.as_str()).collect();
                !names.is_empty() && names.len() == fields.len()
            }
            _ => false,
        };
        Self {
            data_type,
            options,
            can_skim,
        }
    }

    /// Whether records can be read for some of their fields: what does not fit in one is told of in no other.
    pub(crate) fn can_narrow(&self) -> bool {
        self.can_skim && self.corrupt_field().is_none()
    }

    /// One value for each text; null stays null. Fields of records that are not wanted are null.
    pub(crate) fn column(
        &self,
        texts: &StringArray,
        wanted: Option<&BTreeSet<usize>>,
    ) -> Result<ArrayRef> {
        let mut bad = vec![false; texts.len()];
        let array = match &self.data_type {
            DataType::Struct(fields) if self.can_skim => {
                self.records(fields, texts, wanted, &mut bad)?
            }
            _ => self.trees(texts, &mut bad)?,
        };
        if self.options.mode == ParseMode::FailFast
            && let Some(row) = bad.iter().position(|b| *b)
        {
            let text = if texts.is_valid(row) {
                texts.value(row)
            } else {
                ""
            };
            return Err(SparkError::malformed_record(text, "FAILFAST"));
        }
        match self.corrupt_field() {
            Some(index) => with_corrupt(array, index, texts, &bad),
            None => Ok(array),
        }
    }

    /// Values of any type, by a tree for each.
    fn trees(&self, texts: &StringArray, bad: &mut [bool]) -> Result<ArrayRef> {
        let mut values = Vec::with_capacity(texts.len());
        for (row, text) in texts.iter().enumerate() {
            let value = match text {
                None => Parsed::Missing,
                Some(text) if text.trim().is_empty() => Parsed::Missing,
                Some(text) => self.parse(text)?,
            };
            bad[row] = matches!(value, Parsed::Malformed);
            values.push(value);
        }
        let roots: Vec<Option<&Json<'_>>> = values
            .iter()
            .map(|v| match v {
                Parsed::Value(json) => Some(json),
                Parsed::Missing => None,
                Parsed::Malformed => Some(&MALFORMED),
            })
            .collect();
        self.build(&self.data_type, &roots, bad)
    }

    pub(super) fn parse<'a>(&self, text: &'a str) -> Result<Parsed<'a>> {
        match parse(text, &self.options.syntax) {
            Some(value) => Ok(Parsed::Value(value)),
            None if self.options.mode == ParseMode::FailFast => {
                Err(SparkError::malformed_record(text, "FAILFAST"))
            }
            None => Ok(Parsed::Malformed),
        }
    }

    fn corrupt_field(&self) -> Option<usize> {
        match &self.data_type {
            DataType::Struct(fields) => fields.index_of(&self.options.corrupt_column),
            _ => None,
        }
    }

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
                            use base64_like::decode;
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

    fn map(
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

pub(super) enum Parsed<'a> {
    Missing,
    Malformed,
    Value(Json<'a>),
}

/// Stands for a record that could not be read: a value without fields.
const MALFORMED: Json<'static> = Json::Boolean(false);

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

/// The records with the text of those that did not fit in a column of its own.
fn with_corrupt(
    array: ArrayRef,
    index: usize,
    texts: &StringArray,
    bad: &[bool],
) -> Result<ArrayRef> {
    use arrow::array::AsArray;
    let structure = array.as_struct();
    let corrupt: StringArray = (0..texts.len())
        .map(|row| (bad[row] && texts.is_valid(row)).then(|| texts.value(row)))
        .collect();
    let mut columns = structure.columns().to_vec();
    columns[index] = Arc::new(corrupt);
    Ok(Arc::new(StructArray::try_new(
        structure.fields().clone(),
        columns,
        structure.nulls().cloned(),
    )?))
}

/// Base 64, which JSON uses for bytes.
pub(crate) mod base64_like {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    pub(crate) fn encode(bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
        for chunk in bytes.chunks(3) {
            let word = chunk
                .iter()
                .enumerate()
                .fold(0u32, |w, (i, b)| w | u32::from(*b) << (16 - 8 * i));
            for i in 0..4 {
                if i <= chunk.len() {
                    text.push(ALPHABET[(word >> (18 - 6 * i) & 63) as usize] as char);
                } else {
                    text.push('=');
                }
            }
        }
        text
    }

    pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let (mut word, mut bits) = (0u32, 0);
        for c in text.bytes().filter(|b| !b.is_ascii_whitespace()) {
            if c == b'=' {
                break;
            }
            let value = ALPHABET.iter().position(|a| *a == c)? as u32;
            word = word << 6 | value;
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                bytes.push((word >> bits) as u8);
            }
        }
        Some(bytes)
    }
}
