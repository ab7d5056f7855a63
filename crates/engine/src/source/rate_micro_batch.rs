//! `rate-micro-batch`: so many rows in every batch, whatever the time; for tests.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use serde_json::json;

use super::rate::{NumberedRows, RowTime};
use super::{Admission, Reach, Source, SourceBatch, SourceOffset, SourcePartition};
use crate::error::StreamError;

/// The options of a `rate-micro-batch` source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateMicroBatchOptions {
    pub rows_per_batch: i64,
    pub partitions: usize,
    pub start_timestamp_ms: i64,
    pub advance_ms_per_batch: i64,
}

/// The source itself.
#[derive(Debug)]
pub struct RateMicroBatchSource {
    options: RateMicroBatchOptions,
    /// With `availableNow` exactly one batch is there.
    one_batch: bool,
    end_of_one_batch: Option<SourceOffset>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    row: i64,
    timestamp_ms: i64,
}

impl Place {
    fn parse(offset: &SourceOffset) -> Result<Self, StreamError> {
        let value = offset.value();
        let number = |key: &str| {
            value[key]
                .as_i64()
                .ok_or_else(|| StreamError::invalid_offset("rate-micro-batch", offset))
        };
        Ok(Self {
            row: number("offset")?,
            timestamp_ms: number("timestamp")?,
        })
    }

    fn offset(self) -> SourceOffset {
        SourceOffset::from_value(&json!({"offset": self.row, "timestamp": self.timestamp_ms}))
    }
}

impl RateMicroBatchSource {
    pub fn new(options: RateMicroBatchOptions) -> Self {
        Self {
            options,
            one_batch: false,
            end_of_one_batch: None,
        }
    }

    fn start(&self, start: Option<&SourceOffset>) -> Result<Place, StreamError> {
        match start {
            Some(offset) => Place::parse(offset),
            None => Ok(Place {
                row: 0,
                timestamp_ms: self.options.start_timestamp_ms,
            }),
        }
    }
}

#[async_trait]
impl Source for RateMicroBatchSource {
    fn description(&self) -> String {
        format!(
            "RatePerMicroBatchStream[rowsPerBatch={}, numPartitions={}, startTimestamp={}, \
             advanceMsPerBatch={}]",
            self.options.rows_per_batch,
            self.options.partitions,
            self.options.start_timestamp_ms,
            self.options.advance_ms_per_batch
        )
    }

    fn schema(&self) -> SchemaRef {
        super::rate::schema()
    }

    async fn reach(
        &mut self,
        start: Option<&SourceOffset>,
        _admission: Admission,
        _now_ms: i64,
    ) -> Result<Reach, StreamError> {
        if let Some(end) = &self.end_of_one_batch {
            return Ok(Reach {
                end: Some(end.clone()),
                latest: None,
            });
        }
        let start = self.start(start)?;
        let end = Place {
            row: start.row + self.options.rows_per_batch,
            timestamp_ms: start.timestamp_ms + self.options.advance_ms_per_batch,
        }
        .offset();
        if self.one_batch {
            self.end_of_one_batch = Some(end.clone());
        }
        Ok(Reach {
            end: Some(end),
            latest: None,
        })
    }

    async fn plan(
        &mut self,
        start: Option<&SourceOffset>,
        end: &SourceOffset,
    ) -> Result<SourceBatch, StreamError> {
        let start = self.start(start)?;
        let end = Place::parse(end)?;
        let partitions = self.options.partitions.max(1);
        Ok(SourceBatch::Partitions(
            (0..partitions)
                .map(|partition| {
                    Arc::new(NumberedRows {
                        first: start.row + partition as i64,
                        end: end.row,
                        step: partitions as i64,
                        time: RowTime::Same {
                            ms: start.timestamp_ms,
                        },
                    }) as Arc<dyn SourcePartition>
                })
                .collect(),
        ))
    }

    async fn stop_at_available(&mut self, _now_ms: i64) -> Result<(), StreamError> {
        self.one_batch = true;
        Ok(())
    }
}
