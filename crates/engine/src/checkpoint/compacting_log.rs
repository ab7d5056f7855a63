//! A batch log that every so often writes all it knows into one `N.compact` file.
//!
//! The file sink's `_spark_metadata` and the file source's log of files seen have this shape: a
//! version line, then one JSON object a line.
//! Always true: the newest compact file and the batches after it hold everything; older files may
//! be gone. Start at [`CompactingLog::add`].

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::BatchId;
use super::batch_log::{LogError, versioned_body};
use crate::file_system::FileSystem;

const VERSION: u32 = 1;
const COMPACT_SUFFIX: &str = ".compact";
/// How many batches a compact file covers by default, as in Spark.
pub const COMPACT_INTERVAL_DEFAULT: u64 = 10;

/// A log of JSON lines per batch.
#[derive(Debug)]
pub struct CompactingLog<E> {
    folder: PathBuf,
    files: Arc<dyn FileSystem>,
    compact_interval: u64,
    entry: std::marker::PhantomData<fn() -> E>,
}

impl<E: Serialize + DeserializeOwned + Clone> CompactingLog<E> {
    pub fn new(folder: PathBuf, files: Arc<dyn FileSystem>, compact_interval: u64) -> Self {
        assert!(
            compact_interval > 0,
            "a compact file covers at least one batch"
        );
        Self {
            folder,
            files,
            compact_interval,
            entry: std::marker::PhantomData,
        }
    }

    /// Adds the entries of `batch`; `false` when the batch is there already.
    pub fn add(&self, batch: BatchId, entries: &[E]) -> Result<bool, LogError> {
        if self.contains(batch)? {
            return Ok(false);
        }
        if !self.is_compaction(batch) {
            return self.write(&self.plain(batch), entries);
        }
        let mut all = self.all_until(batch.previous())?;
        all.extend_from_slice(entries);
        let added = self.write(&self.compact(batch), &all)?;
        self.remove_before(batch)?;
        Ok(added)
    }

    /// Every entry of the log, oldest first.
    pub fn all(&self) -> Result<Vec<E>, LogError> {
        self.all_until(self.latest()?)
    }

    /// The entries that `batch` itself added.
    pub fn batch(&self, batch: BatchId) -> Result<Option<Vec<E>>, LogError> {
        match self.read(&self.plain(batch)) {
            Err(LogError::NotFound { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    pub fn contains(&self, batch: BatchId) -> Result<bool, LogError> {
        let path = if self.is_compaction(batch) {
            self.compact(batch)
        } else {
            self.plain(batch)
        };
        self.files
            .exists(&path)
            .map_err(|error| LogError::io(&path, &error))
    }

    pub fn latest(&self) -> Result<Option<BatchId>, LogError> {
        Ok(self.list()?.into_iter().map(|(batch, _)| batch).max())
    }

    fn all_until(&self, last: Option<BatchId>) -> Result<Vec<E>, LogError> {
        let Some(last) = last else {
            return Ok(Vec::new());
        };
        let listed = self.list()?;
        let compacted = listed
            .iter()
            .filter(|(batch, compact)| *compact && *batch <= last)
            .map(|(batch, _)| *batch)
            .max();
        let mut entries = match compacted {
            Some(batch) => self.read(&self.compact(batch))?,
            None => Vec::new(),
        };
        let first = compacted.map_or(BatchId::FIRST, BatchId::next);
        let mut batches: Vec<BatchId> = listed
            .into_iter()
            .filter(|(batch, compact)| !compact && *batch >= first && *batch <= last)
            .map(|(batch, _)| batch)
            .collect();
        batches.sort_unstable();
        for batch in batches {
            entries.extend(self.read(&self.plain(batch))?);
        }
        Ok(entries)
    }

    fn list(&self) -> Result<Vec<(BatchId, bool)>, LogError> {
        let entries = self
            .files
            .list(&self.folder)
            .map_err(|error| LogError::io(&self.folder, &error))?;
        Ok(entries
            .iter()
            .filter_map(|entry| parse_name(&entry.name))
            .collect())
    }

    fn read(&self, path: &Path) -> Result<Vec<E>, LogError> {
        let bytes = self.files.read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => LogError::NotFound {
                path: path.to_path_buf(),
            },
            _ => LogError::io(path, &error),
        })?;
        let text =
            std::str::from_utf8(&bytes).map_err(|_| LogError::unreadable(path, "not UTF-8"))?;
        let body =
            versioned_body(text, VERSION).map_err(|reason| LogError::unreadable(path, reason))?;
        body.lines()
            .filter(|line| !line.is_empty())
            .map(|line| {
                serde_json::from_str(line)
                    .map_err(|error| LogError::unreadable(path, error.to_string()))
            })
            .collect()
    }

    fn write(&self, path: &Path, entries: &[E]) -> Result<bool, LogError> {
        let mut text = format!("v{VERSION}");
        for entry in entries {
            text.push('\n');
            text.push_str(
                &serde_json::to_string(entry)
                    .map_err(|error| LogError::unreadable(path, error.to_string()))?,
            );
        }
        match self.files.create_new(path, text.as_bytes()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(LogError::io(path, &error)),
        }
    }

    /// Removes what a compact file at `batch` has made superfluous, but keeps the batches since
    /// the compact file before: a reader that listed the folder a moment ago still finds them.
    fn remove_before(&self, batch: BatchId) -> Result<(), LogError> {
        let Some(first_kept) = batch.get().checked_sub(self.compact_interval) else {
            return Ok(());
        };
        for (old, compact) in self.list()? {
            if old.get() < first_kept {
                let path = if compact {
                    self.compact(old)
                } else {
                    self.plain(old)
                };
                self.files
                    .remove(&path)
                    .map_err(|error| LogError::io(&path, &error))?;
            }
        }
        Ok(())
    }

    fn is_compaction(&self, batch: BatchId) -> bool {
        (batch.get() + 1).is_multiple_of(self.compact_interval)
    }

    fn plain(&self, batch: BatchId) -> PathBuf {
        self.folder.join(batch.to_string())
    }

    fn compact(&self, batch: BatchId) -> PathBuf {
        self.folder.join(format!("{batch}{COMPACT_SUFFIX}"))
    }
}

fn parse_name(name: &str) -> Option<(BatchId, bool)> {
    match name.strip_suffix(COMPACT_SUFFIX) {
        Some(number) => number
            .parse()
            .ok()
            .map(|number| (BatchId::new(number), true)),
        None => name
            .parse()
            .ok()
            .map(|number| (BatchId::new(number), false)),
    }
}
