//! The protocol of a micro-batch.
//!
//! ```text
//! offsets/N → plan → run and stage → flush state → commit the sink → commits/N
//! ```
//! Always true: a batch that was planned once reads the same rows, at the same time and with the
//! same watermark whenever it runs again; state version N + 1 is on disk before the sink shows
//! batch N; nothing here depends on what a former run had in memory.
//! Start at [`MicroBatches::open`], then [`MicroBatches::trigger`].

mod durations;
mod step;

use std::sync::Arc;

use datafusion::execution::SendableRecordBatchStream;

pub use durations::Durations;
pub use step::{Step, StepObserver, Unobserved};

use crate::checkpoint::{BatchId, Checkpoint, CommitEntry, OffsetEntry, PinnedConfs};
use crate::clock::Clock;
use crate::error::StreamError;
use crate::progress::StateOperatorProgress;
use crate::sink::{Discard, Sink, StagedBatch};
use crate::source::{Admission, Source, SourceBatch, SourceOffset};
use crate::watermark::{EventTimes, WatermarkTracker};

/// What a batch is run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchContext {
    pub batch: BatchId,
    /// `current_timestamp()` of the batch.
    pub timestamp_ms: i64,
    /// Rows at or before this event time are late: the watermark of the batch before.
    pub late_watermark_ms: i64,
    /// State at or before this event time is complete: the watermark of this batch.
    pub eviction_watermark_ms: i64,
}

/// The query's plan, as the protocol sees it.
pub trait Program: Send {
    /// Starts the plan over one batch per source, in source order.
    fn start(
        &mut self,
        context: BatchContext,
        sources: Vec<SourceBatch>,
    ) -> impl Future<Output = Result<Vec<SendableRecordBatchStream>, StreamError>> + Send;
    /// Writes the state that the batch made; it may be written again after a crash.
    fn flush_state(
        &mut self,
        context: BatchContext,
    ) -> impl Future<Output = Result<(), StreamError>> + Send;
    /// Takes the state after `committed` for final, and makes a snapshot of it where one is due.
    fn commit_state(&mut self, committed: BatchId) -> Result<(), StreamError>;
    /// Drops state versions that no restart from `oldest_kept` on can ask for.
    fn clean_state(&mut self, oldest_kept: BatchId) -> Result<(), StreamError>;
    /// Takes the rows each source gave in this batch.
    fn take_input_rows(&mut self) -> Vec<u64>;
    /// Takes the event times each watermark node saw, with its delay.
    fn take_event_times(&mut self) -> Vec<(EventTimes, i64)>;
    fn take_state_progress(&mut self) -> Vec<StateOperatorProgress>;
    /// Whether a batch without rows may emit or drop something now that the watermark moved.
    fn watermark_moves_state(&self) -> bool;
}

/// Which trigger decides what a batch takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchPolicy {
    pub admission: Admission,
    /// Batches that only move state, `spark.sql.streaming.noDataMicroBatches.enabled`.
    pub no_data_batches: bool,
    /// `spark.sql.streaming.minBatchesToRetain`.
    pub batches_retained: u64,
}

/// What came of a trigger.
#[derive(Debug)]
pub enum Triggered {
    Ran(Box<BatchReport>),
    /// Nothing new.
    Idle,
}

/// The figures of one batch.
#[derive(Debug)]
pub struct BatchReport {
    pub batch: BatchId,
    pub timestamp_ms: i64,
    pub durations: Durations,
    pub watermark_ms: i64,
    pub event_times: EventTimes,
    pub state: Vec<StateOperatorProgress>,
    pub sources: Vec<SourceReport>,
    pub output_rows: Option<u64>,
}

/// One source's part in a batch.
#[derive(Debug)]
pub struct SourceReport {
    pub description: String,
    pub start: Option<SourceOffset>,
    pub end: Option<SourceOffset>,
    pub latest: Option<SourceOffset>,
    pub rows: u64,
    pub metrics: indexmap::IndexMap<String, String>,
}

/// A query's batches over its checkpoint.
#[derive(Debug)]
pub struct MicroBatches<P> {
    checkpoint: Checkpoint,
    sources: Vec<Box<dyn Source>>,
    program: P,
    sink: Box<dyn Sink>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn StepObserver>,
    policy: BatchPolicy,
    confs: PinnedConfs,
    watermark: WatermarkTracker,
    /// The watermark of the batch before, which decides what is late.
    previous_watermark_ms: i64,
    batch: BatchId,
    committed: Vec<Option<SourceOffset>>,
    latest: Vec<Option<SourceOffset>>,
    /// `offsets/N` of the batch to run, when it is written already.
    planned: Option<OffsetEntry>,
    /// Whether the last batch moved the watermark, so that a batch without rows has work.
    watermark_moved: bool,
}

/// What [`MicroBatches::open`] needs.
pub struct Parts<P> {
    pub checkpoint: Checkpoint,
    pub sources: Vec<Box<dyn Source>>,
    pub program: P,
    pub sink: Box<dyn Sink>,
    pub clock: Arc<dyn Clock>,
    pub observer: Arc<dyn StepObserver>,
    pub policy: BatchPolicy,
    pub confs: PinnedConfs,
    pub watermark: WatermarkTracker,
}

impl<P: Program> MicroBatches<P> {
    /// Takes up where the checkpoint says the last run stopped.
    pub fn open(parts: Parts<P>) -> Result<Self, StreamError> {
        let sources = parts.sources.len();
        let last = parts.checkpoint.last_run()?;
        let mut batches = Self {
            checkpoint: parts.checkpoint,
            sources: parts.sources,
            program: parts.program,
            sink: parts.sink,
            clock: parts.clock,
            observer: parts.observer,
            policy: parts.policy,
            confs: parts.confs,
            previous_watermark_ms: parts.watermark.current_ms(),
            watermark: parts.watermark,
            batch: BatchId::FIRST,
            committed: vec![None; sources],
            latest: vec![None; sources],
            planned: None,
            watermark_moved: false,
        };
        let Some(last) = last else { return Ok(batches) };
        batches.check_source_count(&last.offsets)?;
        batches.confs = last.offsets.confs.or_session(&batches.confs);
        let before = last.previous_offsets.as_ref();
        match last.commit {
            Some(commit) => {
                batches.batch = last.planned.next();
                batches.committed.clone_from(&last.offsets.sources);
                batches.previous_watermark_ms = last.offsets.batch_watermark_ms;
                batches.watermark.restore(commit.next_batch_watermark_ms);
                batches.watermark_moved =
                    commit.next_batch_watermark_ms > last.offsets.batch_watermark_ms;
            }
            None => {
                batches.batch = last.planned;
                if let Some(before) = before {
                    batches.check_source_count(before)?;
                    batches.committed.clone_from(&before.sources);
                    batches.previous_watermark_ms = before.batch_watermark_ms;
                }
                batches.watermark.restore(last.offsets.batch_watermark_ms);
                batches.planned = Some(last.offsets);
            }
        }
        Ok(batches)
    }

    fn check_source_count(&self, entry: &OffsetEntry) -> Result<(), StreamError> {
        if entry.sources.len() == self.sources.len() {
            return Ok(());
        }
        Err(StreamError::SourceCount {
            in_checkpoint: entry.sources.len(),
            in_query: self.sources.len(),
        })
    }

    /// The batch that runs next.
    pub fn next_batch(&self) -> BatchId {
        self.batch
    }

    /// Whether a former run left a planned batch behind.
    pub fn has_planned_batch(&self) -> bool {
        self.planned.is_some()
    }

    pub fn set_policy(&mut self, policy: BatchPolicy) {
        self.policy = policy;
    }

    pub fn policy(&self) -> BatchPolicy {
        self.policy
    }

    pub fn program(&self) -> &P {
        &self.program
    }

    pub fn sink_description(&self) -> String {
        self.sink.description()
    }

    /// Each source's description with the end of what is committed.
    pub fn committed_offsets(&self) -> Vec<(String, Option<SourceOffset>)> {
        self.sources
            .iter()
            .map(|source| source.description())
            .zip(self.committed.iter().cloned())
            .collect()
    }

    /// Freezes every source's end, for `availableNow`.
    pub async fn stop_at_available(&mut self) -> Result<(), StreamError> {
        let now_ms = self.clock.now_ms();
        for source in &mut self.sources {
            source.stop_at_available(now_ms).await?;
        }
        Ok(())
    }

    /// Plans a batch if there is something to do, and runs it.
    pub async fn trigger(&mut self) -> Result<Triggered, StreamError> {
        let began = self.clock.now_ms();
        let mut durations = Durations::start(Arc::clone(&self.clock));
        let Some(entry) = self.planned_or_new(&mut durations).await? else {
            return Ok(Triggered::Idle);
        };
        let report = self.run(entry, began, durations).await?;
        Ok(Triggered::Ran(Box::new(report)))
    }

    async fn planned_or_new(
        &mut self,
        durations: &mut Durations,
    ) -> Result<Option<OffsetEntry>, StreamError> {
        if let Some(entry) = &self.planned {
            return Ok(Some(entry.clone()));
        }
        let entry = self.next_entry(durations).await?;
        let Some(entry) = entry else { return Ok(None) };
        self.observer.reached(self.batch, Step::WriteOffsets)?;
        durations.lap();
        self.checkpoint.offsets.add(self.batch, &entry)?;
        durations.record("walCommit");
        self.planned = Some(entry.clone());
        Ok(Some(entry))
    }

    /// Asks the sources how far they reach; `None` when no batch is due.
    async fn next_entry(
        &mut self,
        durations: &mut Durations,
    ) -> Result<Option<OffsetEntry>, StreamError> {
        self.observer.reached(self.batch, Step::LatestOffset)?;
        let now_ms = self.clock.now_ms();
        durations.lap();
        let mut ends = self.committed.clone();
        for (index, source) in self.sources.iter_mut().enumerate() {
            let start = self.committed[index].as_ref();
            let reach = source.reach(start, self.policy.admission, now_ms).await?;
            self.latest[index] = reach.latest;
            if reach.end.is_some() {
                ends[index] = reach.end;
            }
        }
        durations.record("latestOffset");
        let has_data = ends != self.committed;
        let moves_state = self.policy.no_data_batches
            && self.watermark_moved
            && self.program.watermark_moves_state();
        if !has_data && !moves_state {
            return Ok(None);
        }
        Ok(Some(OffsetEntry {
            batch_watermark_ms: self.watermark.current_ms(),
            batch_timestamp_ms: now_ms,
            confs: self.confs.clone(),
            sources: ends,
        }))
    }

    async fn run(
        &mut self,
        entry: OffsetEntry,
        began_ms: i64,
        mut durations: Durations,
    ) -> Result<BatchReport, StreamError> {
        let batch = self.batch;
        let context = BatchContext {
            batch,
            timestamp_ms: entry.batch_timestamp_ms,
            late_watermark_ms: self.previous_watermark_ms,
            eviction_watermark_ms: entry.batch_watermark_ms,
        };
        self.observer.reached(batch, Step::Plan)?;
        durations.lap();
        let source_batches = self.plan_sources(&entry).await?;
        durations.record("getBatch");
        let streams = self.program.start(context, source_batches).await?;
        durations.record("queryPlanning");

        let mut staged = self.begin_in_sink(batch).await?;
        self.observer.reached(batch, Step::Stage)?;
        let output = staged.stage(streams).await?;
        self.observer.reached(batch, Step::FlushState)?;
        self.program.flush_state(context).await?;
        self.observer.reached(batch, Step::CommitSink)?;
        staged.commit().await?;
        durations.record("addBatch");

        let event_times = self.program.take_event_times();
        let next_watermark_ms = self.watermark.advance(&event_times);
        self.observer.reached(batch, Step::WriteCommit)?;
        durations.lap();
        let commit = CommitEntry {
            next_batch_watermark_ms: next_watermark_ms,
        };
        self.checkpoint.commits.add(batch, &commit)?;
        durations.record("commitOffsets");

        let sources = self.source_reports(&entry);
        self.moved_on(entry, next_watermark_ms);
        self.clean_up(batch).await?;
        durations.finish("triggerExecution");
        let mut all_times = EventTimes::default();
        event_times
            .iter()
            .for_each(|(times, _)| all_times.merge(times));
        Ok(BatchReport {
            batch,
            timestamp_ms: began_ms,
            durations,
            watermark_ms: context.eviction_watermark_ms,
            event_times: all_times,
            state: self.program.take_state_progress(),
            sources,
            output_rows: output.rows,
        })
    }

    async fn plan_sources(&mut self, entry: &OffsetEntry) -> Result<Vec<SourceBatch>, StreamError> {
        let mut batches = Vec::with_capacity(self.sources.len());
        for (index, source) in self.sources.iter_mut().enumerate() {
            let start = self.committed[index].as_ref();
            let batch = match &entry.sources[index] {
                Some(end) if start != Some(end) => source.plan(start, end).await?,
                _ => SourceBatch::empty(),
            };
            batches.push(batch);
        }
        Ok(batches)
    }

    /// A batch that the sink has already is run for its state and event times alone.
    async fn begin_in_sink(&mut self, batch: BatchId) -> Result<Box<dyn StagedBatch>, StreamError> {
        match self.sink.last_committed().await? {
            Some(last) if last >= batch => Ok(Box::new(Discard)),
            _ => self.sink.begin(batch).await,
        }
    }

    fn source_reports(&mut self, entry: &OffsetEntry) -> Vec<SourceReport> {
        let rows = self.program.take_input_rows();
        self.sources
            .iter()
            .enumerate()
            .map(|(index, source)| SourceReport {
                description: source.description(),
                start: self.committed[index].clone(),
                end: entry.sources[index].clone(),
                latest: self.latest[index].clone(),
                rows: rows.get(index).copied().unwrap_or(0),
                metrics: source.metrics(entry.sources[index].as_ref(), self.latest[index].as_ref()),
            })
            .collect()
    }

    fn moved_on(&mut self, entry: OffsetEntry, next_watermark_ms: i64) {
        self.watermark_moved = next_watermark_ms > entry.batch_watermark_ms;
        self.previous_watermark_ms = entry.batch_watermark_ms;
        self.committed = entry.sources;
        self.batch = self.batch.next();
        self.planned = None;
    }

    async fn clean_up(&mut self, batch: BatchId) -> Result<(), StreamError> {
        self.observer.reached(batch, Step::CleanUp)?;
        for (source, committed) in self.sources.iter_mut().zip(&self.committed) {
            if let Some(end) = committed {
                source.committed(end).await?;
            }
        }
        self.checkpoint.purge(batch, self.policy.batches_retained)?;
        let oldest = batch.get().saturating_sub(self.policy.batches_retained);
        self.observer.reached(batch, Step::Snapshot)?;
        self.program.commit_state(batch)?;
        self.observer.reached(batch, Step::CleanState)?;
        self.program.clean_state(BatchId::new(oldest))
    }
}
