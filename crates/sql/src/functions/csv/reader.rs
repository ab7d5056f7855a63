//! CSV records into columns of a known schema.
//!
//! Always true: in the permissive mode a cell that does not fit is null and the rest of its record stands.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Date32Array, StringArray, StringBuilder, StructArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType as ArrowType;

use super::options::{CsvOptions, Mode};
use super::record::{Cell, split};
use crate::cast::{CastMode, cast_array};
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, StructType};

pub(crate) struct CsvReader {
    schema: StructType,
    options: CsvOptions,
    corrupt: Option<usize>,
}

impl CsvReader {
    pub(crate) fn new(schema: StructType, options: CsvOptions) -> Self {
        let corrupt = schema
            .fields
            .iter()
            .position(|f| f.name == options.corrupt_column && f.data_type.is_string());
        Self {
            schema,
            options,
            corrupt,
        }
    }

    /// One struct a record; null stays null.
    pub(crate) fn structs(&self, records: &StringArray) -> Result<ArrayRef> {
        let (columns, _) = self.read(records)?;
        let ArrowType::Struct(fields) = internal_arrow(&DataType::Struct(self.schema.clone()))
        else {
            return Err(SparkError::internal("a struct is a struct"));
        };
        let valid: NullBuffer = (0..records.len())
            .map(|row| records.is_valid(row))
            .collect();
        if fields.is_empty() {
            return Ok(Arc::new(StructArray::new_empty_fields(
                records.len(),
                Some(valid),
            )));
        }
        Ok(Arc::new(StructArray::try_new(
            fields,
            columns,
            Some(valid),
        )?))
    }

    /// The columns of all records, those dropped left out.
    pub(crate) fn columns(&self, records: &StringArray) -> Result<Vec<ArrayRef>> {
        let (columns, bad) = self.read(records)?;
        if self.options.mode != Mode::DropMalformed || !bad.contains(&true) {
            return Ok(columns);
        }
        let kept: arrow::array::BooleanArray = bad.iter().map(|bad| Some(!bad)).collect();
        let columns = columns
            .iter()
            .map(|c| Ok(arrow::compute::filter(c, &kept)?));
        columns.collect()
    }

    /// The columns, and which records did not fit.
    fn read(&self, records: &StringArray) -> Result<(Vec<ArrayRef>, Vec<bool>)> {
        let rows: Vec<Option<Vec<Cell>>> = records
            .iter()
            .map(|record| record.map(|record| split(record, &self.options)))
            .collect();
        let width = self.schema.len() - usize::from(self.corrupt.is_some());
        let mut bad: Vec<bool> = rows
            .iter()
            .map(|row| row.as_ref().is_some_and(|cells| cells.len() != width))
            .collect();
        let mut columns: Vec<Option<ArrayRef>> = vec![None; self.schema.len()];
        let data = (0..self.schema.len()).filter(|index| Some(*index) != self.corrupt);
        for (place, index) in data.enumerate() {
            columns[index] = Some(self.column(&rows, place, index, &mut bad)?);
        }
        if self.options.mode == Mode::FailFast
            && let Some(row) = bad.iter().position(|bad| *bad)
        {
            return Err(SparkError::malformed_record(records.value(row), "FAILFAST"));
        }
        if let Some(index) = self.corrupt {
            let texts = records
                .iter()
                .zip(&bad)
                .map(|(text, bad)| text.filter(|_| *bad));
            columns[index] = Some(Arc::new(texts.collect::<StringArray>()));
        }
        Ok((columns.into_iter().flatten().collect(), bad))
    }

    fn column(
        &self,
        rows: &[Option<Vec<Cell>>],
        place: usize,
        index: usize,
        bad: &mut [bool],
    ) -> Result<ArrayRef> {
        let data_type = &self.schema.fields[index].data_type;
        let mut texts = StringBuilder::new();
        for row in rows {
            let cell = row.as_ref().and_then(|cells| cells.get(place));
            let text = cell
                .map(|cell| cell.text.as_str())
                .filter(|text| *text != self.options.null_value);
            texts.append_option(text);
        }
        let texts = texts.finish();
        let column = self.typed(&texts, data_type)?;
        for (row, bad) in bad.iter_mut().enumerate() {
            *bad |= texts.is_valid(row) && column.is_null(row);
        }
        Ok(column)
    }

    fn typed(&self, texts: &StringArray, data_type: &DataType) -> Result<ArrayRef> {
        let options = &self.options;
        match (data_type, &options.date_format, &options.timestamp_format) {
            (DataType::Date, Some(pattern), _) => {
                let days = texts.iter().map(|t| Some(pattern.parse_date(t?)? as i32));
                Ok(Arc::new(days.collect::<Date32Array>()))
            }
            (DataType::Timestamp | DataType::TimestampNtz, _, Some(pattern)) => {
                let zone = (*data_type == DataType::Timestamp).then_some(options.time_zone);
                let times = texts.iter().map(|t| pattern.parse_timestamp(t?, zone));
                let times = times.collect::<TimestampMicrosecondArray>();
                Ok(Arc::new(times.with_data_type(internal_arrow(data_type))))
            }
            (DataType::Double | DataType::Float, ..) => {
                let named = |t: &str| -> String {
                    let other = match t {
                        t if t == options.nan_value => "NaN",
                        t if t == options.positive_infinity => "Infinity",
                        t if t == options.negative_infinity => "-Infinity",
                        t => t,
                    };
                    other.to_owned()
                };
                let texts: StringArray = texts.iter().map(|t| t.map(named)).collect();
                self.cast(texts, data_type)
            }
            _ => self.cast(texts.clone(), data_type),
        }
    }

    fn cast(&self, texts: StringArray, data_type: &DataType) -> Result<ArrayRef> {
        let mode = CastMode {
            strict: false,
            ansi: true,
            time_zone: self.options.time_zone,
        };
        let texts: ArrayRef = Arc::new(texts);
        cast_array(&texts, &DataType::STRING, data_type, mode)
    }
}
