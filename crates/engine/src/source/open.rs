//! From a stream in a plan to the source that reads it, and the names that sessions know.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use fleuve_sql::error::{Result as SqlResult, SparkError};
use fleuve_sql::ir::{DataType, StringConstraint, StructField, StructType};
use fleuve_sql::source::{BatchSource, ReadRequest, Registry, SourceOptions};
use fleuve_sql::{Configuration, Session};

use super::Source;
use super::files::StreamedFiles;
use super::kafka::{KafkaRelation, KafkaSource};
use super::rate::{RateOptions, RateSource};
use super::rate_micro_batch::{RateMicroBatchOptions, RateMicroBatchSource};
use super::socket::{SocketOptions, SocketSource};
use crate::error::StreamError;
use crate::plan::StreamingScan;
use crate::query::EngineSettings;
use crate::query::parse_interval;
use crate::sink::kafka::KafkaBatchSink;

/// What a source is opened with.
pub struct OpenSource<'a> {
    pub scan: &'a Arc<StreamingScan>,
    /// The folder in the checkpoint that is the source's own.
    pub folder: PathBuf,
    pub configuration: &'a Configuration,
    pub session: &'a Session,
    pub settings: &'a EngineSettings,
}

/// Opens the source that a stream of the plan reads.
pub async fn open_source(open: OpenSource<'_>) -> Result<Box<dyn Source>, StreamError> {
    let options = &open.scan.options;
    match open.scan.format.to_ascii_lowercase().as_str() {
        "rate" => Ok(Box::new(RateSource::open(
            rate_options(options, open.settings.parallelism)?,
            open.folder,
            Arc::clone(&open.settings.files),
            open.settings.clock.now_ms(),
        )?)),
        "rate-micro-batch" => Ok(Box::new(RateMicroBatchSource::new(
            rate_micro_batch_options(options, open.settings.parallelism)?,
        ))),
        "kafka" => Ok(Box::new(KafkaSource::open(&open)?)),
        "socket" => {
            let clock = Arc::clone(&open.settings.clock);
            Ok(Box::new(
                SocketSource::open(SocketOptions::new(options)?, clock).await?,
            ))
        }
        "json" | "csv" | "text" | "parquet" => super::files::open(open),
        other => Err(SparkError::data_source_not_found(other).into()),
    }
}

/// Makes this crate's sources known to sessions, with Kafka also for batches.
pub fn register_sources(registry: &Registry, settings: &EngineSettings) {
    registry.register_source("rate", Arc::new(RateName));
    registry.register_source("rate-micro-batch", Arc::new(RateMicroBatchName));
    registry.register_source("socket", Arc::new(SocketName));
    registry.register_source(
        "kafka",
        Arc::new(KafkaRelation::new(settings.kafka.clone())),
    );
    let sink = KafkaBatchSink::new(settings.kafka.clone());
    registry.register_sink("kafka", Arc::new(sink));
    for format in ["json", "csv", "text", "parquet"] {
        if let Ok(inner) = registry.source(format) {
            registry.register_source(format, Arc::new(StreamedFiles { inner }));
        }
    }
}

fn rate_options(options: &SourceOptions, parallelism: usize) -> SqlResult<RateOptions> {
    let rows_per_second = positive(options, "rowsPerSecond")?.unwrap_or(1);
    let ramp_up = options.get_or("rampUpTime", "0s");
    let ramp_up_seconds = short_interval(ramp_up).ok_or_else(|| {
        SparkError::invalid_data_source_option("rampUpTime", ramp_up, "a duration")
    })?;
    let partitions = positive(options, "numPartitions")?;
    Ok(RateOptions {
        rows_per_second,
        ramp_up_seconds,
        partitions: partitions.map_or(parallelism, |count| count as usize),
        partitions_given: partitions.is_some(),
    })
}

fn rate_micro_batch_options(
    options: &SourceOptions,
    parallelism: usize,
) -> SqlResult<RateMicroBatchOptions> {
    let rows_per_batch = positive(options, "rowsPerBatch")?.ok_or_else(|| {
        SparkError::invalid_data_source_option(
            "rowsPerBatch",
            "",
            "a positive number, which is required",
        )
    })?;
    Ok(RateMicroBatchOptions {
        rows_per_batch,
        partitions: positive(options, "numPartitions")?.map_or(parallelism, |count| count as usize),
        start_timestamp_ms: options.number("startTimestamp")?.unwrap_or(0),
        advance_ms_per_batch: options.number("advanceMillisPerBatch")?.unwrap_or(1_000),
    })
}

fn positive(options: &SourceOptions, key: &str) -> SqlResult<Option<i64>> {
    match options.number::<i64>(key)? {
        Some(number) if number <= 0 => Err(SparkError::invalid_data_source_option(
            key,
            &number.to_string(),
            "a positive number",
        )),
        other => Ok(other),
    }
}

/// `5s`, `2m`, `10 seconds` or a bare number of seconds.
fn short_interval(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let units = [
        ("s", 1),
        ("m", 60),
        ("min", 60),
        ("h", 3_600),
        ("d", 86_400),
    ];
    for (unit, seconds) in units {
        if let Some(amount) = text
            .strip_suffix(unit)
            .and_then(|n| n.trim().parse::<i64>().ok())
        {
            return Some(amount * seconds);
        }
    }
    parse_interval(text)
        .ok()
        .map(|interval| interval.as_secs() as i64)
}

fn rate_schema() -> StructType {
    StructType::new(vec![
        StructField::new("timestamp", DataType::Timestamp, true),
        StructField::new("value", DataType::Long, true),
    ])
}

/// A source that is a stream only.
fn stream_only(request: &ReadRequest) -> SparkError {
    SparkError::unsupported_feature(&format!("reading {} as a batch", request.format))
}

struct RateName;

#[async_trait]
impl BatchSource for RateName {
    async fn schema(&self, request: &ReadRequest) -> SqlResult<StructType> {
        Err(stream_only(request))
    }

    async fn scan(
        &self,
        request: &ReadRequest,
        _: &StructType,
    ) -> SqlResult<Arc<dyn TableProvider>> {
        Err(stream_only(request))
    }

    async fn stream_schema(&self, request: &ReadRequest) -> SqlResult<StructType> {
        rate_options(&request.options, 1)?;
        Ok(rate_schema())
    }
}

struct RateMicroBatchName;

#[async_trait]
impl BatchSource for RateMicroBatchName {
    async fn schema(&self, request: &ReadRequest) -> SqlResult<StructType> {
        Err(stream_only(request))
    }

    async fn scan(
        &self,
        request: &ReadRequest,
        _: &StructType,
    ) -> SqlResult<Arc<dyn TableProvider>> {
        Err(stream_only(request))
    }

    async fn stream_schema(&self, request: &ReadRequest) -> SqlResult<StructType> {
        rate_micro_batch_options(&request.options, 1)?;
        Ok(rate_schema())
    }
}

struct SocketName;

#[async_trait]
impl BatchSource for SocketName {
    async fn schema(&self, request: &ReadRequest) -> SqlResult<StructType> {
        Err(stream_only(request))
    }

    async fn scan(
        &self,
        request: &ReadRequest,
        _: &StructType,
    ) -> SqlResult<Arc<dyn TableProvider>> {
        Err(stream_only(request))
    }

    async fn stream_schema(&self, request: &ReadRequest) -> SqlResult<StructType> {
        Ok(SocketOptions::new(&request.options)?.schema())
    }
}

/// A plain string type.
pub(crate) fn string_type() -> DataType {
    DataType::String(StringConstraint::None)
}
