//! One log, its directory and its disk, driven by a seed and compared with a plain log.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fleuve_model::record::{EndTransactionMarker, RecordBatch, TransactionResult};
use fleuve_model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};
use fleuve_storage::disk::SimulatedDisk;
use fleuve_storage::{
    AppendError, AppendOrigin, Durability, LogConfig, LogDirectory, PartitionLog, ProducerError,
    StorageError, commit_round,
};

use super::plain_log::{PlainLog, PlainProducer};
use super::*;

/// Which kinds of steps a history has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Appends by a leader, with producers and transactions; nothing is ever cut off.
    Leader,
    /// Everything.
    All,
}

pub(crate) struct World {
    pub(crate) disk: SimulatedDisk,
    pub(crate) directory: Option<LogDirectory>,
    pub(crate) log: Option<PartitionLog>,
    pub(crate) plain: PlainLog,
    pub(crate) config: LogConfig,
    pub(crate) chance: Seeded,
    pub(crate) now: i64,
    pub(crate) workload: Workload,
    durability: Durability,
    /// Whether the plain log knows all that the real one remembers of producers.
    pub(crate) knows_producers: bool,
    producers: BTreeMap<ProducerId, PlainProducer>,
}

/// A step that the disk did not let happen.
#[derive(Debug)]
#[allow(dead_code, reason = "shown when a step fails that should not")]
pub(crate) enum StepError {
    Storage(StorageError),
    Open(fleuve_storage::OpenDirectoryError),
    Read(fleuve_storage::ReadError),
}

impl From<StorageError> for StepError {
    fn from(error: StorageError) -> StepError {
        StepError::Storage(error)
    }
}

pub(crate) type Step = Result<(), StepError>;

impl World {
    pub(crate) fn new(seed: u64, workload: Workload) -> World {
        let mut chance = Seeded(seed);
        let config = LogConfig {
            segment_bytes: [400, 700, 1500, 9000][chance.below(4) as usize],
            index_interval_bytes: [0, 100, 300][chance.below(3) as usize],
            index_bytes: [1200, 96][chance.below(2) as usize],
            retention_bytes: [None, Some(2000)][chance.below(2) as usize],
            retention_age: Some(std::time::Duration::from_millis(5000)),
            segment_age: std::time::Duration::from_millis(2000),
            deletes: workload == Workload::All,
            ..LogConfig::default()
        };
        World {
            disk: new_disk(),
            directory: None,
            log: None,
            plain: PlainLog::default(),
            config,
            chance,
            now: 1000,
            workload,
            durability: if seed % 5 == 4 {
                Durability::PageCache
            } else {
                Durability::Fsync
            },
            knows_producers: true,
            producers: BTreeMap::new(),
        }
    }

    /// Makes the directory's log.
    pub(crate) fn begin(&mut self) -> Step {
        let disk = Arc::new(self.disk.clone());
        let directory = LogDirectory::open(disk, Path::new(LOGS)).map_err(StepError::Open)?;
        let log = directory.create_partition(orders(0), None, self.config.clone(), at(self.now))?;
        self.directory = Some(directory);
        self.log = Some(log);
        Ok(())
    }

    /// One random step.
    pub(crate) fn step(&mut self) -> Step {
        self.now += self.chance.below(300) as i64;
        let number = self.chance.below(100);
        match (self.workload, number) {
            (_, 0..45) => self.append(),
            (_, 45..52) => self.append_marker(),
            (_, 52..60) => self.replicate(),
            (_, 60..72) => self.commit(),
            (_, 72..78) => self.checkpoint(),
            (_, 78..81) => self.restart_cleanly(),
            (_, 81..84) => self.restart_killed(),
            (Workload::Leader, _) => self.commit(),
            (_, 84..89) => self.truncate(),
            (_, 89..90) => self.truncate_fully(),
            (_, 90..93) => self.advance_log_start(),
            (_, 93..97) => self.apply_retention(),
            (_, 97..98) => self.roll(),
            _ => self.remove_retired(),
        }
    }

    pub(crate) fn log(&mut self) -> &mut PartitionLog {
        self.log.as_mut().expect("the world has begun")
    }

    fn spec(&mut self) -> BatchSpec {
        BatchSpec {
            records: 1 + self.chance.below(3) as u32,
            value_bytes: self.chance.below(60) as usize,
            timestamp: self.now - self.chance.below(100) as i64,
            fill: self.chance.next() as u8,
            producer: None,
            transactional: false,
        }
    }

    fn append(&mut self) -> Step {
        let mut spec = self.spec();
        let mut expected = Expected::Appended;
        if self.knows_producers && self.chance.below(2) == 0 {
            expected = self.choose_producer(&mut spec);
        }
        if self.chance.below(20) == 0 {
            self.plain.epoch += 1;
        }
        let batch = spec.build();
        let leader_epoch = epoch(self.plain.epoch);
        let now = at(self.now);
        self.expect_batch(&batch, leader_epoch);
        let appended = self
            .log()
            .append_as_leader(&batch, leader_epoch, AppendOrigin::Client, now);
        match (appended, expected) {
            (Err(AppendError::Storage(error)), _) => return Err(error.into()),
            (Ok(appended), Expected::Appended) => {
                assert!(!appended.is_duplicate);
                assert_eq!(appended.base_offset, self.plain.log_end);
                self.push(batch.assigned(appended.base_offset, leader_epoch));
            }
            (Ok(appended), Expected::Duplicate(base_offset)) => {
                assert!(appended.is_duplicate);
                assert_eq!(appended.base_offset, base_offset);
            }
            (Err(AppendError::Producer(error)), Expected::Refused(check)) => {
                assert!(check(&error), "{error:?}");
            }
            (outcome, expected) => panic!("{outcome:?} where {expected:?} was expected"),
        }
        Ok(())
    }

    /// Fills in a producer's part: in order, again, with a gap, or of an old epoch.
    fn choose_producer(&mut self, spec: &mut BatchSpec) -> Expected {
        let id = self.chance.below(3) as i64;
        let known = self.producers.get(&ProducerId::new(id).unwrap()).cloned();
        let Some(known) = known else {
            spec.producer = Some((id, 0, 0));
            spec.transactional = self.chance.below(2) == 0;
            return Expected::Appended;
        };
        let next = known
            .batches
            .last()
            .map_or(0, |(_, last, ..)| last.advance(1).value());
        spec.transactional = known.open_since.is_some() || self.chance.below(3) == 0;
        match self.chance.below(10) {
            0 if !known.batches.is_empty() => {
                let again = self.chance.below(known.batches.len() as u64) as usize;
                let (first, last, base, _) = known.batches[again];
                spec.records = (last.value() - first.value() + 1) as u32;
                spec.producer = Some((id, known.epoch, first.value()));
                Expected::Duplicate(base)
            }
            1 => {
                spec.producer = Some((id, known.epoch, next + 7));
                Expected::Refused(|error| matches!(error, ProducerError::OutOfOrderSequence { .. }))
            }
            2 if known.epoch > 0 => {
                spec.producer = Some((id, known.epoch - 1, 0));
                Expected::Refused(|error| {
                    matches!(error, ProducerError::InvalidProducerEpoch { .. })
                })
            }
            3 if known.open_since.is_some() => {
                spec.transactional = false;
                spec.producer = Some((id, known.epoch, next));
                Expected::Refused(|error| {
                    matches!(error, ProducerError::InvalidTransactionState(_))
                })
            }
            4 => {
                spec.producer = Some((id, known.epoch + 1, 0));
                Expected::Appended
            }
            _ => {
                spec.producer = Some((id, known.epoch, next));
                Expected::Appended
            }
        }
    }

    fn append_marker(&mut self) -> Step {
        let open = self
            .producers
            .iter()
            .find(|(_, producer)| producer.open_since.is_some());
        let Some((id, producer)) = open else {
            return Ok(());
        };
        let result = match self.chance.below(2) {
            0 => TransactionResult::Abort,
            _ => TransactionResult::Commit,
        };
        let marker = EndTransactionMarker {
            result,
            coordinator_epoch: 3,
        };
        let producer_epoch = ProducerEpoch::new(producer.epoch).unwrap();
        let batch = marker.batch(*id, producer_epoch, at(self.now));
        let (leader_epoch, now) = (epoch(self.plain.epoch), at(self.now));
        self.expect_batch(&batch, leader_epoch);
        let appended =
            self.log()
                .append_as_leader(&batch, leader_epoch, AppendOrigin::Coordinator, now);
        match appended {
            Err(AppendError::Storage(error)) => return Err(error.into()),
            appended => {
                let base_offset = appended.unwrap().base_offset;
                self.push(batch.assigned(base_offset, leader_epoch));
            }
        }
        Ok(())
    }

    /// Appends some batches of another leader.
    fn replicate(&mut self) -> Step {
        let mut batches: Vec<RecordBatch> = Vec::new();
        let mut log_end = self.plain.log_end;
        if self.chance.below(4) == 0 {
            self.plain.epoch += 1;
        }
        for _ in 0..1 + self.chance.below(4) {
            let batch = self
                .spec()
                .build()
                .assigned(log_end, epoch(self.plain.epoch));
            log_end = batch.header().next_offset();
            batches.push(batch);
        }
        let mut bytes = joined(&batches).to_vec();
        if self.chance.below(3) == 0 {
            let cut_off = self.spec().build();
            bytes.extend_from_slice(&cut_off.bytes()[..cut_off.bytes().len() / 2]);
        }
        // On an error some of them may be in the log all the same.
        for batch in &batches {
            self.plain.ever.insert(batch.bytes().clone());
        }
        let now = at(self.now);
        let outcome = self.log().append_as_follower(&Bytes::from(bytes), now);
        let end = self.log().log_end();
        for batch in batches {
            if batch.header().next_offset() <= end {
                self.push(batch);
            }
        }
        match outcome {
            Ok(found) => assert_eq!(found, log_end),
            Err(AppendError::Storage(error)) => return Err(error.into()),
            Err(error) => panic!("{error:?}"),
        }
        Ok(())
    }

    pub(crate) fn commit(&mut self) -> Step {
        let log = self.log.as_mut().expect("the world has begun");
        for outcome in commit_round([log], self.durability) {
            assert_eq!(outcome.committed_end?, self.plain.log_end);
            if self.durability == Durability::Fsync {
                self.plain.durable_end = self.plain.log_end;
            }
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> Step {
        let log = self.log.as_mut().expect("the world has begun");
        let directory = self.directory.as_ref().expect("the world has begun");
        Ok(directory.checkpoint([(log, Some(self.plain.durable_end))])?)
    }

    fn truncate(&mut self) -> Step {
        let span = (self.plain.log_end - self.plain.log_start) as u64;
        let target = self.plain.log_end + -(self.chance.below(span.min(12) + 1) as i64);
        let now = at(self.now);
        self.plain.durable_end = self.plain.durable_end.min(target);
        self.plain.truncate(target);
        self.plain.durable_end = self.plain.durable_end.min(self.plain.log_end);
        self.log().truncate_to(target, now)?;
        self.plain.log_start_asked = self.plain.log_start_asked.min(self.plain.log_start);
        self.forget_producers();
        Ok(())
    }

    fn truncate_fully(&mut self) -> Step {
        let start = offset(self.chance.below(self.plain.log_end.value() as u64 + 20) as i64);
        let now = at(self.now);
        self.plain.restart_at(start);
        self.plain.durable_end = Offset::ZERO;
        self.plain.log_start_asked = self.plain.log_start_asked.max(start);
        self.log().truncate_fully_and_start_at(start, now)?;
        self.plain.log_start_asked = start;
        self.forget_producers();
        Ok(())
    }

    fn advance_log_start(&mut self) -> Step {
        let span = (self.plain.log_end - self.plain.log_start) as u64;
        let log_start = self.plain.log_start + self.chance.below(span + 1) as i64;
        self.plain.log_start_asked = self.plain.log_start_asked.max(log_start);
        self.plain.log_start = log_start;
        self.log().advance_log_start(log_start);
        Ok(())
    }

    fn apply_retention(&mut self) -> Step {
        let (now, high_watermark) = (at(self.now), self.plain.durable_end);
        // Whatever happens, nothing above the high watermark goes.
        self.plain.log_start_asked = self.plain.log_start_asked.max(high_watermark);
        let outcome = self.log().apply_retention(high_watermark, now);
        let log_start = self.log().log_start();
        assert!(log_start <= high_watermark.max(self.plain.log_start));
        self.plain.log_start = log_start;
        let first = self.log().reader().snapshot().segments()[0].base_offset();
        self.plain
            .batches
            .retain(|batch| batch.header().base_offset >= first);
        self.plain.log_start_asked = log_start;
        outcome?;
        Ok(())
    }

    fn roll(&mut self) -> Step {
        let now = at(self.now + 3000);
        self.log().roll_if_aged(now)?;
        Ok(())
    }

    fn remove_retired(&mut self) -> Step {
        let now = at(self.now + 100_000);
        self.log().remove_retired(now)?;
        Ok(())
    }

    pub(crate) fn restart_cleanly(&mut self) -> Step {
        let log = self.log.take().expect("the world has begun");
        let directory = self.directory.take().expect("the world has begun");
        directory.close([(log, Some(self.plain.durable_end))], 1)?;
        self.load()?;
        // All is durable now, and the rest of what is in memory alone is gone.
        self.plain.durable_end = self.plain.log_end;
        Ok(())
    }

    /// The process ends at any point, but the operating system lives on.
    fn restart_killed(&mut self) -> Step {
        self.log = None;
        self.directory = None;
        self.load()
    }

    /// The process ends with the machine; the disk is what `chance` leaves of it.
    pub(crate) fn lose_power(&mut self, chance: &mut Seeded) {
        self.forget_log();
        self.disk = self.disk.restart(chance);
    }

    /// Lets go of the log without closing it.
    pub(crate) fn forget_log(&mut self) {
        self.log = None;
        self.directory = None;
    }

    /// Whether the partition's folder is there; before it is durable it may not be.
    pub(crate) fn has_partition(&self) -> bool {
        use fleuve_storage::disk::Disk;
        let entries = self.disk.list(Path::new(LOGS)).unwrap();
        entries
            .iter()
            .any(|entry| entry.name == orders(0).to_string())
    }

    /// Opens the directory again and compares what is there with the plain log.
    pub(crate) fn load(&mut self) -> Step {
        let disk = Arc::new(self.disk.clone());
        let directory = LogDirectory::open(disk, Path::new(LOGS)).map_err(StepError::Open)?;
        let config = self.config.clone();
        let mut loaded = directory.load(&|_| config.clone(), at(self.now), 1)?;
        assert!(loaded.damaged.is_empty(), "{:?}", loaded.damaged);
        if let Some(failed) = loaded.failed.pop() {
            return Err(failed.error.into());
        }
        let (log, _) = loaded
            .logs
            .pop()
            .expect("the partition's folder is durable");
        self.adopt(&log)?;
        self.log = Some(log);
        self.directory = Some(directory);
        Ok(())
    }

    /// Takes over the log as it is after a step that failed half-way.
    pub(crate) fn adopt_present(&mut self) -> Step {
        let log = self.log.take().expect("the world has begun");
        let adopted = self.adopt(&log);
        self.log = Some(log);
        adopted
    }

    /// Checks that a log holds what it must and nothing that it must not, and takes it as it is.
    pub(crate) fn adopt(&mut self, log: &PartitionLog) -> Step {
        let snapshot = log.reader().snapshot();
        let (log_start, log_end) = (snapshot.log_start(), snapshot.log_end());
        assert!(
            log_start <= self.plain.log_start_asked.max(self.plain.log_start),
            "the log begins at {log_start}, nobody asked for more than {}",
            self.plain.log_start_asked
        );
        assert!(
            log_end >= self.plain.durable_end,
            "the log ends at {log_end}, durable was {}",
            self.plain.durable_end
        );
        let found = try_read_all(&snapshot, log_start).map_err(StepError::Read)?;
        plain_log::assert_contiguous(&found);
        for batch in &found {
            assert!(
                self.plain.ever.contains(batch.bytes()),
                "a batch that nobody appended"
            );
        }
        let from = log_start.max(self.plain.log_start);
        for expected in self.plain.visible(from, self.plain.durable_end) {
            let is_there = found.iter().any(|batch| batch.bytes() == expected.bytes());
            assert!(
                is_there,
                "the durable batch at {} is gone",
                expected.header().base_offset
            );
        }
        if let Some(last) = found.last() {
            assert_eq!(last.header().next_offset(), log_end);
        }
        self.plain.batches = found;
        self.plain.log_start = log_start;
        self.plain.log_end = log_end;
        self.plain.durable_end = log.durable_end();
        let latest = log
            .epochs()
            .latest_epoch()
            .map_or(0, |latest| latest.value());
        self.plain.epoch = self.plain.epoch.max(latest);
        self.check_epochs(log);
        self.check_producers(log);
        self.forget_producers();
        Ok(())
    }

    /// Compares everything that can be asked of the log.
    pub(crate) fn check(&mut self) {
        let log = self.log.as_ref().expect("the world has begun");
        let snapshot = log.reader().snapshot();
        let plain = &self.plain;
        assert_eq!(snapshot.log_start(), plain.log_start);
        assert_eq!(snapshot.log_end(), plain.log_end);
        for _ in 0..3 {
            check_read(&snapshot, plain, &mut self.chance);
        }
        check_times(&snapshot, plain, self.now, &mut self.chance);
        self.check_epochs(log);
        self.check_producers(log);
        self.check_transactions(log);
    }

    fn check_epochs(&self, log: &PartitionLog) {
        for (epoch, start) in self.plain.epoch_starts() {
            if start >= self.plain.log_start {
                assert_eq!(
                    log.epochs().epoch_of(start),
                    Some(epoch),
                    "epoch at {start}"
                );
            }
        }
        let entries: Vec<_> = log.epochs().iter().collect();
        for pair in entries.windows(2) {
            assert!(
                pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1,
                "{entries:?}"
            );
        }
    }

    /// What the batches say must be what the log remembers; it may remember more, of batches
    /// that retention has deleted.
    fn check_producers(&self, log: &PartitionLog) {
        let (producers, _) = self.plain.producers();
        for (id, expected) in producers {
            let Some(last) = expected.batches.last() else {
                continue;
            };
            if last.2 < self.plain.log_start {
                continue;
            }
            let entry = log
                .producers()
                .get(id)
                .expect("a producer with batches is known");
            assert_eq!(entry.epoch.map(|epoch| epoch.value()), Some(expected.epoch));
            let found = entry.last_batch().expect("its last batch is known");
            assert_eq!(found.last_sequence, Some(last.1));
            assert_eq!(found.first_sequence(), Some(last.0));
            assert_eq!((found.first_offset(), found.last_offset), (last.2, last.3));
        }
        for (_, entry) in log.producers().iter() {
            for batch in entry.batches() {
                assert!(
                    batch.last_offset < self.plain.log_end,
                    "a producer of cut-off batches"
                );
            }
        }
    }

    fn check_transactions(&self, log: &PartitionLog) {
        if self.workload != Workload::Leader {
            return;
        }
        let snapshot = log.reader().snapshot();
        let (producers, aborted) = self.plain.producers();
        let open = producers
            .values()
            .filter_map(|producer| producer.open_since)
            .min();
        let end = self.plain.log_end;
        assert_eq!(snapshot.last_stable_offset(end), open.unwrap_or(end));
        for from in [Offset::ZERO, offset(end.value() / 2)] {
            let until = offset((end.value() * 3 / 4).max(from.value()));
            let holds = |it: &&super::plain_log::PlainAborted| it.2 >= from && it.1 < until;
            let expected: Vec<_> = aborted.iter().filter(holds).copied().collect();
            let found: Vec<_> = snapshot
                .aborted_transactions(from, until)
                .iter()
                .map(|it| (it.producer, it.first_offset, it.last_offset))
                .collect();
            assert_eq!(found, expected);
        }
    }

    /// Even if the disk fails it may be in the log afterwards.
    fn expect_batch(&mut self, batch: &RecordBatch, leader_epoch: LeaderEpoch) {
        let batch = batch.clone().assigned(self.plain.log_end, leader_epoch);
        self.plain.ever.insert(batch.into_bytes());
    }

    fn push(&mut self, batch: RecordBatch) {
        if self.knows_producers {
            plain_log::apply(&mut self.producers, &batch);
        }
        self.plain.push(batch);
    }

    /// After a restart only the last batch of each producer is known, and after retention not
    /// even all of them are in the log: takes over what the log remembers.
    fn forget_producers(&mut self) {
        self.producers.clear();
        self.knows_producers = self.workload == Workload::Leader;
        if self.knows_producers {
            self.producers = self.plain.producers().0;
            for producer in self.producers.values_mut() {
                let last = producer.batches.pop();
                producer.batches = last.into_iter().collect();
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Expected {
    Appended,
    Duplicate(Offset),
    Refused(fn(&ProducerError) -> bool),
}

fn check_read(snapshot: &LogSnapshot, plain: &PlainLog, chance: &mut Seeded) {
    let span = (plain.log_end - plain.log_start) as u64 + 1;
    let from = plain.log_start + chance.below(span) as i64;
    let end = plain.log_start + chance.below(span) as i64;
    let bytes_max = chance.below(1500);
    let slice = snapshot.read(from, end, bytes_max, true).unwrap();
    let bytes = slice.read().unwrap();
    let expected = plain.visible(from, end);
    if expected.is_empty() || expected[0].header().base_offset > from {
        assert!(bytes.is_empty());
        return;
    }
    assert!(!bytes.is_empty(), "at least one batch of {from}..{end}");
    let found: Vec<_> = fleuve_model::record::Batches::new(bytes.clone())
        .map(|batch| batch.unwrap().into_bytes())
        .collect();
    assert!(found.len() <= expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected.bytes());
    }
    let next = expected[found.len() - 1].header().next_offset();
    assert_eq!(slice.next_offset, next);
    assert!(found.len() == 1 || bytes.len() as u64 <= bytes_max);
    // It ends only where the limit, the end or the segment does.
    if let Some(more) = expected.get(found.len()) {
        let is_over = bytes.len() as u64 + more.bytes().len() as u64 > bytes_max;
        let is_next_segment = snapshot
            .segments()
            .iter()
            .any(|segment| segment.base_offset() == more.header().base_offset);
        assert!(is_over || is_next_segment, "the read stopped early");
    }
}

fn check_times(snapshot: &LogSnapshot, plain: &PlainLog, now: i64, chance: &mut Seeded) {
    let target = now - chance.below(1500) as i64 + 50;
    let found = snapshot
        .offset_for_timestamp(at(target), plain.log_end)
        .unwrap();
    let found = found.map(|found| (found.timestamp.as_millis(), found.offset));
    assert_eq!(
        found,
        plain.first_since(target),
        "first record since {target}"
    );
    if plain.log_start
        == plain
            .batches
            .first()
            .map_or(plain.log_start, |it| it.header().base_offset)
    {
        let latest = snapshot.latest_timestamp().unwrap();
        assert_eq!(
            latest.map(|latest| latest.timestamp.as_millis()),
            plain.latest()
        );
    }
}
