//! `rate`: so many rows a second, each with its time and a number counted from 0.
//!
//! The start time is kept in the checkpoint, so a restarted query counts on.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;

use super::{Admission, Reach, Source, SourceBatch, SourceOffset, SourcePartition};
use crate::checkpoint::{BatchId, BatchLog, LogEntry, LogError};
use crate::error::StreamError;
use crate::file_system::FileSystem;

/// The options of a `rate` source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateOptions {
    pub rows_per_second: i64,
    pub ramp_up_seconds: i64,
    pub partitions: usize,
    /// Whether `partitions` was asked for, which its description tells.
    pub partitions_given: bool,
}

/// The rows of `rate`: `timestamp` and `value`.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(
            "timestamp",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            true,
        ),
        Field::new("value", DataType::Int64, true),
    ]))
}

/// The source itself.
#[derive(Debug)]
pub struct RateSource {
    options: RateOptions,
    start_ms: i64,
    last_seconds: i64,
    stop_at_seconds: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct StartTime(i64);

impl LogEntry for StartTime {
    const VERSION: u32 = 1;

    fn encode(&self) -> String {
        self.0.to_string()
    }

    fn decode(body: &str) -> Result<Self, String> {
        body.trim()
            .parse()
            .map(Self)
            .map_err(|_| "the start time is not a number".to_owned())
    }
}

impl RateSource {
    /// Opens the source, taking the start time from `folder` or putting `now_ms` there.
    pub fn open(
        options: RateOptions,
        folder: PathBuf,
        files: Arc<dyn FileSystem>,
        now_ms: i64,
    ) -> Result<Self, LogError> {
        let log: BatchLog<StartTime> = BatchLog::new(folder, files);
        let start_ms = match log.latest()? {
            Some(_) => log.read(BatchId::FIRST)?.0,
            None => {
                log.add(BatchId::FIRST, &StartTime(now_ms))?;
                now_ms
            }
        };
        Ok(Self {
            options,
            start_ms,
            last_seconds: 0,
            stop_at_seconds: None,
        })
    }

    /// Whole seconds since the start, which never go back even if the wall clock does.
    fn seconds(&mut self, now_ms: i64) -> i64 {
        self.last_seconds = self
            .last_seconds
            .max((now_ms - self.start_ms).max(0) / 1_000);
        self.last_seconds
    }
}

/// How many rows have come by the end of `seconds`. The rate climbs evenly while ramping up.
fn rows_until(seconds: i64, options: &RateOptions) -> i64 {
    let ramp = options.ramp_up_seconds;
    let step = options.rows_per_second / (ramp + 1);
    if seconds <= ramp {
        return step * seconds * (seconds + 1) / 2;
    }
    step * ramp * (ramp + 1) / 2 + (seconds - ramp) * options.rows_per_second
}

fn seconds_of(offset: &SourceOffset) -> Result<i64, StreamError> {
    offset
        .value()
        .as_i64()
        .ok_or_else(|| StreamError::invalid_offset("rate", offset))
}

#[async_trait]
impl Source for RateSource {
    fn description(&self) -> String {
        let partitions = match self.options.partitions_given {
            true => self.options.partitions.to_string(),
            false => "default".to_owned(),
        };
        format!(
            "RateStreamV2[rowsPerSecond={}, rampUpTimeSeconds={}, numPartitions={partitions}",
            self.options.rows_per_second, self.options.ramp_up_seconds
        )
    }

    fn schema(&self) -> SchemaRef {
        schema()
    }

    async fn reach(
        &mut self,
        _start: Option<&SourceOffset>,
        _admission: Admission,
        now_ms: i64,
    ) -> Result<Reach, StreamError> {
        let seconds = self.seconds(now_ms);
        let seconds = self
            .stop_at_seconds
            .map_or(seconds, |stop| stop.min(seconds));
        let end = SourceOffset::from_value(&seconds.into());
        Ok(Reach {
            end: Some(end.clone()),
            latest: Some(end),
        })
    }

    async fn plan(
        &mut self,
        start: Option<&SourceOffset>,
        end: &SourceOffset,
    ) -> Result<SourceBatch, StreamError> {
        let start_seconds = start.map(seconds_of).transpose()?.unwrap_or(0);
        let end_seconds = seconds_of(end)?;
        let first = rows_until(start_seconds, &self.options);
        let last = rows_until(end_seconds, &self.options);
        if last <= first {
            return Ok(SourceBatch::empty());
        }
        let begin_ms = self.start_ms + start_seconds * 1_000;
        let ms_per_row = ((end_seconds - start_seconds) * 1_000) as f64 / (last - first) as f64;
        let partitions = self.options.partitions.max(1);
        Ok(SourceBatch::Partitions(
            (0..partitions)
                .map(|partition| {
                    Arc::new(NumberedRows {
                        first: first + partition as i64,
                        end: last,
                        step: partitions as i64,
                        time: RowTime::Spread {
                            range_first: first,
                            begin_ms,
                            ms_per_row,
                        },
                    }) as Arc<dyn SourcePartition>
                })
                .collect(),
        ))
    }

    async fn stop_at_available(&mut self, now_ms: i64) -> Result<(), StreamError> {
        self.stop_at_seconds = Some(self.seconds(now_ms));
        Ok(())
    }
}

/// The time column of numbered rows.
#[derive(Debug, Clone, Copy)]
pub(super) enum RowTime {
    Same {
        ms: i64,
    },
    Spread {
        range_first: i64,
        begin_ms: i64,
        ms_per_row: f64,
    },
}

impl RowTime {
    fn micros(&self, value: i64) -> i64 {
        match *self {
            Self::Same { ms } => ms * 1_000,
            Self::Spread {
                range_first,
                begin_ms,
                ms_per_row,
            } => (begin_ms + (ms_per_row * (value - range_first) as f64).round() as i64) * 1_000,
        }
    }
}

/// Every `step`th number from `first` to before `end`.
#[derive(Debug)]
pub(super) struct NumberedRows {
    pub(super) first: i64,
    pub(super) end: i64,
    pub(super) step: i64,
    pub(super) time: RowTime,
}

impl NumberedRows {
    fn batch(&self, from: i64, rows: i64, projection: &[usize]) -> DataFusionResult<RecordBatch> {
        let values = || (0..rows).map(|row| from + row * self.step);
        let columns: Vec<ArrayRef> = projection
            .iter()
            .map(|column| match column {
                0 => Arc::new(
                    TimestampMicrosecondArray::from_iter_values(
                        values().map(|value| self.time.micros(value)),
                    )
                    .with_timezone("UTC"),
                ) as ArrayRef,
                _ => Arc::new(Int64Array::from_iter_values(values())),
            })
            .collect();
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows as usize));
        Ok(RecordBatch::try_new_with_options(
            Arc::new(schema().project(projection)?),
            columns,
            &options,
        )?)
    }
}

impl SourcePartition for NumberedRows {
    fn open(
        &self,
        projection: &[usize],
        batch_rows: usize,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let rows = Self { ..*self };
        let projection = projection.to_vec();
        let schema = Arc::new(schema().project(&projection)?);
        let mut from = self.first;
        let batches = std::iter::from_fn(move || {
            let left = (rows.end - from + rows.step - 1).div_euclid(rows.step);
            let count = left.min(batch_rows as i64);
            (count > 0).then(|| {
                let batch = rows.batch(from, count, &projection);
                from += count * rows.step;
                batch
            })
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            schema,
            futures::stream::iter(batches),
        )))
    }
}
