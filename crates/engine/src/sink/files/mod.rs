//! Files: parquet, json, csv or text, with the log of what counts.
//!
//! A batch writes its files beside their places, under hidden names; committing renames them and
//! adds one entry to `_spark_metadata`, which is what readers go by.
//! Always true: the names of a batch's files follow from query, batch and task, so a batch that
//! runs again after a crash lands on the same names; a batch is in the log whole or not at all.
//! Start at [`FileSink::open`].

mod format;
mod parquet;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;
use fleuve_sql::error::{Exception, SparkError};
use fleuve_sql::formats::rows_by_folder;
use fleuve_sql::ir::SaveMode;
use fleuve_sql::source::WriteRequest;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::format::{FileFormat, FileWriter};
use super::noop::run_partitions;
use super::open::OpenSink;
use super::{OutputMode, Sink, Staged, StagedBatch};
use crate::checkpoint::{BatchId, COMPACT_INTERVAL_DEFAULT, CompactingLog};
use crate::error::StreamError;
use crate::file_system::FileSystem;
use crate::query::local_path;

/// The folder of the log that readers go by.
const METADATA_FOLDER: &str = "_spark_metadata";
/// What Spark's local file system says of every file.
const BLOCK_BYTES: u64 = 33_554_432;

/// A file of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkFile {
    pub path: String,
    pub size: u64,
    pub is_dir: bool,
    pub modification_time: i64,
    pub block_replication: u32,
    pub block_size: u64,
    pub action: String,
}

/// The sink itself.
#[derive(Debug)]
pub struct FileSink {
    place: Arc<Place>,
    log: Arc<CompactingLog<SinkFile>>,
    query: Uuid,
}

/// Where and how rows are written.
#[derive(Debug)]
struct Place {
    root: PathBuf,
    /// In the names of hidden files: a task of a former run that has not noticed its end yet
    /// writes to others.
    run: Uuid,
    /// Until this run has committed a batch, a former run may have left hidden files of the same.
    resuming: AtomicBool,
    files: Arc<dyn FileSystem>,
    request: WriteRequest,
    format: FileFormat,
}

impl FileSink {
    pub fn open(open: &OpenSink<'_>) -> Result<Self, StreamError> {
        if open.mode != OutputMode::Append {
            return Err(unsupported_mode(open.mode, open.format));
        }
        let path = open.path.ok_or_else(|| {
            StreamError::Spark(SparkError::streaming(
                Exception::IllegalArgument,
                "_LEGACY_ERROR_TEMP_2047",
                "42000",
                "'path' is not specified.",
                &[],
            ))
        })?;
        if let Some(retention) = open.options.get("retention") {
            return Err(SparkError::unsupported_option(open.format, "retention", retention).into());
        }
        open.query_session.check_path(path)?;
        let root = std::path::absolute(local_path(path))
            .map_err(|error| StreamError::file(Path::new(path), &error))?;
        let files = Arc::clone(&open.settings.files);
        let log = CompactingLog::new(
            root.join(METADATA_FOLDER),
            Arc::clone(&files),
            COMPACT_INTERVAL_DEFAULT,
        );
        let request = WriteRequest {
            format: open.format.to_owned(),
            options: open.options.clone(),
            path: Some(path.to_owned()),
            mode: SaveMode::Append,
            partition_columns: open.partition_columns.to_vec(),
            schema: open.schema.clone(),
            configuration: open.configuration.clone(),
        };
        let registry = &open.query_session.environment().registry;
        registry.sink(open.format)?.check(&request)?;
        let format = FileFormat::new(&request)?;
        let place = Place {
            root,
            run: Uuid::new_v4(),
            resuming: AtomicBool::new(true),
            files,
            request,
            format,
        };
        Ok(Self {
            place: Arc::new(place),
            log: Arc::new(log),
            query: open.query,
        })
    }
}

fn unsupported_mode(mode: OutputMode, format: &str) -> StreamError {
    let mode = mode.lower_name();
    StreamError::Spark(SparkError::streaming(
        Exception::Analysis,
        "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE",
        "42KDE",
        format!(
            "Invalid streaming output mode: {mode}. This output mode is not supported in Data \
             Source {format}."
        ),
        &[("outputMode", mode), ("className", format)],
    ))
}

#[async_trait]
impl Sink for FileSink {
    fn description(&self) -> String {
        format!("FileSink[file:{}]", self.place.root.display())
    }

    async fn begin(&mut self, batch: BatchId) -> Result<Box<dyn StagedBatch>, StreamError> {
        Ok(Box::new(StagedFiles {
            place: Arc::clone(&self.place),
            log: Arc::clone(&self.log),
            query: self.query,
            batch,
            staged: Vec::new(),
        }))
    }

    async fn last_committed(&mut self) -> Result<Option<BatchId>, StreamError> {
        Ok(self.log.latest()?)
    }
}

struct StagedFiles {
    place: Arc<Place>,
    log: Arc<CompactingLog<SinkFile>>,
    query: Uuid,
    batch: BatchId,
    staged: Vec<StagedFile>,
}

/// A file that is written and not yet in its place.
#[derive(Debug)]
struct StagedFile {
    hidden: PathBuf,
    path: PathBuf,
    bytes: u64,
}

#[async_trait]
impl StagedBatch for StagedFiles {
    async fn stage(
        &mut self,
        partitions: Vec<SendableRecordBatchStream>,
    ) -> Result<Staged, StreamError> {
        let (place, query, batch) = (Arc::clone(&self.place), self.query, self.batch);
        let staged = run_partitions(partitions, move |task, rows| {
            let name = FileName { query, batch, task };
            write_task(Arc::clone(&place), name, rows)
        })
        .await?;
        self.staged = staged.into_iter().flatten().collect();
        Ok(Staged { rows: None })
    }

    async fn commit(self: Box<Self>) -> Result<(), StreamError> {
        let files = &self.place.files;
        let mut folders = std::collections::BTreeSet::new();
        for file in &self.staged {
            files
                .rename(&file.hidden, &file.path)
                .map_err(|error| StreamError::file(&file.path, &error))?;
            folders.extend(file.path.parent());
        }
        for folder in folders {
            files
                .sync_directory(folder)
                .map_err(|error| StreamError::file(folder, &error))?;
        }
        let modification_time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as i64);
        let entries: Vec<SinkFile> = self
            .staged
            .iter()
            .map(|file| SinkFile {
                path: file_uri(&file.path),
                size: file.bytes,
                is_dir: false,
                modification_time,
                block_replication: 1,
                block_size: BLOCK_BYTES,
                action: "add".to_owned(),
            })
            .collect();
        self.log.add(self.batch, &entries)?;
        self.place.resuming.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl Place {
    /// Removes what former runs wrote for the file `name` and did not commit.
    fn remove_leftovers(&self, folder: &Path, name: &str) -> Result<(), StreamError> {
        let failed = |error: std::io::Error| StreamError::file(folder, &error);
        for entry in self.files.list(folder).map_err(failed)? {
            let is_leftover = entry
                .name
                .strip_prefix('.')
                .and_then(|rest| rest.strip_prefix(name))
                .is_some_and(|rest| rest.ends_with(".staged"));
            if is_leftover {
                self.files
                    .remove(&folder.join(&entry.name))
                    .map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// What a file's name is made of.
#[derive(Debug, Clone, Copy)]
struct FileName {
    query: Uuid,
    batch: BatchId,
    task: usize,
}

impl FileName {
    /// `part-00003-<uuid>-c000.snappy.parquet`, as Spark names them.
    fn text(&self, partitioned: bool, extension: &str) -> String {
        let separator = if partitioned { '.' } else { '-' };
        format!(
            "part-{:05}-{}{separator}c000{extension}",
            self.task,
            self.uuid()
        )
    }

    /// The query's own random id with batch and task mixed in: the same whenever the batch runs,
    /// and no other batch's.
    fn uuid(&self) -> Uuid {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let (high, low) = self.query.as_u64_pair();
        let batch = self.batch.get().wrapping_add(1).wrapping_mul(ODD);
        let task = (self.task as u64 + 1).wrapping_mul(ODD).rotate_left(32);
        let bytes = (u128::from(high ^ batch) << 64 | u128::from(low ^ task)).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

async fn write_task(
    place: Arc<Place>,
    name: FileName,
    mut rows: SendableRecordBatchStream,
) -> Result<Vec<StagedFile>, StreamError> {
    let mut writers = std::collections::BTreeMap::new();
    while let Some(batch) = rows.try_next().await? {
        if batch.num_rows() == 0 {
            continue;
        }
        for (folder, rows) in rows_by_folder(&place.request, &batch)? {
            let writer = match writers.entry(folder) {
                std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
                std::collections::btree_map::Entry::Vacant(free) => {
                    let writer = OpenFile::create(&place, free.key(), &name)?;
                    free.insert(writer)
                }
            };
            writer.write(&rows)?;
        }
    }
    writers.into_values().map(OpenFile::finish).collect()
}

/// A file being written.
struct OpenFile {
    writer: FileWriter,
    hidden: PathBuf,
    path: PathBuf,
}

impl OpenFile {
    fn create(place: &Place, folder: &str, name: &FileName) -> Result<Self, StreamError> {
        let partitioned = !place.request.partition_columns.is_empty();
        let name = name.text(partitioned, &place.format.extension());
        let folder = if partitioned {
            place.root.join(folder)
        } else {
            place.root.clone()
        };
        if place.resuming.load(Ordering::Relaxed) {
            place.remove_leftovers(&folder, &name)?;
        }
        let hidden = folder.join(format!(".{name}.{}.staged", place.run));
        let file = place
            .files
            .create(&hidden)
            .map_err(|error| StreamError::file(&hidden, &error))?;
        let writer = place.format.writer(file)?;
        Ok(Self {
            writer,
            hidden,
            path: folder.join(name),
        })
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), StreamError> {
        self.writer.write(rows)
    }

    fn finish(self) -> Result<StagedFile, StreamError> {
        let bytes = self.writer.finish(&self.hidden)?;
        Ok(StagedFile {
            hidden: self.hidden,
            path: self.path,
            bytes,
        })
    }
}

/// The path as a `file:` URI.
pub(crate) fn file_uri(path: &Path) -> String {
    let mut uri = String::from("file://");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' | b'=' | b'+' | b'@' | b':' | b'$' | b'&' | b','
            | b';' | b'!' | b'*' | b'\'' | b'(' | b')' => uri.push(byte as char),
            byte if byte.is_ascii_alphanumeric() => uri.push(byte as char),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
