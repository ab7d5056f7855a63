//! Giving batches the schema that was announced: names, nullability, time zones, no views.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, make_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::error::Result;

/// The batch with its columns, by position, in the types of `schema`.
pub fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| reshape(column, field.data_type()));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(build(schema, columns, batch.num_rows())?)
}

/// The batch under another schema of the same types.
pub(crate) fn with_schema(
    batch: RecordBatch,
    schema: &SchemaRef,
) -> std::result::Result<RecordBatch, ArrowError> {
    let rows = batch.num_rows();
    build(schema, batch.columns().to_vec(), rows)
}

fn build(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> std::result::Result<RecordBatch, ArrowError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let holds_nulls = columns
        .iter()
        .zip(schema.fields())
        .any(|(c, f)| !f.is_nullable() && c.null_count() > 0);
    if holds_nulls {
        let fields: Fields = schema
            .fields()
            .iter()
            .map(|f| Arc::new(f.as_ref().clone().with_nullable(true)))
            .collect();
        return RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options);
    }
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
}

/// The schema with other column names.
pub(crate) fn rename_schema(schema: &SchemaRef, names: &[String]) -> SchemaRef {
    let fields = schema.fields().iter().zip(names);
    let fields = fields.map(|(field, name)| field.as_ref().clone().with_name(name));
    Arc::new(Schema::new(fields.collect::<Vec<Field>>()))
}

/// The same values in the type `to`, which differs at most in names, nullability, offsets, views or time zone.
pub(crate) fn reshape(
    array: &ArrayRef,
    to: &DataType,
) -> std::result::Result<ArrayRef, ArrowError> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    match (array.data_type(), to) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let structure = array.as_struct();
            if fields.is_empty() {
                return Ok(Arc::new(StructArray::new_empty_fields(
                    structure.len(),
                    structure.nulls().cloned(),
                )));
            }
            let columns = structure.columns().iter().zip(fields);
            let columns = columns.map(|(column, field)| reshape(column, field.data_type()));
            let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
            Ok(Arc::new(StructArray::try_new(
                fields.clone(),
                columns,
                structure.nulls().cloned(),
            )?))
        }
        (DataType::List(_), DataType::List(field)) => {
            let list = array.as_list::<i32>();
            let values = reshape(list.values(), field.data_type())?;
            Ok(Arc::new(ListArray::try_new(
                field.clone(),
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?))
        }
        (DataType::Map(_, _), DataType::Map(field, sorted)) => {
            let map = array.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            let entries = reshape(&entries, field.data_type())?;
            let entries = entries.as_struct().clone();
            Ok(Arc::new(MapArray::try_new(
                field.clone(),
                map.offsets().clone(),
                entries,
                map.nulls().cloned(),
                *sorted,
            )?))
        }
        (DataType::Timestamp(from, _), DataType::Timestamp(unit, _)) if from == unit => {
            let data = array
                .to_data()
                .into_builder()
                .data_type(to.clone())
                .build()?;
            Ok(make_array(data))
        }
        (DataType::Decimal128(_, from_scale), DataType::Decimal128(_, scale))
            if from_scale == scale =>
        {
            let data = array
                .to_data()
                .into_builder()
                .data_type(to.clone())
                .build()?;
            Ok(make_array(data))
        }
        _ => cast(array, to),
    }
}
