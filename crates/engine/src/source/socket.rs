//! `socket`: lines of text from a TCP connection; for trying things out.
//!
//! Lines are kept in memory until they are committed. What a server sent before a crash is gone,
//! so a checkpoint with batches cannot be resumed, as in Spark.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use fleuve_sql::error::SparkError;
use fleuve_sql::ir::{DataType, StructField, StructType};
use fleuve_sql::source::SourceOptions;
use fleuve_sql::types::{INTERNAL_TIME_ZONE, to_arrow_schema};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::open::string_type;
use super::{Admission, Reach, Source, SourceBatch, SourceOffset, SourcePartition};
use crate::checkpoint::lock;
use crate::clock::Clock;
use crate::error::StreamError;

/// How many lines wait in memory before the connection is read no further.
const LINES_BUFFERED_MAX: usize = 1_000_000;

/// The options of a `socket` source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketOptions {
    pub host: String,
    pub port: u16,
    pub include_timestamp: bool,
}

impl SocketOptions {
    pub fn new(options: &SourceOptions) -> Result<Self, SparkError> {
        let required = |key: &str| {
            options.get(key).ok_or_else(|| {
                SparkError::data_source_option_missing(
                    key,
                    &format!("Set a {key} to read from with option(\"{key}\", ...)."),
                )
            })
        };
        let port = required("port")?;
        Ok(Self {
            host: required("host")?.to_owned(),
            port: port.parse().map_err(|_| {
                SparkError::invalid_data_source_option("port", port, "a number up to 65535")
            })?,
            include_timestamp: options.flag("includeTimestamp", false)?,
        })
    }

    pub fn schema(&self) -> StructType {
        let mut fields = vec![StructField::new("value", string_type(), true)];
        if self.include_timestamp {
            fields.push(StructField::new("timestamp", DataType::Timestamp, true));
        }
        StructType::new(fields)
    }
}

#[derive(Debug, Clone)]
struct Line {
    text: String,
    at_ms: i64,
}

/// Lines by number; those before `first` are committed and gone.
#[derive(Debug, Default)]
struct Lines {
    first: u64,
    kept: VecDeque<Line>,
}

/// The source itself.
#[derive(Debug)]
pub struct SocketSource {
    options: SocketOptions,
    lines: Arc<Mutex<Lines>>,
    reading: JoinHandle<()>,
    stop_at: Option<u64>,
    /// Whether a batch of this run has been planned.
    has_run: bool,
}

impl SocketSource {
    /// Connects and begins to read.
    pub async fn open(options: SocketOptions, clock: Arc<dyn Clock>) -> Result<Self, StreamError> {
        let address = format!("{}:{}", options.host, options.port);
        let stream = TcpStream::connect(&address)
            .await
            .map_err(|error| StreamError::Source {
                origin: "socket".to_owned(),
                reason: format!("{address}: {error}"),
            })?;
        let lines = Arc::new(Mutex::new(Lines::default()));
        let reading = tokio::spawn(read_lines(stream, Arc::clone(&lines), clock));
        Ok(Self {
            options,
            lines,
            reading,
            stop_at: None,
            has_run: false,
        })
    }
}

impl Drop for SocketSource {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn read_lines(stream: TcpStream, lines: Arc<Mutex<Lines>>, clock: Arc<dyn Clock>) {
    let mut reader = BufReader::new(stream).lines();
    loop {
        while lock(&lines).kept.len() >= LINES_BUFFERED_MAX {
            clock.wait(std::time::Duration::from_millis(10)).await;
        }
        match reader.next_line().await {
            Ok(Some(text)) => {
                let at_ms = clock.now_ms();
                lock(&lines).kept.push_back(Line { text, at_ms });
            }
            Ok(None) => return tracing::warn!("the socket source's server closed the connection"),
            Err(error) => return tracing::warn!(%error, "the socket source ended"),
        }
    }
}

/// Offsets name the last line read, from 0; −1 is before the first.
fn end_of(offset: &SourceOffset) -> Result<u64, StreamError> {
    let last = offset
        .value()
        .as_i64()
        .ok_or_else(|| StreamError::invalid_offset("socket", offset))?;
    Ok((last + 1).max(0) as u64)
}

fn offset_before(end: u64) -> SourceOffset {
    SourceOffset::from_value(&(end as i64 - 1).into())
}

#[async_trait]
impl Source for SocketSource {
    fn description(&self) -> String {
        format!(
            "TextSocketV2[host: {}, port: {}]",
            self.options.host, self.options.port
        )
    }

    fn schema(&self) -> SchemaRef {
        to_arrow_schema(&self.options.schema(), INTERNAL_TIME_ZONE)
    }

    async fn reach(
        &mut self,
        start: Option<&SourceOffset>,
        _admission: Admission,
        _now_ms: i64,
    ) -> Result<Reach, StreamError> {
        if start.is_some() && !self.has_run {
            return Err(StreamError::Source {
                origin: self.description(),
                reason: "what the server sent before is gone: this checkpoint cannot be resumed"
                    .to_owned(),
            });
        }
        let end = {
            let lines = lock(&self.lines);
            lines.first + lines.kept.len() as u64
        };
        let end = self.stop_at.map_or(end, |stop| stop.min(end));
        let end = (end > 0).then(|| offset_before(end));
        Ok(Reach {
            latest: end.clone(),
            end,
        })
    }

    async fn plan(
        &mut self,
        start: Option<&SourceOffset>,
        end: &SourceOffset,
    ) -> Result<SourceBatch, StreamError> {
        let start = start.map(end_of).transpose()?.unwrap_or(0);
        let end = end_of(end)?;
        let lines = lock(&self.lines);
        let behind = start < lines.first || end > lines.first + lines.kept.len() as u64;
        if behind {
            return Err(StreamError::Source {
                origin: self.description(),
                reason: "what the server sent before is gone: this checkpoint cannot be resumed"
                    .to_owned(),
            });
        }
        self.has_run = true;
        let range = (start - lines.first) as usize..(end - lines.first) as usize;
        let taken: Vec<Line> = lines.kept.range(range).cloned().collect();
        drop(lines);
        let partition = SocketLines {
            lines: taken,
            schema: self.schema(),
        };
        Ok(SourceBatch::Partitions(vec![Arc::new(partition)]))
    }

    async fn committed(&mut self, end: &SourceOffset) -> Result<(), StreamError> {
        let end = end_of(end)?;
        let mut lines = lock(&self.lines);
        while lines.first < end && lines.kept.pop_front().is_some() {
            lines.first += 1;
        }
        Ok(())
    }

    async fn stop_at_available(&mut self, _now_ms: i64) -> Result<(), StreamError> {
        let lines = lock(&self.lines);
        self.stop_at = Some(lines.first + lines.kept.len() as u64);
        Ok(())
    }
}

#[derive(Debug)]
struct SocketLines {
    lines: Vec<Line>,
    schema: SchemaRef,
}

impl SourcePartition for SocketLines {
    fn open(
        &self,
        projection: &[usize],
        _batch_rows: usize,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let texts = StringArray::from_iter_values(self.lines.iter().map(|line| line.text.as_str()));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(texts)];
        if self.schema.fields().len() > 1 {
            let times = self.lines.iter().map(|line| line.at_ms * 1_000);
            let times = TimestampMicrosecondArray::from_iter_values(times);
            columns.push(Arc::new(times.with_timezone(INTERNAL_TIME_ZONE)));
        }
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns)?.project(projection)?;
        let schema = rows.schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            schema,
            futures::stream::iter([Ok(rows)]),
        )))
    }
}
