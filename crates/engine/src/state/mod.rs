//! What stateful operators remember between batches.
//!
//! State is rows: key bytes to value bytes, in stores that are named by operator, store and
//! partition. A key may belong to an event time, and everything up to an event time can be found
//! and dropped at once. Version `N` is the state after `N` batches. There are two kinds of stores,
//! [`StoreKind`]; what a batch changed is one and the same file for both, `<N>.delta`.
//! Always true: a version on disk is whole or refused; the version a batch starts from is decided
//! by the batch's number alone. Start at [`StateStore`], then [`OperatorState::open`].

mod files;
mod fjall;
mod folder;
mod format;
mod kind;
mod memory;
mod memory_limit;
mod metadata;
mod operator_state;
mod versions;

use std::borrow::Cow;
use std::fmt::Debug;
use std::path::PathBuf;

pub use files::SnapshotPolicy;
pub use kind::{NoStoreKind, StoreKind};
pub use memory::MemoryStore;
pub use memory_limit::{MemoryLimit, NoMemoryLimit};
pub use metadata::{OperatorSpec, StateColumn, StoreSpec};
pub use operator_state::{OperatorState, StateFigures};

/// An event time in milliseconds by which state can be found: the end of a window, mostly.
pub type EventTimeMs = i64;

/// The number of batches a state has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateVersion(u64);

impl StateVersion {
    pub fn new(batches: u64) -> Self {
        Self(batches)
    }

    pub fn get(self) -> u64 {
        self.0
    }

    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for StateVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Why state cannot be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    #[error(
        "[CANNOT_LOAD_STATE_STORE.CANNOT_READ_STREAMING_STATE_FILE] An error occurred during \
         loading state. Error reading streaming state file of {} does not exist. If the stream job \
         is restarted with a new or updated state operation, please create a new checkpoint \
         location or clear the existing checkpoint location. SQLSTATE: 58030",
        path.display()
    )]
    Missing { path: PathBuf },
    #[error(
        "[CHECKPOINT_FILE_CHECKSUM_VERIFICATION_FAILED] Checksum verification failed, the file may \
         be corrupted. File: {} ({reason}). SQLSTATE: XX000",
        path.display()
    )]
    Damaged { path: PathBuf, reason: String },
    #[error("state file {}: {reason}", path.display())]
    Io { path: PathBuf, reason: String },
    #[error(
        "[STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE] Provided key schema does not match existing state \
         key schema. Please check number and type of fields. Existing key_schema={before} and new \
         key_schema={now} (stateful operator {operator}). Start from a new checkpoint location, or \
         restore the query. SQLSTATE: XXKST"
    )]
    KeysChanged {
        operator: u32,
        before: String,
        now: String,
    },
    #[error(
        "[STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE] Provided value schema does not match existing \
         state value schema. Please check number and type of fields. Existing \
         value_schema={before} and new value_schema={now} (stateful operator {operator}). Start \
         from a new checkpoint location, or restore the query. SQLSTATE: XXKST"
    )]
    ValuesChanged {
        operator: u32,
        before: String,
        now: String,
    },
    #[error(
        "[STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA] Streaming stateful operator \
         name does not match with the operator in state metadata. This likely to happen when user \
         adds/removes/changes stateful operator of existing streaming query. Stateful operators in \
         the metadata: [{in_checkpoint}]; Stateful operators in current batch: [{in_query}]. \
         SQLSTATE: 42K03"
    )]
    OperatorsChanged {
        in_checkpoint: String,
        in_query: String,
    },
    #[error(
        "[CANNOT_LOAD_STATE_STORE.UNCATEGORIZED] An error occurred during loading state. {} is at \
         version {kept} and version {asked} was asked for: fleuve.state.store=fjall keeps the \
         newest version only. Start from a new checkpoint location. SQLSTATE: 58030",
        path.display()
    )]
    Passed {
        path: PathBuf,
        asked: StateVersion,
        kept: StateVersion,
    },
    #[error("the state in {} is in use by another run of the query", path.display())]
    InUse { path: PathBuf },
    #[error(
        "a key of {bytes} bytes is too long for fleuve.state.store=fjall, which takes \
         {bytes_max}; fleuve.state.store=memory has no such limit"
    )]
    KeyTooLong { bytes: usize, bytes_max: usize },
    #[error(
        "the state of the query takes {used_bytes} bytes, more than fleuve.state.memory.max \
         ({limit_bytes} bytes) allows"
    )]
    TooLarge { used_bytes: u64, limit_bytes: u64 },
}

impl StateError {
    /// Spark's class and SQL state for it, where Spark knows such an error.
    pub fn condition(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Missing { .. } => Some((
                "CANNOT_LOAD_STATE_STORE.CANNOT_READ_STREAMING_STATE_FILE",
                "58030",
            )),
            Self::Passed { .. } => Some(("CANNOT_LOAD_STATE_STORE.UNCATEGORIZED", "58030")),
            Self::Damaged { .. } => Some(("CHECKPOINT_FILE_CHECKSUM_VERIFICATION_FAILED", "XX000")),
            Self::KeysChanged { .. } => Some(("STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE", "XXKST")),
            Self::ValuesChanged { .. } => {
                Some(("STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE", "XXKST"))
            }
            Self::OperatorsChanged { .. } => Some((
                "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA",
                "42K03",
            )),
            Self::Io { .. }
            | Self::InUse { .. }
            | Self::KeyTooLong { .. }
            | Self::TooLarge { .. } => None,
        }
    }
}

/// Sees a row: its event time, key and value.
pub type Visitor<'a> = dyn FnMut(Option<EventTimeMs>, &[u8], &[u8]) + 'a;

/// One store of one partition of one operator.
pub trait StateStore: Debug + Send {
    fn get(
        &self,
        time: Option<EventTimeMs>,
        key: &[u8],
    ) -> Result<Option<Cow<'_, [u8]>>, StateError>;
    /// Puts a value; `true` when the key is new.
    fn put(
        &mut self,
        time: Option<EventTimeMs>,
        key: &[u8],
        value: &[u8],
    ) -> Result<bool, StateError>;
    /// Removes a key; `true` when it was there.
    fn remove(&mut self, time: Option<EventTimeMs>, key: &[u8]) -> Result<bool, StateError>;
    /// Visits every row of every event time.
    fn for_each(&self, visit: &mut Visitor<'_>) -> Result<(), StateError>;
    /// Visits the rows whose key begins with `prefix`.
    fn for_each_prefix(&self, prefix: &[u8], visit: &mut Visitor<'_>) -> Result<(), StateError>;
    /// The event times up to and with `last` that have rows, ascending.
    fn times_until(&self, last: EventTimeMs) -> Result<Vec<EventTimeMs>, StateError>;
    /// Visits the rows of one event time.
    fn for_each_at(
        &self,
        time: EventTimeMs,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), StateError>;
    /// Drops the rows of one event time and returns how many there were.
    fn drop_time(&mut self, time: EventTimeMs) -> Result<u64, StateError>;
    fn rows(&self) -> u64;
    fn memory_bytes(&self) -> u64;
    /// How many event times have rows of their own.
    fn shards(&self) -> u64;
    /// Takes the encoded changes since they were taken last.
    fn take_changes(&mut self) -> Vec<u8>;
    /// Learns that all changes so far are final: they make `committed`.
    fn commit(&mut self, _committed: StateVersion) -> Result<(), StateError> {
        Ok(())
    }
}
