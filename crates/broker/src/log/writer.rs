//! The loop of a log directory's thread: take what has queued up, append it, sync once, tell.
//!
//! Nothing is acknowledged before the sync that covers it; appends that come in while a sync
//! runs are the next round's. Start at [`Writer::run`].

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use fleuve_cluster::partition::{Acks, AwaitProduceError, Input};
use fleuve_model::{LeaderEpoch, Offset};
use fleuve_storage::{Appended, LogDirectory, PartitionLog, StorageError, commit_each};

use super::error::{AppendError, ReplicaError};
use super::machine_log::MachineAppendReport;
use super::replica::{Replica, ReplicaParts, first_unstable};
use super::writer_handle::{
    AppendCommand, AppendDone, Command, CreateCommand, DeleteRecordsDone, DirectoryHandle, LogSlot,
};
use crate::clock::Clock;
use crate::config::Durability;

/// How many commands are taken before what was appended is committed.
const COMMANDS_PER_ROUND: usize = 4096;
/// Between two checkpoints: what a start after a crash must verify is what was appended since.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
/// Between two looks at small upkeep: files to remove, silent producers, aged segments.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// One log of the directory, with its replica.
pub(super) struct OpenLog {
    pub(super) log: PartitionLog,
    pub(super) replica: Arc<Replica>,
    pub(super) durability: Durability,
    /// Whether it was appended to since its last checkpoint.
    has_news: bool,
}

impl OpenLog {
    pub(super) fn new(log: PartitionLog, replica: Arc<Replica>, durability: Durability) -> OpenLog {
        OpenLog {
            log,
            replica,
            durability,
            has_news: true,
        }
    }
}

/// What the thread of a log directory owns.
pub(super) struct Writer {
    pub(super) directory: LogDirectory,
    pub(super) handle: DirectoryHandle,
    pub(super) commands: Receiver<Command>,
    /// By slot; a deleted partition leaves a hole.
    pub(super) logs: Vec<Option<OpenLog>>,
    /// What this round has to append, by log.
    pub(super) queued: BTreeMap<LogSlot, Vec<AppendCommand>>,
    pub(super) clock: Clock,
    pub(super) retention_interval: Duration,
    pub(super) broker_epoch: i64,
}

/// When upkeep is due next.
struct Schedule {
    checkpoint: Instant,
    upkeep: Instant,
    retention: Instant,
}

impl Writer {
    /// Works until it is told to stop, or everybody who could tell it has gone.
    pub(super) fn run(mut self) {
        let now = Instant::now();
        let mut schedule = Schedule {
            checkpoint: now + CHECKPOINT_INTERVAL,
            upkeep: now + UPKEEP_INTERVAL,
            retention: now + self.retention_interval,
        };
        loop {
            let due = schedule
                .checkpoint
                .min(schedule.upkeep)
                .min(schedule.retention);
            let wait = due.saturating_duration_since(Instant::now());
            let stops = match self.commands.recv_timeout(wait) {
                Ok(command) => self.round(command),
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            if stops {
                return self.close();
            }
            self.look_after(&mut schedule);
        }
    }

    /// Carries out `first` and what else has queued up, then commits. Returns whether to stop.
    fn round(&mut self, first: Command) -> bool {
        let mut stops = self.carry_out(first);
        for _ in 1..COMMANDS_PER_ROUND {
            match self.commands.try_recv() {
                Ok(command) => stops |= self.carry_out(command),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        self.append_queued();
        self.commit();
        stops
    }

    /// Appends wait for others of their partition; whatever else comes finds them done.
    fn carry_out(&mut self, command: Command) -> bool {
        if !matches!(command, Command::Append(_)) {
            self.append_queued();
        }
        match command {
            Command::Append(append) => {
                let of_log = self.queued.entry(append.replica.slot).or_default();
                of_log.push(append);
            }
            Command::Create(create) => self.create(create),
            Command::Delete { replica, done } => {
                self.delete(&replica);
                // Whoever asked may have gone.
                _ = done.send(());
            }
            Command::Lead { replica, epoch } => self.lead(&replica, epoch),
            Command::Configure { replica, config } => {
                if let Some(open) = self.open(&replica) {
                    open.log.set_config(config);
                }
            }
            Command::DeleteRecords {
                replica,
                before,
                done,
            } => {
                self.delete_records(&replica, before, done);
            }
            Command::Stop => return true,
        }
        false
    }

    fn open(&mut self, replica: &Arc<Replica>) -> Option<&mut OpenLog> {
        let open = self.logs.get_mut(replica.slot.0)?.as_mut()?;
        Arc::ptr_eq(&open.replica, replica).then_some(open)
    }

    /// Appends what has queued up, each partition's in one go.
    fn append_queued(&mut self) {
        for commands in std::mem::take(&mut self.queued).into_values() {
            let replica = &commands[0].replica;
            let are_alike = commands
                .iter()
                .all(|it| it.fence.is_none() && Arc::ptr_eq(&it.replica, replica));
            if are_alike {
                self.append(commands);
            } else {
                commands
                    .into_iter()
                    .for_each(|command| self.append(vec![command]));
            }
        }
    }

    /// Appends batches of one partition. One that has a fence comes alone.
    fn append(&mut self, commands: Vec<AppendCommand>) {
        let replica = Arc::clone(&commands[0].replica);
        let outcomes = self.append_to_log(&replica, &commands);
        let mut bytes = 0;
        let mut log_end = None;
        for (command, outcome) in commands.iter().zip(&outcomes) {
            if let Ok(appended) = outcome
                && !appended.is_duplicate
            {
                bytes += command.batch.bytes().len() as u64;
                log_end = Some(appended.last_offset.next());
            }
        }
        if let Some(log_end) = log_end {
            replica.step(Input::Appended {
                log_end,
                bytes,
                first_unstable: first_unstable(&replica.snapshot()),
            });
        }
        for (command, outcome) in commands.into_iter().zip(outcomes) {
            self.answer(command, outcome);
        }
    }

    fn append_to_log(
        &mut self,
        replica: &Arc<Replica>,
        commands: &[AppendCommand],
    ) -> Vec<Result<Appended, AppendError>> {
        let refused = |error: ReplicaError| {
            let refuse = |_: &AppendCommand| Err(AppendError::Replica(error.clone()));
            commands.iter().map(refuse).collect()
        };
        let is_fenced = |command: &AppendCommand| {
            let fence = command.fence.as_ref();
            fence.is_some_and(|fence| fence.load(Ordering::Relaxed))
        };
        if commands.iter().any(is_fenced) {
            return refused(ReplicaError::Offline);
        }
        let now = self.clock.now().wall;
        let Some(open) = self.open(replica) else {
            return refused(ReplicaError::NotHosted);
        };
        let Some(epoch) = replica.watermarks().leader_epoch else {
            return refused(ReplicaError::NotLeader);
        };
        let batches: Vec<_> = commands.iter().map(|it| (&it.batch, it.origin)).collect();
        let outcomes = open.log.append_all_as_leader(&batches, epoch, now);
        open.has_news |= outcomes.iter().any(Result::is_ok);
        outcomes
            .into_iter()
            .map(|outcome| outcome.map_err(AppendError::from))
            .collect()
    }

    fn answer(&mut self, command: AppendCommand, outcome: Result<Appended, AppendError>) {
        let AppendCommand {
            replica,
            acks,
            deadline,
            done,
            fence,
            ..
        } = command;
        let appended = match outcome {
            Ok(appended) => appended,
            Err(error) => {
                if let Some(fence) = fence {
                    fence.store(true, Ordering::Relaxed);
                }
                self.note_failure(&error);
                return done.fail(error);
            }
        };
        match acks {
            Acks::None => done.succeed(appended, replica.watermarks().log_start),
            Acks::Leader | Acks::All => replica.await_produce(acks, deadline, done, appended),
        }
    }

    /// Makes durable what was appended, several logs at a time, and lets the watermarks of each
    /// move as soon as it is done.
    fn commit(&mut self) {
        let failed = OnceLock::new();
        let logs = self.logs.iter_mut().flatten().map(|open| {
            let durability = storage_durability(open.durability);
            (&open.replica, &mut open.log, durability)
        });
        commit_each(logs, |replica, _, committed_end| match committed_end {
            Ok(synced_end) => replica.step(Input::Synced { synced_end }),
            // Where one sync fails the others of the directory do: the first says why.
            Err(error) => _ = failed.set(error),
        });
        if let Some(error) = failed.into_inner() {
            self.storage_failed(&error);
        }
    }

    fn note_failure(&mut self, error: &AppendError) {
        if let AppendError::Log(fleuve_storage::AppendError::Storage(error)) = error {
            self.storage_failed(error);
        }
    }

    /// A full disk is an error of one append; anything else ends the work on this directory.
    fn storage_failed(&mut self, error: &StorageError) {
        let Some(offline) = self.directory.offline() else {
            let directory = self.directory.path().display();
            tracing::error!(%directory, "{error}: {}", source_of(error));
            return;
        };
        if self.handle.status.set_offline() {
            tracing::error!(
                "{offline}; its partitions are offline. See to the disk, then restart the machine and not only the process: the system may hold in memory what the disk has not"
            );
            for open in self.logs.iter().flatten() {
                open.replica.step(Input::LogFailed);
            }
        }
    }

    fn create(&mut self, command: CreateCommand) {
        let CreateCommand {
            partition,
            topic_id,
            config,
            durability,
            done,
        } = command;
        let now = self.clock.now().wall;
        let created = self
            .directory
            .create_partition(partition, topic_id, config.log.clone(), now);
        let outcome = created.map(|log| {
            let replica = self.add(log, durability, config, Offset::ZERO);
            self.handle
                .status
                .count_partitions(self.logs.iter().flatten().count());
            replica
        });
        if let Err(error) = &outcome {
            self.storage_failed(error);
        }
        // Whoever asked may have gone; the partition stays and is found at the next start.
        _ = done.send(outcome);
    }

    /// Takes up a log that is open, and gives it a slot.
    pub(super) fn add(
        &mut self,
        log: PartitionLog,
        durability: Durability,
        config: super::ReplicaConfig,
        high_watermark: Offset,
    ) -> Arc<Replica> {
        let slot = self
            .logs
            .iter()
            .position(Option::is_none)
            .unwrap_or(self.logs.len());
        let replica = Arc::new(Replica::new(ReplicaParts {
            partition: log.partition().clone(),
            topic_id: log.topic_id(),
            directory: self.handle.clone(),
            slot: LogSlot(slot),
            reader: log.reader(),
            high_watermark,
            durability,
            config,
            clock: self.clock,
        }));
        let open = Some(OpenLog::new(log, Arc::clone(&replica), durability));
        match self.logs.get_mut(slot) {
            Some(hole) => *hole = open,
            None => self.logs.push(open),
        }
        replica
    }

    fn lead(&mut self, replica: &Arc<Replica>, epoch: LeaderEpoch) {
        if let Some(open) = self.open(replica) {
            open.log.begin_epoch(epoch);
            open.has_news = true;
        }
    }

    fn delete(&mut self, replica: &Arc<Replica>) {
        if self.open(replica).is_none() {
            return;
        }
        let Some(open) = self.logs[replica.slot.0].take() else {
            return;
        };
        self.handle
            .status
            .count_partitions(self.logs.iter().flatten().count());
        let deleted = self
            .directory
            .delete_partition(open.log, uuid::Uuid::new_v4())
            .and_then(|folder| self.directory.remove_folder(&folder));
        if let Err(error) = deleted {
            tracing::error!(partition = %replica.partition, "the log cannot be deleted: {error}");
            self.storage_failed(&error);
        }
    }

    fn delete_records(&mut self, replica: &Arc<Replica>, before: Offset, done: DeleteRecordsDone) {
        let outcome = match self.open(replica) {
            None => Err(AppendError::Replica(ReplicaError::NotHosted)),
            Some(open) => {
                open.log.advance_log_start(before);
                open.has_news = true;
                let log_start = open.log.log_start();
                replica.step(Input::LogStartMoved { log_start });
                Ok(log_start)
            }
        };
        if outcome.is_ok() {
            self.checkpoint();
        }
        // Whoever asked may have gone.
        _ = done.send(outcome);
    }

    fn look_after(&mut self, schedule: &mut Schedule) {
        let now = Instant::now();
        if now >= schedule.checkpoint {
            self.checkpoint();
            schedule.checkpoint = Instant::now() + CHECKPOINT_INTERVAL;
        }
        if now >= schedule.upkeep {
            self.keep_up();
            schedule.upkeep = Instant::now() + UPKEEP_INTERVAL;
        }
        if now >= schedule.retention {
            self.apply_retention();
            schedule.retention = Instant::now() + self.retention_interval;
        }
    }

    fn checkpoint(&mut self) {
        if !self.handle.is_online() {
            return;
        }
        let with_news = self.logs.iter_mut().flatten().filter(|open| open.has_news);
        let logs = with_news.map(|open| {
            open.has_news = false;
            let high_watermark = open.replica.watermarks().high_watermark;
            (&mut open.log, Some(high_watermark))
        });
        if let Err(error) = self.directory.checkpoint(logs) {
            self.storage_failed(&error);
        }
    }

    fn keep_up(&mut self) {
        let now = self.clock.now().wall;
        self.for_each_log(|open| {
            open.log.expire_producers(now);
            open.log
                .note_high_watermark(open.replica.watermarks().high_watermark);
            open.log.remove_retired(now).map(drop)
        });
    }

    fn apply_retention(&mut self) {
        let now = self.clock.now().wall;
        self.for_each_log(|open| {
            open.log.roll_if_aged(now)?;
            let high_watermark = open.replica.watermarks().high_watermark;
            let deleted = open.log.apply_retention(high_watermark, now)?;
            if deleted > 0 {
                let log_start = open.log.log_start();
                tracing::info!(partition = %open.replica.partition, %log_start, "{deleted} segments deleted by retention");
                open.replica.step(Input::LogStartMoved { log_start });
                open.has_news = true;
            }
            Ok(())
        });
    }

    fn for_each_log(&mut self, work: impl Fn(&mut OpenLog) -> Result<(), StorageError>) {
        if !self.handle.is_online() {
            return;
        }
        let mut failed = None;
        for open in self.logs.iter_mut().flatten() {
            if let Err(error) = work(open) {
                failed = Some(error);
                break;
            }
        }
        if let Some(error) = failed {
            self.storage_failed(&error);
        }
    }

    /// Brings everything into the state from which the next start needs no recovery.
    fn close(mut self) {
        self.commit();
        if !self.handle.is_online() {
            return;
        }
        let logs = self.logs.into_iter().flatten().map(|open| {
            let high_watermark = open.replica.watermarks().high_watermark;
            (open.log, Some(high_watermark))
        });
        let path = self.directory.path().to_owned();
        if let Err(error) = self.directory.close(logs, self.broker_epoch) {
            tracing::error!("{} was not stopped cleanly: {error}", path.display());
        }
    }
}

impl AppendDone {
    fn fail(self, error: AppendError) {
        // Whoever asked may have gone.
        match self {
            AppendDone::Client(done) => _ = done.send(Err(error)),
            AppendDone::Machine(reports) => {
                _ = reports.send(MachineAppendReport::Failed {
                    reason: error.to_string(),
                });
            }
        }
    }

    fn succeed(self, appended: Appended, log_start: Offset) {
        self.answer(Ok::<(), AwaitProduceError>(()), appended, log_start);
    }
}

fn storage_durability(durability: Durability) -> fleuve_storage::Durability {
    match durability {
        Durability::Fsync => fleuve_storage::Durability::Fsync,
        Durability::PageCache => fleuve_storage::Durability::PageCache,
    }
}

fn source_of(error: &StorageError) -> String {
    std::error::Error::source(error)
        .map(ToString::to_string)
        .unwrap_or_default()
}
