//! One partition as this broker holds it, for everybody but its log's writer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use fleuve_cluster::machine::Token;
use fleuve_cluster::partition::{Acks, Input, LeaderEpochError, Partition, ReadBound, Standing};
use fleuve_model::record::RecordBatch;
use fleuve_model::{BrokerId, Deadline, LeaderEpoch, Now, Offset, TopicId, TopicPartition};
use fleuve_storage::{AppendOrigin, Appended, LogReader, LogSlice, LogSnapshot};
use tokio::sync::oneshot;

use super::configuration::ReplicaConfig;
use super::error::{AppendError, ReadError, ReplicaError};
use super::waiting::{FetchWaiter, Waiters, next_token};
use super::writer_handle::{AppendCommand, AppendDone, Command, DirectoryHandle, LogSlot};
use crate::clock::Clock;
use crate::config::Durability;

/// A partition's log to read from, its watermarks to wait for, its writer to send appends to.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) partition: TopicPartition,
    pub(crate) topic_id: Option<TopicId>,
    pub(crate) directory: DirectoryHandle,
    pub(super) slot: LogSlot,
    reader: LogReader,
    state: Mutex<ReplicaState>,
    config: RwLock<Arc<ReplicaConfig>>,
    clock: Clock,
}

#[derive(Debug)]
struct ReplicaState {
    watermarks: Partition,
    waiters: Waiters,
}

/// Where a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watermarks {
    pub(crate) log_start: Offset,
    pub(crate) last_stable: Offset,
    pub(crate) high_watermark: Offset,
    pub(crate) log_end: Offset,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
}

impl Watermarks {
    /// The end of what a reader of `bound` may read.
    pub(crate) fn end(&self, bound: ReadBound) -> Offset {
        match bound {
            ReadBound::LogEnd => self.log_end,
            ReadBound::HighWatermark => self.high_watermark,
            ReadBound::LastStableOffset => self.last_stable,
        }
    }
}

/// An append that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppendOutcome {
    pub(crate) appended: Appended,
    pub(crate) log_start: Offset,
}

/// An append on its way.
#[derive(Debug)]
pub(crate) struct PendingAppend {
    replica: Arc<Replica>,
    outcome: oneshot::Receiver<Result<AppendOutcome, AppendError>>,
    deadline: Deadline,
}

/// What a replica is made of.
pub(super) struct ReplicaParts {
    pub(super) partition: TopicPartition,
    pub(super) topic_id: Option<TopicId>,
    pub(super) directory: DirectoryHandle,
    pub(super) slot: LogSlot,
    pub(super) reader: LogReader,
    pub(super) high_watermark: Offset,
    pub(super) durability: Durability,
    pub(super) config: ReplicaConfig,
    pub(super) clock: Clock,
}

impl Replica {
    pub(super) fn new(parts: ReplicaParts) -> Replica {
        let snapshot = parts.reader.snapshot();
        let standing = Standing {
            log_start: snapshot.log_start(),
            log_end: snapshot.log_end(),
            high_watermark: parts.high_watermark,
            first_unstable: first_unstable(&snapshot),
        };
        let durability = match parts.durability {
            Durability::Fsync => fleuve_cluster::partition::Durability::Fsync,
            Durability::PageCache => fleuve_cluster::partition::Durability::PageCache,
        };
        let watermarks = Partition::new(standing, durability, parts.config.min_in_sync_replicas);
        Replica {
            partition: parts.partition,
            topic_id: parts.topic_id,
            directory: parts.directory,
            slot: parts.slot,
            reader: parts.reader,
            state: Mutex::new(ReplicaState {
                watermarks,
                waiters: Waiters::default(),
            }),
            config: RwLock::new(Arc::new(parts.config)),
            clock: parts.clock,
        }
    }

    /// Sends `batch` to the log's writer at once; the result waits for the acknowledgement.
    pub(crate) fn append(
        self: &Arc<Replica>,
        batch: RecordBatch,
        acks: Acks,
        timeout: Duration,
    ) -> Result<PendingAppend, AppendError> {
        self.check_online()?;
        self.locked().watermarks.check_produce(acks)?;
        let deadline = self.clock.after(timeout);
        let (done, outcome) = oneshot::channel();
        self.directory.send(Command::Append(AppendCommand {
            replica: Arc::clone(self),
            batch,
            origin: AppendOrigin::Client,
            acks,
            deadline,
            done: AppendDone::Client(done),
            fence: None,
        }))?;
        Ok(PendingAppend {
            replica: Arc::clone(self),
            outcome,
            deadline,
        })
    }

    /// Finds from `from` on what a reader of `bound` may see, at most `bytes_max`, but at least
    /// one batch if `at_least_one`.
    pub(crate) fn find(
        &self,
        from: Offset,
        bound: ReadBound,
        bytes_max: u64,
        at_least_one: bool,
    ) -> Result<(LogSlice, Watermarks), ReadError> {
        // The watermarks first: what they allow is in any later snapshot.
        let watermarks = self.watermarks();
        let snapshot = self.reader.snapshot();
        let end = watermarks.end(bound);
        let slice = snapshot.read(from, end, bytes_max, at_least_one)?;
        Ok((slice, watermarks))
    }

    /// Reads what [`Replica::find`] finds.
    pub(crate) fn read(
        &self,
        from: Offset,
        bound: ReadBound,
        bytes_max: u64,
        at_least_one: bool,
    ) -> Result<Bytes, ReadError> {
        let (slice, _) = self.find(from, bound, bytes_max, at_least_one)?;
        Ok(slice.read().map_err(fleuve_storage::ReadError::from)?)
    }

    /// Makes `before` the first offset; everything below it is gone.
    pub(crate) async fn delete_records(
        self: &Arc<Replica>,
        before: Offset,
    ) -> Result<Offset, AppendError> {
        let (done, outcome) = oneshot::channel();
        let replica = Arc::clone(self);
        self.directory.send(Command::DeleteRecords {
            replica,
            before,
            done,
        })?;
        outcome.await.unwrap_or(Err(ReplicaError::Stopping.into()))
    }

    /// The log as it is now.
    pub(crate) fn snapshot(&self) -> LogSnapshot {
        self.reader.snapshot()
    }

    /// Where the partition stands.
    pub(crate) fn watermarks(&self) -> Watermarks {
        let state = self.locked();
        let partition = &state.watermarks;
        Watermarks {
            log_start: partition.log_start(),
            last_stable: partition.last_stable_offset(),
            high_watermark: partition.high_watermark(),
            log_end: partition.log_end(),
            leader_epoch: partition.leader_epoch(),
        }
    }

    /// Whether the log can be read and written.
    pub(crate) fn is_online(&self) -> bool {
        self.directory.is_online()
    }

    /// Refuses to work with a log whose directory has failed.
    pub(crate) fn check_online(&self) -> Result<(), ReplicaError> {
        if self.is_online() {
            Ok(())
        } else {
            Err(ReplicaError::Offline)
        }
    }

    /// Compares the leader epoch that a client carries with this leader's.
    pub(crate) fn check_leader_epoch(
        &self,
        requested: Option<LeaderEpoch>,
    ) -> Result<(), LeaderEpochError> {
        self.locked().watermarks.check_leader_epoch(requested)
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> Arc<ReplicaConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another configuration in force.
    pub(crate) fn set_config(self: &Arc<Replica>, config: ReplicaConfig) {
        if *self.config() == config {
            return;
        }
        let log_config = config.log.clone();
        let required = config.min_in_sync_replicas;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        self.step(Input::MinInSyncReplicas(required));
        let replica = Arc::clone(self);
        // A writer that has stopped has no use for it.
        _ = self.directory.send(Command::Configure {
            replica,
            config: log_config,
        });
    }

    /// The controller's word: this broker leads at `epoch`.
    pub(crate) fn lead(self: &Arc<Replica>, epoch: LeaderEpoch) {
        if self.locked().watermarks.leader_epoch() == Some(epoch) {
            return;
        }
        let in_sync_followers: Vec<BrokerId> = Vec::new();
        self.step(Input::Lead {
            leader_epoch: epoch,
            in_sync_followers,
        });
        let replica = Arc::clone(self);
        _ = self.directory.send(Command::Lead { replica, epoch });
    }

    /// The partition is gone, or its log has failed.
    pub(crate) fn resign(&self) {
        self.step(Input::Resign);
    }

    pub(super) fn await_fetch(&self, token: Token, bound: ReadBound, waiter: Arc<FetchWaiter>) {
        let mut state = self.locked();
        state.waiters.add_fetch(token, waiter);
        state.step(self.clock.now(), Input::AwaitFetch { token, bound });
    }

    pub(super) fn await_produce(
        &self,
        acks: Acks,
        deadline: Deadline,
        done: AppendDone,
        appended: Appended,
    ) {
        let token = next_token();
        let mut state = self.locked();
        state.waiters.add_produce(token, done, appended);
        let end = appended.last_offset.next();
        state.step(
            self.clock.now(),
            Input::AwaitProduce {
                token,
                acks,
                end,
                deadline,
            },
        );
    }

    pub(super) fn cancel(&self, token: Token) {
        let mut state = self.locked();
        state.waiters.remove(token);
        state.step(self.clock.now(), Input::Cancel { token });
    }

    /// Tells the partition what has happened, and those who wait what follows from it.
    pub(super) fn step(&self, input: Input) {
        let now = self.clock.now();
        self.locked().step(now, input);
    }

    fn locked(&self) -> MutexGuard<'_, ReplicaState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplicaState {
    fn step(&mut self, now: Now, input: Input) {
        let mut effects = Vec::new();
        self.watermarks.step(now, input, &mut effects);
        self.waiters.perform(effects, self.watermarks.log_start());
    }
}

impl PendingAppend {
    /// Waits for the acknowledgement, or for its time to run out.
    pub(crate) async fn outcome(mut self) -> Result<AppendOutcome, AppendError> {
        let timer = tokio::time::sleep_until(self.replica.clock.instant(self.deadline));
        tokio::select! {
            biased;
            outcome = &mut self.outcome => return outcome.unwrap_or(Err(ReplicaError::Stopping.into())),
            () = timer => {}
        }
        // The partition answers those whose time has passed; an append that the writer has not
        // come to yet is answered when it does.
        self.replica.step(Input::Time);
        self.outcome
            .await
            .unwrap_or(Err(ReplicaError::Stopping.into()))
    }
}

/// The first offset of the oldest transaction that is open at the end of the log.
pub(super) fn first_unstable(snapshot: &LogSnapshot) -> Option<Offset> {
    let stable = snapshot.last_stable_offset(snapshot.log_end());
    (stable < snapshot.log_end()).then_some(stable)
}
