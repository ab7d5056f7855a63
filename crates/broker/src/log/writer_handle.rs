//! What a log directory's thread can be asked for.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use fleuve_cluster::partition::Acks;
use fleuve_model::record::RecordBatch;
use fleuve_model::{Deadline, LeaderEpoch, Offset, TopicId, TopicPartition};
use fleuve_storage::{AppendOrigin, LogConfig};
use tokio::sync::oneshot;

use super::configuration::ReplicaConfig;
use super::error::{AppendError, ReplicaError};
use super::machine_log::MachineAppendReports;
use super::replica::{AppendOutcome, Replica};
use crate::config::Durability;

/// Which of its writer's logs a replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogSlot(pub(super) usize);

/// What the writer is told to do, in order.
pub(super) enum Command {
    Append(AppendCommand),
    Create(CreateCommand),
    Delete {
        replica: Arc<Replica>,
        done: oneshot::Sender<()>,
    },
    Lead {
        replica: Arc<Replica>,
        epoch: LeaderEpoch,
    },
    Configure {
        replica: Arc<Replica>,
        config: LogConfig,
    },
    DeleteRecords {
        replica: Arc<Replica>,
        before: Offset,
        done: DeleteRecordsDone,
    },
    /// Appends and syncs what came before, writes the marker of a clean stop, and ends.
    Stop,
}

pub(super) type DeleteRecordsDone = oneshot::Sender<Result<Offset, AppendError>>;

pub(super) struct AppendCommand {
    pub(super) replica: Arc<Replica>,
    pub(super) batch: RecordBatch,
    pub(super) origin: AppendOrigin,
    pub(super) acks: Acks,
    pub(super) deadline: Deadline,
    pub(super) done: AppendDone,
    /// Set once an append with this fence has failed; those behind it fail too.
    pub(super) fence: Option<Arc<AtomicBool>>,
}

/// Who is told how an append went.
#[derive(Debug)]
pub(super) enum AppendDone {
    Client(oneshot::Sender<Result<AppendOutcome, AppendError>>),
    Machine(MachineAppendReports),
}

pub(super) struct CreateCommand {
    pub(super) partition: TopicPartition,
    pub(super) topic_id: Option<TopicId>,
    pub(super) config: ReplicaConfig,
    pub(super) durability: Durability,
    pub(super) done: oneshot::Sender<Result<Arc<Replica>, fleuve_storage::StorageError>>,
}

/// A log directory, for everybody but its thread.
#[derive(Clone, Debug)]
pub(crate) struct DirectoryHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(crate) status: Arc<DirectoryStatus>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Command::Append(_) => "Append",
            Command::Create(_) => "Create",
            Command::Delete { .. } => "Delete",
            Command::Lead { .. } => "Lead",
            Command::Configure { .. } => "Configure",
            Command::DeleteRecords { .. } => "DeleteRecords",
            Command::Stop => "Stop",
        })
    }
}

/// What everybody may know of a log directory.
#[derive(Debug)]
pub(crate) struct DirectoryStatus {
    pub(crate) path: PathBuf,
    online: AtomicBool,
    partitions: AtomicUsize,
}

impl DirectoryHandle {
    pub(super) fn new(path: PathBuf, commands: mpsc::Sender<Command>) -> DirectoryHandle {
        let status = DirectoryStatus {
            path,
            online: AtomicBool::new(true),
            partitions: AtomicUsize::new(0),
        };
        DirectoryHandle {
            commands,
            status: Arc::new(status),
        }
    }

    /// Queues `command`. The queue has no bound of its own: what waits in it is bounded by the
    /// request budget that its senders hold shares of.
    pub(super) fn send(&self, command: Command) -> Result<(), ReplicaError> {
        self.commands
            .send(command)
            .map_err(|_| ReplicaError::Stopping)
    }

    pub(crate) fn is_online(&self) -> bool {
        self.status.is_online()
    }
}

impl DirectoryStatus {
    pub(crate) fn is_online(&self) -> bool {
        self.online.load(Ordering::Acquire)
    }

    pub(crate) fn partitions_count(&self) -> usize {
        self.partitions.load(Ordering::Relaxed)
    }

    pub(super) fn set_offline(&self) -> bool {
        self.online.swap(false, Ordering::AcqRel)
    }

    pub(super) fn count_partitions(&self, count: usize) {
        self.partitions.store(count, Ordering::Relaxed);
    }
}
