//! One range of one partition, as columns.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, BinaryBuilder, Int32Array, Int64Builder, ListBuilder, RecordBatch,
    RecordBatchOptions, StringBuilder, StructBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use fleuve_client::{ClientError, PartitionReader, ReadLimits};
use fleuve_model::Offset;
use fleuve_model::record::{
    PLAIN_BYTES_MAX_DEFAULT, Record, RecordBatch as KafkaBatch, TimestampType,
};
use futures::stream;

use super::limits::OffsetRange;
use super::{arrow_schema, failed};
use crate::error::StreamError;
use crate::source::SourcePartition;

/// How much of a partition one read brings.
const READ_BYTES: usize = 4 << 20;
/// How many bytes of values make a batch of columns, however few records they are: what one
/// operator makes of them is still in the processor's cache when the next one takes it.
const BATCH_BYTES: usize = 1 << 20;

/// What all tasks of a source read with.
#[derive(Clone)]
pub(super) struct ReadSettings {
    pub(super) reader: PartitionReader,
    pub(super) include_headers: bool,
    pub(super) fail_on_data_loss: bool,
    pub(super) poll_timeout: Duration,
}

/// One task's range.
#[derive(Clone)]
pub(super) struct KafkaPartition {
    pub(super) range: OffsetRange,
    pub(super) settings: ReadSettings,
}

impl fmt::Debug for KafkaPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaPartition")
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl SourcePartition for KafkaPartition {
    fn open(
        &self,
        projection: &[usize],
        batch_rows: usize,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let schema = Arc::new(arrow_schema(self.settings.include_headers).project(projection)?);
        let state = Reading {
            partition: self.clone(),
            next: self.range.start,
            from: self.range.start,
            columns: Columns::new(self, projection, Arc::clone(&schema)),
            batch_rows,
            waiting: Vec::new(),
        };
        let batches = stream::try_unfold(state, |mut state| async move {
            Ok(state.next_batch().await?.map(|batch| (batch, state)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

struct Reading {
    partition: KafkaPartition,
    next: Offset,
    /// Records before it are not taken, though they may come with a batch that holds later ones too.
    from: Offset,
    columns: Columns,
    batch_rows: usize,
    /// Batches that are read and not yet turned into columns, the next one last.
    waiting: Vec<KafkaBatch>,
}

impl Reading {
    async fn next_batch(&mut self) -> DataFusionResult<Option<RecordBatch>> {
        loop {
            while let Some(batch) = self.waiting.pop() {
                let range = self.from..self.partition.range.end;
                self.columns
                    .append(&batch, range)
                    .map_err(|reason| self.bad(&batch, reason))?;
                if self.columns.rows >= self.batch_rows || self.columns.value_bytes() >= BATCH_BYTES
                {
                    return self.columns.finish().map(Some);
                }
            }
            if self.next >= self.partition.range.end {
                break;
            }
            self.read().await?;
        }
        match self.columns.rows {
            0 => Ok(None),
            _ => self.columns.finish().map(Some),
        }
    }

    /// Reads the next chunk; a broker that brings nothing for too long is an error.
    async fn read(&mut self) -> DataFusionResult<()> {
        let settings = &self.partition.settings;
        let range = &self.partition.range;
        let limits = ReadLimits {
            bytes_max: READ_BYTES,
            ..ReadLimits::default()
        };
        let timeout = settings.poll_timeout;
        let progress = async {
            loop {
                let chunk = settings
                    .reader
                    .read(&range.partition, self.next, limits)
                    .await?;
                if chunk.next_offset > self.next {
                    return Ok(chunk);
                }
            }
        };
        let chunk = match tokio::time::timeout(timeout, progress).await {
            Ok(Ok(chunk)) => chunk,
            Ok(Err(ClientError::OffsetOutOfRange { start, end, .. })) => {
                return self.lost(start, end);
            }
            Ok(Err(error)) => return Err(failed(&error).into()),
            Err(_) => {
                return Err(StreamError::Source {
                    origin: range.partition.to_string(),
                    reason: format!(
                        "no record at offset {} came within {timeout:?} \
                         (kafkaConsumer.pollTimeoutMs)",
                        self.next.value()
                    ),
                }
                .into());
            }
        };
        self.next = chunk.next_offset;
        self.waiting = chunk.batches;
        self.waiting.reverse();
        Ok(())
    }

    /// The records at `next` are gone: fails, or goes on at the first that is there.
    fn lost(&mut self, start: i64, end: i64) -> DataFusionResult<()> {
        let range = &self.partition.range;
        let text = data_loss(&format!(
            "{} has no offset {}: it has {start} to {end}",
            range.partition,
            self.next.value()
        ));
        if self.partition.settings.fail_on_data_loss {
            return Err(DataFusionError::from(StreamError::Source {
                origin: range.partition.to_string(),
                reason: text,
            }));
        }
        tracing::warn!("{text}");
        self.next = Offset::from_wire(start)
            .filter(|first| *first > self.next)
            .map_or(range.end, |first| first.min(range.end));
        self.from = self.next;
        Ok(())
    }

    fn bad(&self, batch: &KafkaBatch, reason: String) -> DataFusionError {
        let offset = batch.header().base_offset.value();
        DataFusionError::from(StreamError::Source {
            origin: self.partition.range.partition.to_string(),
            reason: format!("the batch at offset {offset}: {reason}"),
        })
    }
}

/// What Spark says when offsets are gone.
pub(super) fn data_loss(what: &str) -> String {
    format!(
        "{what}. Some data may have been lost because they are not available in Kafka any more; \
         either the data was aged out by Kafka or the topic may have been deleted before all the \
         data in the topic was processed. If you don't want your streaming query to fail on such \
         cases, set the source option \"failOnDataLoss\" to \"false\"."
    )
}

/// The columns of a batch being made; only those that are asked for.
struct Columns {
    schema: SchemaRef,
    projection: Vec<usize>,
    topic: String,
    partition: i32,
    rows: usize,
    keys: BinaryBuilder,
    values: BinaryBuilder,
    offsets: Int64Builder,
    timestamps: TimestampMicrosecondBuilder,
    timestamp_types: Vec<i32>,
    headers: ListBuilder<StructBuilder>,
    wanted: [bool; 8],
}

const KEY: usize = 0;
const VALUE: usize = 1;
const TOPIC: usize = 2;
const PARTITION: usize = 3;
const OFFSET: usize = 4;
const TIMESTAMP: usize = 5;
const TIMESTAMP_TYPE: usize = 6;
const HEADERS: usize = 7;

impl Columns {
    fn new(partition: &KafkaPartition, projection: &[usize], schema: SchemaRef) -> Self {
        let mut wanted = [false; 8];
        projection.iter().for_each(|column| wanted[*column] = true);
        Self {
            schema,
            projection: projection.to_vec(),
            topic: partition.range.partition.topic.to_string(),
            partition: partition.range.partition.partition.value(),
            rows: 0,
            keys: BinaryBuilder::new(),
            values: BinaryBuilder::new(),
            offsets: Int64Builder::new(),
            timestamps: TimestampMicrosecondBuilder::new(),
            timestamp_types: Vec::new(),
            headers: headers_builder(),
            wanted,
        }
    }

    fn value_bytes(&self) -> usize {
        self.values.values_slice().len()
    }

    /// Takes the records whose offsets are in `range`; fails with what is wrong with the batch.
    fn append(&mut self, batch: &KafkaBatch, range: Range<Offset>) -> Result<(), String> {
        let timestamp_type = match batch.header().attributes.timestamp_type() {
            TimestampType::CreateTime => 0,
            TimestampType::LogAppendTime => 1,
        };
        let plain = batch
            .plain_payload(PLAIN_BYTES_MAX_DEFAULT)
            .map_err(|error| error.to_string())?;
        for record in batch.records_in(&plain) {
            let record = record.map_err(|error| error.to_string())?;
            if range.contains(&record.offset) {
                self.append_record(&record, timestamp_type);
            }
        }
        Ok(())
    }

    fn append_record(&mut self, record: &Record<'_>, timestamp_type: i32) {
        self.rows += 1;
        if self.wanted[KEY] {
            self.keys.append_option(record.key);
        }
        if self.wanted[VALUE] {
            self.values.append_option(record.value);
        }
        if self.wanted[OFFSET] {
            self.offsets.append_value(record.offset.value());
        }
        if self.wanted[TIMESTAMP] {
            // A producer that gave no time left −1, which Spark shows as it is.
            let ms = record
                .timestamp
                .map_or(-1, |timestamp| timestamp.as_millis());
            self.timestamps.append_value(ms.saturating_mul(1_000));
        }
        if self.wanted[TIMESTAMP_TYPE] {
            self.timestamp_types.push(timestamp_type);
        }
        if self.wanted[HEADERS] {
            append_headers(&mut self.headers, record);
        }
    }

    fn finish(&mut self) -> DataFusionResult<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        let columns: Vec<ArrayRef> = self
            .projection
            .clone()
            .into_iter()
            .zip(
                self.schema
                    .fields()
                    .iter()
                    .map(|field| field.data_type().clone())
                    .collect::<Vec<_>>(),
            )
            .map(|(column, kind)| self.column(column, rows, &kind))
            .collect::<DataFusionResult<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }

    fn column(
        &mut self,
        column: usize,
        rows: usize,
        kind: &DataType,
    ) -> DataFusionResult<ArrayRef> {
        Ok(match column {
            KEY => Arc::new(self.keys.finish()),
            VALUE => {
                // The next batch will take about as much.
                let bytes = self.value_bytes();
                let room = BinaryBuilder::with_capacity(rows, bytes + bytes / 8);
                Arc::new(std::mem::replace(&mut self.values, room).finish())
            }
            TOPIC => {
                let mut topics = StringBuilder::with_capacity(rows, rows * self.topic.len());
                (0..rows).for_each(|_| topics.append_value(&self.topic));
                Arc::new(topics.finish())
            }
            PARTITION => Arc::new(Int32Array::from(vec![self.partition; rows])),
            OFFSET => Arc::new(self.offsets.finish()),
            TIMESTAMP => {
                let timestamps = self.timestamps.finish();
                match kind {
                    DataType::Timestamp(_, zone) => {
                        Arc::new(timestamps.with_timezone_opt(zone.clone()))
                    }
                    _ => Arc::new(timestamps),
                }
            }
            TIMESTAMP_TYPE => Arc::new(Int32Array::from(std::mem::take(&mut self.timestamp_types))),
            _ => arrow::compute::cast(&self.headers.finish(), kind)?,
        })
    }
}

fn headers_builder() -> ListBuilder<StructBuilder> {
    let fields = Fields::from(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("value", DataType::Binary, true),
    ]);
    let header = StructBuilder::new(
        fields,
        vec![
            Box::new(StringBuilder::new()),
            Box::new(BinaryBuilder::new()),
        ],
    );
    ListBuilder::new(header)
}

/// A record without headers has none, not an empty list, as in Spark.
fn append_headers(headers: &mut ListBuilder<StructBuilder>, record: &Record<'_>) {
    if record.headers.is_empty() {
        headers.append_null();
        return;
    }
    for header in record.headers {
        let fields = headers.values();
        let key = String::from_utf8_lossy(header.key);
        if let Some(keys) = fields.field_builder::<StringBuilder>(0) {
            keys.append_value(key);
        }
        if let Some(values) = fields.field_builder::<BinaryBuilder>(1) {
            values.append_option(header.value);
        }
        fields.append(true);
    }
    headers.append(true);
}
