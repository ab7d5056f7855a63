//! Which files there are, and which of them a batch takes.
//!
//! Always true: a file that is older than the newest by more than the greatest age is not taken. Start at
//! [`FileSource::next_files`].

use std::path::PathBuf;
use std::sync::Arc;

use super::FileSource;
use crate::checkpoint::{COMPACT_INTERVAL_DEFAULT, CompactingLog};
use crate::error::StreamError;
use crate::query::local_path;
use crate::sink::files::{SinkFile, file_uri};
use crate::source::Admission;

/// A file that is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FoundFile {
    pub(super) modified_ms: i64,
    pub(super) path: PathBuf,
    bytes: u64,
}

impl FileSource {
    /// The files there are, oldest first.
    pub(super) fn list(&self) -> Result<Vec<FoundFile>, StreamError> {
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
    pub(super) fn next_files(&self, admission: Admission) -> Result<Vec<FoundFile>, StreamError> {
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
}
