//! Group commit: one round of syncs makes durable what many have appended.

use fleuve_model::{Offset, TopicPartition};

use crate::error::StorageError;
use crate::partition_log::PartitionLog;

/// What an acknowledged record can survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// A power cut: what is committed has been synced.
    #[default]
    Fsync,
    /// The end of the process: what is committed is in the operating system's memory. It is
    /// synced when its segment is closed, as Kafka does by default.
    PageCache,
}

/// What a round did for one log.
#[derive(Debug)]
pub struct RoundOutcome {
    /// Whose log.
    pub partition: TopicPartition,
    /// Up to where it is committed, in the sense of the durability asked for.
    pub committed_end: Result<Offset, StorageError>,
}

/// Commits everything that was appended to `logs` so far, in as few syncs as there are files
/// with something new. Logs without anything new are passed over and not reported. If a sync
/// fails, the other logs of that directory fail with it; those of other directories do not.
pub fn commit_round<'a>(
    logs: impl IntoIterator<Item = &'a mut PartitionLog>,
    durability: Durability,
) -> Vec<RoundOutcome> {
    logs.into_iter()
        .filter(|log| log.has_uncommitted())
        .map(|log| RoundOutcome {
            partition: log.partition().clone(),
            committed_end: log.commit(durability),
        })
        .collect()
}
