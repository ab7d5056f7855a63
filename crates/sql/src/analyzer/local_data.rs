//! Rows that a client sent or that analysis itself has: Arrow batches as a relation.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use bytes::Bytes;
use datafusion::datasource::MemTable;

use super::leaf::{internal_schema, struct_schema};
use super::{Analyzed, Analyzer};
use crate::error::{Result, SparkError};
use crate::ir::StructType;
use crate::types::from_arrow_schema;

impl Analyzer {
    pub(super) fn local_relation(
        &mut self,
        data: &[Bytes],
        schema: Option<&str>,
    ) -> Result<Analyzed> {
        let declared = schema
            .filter(|s| !s.is_empty())
            .map(struct_schema)
            .transpose()?;
        let mut batches = Vec::new();
        let mut found: Option<SchemaRef> = None;
        for part in data.iter().filter(|part| !part.is_empty()) {
            let reader = StreamReader::try_new(std::io::Cursor::new(part.clone()), None)?;
            found.get_or_insert_with(|| reader.schema());
            for batch in reader {
                batches.push(batch?);
            }
        }
        let actual = match &found {
            Some(schema) => from_arrow_schema(schema).ok_or_else(|| {
                SparkError::unsupported_feature("a local relation with such Arrow types")
            })?,
            None => declared.clone().unwrap_or_default(),
        };
        let analyzed = self.batches(&actual, batches)?;
        match declared {
            Some(declared) if found.is_some() => self.conform_to_declared(analyzed, &declared),
            _ => Ok(analyzed),
        }
    }

    /// Rows in memory.
    pub(crate) fn batches(
        &mut self,
        schema: &StructType,
        batches: Vec<RecordBatch>,
    ) -> Result<Analyzed> {
        let names: Vec<String> = (0..schema.len()).map(|i| format!("c{i}")).collect();
        let arrow = crate::execution::rename_schema(&internal_schema(schema), &names);
        let batches = batches.iter().map(|b| crate::execution::conform(b, &arrow));
        let batches = batches.collect::<Result<Vec<_>>>()?;
        let table = MemTable::try_new(arrow, vec![batches])?;
        self.scan(Arc::new(table), schema, Vec::new())
    }

    /// Columns by position under the names and types that a client declared.
    fn conform_to_declared(
        &mut self,
        analyzed: Analyzed,
        declared: &StructType,
    ) -> Result<Analyzed> {
        if declared.len() != analyzed.scope.columns.len() {
            return Err(SparkError::assignment_arity_mismatch(
                declared.len(),
                analyzed.scope.columns.len(),
            ));
        }
        let mut items = Vec::new();
        for (column, field) in analyzed
            .scope
            .columns
            .clone()
            .iter()
            .zip(declared.fields.iter())
        {
            let mut value = self.cast_implicitly(column.typed(), &field.data_type)?;
            value.named = Some(field.name.clone());
            value.nullable = field.nullable;
            value.metadata = field.metadata.clone();
            value.attribute = None;
            items.push(value);
        }
        self.project_typed(analyzed, items)
    }
}
