//! Files of a folder as a stream: each file once, in the order they came.
//!
//! Which files a batch has is written into the source's own log before the batch is planned.
//! Always true: a file in the log is never taken again; a file counts from the moment its name
//! shows, so files must be moved into the folder whole. Start at [`FileSource`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use fleuve_sql::error::{Exception, Result as SqlResult, SparkError};
use fleuve_sql::ir::{StructField, StructType};
use fleuve_sql::source::{BatchSource, ReadRequest, SourceOptions};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::open::{OpenSource, string_type};
use super::{Admission, Reach, Source, SourceBatch, SourceOffset};
use crate::checkpoint::{BatchId, COMPACT_INTERVAL_DEFAULT, CompactingLog};
use crate::error::StreamError;
use crate::file_system::FileSystem;
use crate::query::local_path;
use crate::sink::files::{SinkFile, file_uri};

/// Files older than the newest by more than this are not looked at.
const MAX_FILE_AGE_DEFAULT_MS: i64 = 7 * 86_400_000;

/// A file that the source has taken, as Spark's log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeenFile {
    path: String,
    timestamp: i64,
    batch_id: u64,
}

/// A file that is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FoundFile {
    modified_ms: i64,
    path: PathBuf,
    bytes: u64,
}

/// What becomes of files whose rows are committed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cleaning {
    Off,
    Delete,
    Archive(PathBuf),
}

#[derive(Debug)]
struct FileOptions {
    files_max: Option<usize>,
    bytes_max: Option<u64>,
    latest_first: bool,
    max_age_ms: i64,
    name_only: bool,
    cleaning: Cleaning,
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

impl FileOptions {
    fn new(options: &SourceOptions) -> Result<Self, StreamError> {
        let positive = |key: &str| -> Result<Option<u64>, StreamError> {
            match options.number::<i64>(key)? {
                Some(number) if number <= 0 => Err(SparkError::invalid_data_source_option(
                    key,
                    &number.to_string(),
                    "a positive number",
                )
                .into()),
                number => Ok(number.map(i64::unsigned_abs)),
            }
        };
        let cleaning = match options
            .get_or("cleanSource", "off")
            .to_ascii_lowercase()
            .as_str()
        {
            "off" => Cleaning::Off,
            "delete" => Cleaning::Delete,
            "archive" => {
                let folder = options.get("sourceArchiveDir").ok_or_else(|| {
                    SparkError::invalid_data_source_option(
                        "sourceArchiveDir",
                        "",
                        "a folder, when cleanSource is archive",
                    )
                })?;
                Cleaning::Archive(local_path(folder))
            }
            other => {
                return Err(SparkError::invalid_data_source_option(
                    "cleanSource",
                    other,
                    "archive, delete or off",
                )
                .into());
            }
        };
        let files_max = positive("maxFilesPerTrigger")?.map(|count| count as usize);
        let latest_first = options.flag("latestFirst", false)?;
        let max_age = options.get_or("maxFileAge", "7d");
        let max_age_ms = match options.get("maxFileAge") {
            None => MAX_FILE_AGE_DEFAULT_MS,
            Some(text) => age_ms(text).ok_or_else(|| {
                SparkError::invalid_data_source_option("maxFileAge", max_age, "a duration")
            })?,
        };
        Ok(Self {
            files_max,
            bytes_max: positive("maxBytesPerTrigger")?,
            latest_first,
            // The newest first means that the old ones come late: age says nothing then.
            max_age_ms: if latest_first && files_max.is_some() {
                i64::MAX
            } else {
                max_age_ms
            },
            name_only: options.flag("fileNameOnly", false)?,
            cleaning,
        })
    }

    /// What two mentions of one file have in common.
    fn identity(&self, path: &str) -> String {
        match self.name_only {
            true => path.rsplit('/').next().unwrap_or(path).to_owned(),
            false => path.to_owned(),
        }
    }
}

fn age_ms(text: &str) -> Option<i64> {
    let units = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    units.iter().find_map(|(unit, unit_ms)| {
        text.trim()
            .strip_suffix(unit)?
            .trim()
            .parse::<i64>()
            .ok()
            .map(|amount| amount * unit_ms)
    })
}

impl FileSource {
    fn io(&self, path: &Path, error: &std::io::Error) -> StreamError {
        StreamError::file(path, error)
    }

    /// The files there are, oldest first.
    fn list(&self) -> Result<Vec<FoundFile>, StreamError> {
        let metadata = self.root.join("_spark_metadata");
        if self
            .files
            .exists(&metadata)
            .map_err(|error| self.io(&metadata, &error))?
        {
            return self.list_by_log(metadata);
        }
        let mut found = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            let entries = self
                .files
                .list(&folder)
                .map_err(|error| self.io(&folder, &error))?;
            for entry in entries {
                if entry.name.starts_with('.') || entry.name.starts_with('_') {
                    continue;
                }
                let path = folder.join(&entry.name);
                match entry.is_directory {
                    true => folders.push(path),
                    false => found.push(FoundFile {
                        modified_ms: entry.modified_ms,
                        path,
                        bytes: entry.size_bytes,
                    }),
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// A folder that another stream writes is read by that stream's log.
    fn list_by_log(&self, metadata: PathBuf) -> Result<Vec<FoundFile>, StreamError> {
        let log: CompactingLog<SinkFile> =
            CompactingLog::new(metadata, Arc::clone(&self.files), COMPACT_INTERVAL_DEFAULT);
        Ok(log
            .all()?
            .into_iter()
            .map(|file| FoundFile {
                modified_ms: file.modification_time,
                path: local_path(&file.path),
                bytes: file.size,
            })
            .collect())
    }

    /// The files that no batch has had yet, as many as one batch may take.
    fn next_files(&self, admission: Admission) -> Result<Vec<FoundFile>, StreamError> {
        let found = match &self.frozen {
            Some(frozen) => frozen.clone(),
            None => self.list()?,
        };
        let newest_ms = found
            .iter()
            .map(|f| f.modified_ms)
            .max()
            .unwrap_or(0)
            .max(self.newest_ms);
        let oldest_ms = newest_ms.saturating_sub(self.options.max_age_ms);
        let mut new: Vec<FoundFile> = found
            .into_iter()
            .filter(|file| file.modified_ms >= oldest_ms)
            .filter(|file| {
                !self
                    .seen
                    .contains(&self.options.identity(&file_uri(&file.path)))
            })
            .collect();
        if self.options.latest_first {
            new.reverse();
        }
        if admission == Admission::Limited {
            if let Some(max) = self.options.files_max {
                new.truncate(max);
            }
            if let Some(max) = self.options.bytes_max {
                let mut total = 0;
                let within = new.iter().take_while(|file| {
                    let first = total == 0;
                    total += file.bytes.max(1);
                    first || total <= max
                });
                let count = within.count();
                new.truncate(count);
            }
        }
        Ok(new)
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

/// A file format that can be read as a stream as well.
pub(super) struct StreamedFiles {
    pub(super) inner: Arc<dyn BatchSource>,
}

#[async_trait]
impl BatchSource for StreamedFiles {
    async fn schema(&self, request: &ReadRequest) -> SqlResult<StructType> {
        self.inner.schema(request).await
    }

    async fn scan(
        &self,
        request: &ReadRequest,
        schema: &StructType,
    ) -> SqlResult<Arc<dyn TableProvider>> {
        self.inner.scan(request, schema).await
    }

    async fn input_files(&self, request: &ReadRequest) -> SqlResult<Vec<String>> {
        self.inner.input_files(request).await
    }

    async fn stream_schema(&self, request: &ReadRequest) -> SqlResult<StructType> {
        if request.paths.is_empty() && request.options.get("path").is_none() {
            return Err(illegal(
                "_LEGACY_ERROR_TEMP_2047",
                "'path' is not specified.",
            ));
        }
        if let Some(schema) = &request.schema {
            return Ok(schema.clone());
        }
        if request.format.eq_ignore_ascii_case("text") {
            return Ok(StructType::new(vec![StructField::new(
                "value",
                string_type(),
                true,
            )]));
        }
        if request
            .configuration
            .flag("spark.sql.streaming.schemaInference")
        {
            return self.inner.schema(request).await;
        }
        Err(illegal(
            "_LEGACY_ERROR_TEMP_2048",
            "Schema must be specified when creating a streaming source DataFrame. If some files \
             already exist in the directory, then depending on the file format you may be able to \
             create a static DataFrame on that directory with 'spark.read.load(directory)' and \
             infer schema from it.",
        ))
    }
}
