//! Files of a folder as a stream: each file once, in the order they came.
//!
//! Which files a batch has is written into the source's own log before the batch is planned.
//! Always true: a file in the log is never taken again; a file counts from the moment its name
//! shows, so files must be moved into the folder whole. Start at [`FileSource`].

mod discovery;
mod format;
mod options;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use fleuve_sql::error::{Exception, SparkError};
use fleuve_sql::ir::StructType;
use fleuve_sql::source::{BatchSource, ReadRequest};
use serde::{Deserialize, Serialize};
use serde_json::json;

use discovery::FoundFile;
use options::{Cleaning, FileOptions};

use super::open::OpenSource;
use super::{Admission, Reach, Source, SourceBatch, SourceOffset};
use crate::checkpoint::{BatchId, COMPACT_INTERVAL_DEFAULT, CompactingLog};
use crate::error::StreamError;
use crate::file_system::FileSystem;
use crate::query::local_path;
use crate::sink::files::file_uri;

pub(super) use format::StreamedFiles;

/// A file that the source has taken, as Spark's log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeenFile {
    path: String,
    timestamp: i64,
    batch_id: u64,
}

/// The source itself.
pub(super) struct FileSource {
    root: PathBuf,
    request: ReadRequest,
    schema: StructType,
    arrow_schema: SchemaRef,
    reader: Arc<dyn BatchSource>,
    files: Arc<dyn FileSystem>,
    options: FileOptions,
    log: CompactingLog<SeenFile>,
    seen: BTreeSet<String>,
    /// Files of the batches that are not committed yet.
    pending: BTreeMap<u64, Vec<SeenFile>>,
    newest_ms: i64,
    /// The newest batch of the log.
    current: Option<u64>,
    frozen: Option<Vec<FoundFile>>,
}

impl std::fmt::Debug for FileSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileSource")
            .field("root", &self.root)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Opens a stream over a folder.
pub(super) fn open(open: OpenSource<'_>) -> Result<Box<dyn Source>, StreamError> {
    let path = open
        .scan
        .paths
        .first()
        .map(String::as_str)
        .or(open.scan.options.get("path"))
        .ok_or_else(path_missing)?;
    open.session.check_path(path)?;
    let root = std::path::absolute(local_path(path))
        .map_err(|error| StreamError::file(Path::new(path), &error))?;
    let files = Arc::clone(&open.settings.files);
    let log: CompactingLog<SeenFile> =
        CompactingLog::new(open.folder, Arc::clone(&files), COMPACT_INTERVAL_DEFAULT);
    let options = FileOptions::new(&open.scan.options)?;
    let mut seen = BTreeSet::new();
    let mut newest_ms = 0;
    for file in log.all()? {
        newest_ms = newest_ms.max(file.timestamp);
        seen.insert(options.identity(&file.path));
    }
    let current = log.latest()?.map(BatchId::get);
    let mut read_options = open.scan.options.clone();
    if read_options.get("basePath").is_none() {
        read_options.insert("basePath", &root.to_string_lossy());
    }
    let request = ReadRequest {
        format: open.scan.format.clone(),
        options: read_options,
        paths: Vec::new(),
        schema: Some(open.scan.schema.clone()),
        configuration: open.configuration.clone(),
    };
    Ok(Box::new(FileSource {
        root,
        request,
        schema: open.scan.schema.clone(),
        arrow_schema: Arc::clone(&open.scan.arrow_schema),
        reader: open
            .session
            .environment()
            .registry
            .source(&open.scan.format)?,
        files,
        options,
        log,
        seen,
        pending: BTreeMap::new(),
        newest_ms,
        current,
        frozen: None,
    }))
}

impl FileSource {
    fn io(&self, path: &Path, error: &std::io::Error) -> StreamError {
        StreamError::file(path, error)
    }

    fn batch_files(&self, first: u64, last: u64) -> Result<Vec<SeenFile>, StreamError> {
        if (first..=last).all(|batch| self.pending.contains_key(&batch)) {
            return Ok(self
                .pending
                .range(first..=last)
                .flat_map(|(_, f)| f.clone())
                .collect());
        }
        let all = self.log.all()?;
        Ok(all
            .into_iter()
            .filter(|f| (first..=last).contains(&f.batch_id))
            .collect())
    }

    fn clean(&self, file: &SeenFile) {
        let path = local_path(&decoded(&file.path));
        let cleaned = match &self.options.cleaning {
            Cleaning::Off => Ok(()),
            Cleaning::Delete => self.files.remove(&path),
            Cleaning::Archive(folder) => {
                let relative = path.strip_prefix("/").unwrap_or(&path);
                self.files.rename(&path, &folder.join(relative))
            }
        };
        if let Err(error) = cleaned {
            // As in Spark: cleaning is on a best-effort basis.
            tracing::warn!(%error, path = %path.display(), "a source file was not cleaned");
        }
    }
}

fn log_offset(offset: &SourceOffset) -> Result<u64, StreamError> {
    offset.value()["logOffset"]
        .as_u64()
        .ok_or_else(|| StreamError::invalid_offset("FileStreamSource", offset))
}

/// The path of a URI, with its escapes undone.
fn decoded(uri: &str) -> String {
    let bytes = uri.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escaped = bytes
            .get(index + 1..index + 3)
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (bytes[index], escaped) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                index += 3;
            }
            (byte, _) => {
                plain.push(byte);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[async_trait]
impl Source for FileSource {
    fn description(&self) -> String {
        format!("FileStreamSource[file:{}]", self.root.display())
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.arrow_schema)
    }

    async fn reach(
        &mut self,
        _start: Option<&SourceOffset>,
        admission: Admission,
        _now_ms: i64,
    ) -> Result<Reach, StreamError> {
        let new = self.next_files(admission)?;
        if !new.is_empty() {
            let batch = self.current.map_or(0, |current| current + 1);
            let entries: Vec<SeenFile> = new
                .iter()
                .map(|file| SeenFile {
                    path: file_uri(&file.path),
                    timestamp: file.modified_ms,
                    batch_id: batch,
                })
                .collect();
            if !self.log.add(BatchId::new(batch), &entries)? {
                let batch = BatchId::new(batch);
                return Err(crate::checkpoint::LogError::ConcurrentUpdate { batch }.into());
            }
            for entry in &entries {
                self.newest_ms = self.newest_ms.max(entry.timestamp);
                self.seen.insert(self.options.identity(&entry.path));
            }
            self.pending.insert(batch, entries);
            self.current = Some(batch);
        }
        let end = self
            .current
            .map(|current| SourceOffset::from_value(&json!({ "logOffset": current })));
        Ok(Reach { end, latest: None })
    }

    async fn plan(
        &mut self,
        start: Option<&SourceOffset>,
        end: &SourceOffset,
    ) -> Result<SourceBatch, StreamError> {
        let first = start
            .map(log_offset)
            .transpose()?
            .map_or(0, |before| before + 1);
        let files = self.batch_files(first, log_offset(end)?)?;
        if files.is_empty() {
            return Ok(SourceBatch::empty());
        }
        let paths = files.iter().map(|file| {
            local_path(&decoded(&file.path))
                .to_string_lossy()
                .into_owned()
        });
        let request = ReadRequest {
            paths: paths.collect(),
            ..self.request.clone()
        };
        let table: Arc<dyn TableProvider> = self.reader.scan(&request, &self.schema).await?;
        Ok(SourceBatch::Table(table))
    }

    async fn committed(&mut self, end: &SourceOffset) -> Result<(), StreamError> {
        let last = log_offset(end)?;
        let done = {
            let later = self.pending.split_off(&(last + 1));
            std::mem::replace(&mut self.pending, later)
        };
        if self.options.cleaning != Cleaning::Off {
            done.values().flatten().for_each(|file| self.clean(file));
        }
        Ok(())
    }

    async fn stop_at_available(&mut self, _now_ms: i64) -> Result<(), StreamError> {
        self.frozen = Some(self.list()?);
        Ok(())
    }
}

fn path_missing() -> StreamError {
    illegal("_LEGACY_ERROR_TEMP_2047", "'path' is not specified.").into()
}

fn illegal(class: &str, text: &str) -> SparkError {
    SparkError::streaming(Exception::IllegalArgument, class, "42000", text, &[])
}
