//! Group commit: one round of syncs makes durable what many have appended.

use std::sync::Mutex;

use fleuve_model::{Offset, TopicPartition};

use crate::error::StorageError;
use crate::parallel;
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
/// with something new, several at a time. Logs without anything new are passed over and not
/// reported. If a sync fails, the other logs of that directory fail with it; those of other
/// directories do not.
pub fn commit_round<'a>(
    logs: impl IntoIterator<Item = &'a mut PartitionLog>,
    durability: Durability,
) -> Vec<RoundOutcome> {
    let logs = logs
        .into_iter()
        .enumerate()
        .map(|(number, log)| (number, log, durability));
    let outcomes = Mutex::new(Vec::new());
    commit_each(logs, |number, log, committed_end| {
        let partition = log.partition().clone();
        let outcomes = &mut *outcomes.lock().expect("adding an outcome does not panic");
        outcomes.push((
            number,
            RoundOutcome {
                partition,
                committed_end,
            },
        ));
    });
    let mut outcomes = outcomes
        .into_inner()
        .expect("adding an outcome does not panic");
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// A round in which each log has its own durability, and `committed` hears of each log as soon
/// as it is done: on which thread and in which order is left open.
pub fn commit_each<'a, K: Send>(
    logs: impl IntoIterator<Item = (K, &'a mut PartitionLog, Durability)>,
    committed: impl Fn(K, &PartitionLog, Result<Offset, StorageError>) + Sync,
) {
    let logs = logs.into_iter().filter(|(_, log, _)| log.has_uncommitted());
    let logs: Vec<_> = logs.collect();
    let needs_sync =
        |(_, _, durability): &&(K, &mut PartitionLog, Durability)| *durability == Durability::Fsync;
    let threads = match logs.iter().find(needs_sync) {
        Some((_, log, _)) => log.parallel_calls(),
        None => 1,
    };
    parallel::for_each(threads, logs, |(key, log, durability)| {
        let committed_end = log.commit(durability);
        committed(key, log, committed_end);
    });
}
