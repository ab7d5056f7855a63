//! `range`: numbers from one to another, made as they are read.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable as EngineStream;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;

use super::{Analyzed, Analyzer};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, StructField, StructType};
use crate::types::{INTERNAL_TIME_ZONE, to_arrow_schema};

/// Rows of one batch of a range.
const RANGE_BATCH_ROWS: i64 = 8192;

impl Analyzer {
    pub(super) fn range(
        &mut self,
        start: i64,
        end: i64,
        step: i64,
        partitions: Option<i32>,
    ) -> Result<Analyzed> {
        if step == 0 {
            return Err(SparkError::invalid_parameter_value(
                "STEP",
                "range",
                "step",
                "step must not be 0.",
            ));
        }
        // One partition unless more are asked for: a limit takes rows from several as they come, and Spark's users
        // see a range in its order.
        let count = partitions
            .and_then(|p| usize::try_from(p).ok())
            .unwrap_or(1)
            .max(1);
        let schema = StructType::new(vec![StructField::new("id", DataType::Long, false)]);
        let arrow = to_arrow_schema(&schema, INTERNAL_TIME_ZONE);
        let partitions: Vec<Arc<dyn PartitionStream>> = split_range(start, end, step, count)
            .into_iter()
            .map(|(start, rows)| {
                Arc::new(RangePartition {
                    schema: arrow.clone(),
                    start,
                    step,
                    rows,
                }) as Arc<dyn PartitionStream>
            })
            .collect();
        let table = EngineStream::try_new(arrow, partitions)?;
        self.scan(Arc::new(table), &schema, Vec::new())
    }
}

#[derive(Debug)]
struct RangePartition {
    schema: SchemaRef,
    start: i64,
    step: i64,
    rows: i64,
}

impl fmt::Display for RangePartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "range from {} by {}", self.start, self.step)
    }
}

impl PartitionStream for RangePartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (start, step, rows, schema) = (self.start, self.step, self.rows, self.schema.clone());
        let batches = stream::unfold(0i64, move |done| {
            let schema = schema.clone();
            async move {
                let count = RANGE_BATCH_ROWS.min(rows - done);
                if count <= 0 {
                    return None;
                }
                tokio::task::consume_budget().await;
                let values = (done..done + count).map(|i| start.wrapping_add(i.wrapping_mul(step)));
                let column = Arc::new(Int64Array::from_iter_values(values));
                let batch = RecordBatch::try_new(schema, vec![column]).map_err(Into::into);
                Some((batch, done + count))
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches))
    }
}

/// First value and number of rows of each partition.
fn split_range(start: i64, end: i64, step: i64, partitions: usize) -> Vec<(i64, i64)> {
    let (start, end, step) = (i128::from(start), i128::from(end), i128::from(step));
    let span = end - start;
    let rows = if span.signum() * step.signum() <= 0 {
        0
    } else {
        (span + step - step.signum()) / step
    };
    let count = partitions as i128;
    (0..count)
        .map(|i| {
            let (first, last) = (i * rows / count, (i + 1) * rows / count);
            ((start + first * step) as i64, (last - first) as i64)
        })
        .collect()
}
