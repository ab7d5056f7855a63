//! `partitionBy`: rows by the folder they belong to.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use fleuve_sql::error::SparkError;

use crate::error::StreamError;

/// The folder of rows whose partition value is null or empty.
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// Splits rows into folders and takes the columns out that the folders name.
#[derive(Debug)]
pub(super) struct PartitionedRows {
    /// Index and name of every partition column.
    columns: Vec<(usize, String)>,
    kept: Vec<usize>,
    file_schema: SchemaRef,
}

impl PartitionedRows {
    pub(super) fn new(schema: &SchemaRef, names: &[String]) -> Result<Self, StreamError> {
        let columns = names
            .iter()
            .map(|name| {
                let found = schema
                    .fields()
                    .iter()
                    .position(|f| f.name().eq_ignore_ascii_case(name));
                let known: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
                let index = found.ok_or_else(|| {
                    SparkError::partition_column_not_found(name, &known.join(", "))
                })?;
                Ok((index, schema.field(index).name().clone()))
            })
            .collect::<Result<Vec<_>, StreamError>>()?;
        if !columns.is_empty() && columns.len() == schema.fields().len() {
            return Err(SparkError::all_partition_columns().into());
        }
        let kept: Vec<usize> = (0..schema.fields().len())
            .filter(|index| columns.iter().all(|(column, _)| column != index))
            .collect();
        let file_schema = Arc::new(schema.project(&kept)?);
        Ok(Self {
            columns,
            kept,
            file_schema,
        })
    }

    pub(super) fn is_partitioned(&self) -> bool {
        !self.columns.is_empty()
    }

    pub(super) fn file_schema(&self) -> &SchemaRef {
        &self.file_schema
    }

    /// The rows of each folder; one folder without a name when there are no partition columns.
    pub(super) fn split(
        &self,
        batch: &RecordBatch,
    ) -> Result<Vec<(String, RecordBatch)>, StreamError> {
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let rows = batch.project(&self.kept)?;
        if !self.is_partitioned() {
            return Ok(vec![(String::new(), rows)]);
        }
        let texts = self
            .columns
            .iter()
            .map(|(index, _)| cast(batch.column(*index), &DataType::Utf8))
            .collect::<Result<Vec<ArrayRef>, _>>()?;
        let mut folders: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for row in 0..batch.num_rows() {
            folders
                .entry(self.folder(&texts, row))
                .or_default()
                .push(row as u32);
        }
        folders
            .into_iter()
            .map(|(folder, indices)| {
                Ok((
                    folder,
                    take_record_batch(&rows, &UInt32Array::from(indices))?,
                ))
            })
            .collect()
    }

    fn folder(&self, texts: &[ArrayRef], row: usize) -> String {
        let levels: Vec<String> = self
            .columns
            .iter()
            .zip(texts)
            .map(|((_, name), text)| {
                let text = text.as_string::<i32>();
                let value = match text.is_null(row) || text.value(row).is_empty() {
                    true => NULL_FOLDER.to_owned(),
                    false => escape(text.value(row)),
                };
                format!("{}={value}", escape(name))
            })
            .collect();
        levels.join("/")
    }
}

/// Hive's escaping of what a folder's name cannot hold.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '{' | '[' | ']' | '^'
            | '\u{7f}' => escaped.push_str(&format!("%{:02X}", character as u32)),
            control if (control as u32) < 0x20 => {
                escaped.push_str(&format!("%{:02X}", control as u32));
            }
            other => escaped.push(other),
        }
    }
    escaped
}
