//! JSON texts into a column of a known type.
//!
//! Always true: in the permissive mode a field that does not fit is null and the rest of its record stands; a record
//! that is no JSON is a row of nulls. Records of plain JSON take the short way (`records`); what needs a tree becomes a
//! column in `values`. Start at [`JsonReader::column`].

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, StructArray};

use super::options::{JsonOptions, ParseMode};
use super::parse::{Json, parse};
use crate::error::{Result, SparkError};
use crate::ir::DataType;

/// Reads JSON texts as values of one type.
pub(crate) struct JsonReader {
    pub(super) data_type: DataType,
    pub(super) options: JsonOptions,
    /// Whether the values are records whose fields have a name each.
    can_skim: bool,
}

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
}

pub(super) enum Parsed<'a> {
    Missing,
    Malformed,
    Value(Json<'a>),
}

/// Stands for a record that could not be read: a value without fields.
const MALFORMED: Json<'static> = Json::Boolean(false);

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
