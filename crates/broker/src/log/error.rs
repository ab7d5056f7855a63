use std::path::PathBuf;

use fleuve_cluster::partition::{AwaitProduceError, NotEnoughReplicas};
use fleuve_model::BrokerId;

/// Why an append was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    #[error(transparent)]
    Log(#[from] fleuve_storage::AppendError),
    #[error(transparent)]
    NotEnoughReplicas(#[from] NotEnoughReplicas),
    #[error(transparent)]
    Await(#[from] AwaitProduceError),
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Log(#[from] fleuve_storage::ReadError),
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

/// Why a partition cannot be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReplicaError {
    #[error("this broker has no such partition")]
    NotHosted,
    #[error("this broker does not lead the partition")]
    NotLeader,
    #[error("the log directory of the partition is offline")]
    Offline,
    #[error("the broker is stopping")]
    Stopping,
}

/// A log directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryFailed {
    #[error("log directory {}: {reason}", path.display())]
    Failed { path: PathBuf, reason: String },
    #[error("log directory {} is in use by another process", path.display())]
    InUse { path: PathBuf },
    #[error(
        "log directory {} belongs to node {found} (meta.properties), and this is node {wanted}",
        path.display()
    )]
    OfAnother {
        path: PathBuf,
        found: BrokerId,
        wanted: BrokerId,
    },
    #[error(
        "log directory {} belongs to cluster {found} (meta.properties), and others to {wanted}",
        path.display()
    )]
    OfAnotherCluster {
        path: PathBuf,
        found: String,
        wanted: String,
    },
    #[error("no log directory is left to work with")]
    NoneLeft,
}
