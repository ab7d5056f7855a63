//! What a query remembers across restarts, in Spark's layout.
//!
//! ```text
//! metadata            the query's id
//! offsets/N           what batch N reads, written before it runs
//! commits/N           batch N is in the sink, with the watermark for batch N + 1
//! sources/<i>/<n>     what source i keeps for itself
//! state/<op>/…        the state store's (see `state`)
//! ```
//! Always true: `offsets/N` is written once and never changed, so a batch that runs again reads the
//! same rows; there is never a `commits/N` without an `offsets/N`. Start at [`Checkpoint::open`].

mod batch_log;
mod commit_log;
mod compacting_log;
mod metadata;
mod offset_log;
mod pinned_confs;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use batch_log::lock;
pub use batch_log::{BatchLog, LogEntry, LogError};
pub use commit_log::CommitEntry;
pub use compacting_log::{COMPACT_INTERVAL_DEFAULT, CompactingLog};
pub use metadata::QueryId;
pub use offset_log::OffsetEntry;
pub use pinned_confs::{PINNED_CONFS, PinnedConf, PinnedConfs};

use crate::file_system::FileSystem;

/// The number of a micro-batch, counted from 0 over the life of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(u64);

impl BatchId {
    pub const FIRST: Self = Self(0);

    pub fn new(number: u64) -> Self {
        Self(number)
    }

    pub fn get(self) -> u64 {
        self.0
    }

    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

impl std::fmt::Display for BatchId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The checkpoint of one query.
#[derive(Debug)]
pub struct Checkpoint {
    root: PathBuf,
    files: Arc<dyn FileSystem>,
    id: QueryId,
    pub offsets: BatchLog<OffsetEntry>,
    pub commits: BatchLog<CommitEntry>,
}

/// Where the last run of a query stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct LastRun {
    /// The newest batch with offsets.
    pub planned: BatchId,
    pub offsets: OffsetEntry,
    /// What batch `planned` started from: the offsets of the batch before.
    pub previous_offsets: Option<OffsetEntry>,
    /// The commit of `planned`, absent when that batch must run again.
    pub commit: Option<CommitEntry>,
    /// The newest batch with a commit, whether or not it is `planned`.
    pub committed: Option<BatchId>,
}

impl Checkpoint {
    /// Opens the checkpoint at `root`, making it with `fresh_id` when there is none.
    pub fn open(
        root: &Path,
        files: Arc<dyn FileSystem>,
        fresh_id: QueryId,
    ) -> Result<Self, LogError> {
        let offsets = BatchLog::new(root.join("offsets"), Arc::clone(&files));
        let commits = BatchLog::new(root.join("commits"), Arc::clone(&files));
        let id = match metadata::read(root, files.as_ref())? {
            Some(id) => id,
            None if offsets.latest()?.is_some() || commits.latest()?.is_some() => {
                return Err(LogError::MetadataMissing {
                    checkpoint: root.to_path_buf(),
                });
            }
            None => metadata::create(root, files.as_ref(), fresh_id)?,
        };
        Ok(Self {
            root: root.to_path_buf(),
            files,
            id,
            offsets,
            commits,
        })
    }

    pub fn id(&self) -> QueryId {
        self.id
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn files(&self) -> &Arc<dyn FileSystem> {
        &self.files
    }

    /// The folder that source number `index` keeps its own log in.
    pub fn source_folder(&self, index: usize) -> PathBuf {
        self.root.join("sources").join(index.to_string())
    }

    pub fn state_folder(&self) -> PathBuf {
        self.root.join("state")
    }

    /// Finds where the last run stopped; `None` in a fresh checkpoint.
    pub fn last_run(&self) -> Result<Option<LastRun>, LogError> {
        let Some(planned) = self.offsets.latest()? else {
            return Ok(None);
        };
        let offsets = self.offsets.read(planned)?;
        let previous_offsets = match planned.previous() {
            Some(previous) => Some(self.offsets.read(previous)?),
            None => None,
        };
        let committed = self.commits.latest()?;
        let commit = match committed {
            Some(batch) if batch == planned => Some(self.commits.read(batch)?),
            _ => None,
        };
        Ok(Some(LastRun {
            planned,
            offsets,
            previous_offsets,
            commit,
            committed,
        }))
    }

    /// Drops the entries that lie `retained` batches or more behind `current`.
    pub fn purge(&self, current: BatchId, retained: u64) -> Result<(), LogError> {
        let Some(first_kept) = current.get().checked_sub(retained) else {
            return Ok(());
        };
        self.offsets.purge(BatchId::new(first_kept))?;
        self.commits.purge(BatchId::new(first_kept))
    }
}
