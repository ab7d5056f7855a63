//! The partitions of this broker: their logs, their watermarks and who waits for them.
//!
//! Each log directory belongs to one thread ([`writer`]), which alone appends, syncs and deletes;
//! it takes what has queued up, appends it, syncs once for all of it, and then tells those who
//! wait. Everybody else holds [`Replica`]s: handles to read from, to wait on, and to send appends
//! through. A lock here is never held over a read, a write or an await.
//!
//! Start at [`Replica::append`] and [`Replica::read`].

mod configuration;
mod directories;
mod error;
mod machine_log;
mod replica;
mod replica_table;
mod waiting;
mod writer;
mod writer_handle;

pub(crate) use configuration::ReplicaConfig;
pub(crate) use directories::{DirectoryParts, LogDirectories, open as open_directories};
pub use error::DirectoryFailed;
pub(crate) use error::{AppendError, ReadError, ReplicaError};
pub(crate) use machine_log::{MachineAppendReport, MachineLog};
pub(crate) use replica::{AppendOutcome, PendingAppend, Replica, Watermarks};
pub(crate) use replica_table::ReplicaTable;
pub(crate) use waiting::{FetchWait, FetchWaiter};
pub(crate) use writer_handle::DirectoryHandle;
