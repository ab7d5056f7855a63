//! `kafka`: each row a record, at least once.
//!
//! Rows are sent when the batch commits and acknowledged before `commits/N` is written. A batch
//! that is ended in between is sent again, as by Spark.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::execution::SendableRecordBatchStream;
use fleuve_client::{ClientError, Config, Delivery, Producer, ProducerRecord, RecordHeader};
use fleuve_model::{PartitionId, TopicName};
use fleuve_sql::error::{Exception, SparkError};
use fleuve_sql::source::{BatchSink, PartitionStream, SourceOptions, WriteRequest};
use fleuve_sql::types::{INTERNAL_TIME_ZONE, catalog_string, from_arrow, to_arrow_schema};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::noop::collect_partitions;
use super::open::OpenSink;
use super::{Sink, Staged, StagedBatch};
use crate::checkpoint::BatchId;
use crate::error::StreamError;
use crate::source::kafka::KafkaAccess;

/// How many records are on their way before the first of them must be acknowledged.
const IN_FLIGHT_MAX: usize = 10_000;

/// The sink itself.
pub struct KafkaSink {
    shared: Arc<Shared>,
}

struct Shared {
    producer: Producer,
    rows: RecordRows,
}

impl fmt::Debug for KafkaSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSink")
            .field("rows", &self.shared.rows)
            .finish_non_exhaustive()
    }
}

impl KafkaSink {
    pub fn open(open: &OpenSink<'_>) -> Result<Self, StreamError> {
        let rows = RecordRows::new(open.arrow_schema, open.options)?;
        let config = producer_config(&open.settings.kafka, open.options)?;
        let producer = Producer::new(&config).map_err(|error| failed(&error))?;
        Ok(Self {
            shared: Arc::new(Shared { producer, rows }),
        })
    }
}

#[async_trait]
impl Sink for KafkaSink {
    fn description(&self) -> String {
        "org.apache.spark.sql.kafka010.KafkaSourceProvider$KafkaTable".to_owned()
    }

    async fn begin(&mut self, _batch: BatchId) -> Result<Box<dyn StagedBatch>, StreamError> {
        Ok(Box::new(StagedRecords {
            shared: Arc::clone(&self.shared),
            batches: Vec::new(),
        }))
    }

    /// A broker does not tell which batches it has: a batch that was ended is sent again.
    async fn last_committed(&mut self) -> Result<Option<BatchId>, StreamError> {
        Ok(None)
    }
}

struct StagedRecords {
    shared: Arc<Shared>,
    batches: Vec<RecordBatch>,
}

#[async_trait]
impl StagedBatch for StagedRecords {
    async fn stage(
        &mut self,
        partitions: Vec<SendableRecordBatchStream>,
    ) -> Result<Staged, StreamError> {
        self.batches = collect_partitions(partitions).await?;
        Ok(Staged {
            rows: Some(self.batches.iter().map(|rows| rows.num_rows() as u64).sum()),
        })
    }

    async fn commit(self: Box<Self>) -> Result<(), StreamError> {
        let mut sending = Sending::new(&self.shared.producer);
        for batch in &self.batches {
            sending.send(self.shared.rows.records(batch)?).await?;
        }
        sending.finish().await
    }
}

/// Records on their way, whose failures must not go unseen.
struct Sending<'a> {
    producer: &'a Producer,
    deliveries: Vec<Delivery>,
}

impl<'a> Sending<'a> {
    fn new(producer: &'a Producer) -> Self {
        Self {
            producer,
            deliveries: Vec::new(),
        }
    }

    async fn send(&mut self, records: Vec<ProducerRecord>) -> Result<(), StreamError> {
        for record in records {
            let delivery = self
                .producer
                .send(record)
                .await
                .map_err(|error| failed(&error))?;
            self.deliveries.push(delivery);
            if self.deliveries.len() >= IN_FLIGHT_MAX {
                self.acknowledged().await?;
            }
        }
        Ok(())
    }

    async fn acknowledged(&mut self) -> Result<(), StreamError> {
        self.producer.flush().await;
        for delivery in self.deliveries.drain(..) {
            delivery.wait().await.map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<(), StreamError> {
        self.acknowledged().await
    }
}

fn failed(error: &ClientError) -> StreamError {
    StreamError::Sink {
        sink: "kafka".to_owned(),
        reason: error.to_string(),
    }
}

fn illegal(text: impl Into<String>) -> SparkError {
    SparkError::streaming(
        Exception::IllegalArgument,
        "KAFKA_ILLEGAL_OPTION",
        "22023",
        text,
        &[],
    )
}

fn producer_config(access: &KafkaAccess, options: &SourceOptions) -> Result<Config, SparkError> {
    let mut client = Vec::new();
    for (key, value) in options.iter() {
        let lower = key.to_ascii_lowercase();
        let Some(key) = lower.strip_prefix("kafka.") else {
            continue;
        };
        if key == "key.serializer" || key == "value.serializer" {
            return Err(illegal(format!(
                "Kafka option '{key}' is not supported as keys and values are serialized with \
                 ByteArraySerializer."
            )));
        }
        client.push((key.to_owned(), value.to_owned()));
    }
    if !client.iter().any(|(key, _)| key == "bootstrap.servers") {
        return Err(illegal(
            "Option 'kafka.bootstrap.servers' must be specified for configuring Kafka producer",
        ));
    }
    Ok(access.config(&client))
}

/// What a column of headers is.
const HEADERS_TYPE: &str = "array<struct<key:string,value:binary>>";

/// How rows become records.
#[derive(Debug)]
struct RecordRows {
    /// The topic of every row, whatever its column says.
    topic: Option<TopicName>,
    topic_column: Option<usize>,
    key: Option<usize>,
    value: usize,
    partition: Option<usize>,
    headers: Option<usize>,
}

impl RecordRows {
    fn new(schema: &SchemaRef, options: &SourceOptions) -> Result<Self, SparkError> {
        let column = |name: &str| {
            schema
                .fields()
                .iter()
                .position(|field| field.name().eq_ignore_ascii_case(name))
        };
        let topic = options
            .get("topic")
            .map(|name| TopicName::new(name.trim()).map_err(|error| illegal(error.to_string())))
            .transpose()?;
        let topic_column = column("topic");
        if topic.is_none() && topic_column.is_none() {
            return Err(analysis(
                "topic option required when no 'topic' attribute is present. Use the topic option \
                 for setting a topic.",
            ));
        }
        let value =
            column("value").ok_or_else(|| analysis("Required attribute 'value' not found."))?;
        let rows = Self {
            topic,
            topic_column,
            key: column("key"),
            value,
            partition: column("partition"),
            // `includeHeaders` is for reading: who has the column means it.
            headers: column("headers"),
        };
        rows.check_types(schema)?;
        Ok(rows)
    }

    fn check_types(&self, schema: &SchemaRef) -> Result<(), SparkError> {
        let text_or_bytes = &["string", "binary"][..];
        let expected = [
            (Some(self.value), "value", text_or_bytes),
            (self.key, "key", text_or_bytes),
            (self.topic_column, "topic", &text_or_bytes[..1]),
            (self.partition, "partition", &["int"]),
            (self.headers, "headers", &[HEADERS_TYPE]),
        ];
        for (column, name, types) in expected {
            let Some(column) = column else { continue };
            let found = schema.field(column).data_type();
            let found =
                from_arrow(found).map_or_else(|| found.to_string(), |it| catalog_string(&it));
            if !types.contains(&found.as_str()) {
                return Err(analysis(format!(
                    "{name} attribute unsupported type {found}. {name} must be a(n) {}",
                    types.join(" or ")
                )));
            }
        }
        Ok(())
    }

    fn records(&self, batch: &RecordBatch) -> Result<Vec<ProducerRecord>, StreamError> {
        let bytes = |column: usize| cast(batch.column(column), &DataType::Binary);
        let values = bytes(self.value)?;
        let keys = self.key.map(bytes).transpose()?;
        (0..batch.num_rows())
            .map(|row| {
                Ok(ProducerRecord {
                    topic: self.topic(batch, row)?,
                    partition: self.partition(batch, row)?,
                    key: keys.as_ref().and_then(|keys| cell(keys, row)),
                    value: cell(&values, row),
                    headers: self.headers(batch, row),
                    timestamp: None,
                })
            })
            .collect()
    }

    fn topic(&self, batch: &RecordBatch, row: usize) -> Result<TopicName, StreamError> {
        if let Some(topic) = &self.topic {
            return Ok(topic.clone());
        }
        let column = self
            .topic_column
            .map(|column| batch.column(column).as_string::<i32>());
        match column.filter(|topics| topics.is_valid(row)) {
            Some(topics) => {
                let name = topics.value(row);
                TopicName::new(name).map_err(|error| illegal(error.to_string()).into())
            }
            None => Err(illegal(
                "null topic present in the data. Use the topic option for setting a topic.",
            )
            .into()),
        }
    }

    fn partition(
        &self,
        batch: &RecordBatch,
        row: usize,
    ) -> Result<Option<PartitionId>, StreamError> {
        let Some(column) = self.partition else {
            return Ok(None);
        };
        let partitions = batch.column(column).as_primitive::<Int32Type>();
        if partitions.is_null(row) {
            return Ok(None);
        }
        let number = partitions.value(row);
        PartitionId::from_wire(number).map(Some).ok_or_else(|| {
            illegal(format!("Invalid partition: {number}. Partition number should always be non-negative or null.")).into()
        })
    }

    fn headers(&self, batch: &RecordBatch, row: usize) -> Vec<RecordHeader> {
        let Some(column) = self.headers else {
            return Vec::new();
        };
        let lists = batch.column(column).as_list::<i32>();
        if lists.is_null(row) {
            return Vec::new();
        }
        let headers = lists.value(row);
        let headers = headers.as_struct();
        let (keys, values) = (headers.column(0), headers.column(1));
        let keys = keys.as_string::<i32>();
        (0..headers.len())
            .map(|index| RecordHeader {
                key: Bytes::copy_from_slice(keys.value(index).as_bytes()),
                value: cell(values, index),
            })
            .collect()
    }
}

fn cell(column: &ArrayRef, row: usize) -> Option<Bytes> {
    let column = column.as_binary::<i32>();
    column
        .is_valid(row)
        .then(|| Bytes::copy_from_slice(column.value(row)))
}

fn analysis(text: impl Into<String>) -> SparkError {
    SparkError::streaming(
        Exception::Analysis,
        "_LEGACY_ERROR_TEMP_KAFKA",
        "42000",
        text,
        &[],
    )
}

/// `write.format("kafka")`.
#[derive(Debug)]
pub struct KafkaBatchSink {
    access: KafkaAccess,
}

impl KafkaBatchSink {
    pub fn new(access: KafkaAccess) -> Self {
        Self { access }
    }

    async fn send(
        &self,
        request: &WriteRequest,
        partitions: Vec<PartitionStream>,
    ) -> Result<(), StreamError> {
        let schema = to_arrow_schema(&request.schema, INTERNAL_TIME_ZONE);
        let rows = RecordRows::new(&schema, &request.options)?;
        let config = producer_config(&self.access, &request.options)?;
        let producer = Producer::new(&config).map_err(|error| failed(&error))?;
        let mut sending = Sending::new(&producer);
        for mut partition in partitions {
            while let Some(batch) = partition.next().await {
                sending.send(rows.records(&batch?)?).await?;
            }
        }
        sending.finish().await?;
        producer.close().await;
        Ok(())
    }
}

#[async_trait]
impl BatchSink for KafkaBatchSink {
    fn check(&self, request: &WriteRequest) -> fleuve_sql::error::Result<()> {
        use fleuve_sql::ir::SaveMode;
        if matches!(request.mode, SaveMode::Overwrite | SaveMode::Ignore) {
            let mode = format!("{:?}", request.mode);
            return Err(analysis(format!(
                "Save mode {mode} not allowed for Kafka. Allowed save modes are Append and \
                 ErrorIfExists (default)."
            )));
        }
        let schema = to_arrow_schema(&request.schema, INTERNAL_TIME_ZONE);
        RecordRows::new(&schema, &request.options)?;
        producer_config(&self.access, &request.options).map(|_| ())
    }

    async fn write(
        &self,
        request: &WriteRequest,
        partitions: Vec<PartitionStream>,
        cancellation: CancellationToken,
    ) -> fleuve_sql::error::Result<()> {
        tokio::select! {
            () = cancellation.cancelled() => Err(SparkError::cancelled()),
            sent = self.send(request, partitions) => sent.map_err(|error| error.to_spark()),
        }
    }
}
