//! A folder with one small file per batch, as Spark's offset and commit logs are.
//!
//! Always true: a file is whole or absent and never changes. Start at [`BatchLog::add`].

use std::collections::BTreeSet;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::BatchId;
use crate::file_system::FileSystem;

/// Why a checkpoint cannot be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    #[error(
        "[CONCURRENT_STREAM_LOG_UPDATE] Concurrent update to the log. Multiple streaming jobs \
         detected for {batch}. Please make sure only one streaming job runs on a specific \
         checkpoint location at a time. SQLSTATE: 40000"
    )]
    ConcurrentUpdate { batch: BatchId },
    #[error(
        "[STREAMING_CHECKPOINT_MISSING_METADATA_FILE] Checkpoint location {} is in an inconsistent \
         state: the metadata file is missing but offset and/or commit logs contain data. Please \
         restore the metadata file or create a new checkpoint directory. SQLSTATE: 42K03",
        checkpoint.display()
    )]
    MetadataMissing { checkpoint: PathBuf },
    #[error(
        "[BATCH_METADATA_NOT_FOUND] Unable to find batch {}. SQLSTATE: 42K03",
        path.display()
    )]
    NotFound { path: PathBuf },
    #[error("Failed to read log file {}. {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("checkpoint file {}: {reason}", path.display())]
    Io {
        path: PathBuf,
        reason: String,
        kind: io::ErrorKind,
    },
}

impl LogError {
    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            reason: error.to_string(),
            kind: error.kind(),
        }
    }

    pub(crate) fn unreadable(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unreadable {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }
}

/// One entry of a [`BatchLog`]: how it looks below the version line.
pub trait LogEntry: Sized {
    const VERSION: u32;
    /// The lines below the version line, without a line end after the last.
    fn encode(&self) -> String;
    fn decode(body: &str) -> Result<Self, String>;
}

/// A log of one file per batch.
#[derive(Debug)]
pub struct BatchLog<E> {
    folder: PathBuf,
    files: Arc<dyn FileSystem>,
    /// What is known to be there, so that a purge need not list the folder every time.
    known: Mutex<Option<BTreeSet<BatchId>>>,
    entry: PhantomData<fn() -> E>,
}

impl<E: LogEntry> BatchLog<E> {
    pub fn new(folder: PathBuf, files: Arc<dyn FileSystem>) -> Self {
        Self {
            folder,
            files,
            known: Mutex::new(None),
            entry: PhantomData,
        }
    }

    /// Adds the entry of `batch`. A batch that is there already belongs to another run.
    pub fn add(&self, batch: BatchId, entry: &E) -> Result<(), LogError> {
        let path = self.path(batch);
        let text = format!("v{}\n{}", E::VERSION, entry.encode());
        match self.files.create_new(&path, text.as_bytes()) {
            Ok(()) => {
                if let Some(known) = lock(&self.known).as_mut() {
                    known.insert(batch);
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(LogError::ConcurrentUpdate { batch })
            }
            Err(error) => Err(LogError::io(&path, &error)),
        }
    }

    pub fn read(&self, batch: BatchId) -> Result<E, LogError> {
        let path = self.path(batch);
        let bytes = self.files.read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => LogError::NotFound { path: path.clone() },
            _ => LogError::io(&path, &error),
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| LogError::unreadable(&path, "It is not UTF-8 text."))?;
        let body = versioned_body(&text, E::VERSION)
            .map_err(|reason| LogError::unreadable(&path, reason))?;
        E::decode(body).map_err(|reason| LogError::unreadable(&path, reason))
    }

    /// The newest batch in the log.
    pub fn latest(&self) -> Result<Option<BatchId>, LogError> {
        Ok(self.list()?.last().copied())
    }

    /// Every batch in the log, ascending.
    pub fn list(&self) -> Result<Vec<BatchId>, LogError> {
        let entries = self
            .files
            .list(&self.folder)
            .map_err(|error| LogError::io(&self.folder, &error))?;
        let batches: BTreeSet<BatchId> = entries
            .iter()
            .filter(|entry| !entry.is_directory)
            .filter_map(|entry| entry.name.parse().ok().map(BatchId::new))
            .collect();
        *lock(&self.known) = Some(batches.clone());
        Ok(batches.into_iter().collect())
    }

    /// Removes every entry before `first_kept`, and the checksum files Spark puts beside them.
    pub fn purge(&self, first_kept: BatchId) -> Result<(), LogError> {
        if lock(&self.known).is_none() {
            self.list()?;
        }
        let old: Vec<BatchId> = lock(&self.known)
            .as_ref()
            .map(|known| known.range(..first_kept).copied().collect())
            .unwrap_or_default();
        for batch in old {
            for path in [self.path(batch), self.folder.join(format!(".{batch}.crc"))] {
                self.files
                    .remove(&path)
                    .map_err(|error| LogError::io(&path, &error))?;
            }
            if let Some(known) = lock(&self.known).as_mut() {
                known.remove(&batch);
            }
        }
        Ok(())
    }

    fn path(&self, batch: BatchId) -> PathBuf {
        self.folder.join(batch.to_string())
    }
}

/// Splits the version line off, refusing what a later version wrote.
pub(crate) fn versioned_body(text: &str, supported: u32) -> Result<&str, String> {
    if text.is_empty() {
        return Err("Incomplete log file".to_owned());
    }
    let (first, body) = text.split_once('\n').unwrap_or((text, ""));
    let version: u32 = first
        .strip_prefix('v')
        .and_then(|digits| digits.parse().ok())
        .filter(|version| *version > 0)
        .ok_or_else(|| {
            format!("Log file was malformed: failed to read correct log version from {first}.")
        })?;
    if version > supported {
        return Err(format!(
            "The log file was produced by a newer version (v{version}); the highest supported \
             log version is v{supported}. Please upgrade."
        ));
    }
    Ok(body)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic elsewhere left the value whole: every change under these locks is one assignment.
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
