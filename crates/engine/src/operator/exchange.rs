//! Rows on their way to the state partition that their key belongs to.
//!
//! The input is read whole, all of its partitions at once, before any state is touched: a batch
//! that fails while it reads leaves the state as it was.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use datafusion::error::{DataFusionError, Result, SharedResult};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use futures::future::{BoxFuture, Shared};
use futures::{FutureExt, TryStreamExt};

use crate::state::OperatorState;

/// The rows of each state partition, with their keys as bytes in a column at the end.
type Routed = Arc<Vec<RecordBatch>>;

/// Reads the input once, however many partitions ask.
#[derive(Default)]
pub(super) struct Exchange {
    running: Mutex<Option<Shared<BoxFuture<'static, SharedResult<Routed>>>>>,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exchange")
    }
}

impl Exchange {
    /// The rows of state partition `partition`. `key_columns` of the input are the key.
    pub(super) fn partition(
        &self,
        partition: usize,
        input: &Arc<dyn ExecutionPlan>,
        key_columns: &[usize],
        state: &Arc<OperatorState>,
        context: &Arc<TaskContext>,
    ) -> BoxFuture<'static, Result<RecordBatch>> {
        let routed = crate::checkpoint::lock(&self.running)
            .get_or_insert_with(|| {
                let (input, context) = (Arc::clone(input), Arc::clone(context));
                let (keys, state) = (key_columns.to_vec(), Arc::clone(state));
                async move { route(input, keys, state, context).await.map_err(Arc::new) }
                    .boxed()
                    .shared()
            })
            .clone();
        async move {
            let routed = routed.await.map_err(DataFusionError::Shared)?;
            Ok(routed[partition].clone())
        }
        .boxed()
    }
}

/// Turns the columns of keys into the bytes under which state knows them.
#[derive(Debug)]
pub(super) struct KeyBytes {
    /// Absent where there is no key column: everything is one group.
    converter: Option<RowConverter>,
}

impl KeyBytes {
    pub(super) fn new<'a>(types: impl Iterator<Item = &'a DataType>) -> Result<Self> {
        let fields: Vec<SortField> = types.map(|kind| SortField::new(kind.clone())).collect();
        let converter = (!fields.is_empty())
            .then(|| RowConverter::new(fields))
            .transpose()?;
        Ok(Self { converter })
    }

    pub(super) fn encode(&self, columns: &[ArrayRef], rows: usize) -> Result<BinaryArray> {
        match &self.converter {
            Some(converter) => Ok(converter.convert_columns(columns)?.try_into_binary()?),
            None => Ok(BinaryArray::from_iter_values(std::iter::repeat_n(
                b"", rows,
            ))),
        }
    }

    pub(super) fn decode<'a>(&self, keys: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
        let Some(converter) = &self.converter else {
            return Ok(Vec::new());
        };
        let parser = converter.parser();
        Ok(converter.convert_rows(keys.map(|key| parser.parse(key)))?)
    }
}

async fn route(
    input: Arc<dyn ExecutionPlan>,
    key_columns: Vec<usize>,
    state: Arc<OperatorState>,
    context: Arc<TaskContext>,
) -> Result<Routed> {
    let schema = routed_schema(&input.schema());
    let partitions = input.properties().partitioning.partition_count();
    let mut tasks = tokio::task::JoinSet::new();
    for partition in 0..partitions {
        let rows = input.execute(partition, Arc::clone(&context))?;
        let (keys, state, schema) = (key_columns.clone(), Arc::clone(&state), Arc::clone(&schema));
        tasks.spawn(async move {
            let batches: Vec<RecordBatch> = rows.try_collect().await?;
            Ok::<_, DataFusionError>((partition, split(&batches, &keys, &state, &schema)?))
        });
    }
    let mut by_input = vec![Vec::new(); partitions];
    while let Some(joined) = tasks.join_next().await {
        let (partition, split) =
            joined.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??;
        by_input[partition] = split;
    }
    // Input partitions keep their order, so that a batch that runs again meets the same rows in
    // the same order.
    let routed = (0..state.partition_count())
        .map(|target| {
            let parts: Vec<&RecordBatch> =
                by_input.iter().flat_map(|split| &split[target]).collect();
            Ok(concat_batches(&schema, parts)?)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(routed))
}

/// The input's schema with the key's bytes behind.
fn routed_schema(input: &Schema) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = input.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("key", DataType::Binary, false)));
    Arc::new(Schema::new(fields))
}

fn split(
    batches: &[RecordBatch],
    key_columns: &[usize],
    state: &OperatorState,
    schema: &SchemaRef,
) -> Result<Vec<Vec<RecordBatch>>> {
    let mut targets = vec![Vec::new(); state.partition_count()];
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        let columns: Vec<ArrayRef> = key_columns
            .iter()
            .map(|column| Arc::clone(batch.column(*column)))
            .collect();
        let key_bytes = KeyBytes::new(columns.iter().map(|column| column.data_type()))?;
        let keys = key_bytes.encode(&columns, batch.num_rows())?;
        let mut rows = vec![Vec::new(); targets.len()];
        for row in 0..batch.num_rows() {
            rows[state.partition_of(keys.value(row))].push(row as u32);
        }
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(keys));
        let batch = RecordBatch::try_new(Arc::clone(schema), columns)?;
        for (target, rows) in targets.iter_mut().zip(rows) {
            if rows.len() == batch.num_rows() {
                target.push(batch.clone());
            } else if !rows.is_empty() {
                target.push(take_record_batch(&batch, &UInt32Array::from(rows))?);
            }
        }
    }
    Ok(targets)
}
