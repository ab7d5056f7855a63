//! Records as columns, value by value.
//!
//! A record's wanted values go straight from its text into the columns' builders. Always true: every column has one
//! value for each text that was read. Start at [`JsonReader::records`].

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int32Builder, Int64Builder,
    PrimitiveBuilder, StringArray, StringBuilder, StructArray, TimestampMicrosecondBuilder,
    new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowPrimitiveType, DataType as ArrowType};

use super::parse::Json;
use super::reader::{JsonReader, Parsed};
use super::skim::Skimmer;
use super::values::{Fitted, Misfit, double, integer};
use super::writer;
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, StructType};

/// What a string is reckoned to take before any was seen.
const STRING_BYTES: usize = 16;

impl JsonReader {
    /// Records without a tree for each, wherever they are plain.
    pub(super) fn records(
        &self,
        fields: &StructType,
        texts: &StringArray,
        wanted: Option<&BTreeSet<usize>>,
        bad: &mut [bool],
    ) -> Result<ArrayRef> {
        let wanted: Vec<usize> = match wanted {
            Some(wanted) => wanted.iter().copied().collect(),
            None => (0..fields.len()).collect(),
        };
        let kind = |index: &usize| &fields.fields[*index].data_type;
        let mut columns: Vec<Column<'_>> = wanted
            .iter()
            .map(|index| Column::new(kind(index), texts.len()))
            .collect();
        let valid = self.fill(fields, texts, &wanted, &mut columns, bad)?;
        let ArrowType::Struct(arrow_fields) = internal_arrow(&self.data_type) else {
            return Err(SparkError::internal("not a struct"));
        };
        let mut made = wanted.iter().zip(columns).peekable();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(fields.len());
        for (index, arrow_field) in arrow_fields.iter().enumerate() {
            arrays.push(match made.next_if(|(wanted, _)| **wanted == index) {
                None => new_null_array(arrow_field.data_type(), texts.len()),
                Some((_, column)) => column.finish(self, kind(&index), bad)?,
            });
        }
        let nulls = Some(NullBuffer::from(valid));
        Ok(Arc::new(StructArray::try_new(arrow_fields, arrays, nulls)?))
    }

    /// Puts the wanted fields of every text into their columns, and says which texts are records.
    fn fill<'a>(
        &self,
        fields: &StructType,
        texts: &'a StringArray,
        wanted: &[usize],
        columns: &mut [Column<'a>],
        bad: &mut [bool],
    ) -> Result<Vec<bool>> {
        let names = wanted
            .iter()
            .map(|index| fields.fields[*index].name.as_str());
        let mut skimmer = Skimmer::new(names.collect(), &self.options.syntax);
        let mut cells: Vec<Option<Json<'a>>> = Vec::new();
        cells.resize_with(wanted.len(), || None);
        let mut valid = Vec::with_capacity(texts.len());
        for (text, bad) in texts.iter().zip(bad) {
            let is_record = match text {
                None => false,
                Some(text) if skimmer.record(text, &mut cells) => true,
                Some(text) => {
                    cells.fill(None);
                    self.read_tree(text, &skimmer, &mut cells, bad)?
                }
            };
            valid.push(is_record);
            for (column, cell) in columns.iter_mut().zip(&mut cells) {
                *bad |= column.append(self, cell.take()).is_err();
            }
        }
        Ok(valid)
    }

    /// Puts the fields of a record that is not plain into `cells`; false where there is no record at all.
    fn read_tree<'a>(
        &self,
        text: &'a str,
        skimmer: &Skimmer<'_>,
        cells: &mut [Option<Json<'a>>],
        bad: &mut bool,
    ) -> Result<bool> {
        if text.trim().is_empty() {
            return Ok(false);
        }
        let parsed = self.parse(text)?;
        *bad = matches!(parsed, Parsed::Malformed);
        if let Parsed::Value(Json::Object(entries)) = parsed {
            // The last of several with one name counts.
            for (name, value) in entries {
                if let Some(field) = skimmer.field(name.as_bytes()) {
                    cells[field] = Some(value);
                }
            }
        }
        // Even what is no record, `null` for instance, is one without fields.
        Ok(true)
    }
}

/// One field of the records that were read.
enum Column<'a> {
    Strings(StringBuilder),
    Integers(Int32Builder),
    Longs(Int64Builder),
    Doubles(Float64Builder),
    Booleans(BooleanBuilder),
    Dates(Date32Builder),
    /// Timestamps, and whether they are of a time zone.
    Timestamps(TimestampMicrosecondBuilder, bool),
    /// What is built all at once.
    Values(Vec<Option<Json<'a>>>),
}

impl<'a> Column<'a> {
    fn new(data_type: &DataType, rows: usize) -> Self {
        match data_type {
            DataType::String(_) => {
                Self::Strings(StringBuilder::with_capacity(rows, rows * STRING_BYTES))
            }
            DataType::Integer => Self::Integers(Int32Builder::with_capacity(rows)),
            DataType::Long => Self::Longs(Int64Builder::with_capacity(rows)),
            DataType::Double => Self::Doubles(Float64Builder::with_capacity(rows)),
            DataType::Boolean => Self::Booleans(BooleanBuilder::with_capacity(rows)),
            DataType::Date => Self::Dates(Date32Builder::with_capacity(rows)),
            DataType::Timestamp | DataType::TimestampNtz => Self::Timestamps(
                TimestampMicrosecondBuilder::with_capacity(rows),
                *data_type == DataType::Timestamp,
            ),
            _ => Self::Values(Vec::with_capacity(rows)),
        }
    }

    /// Adds a value; one that does not fit is null.
    fn append(
        &mut self,
        reader: &JsonReader,
        value: Option<Json<'a>>,
    ) -> std::result::Result<(), Misfit> {
        let value = match self {
            Self::Values(values) => {
                values.push(value);
                return Ok(());
            }
            _ => value.filter(|json| !matches!(json, Json::Null)),
        };
        match self {
            Self::Strings(column) => {
                match &value {
                    Some(Json::String(text)) => column.append_value(text),
                    Some(json) => column.append_value(writer::json_text(json)),
                    None => column.append_null(),
                }
                Ok(())
            }
            Self::Integers(column) => fit(column, value, |json| match integer(json)? {
                Some(value) => i32::try_from(value).map(Some).map_err(|_| Misfit),
                None => Ok(None),
            }),
            Self::Longs(column) => fit(column, value, integer),
            Self::Doubles(column) => fit(column, value, double),
            Self::Dates(column) => fit(column, value, |json| reader.date(json)),
            Self::Timestamps(column, zoned) => {
                fit(column, value, |json| reader.timestamp(json, *zoned))
            }
            Self::Booleans(column) => match value {
                Some(Json::Boolean(value)) => {
                    column.append_value(value);
                    Ok(())
                }
                other => {
                    column.append_null();
                    other.map_or(Ok(()), |_| Err(Misfit))
                }
            },
            Self::Values(_) => Ok(()),
        }
    }

    fn finish(
        self,
        reader: &JsonReader,
        data_type: &DataType,
        bad: &mut [bool],
    ) -> Result<ArrayRef> {
        Ok(match self {
            Self::Strings(mut column) => Arc::new(column.finish()),
            Self::Integers(mut column) => Arc::new(column.finish()),
            Self::Longs(mut column) => Arc::new(column.finish()),
            Self::Doubles(mut column) => Arc::new(column.finish()),
            Self::Booleans(mut column) => Arc::new(column.finish()),
            Self::Dates(mut column) => Arc::new(column.finish()),
            Self::Timestamps(mut column, _) => {
                Arc::new(column.finish().with_data_type(internal_arrow(data_type)))
            }
            Self::Values(values) => {
                let values: Vec<Option<&Json<'_>>> = values.iter().map(Option::as_ref).collect();
                reader.build(data_type, &values, bad)?
            }
        })
    }
}

/// Adds what `convert` makes of a value; one that does not fit is null.
fn fit<T: ArrowPrimitiveType>(
    column: &mut PrimitiveBuilder<T>,
    value: Option<Json<'_>>,
    convert: impl Fn(&Json<'_>) -> Fitted<T::Native>,
) -> std::result::Result<(), Misfit> {
    let converted = value.as_ref().map_or(Ok(None), convert);
    column.append_option(converted.as_ref().ok().copied().flatten());
    converted.map(|_| ())
}
