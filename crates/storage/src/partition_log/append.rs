//! Adding batches to a log's end.

use std::collections::BTreeMap;
use std::io::IoSlice;

use bytes::Bytes;
use fleuve_model::record::{
    BATCH_HEADER_BYTES, BatchHeader, Batches, EndTransactionMarker, RecordBatch, patch,
};
use fleuve_model::{LeaderEpoch, Offset, ProducerId, Timestamp};

use super::PartitionLog;
use crate::error::{AppendError, MarkerError, StorageError};
use crate::file_names::OffsetFile;
use crate::index::AbortedTransaction;
use crate::producer_state::{AppendOrigin, CompletedTransaction, SequenceVerdict};

/// Where a batch is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// Its largest timestamp.
    pub max_timestamp: Option<Timestamp>,
    /// Whether it was there already, from an earlier try of its producer.
    pub is_duplicate: bool,
}

impl Appended {
    fn new(header: &BatchHeader) -> Appended {
        Appended {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            max_timestamp: header.max_timestamp,
            is_duplicate: false,
        }
    }
}

/// A batch with its place in the log, ready to be written.
struct Placed {
    header: BatchHeader,
    marker: Option<EndTransactionMarker>,
    head: [u8; BATCH_HEADER_BYTES],
    records: Bytes,
}

impl PartitionLog {
    /// Appends a batch as the partition's leader: it gets the next offsets and `epoch`. The
    /// batch has been checked ([`fleuve_model::record::ProduceRules`]); that its producer may
    /// write it now is checked here.
    pub fn append_as_leader(
        &mut self,
        batch: &RecordBatch,
        epoch: LeaderEpoch,
        origin: AppendOrigin,
        now: Timestamp,
    ) -> Result<Appended, AppendError> {
        self.directory.check_online().map_err(StorageError::from)?;
        if let Some(current) = self.epochs.latest_epoch()
            && epoch < current
        {
            return Err(AppendError::StaleLeaderEpoch {
                requested: epoch,
                current,
            });
        }
        let marker = marker_of(batch)?;
        if let Some(duplicate) = self.judge(batch.header(), marker, origin)? {
            return Ok(duplicate);
        }
        let placed = Placed::assigned(batch, marker, self.log_end, epoch)?;
        let header = placed.header;
        self.check_size(&header)?;
        self.assign_epoch(epoch, self.log_end);
        self.write_all(&[placed], now)?;
        Ok(Appended::new(&header))
    }

    /// Appends batches as [`PartitionLog::append_as_leader`] does one after the other, each with
    /// its own outcome, but in one write as far as they go into one segment.
    pub fn append_all_as_leader(
        &mut self,
        batches: &[(&RecordBatch, AppendOrigin)],
        epoch: LeaderEpoch,
        now: Timestamp,
    ) -> Vec<Result<Appended, AppendError>> {
        let mut outcomes = Vec::with_capacity(batches.len());
        while outcomes.len() < batches.len() {
            let run = self.leading_run(&batches[outcomes.len()..], epoch);
            // What a write that failed has left out is tried by itself, for an error of its own.
            let is_all = self.write_all(&run, now).is_ok();
            let written = run
                .iter()
                .take_while(|placed| placed.header.base_offset < self.log_end);
            outcomes.extend(written.map(|placed| Ok(Appended::new(&placed.header))));
            let next = batches.get(outcomes.len());
            if let Some((batch, origin)) = next.filter(|_| !is_all || run.is_empty()) {
                outcomes.push(self.append_as_leader(batch, epoch, *origin, now));
            }
        }
        outcomes
    }

    /// The first of `batches` that can be written without a look at what was written before: new
    /// ones, of no transaction. None if the first needs one.
    fn leading_run(
        &mut self,
        batches: &[(&RecordBatch, AppendOrigin)],
        epoch: LeaderEpoch,
    ) -> Vec<Placed> {
        let is_stale = self.epochs.latest_epoch().is_some_and(|it| epoch < it);
        let mut run: Vec<Placed> = Vec::new();
        if is_stale || self.directory.check_online().is_err() {
            return run;
        }
        let mut next_offset = self.log_end;
        let mut last_of = BTreeMap::new();
        for (batch, origin) in batches {
            let header = batch.header();
            if !self.is_plainly_new(header, *origin, &last_of) || self.check_size(header).is_err() {
                break;
            }
            let Ok(placed) = Placed::assigned(batch, None, next_offset, epoch) else {
                break;
            };
            next_offset = placed.header.next_offset();
            last_of.extend(header.producer.map(|producer| (producer.id, placed.header)));
            run.push(placed);
        }
        if !run.is_empty() {
            self.assign_epoch(epoch, self.log_end);
        }
        run
    }

    fn is_plainly_new(
        &self,
        header: &BatchHeader,
        origin: AppendOrigin,
        last_of: &BTreeMap<ProducerId, BatchHeader>,
    ) -> bool {
        if header.attributes.is_control() || header.attributes.is_transactional() {
            return false;
        }
        let Some(producer) = &header.producer else {
            return true;
        };
        match last_of.get(&producer.id) {
            None => self.producers.check(header, origin) == Ok(SequenceVerdict::New),
            Some(last) => {
                let next = last.last_sequence().map(|sequence| sequence.advance(1));
                origin == AppendOrigin::Client
                    && last.producer.is_some_and(|it| it.epoch == producer.epoch)
                    && producer.base_sequence.is_some()
                    && producer.base_sequence == next
            }
        }
    }

    /// Appends what the partition's leader has in its log: offsets and epochs stay. A cut-off
    /// last batch is passed over. Returns the log's end, which on an error may have moved on too.
    pub fn append_as_follower(
        &mut self,
        batches: &Bytes,
        now: Timestamp,
    ) -> Result<Offset, AppendError> {
        self.directory.check_online().map_err(StorageError::from)?;
        let mut placed = Vec::new();
        let mut log_end = self.log_end;
        for batch in Batches::new(batches.clone()) {
            let batch = match batch {
                Err(error) if error.is_incomplete() => break,
                batch => batch?,
            };
            batch.verify_crc()?;
            let header = batch.header();
            if header.base_offset < log_end {
                return Err(AppendError::OutOfOrder {
                    found: header.base_offset,
                    log_end,
                });
            }
            self.check_size(header)?;
            log_end = header.next_offset();
            placed.push(Placed::kept(&batch)?);
        }
        self.write_all(&placed, now)?;
        Ok(self.log_end)
    }

    fn check_size(&self, header: &BatchHeader) -> Result<(), AppendError> {
        let (size_bytes, segment_bytes) = (header.size_bytes, self.config.segment_bytes);
        if size_bytes as u64 > u64::from(segment_bytes) {
            return Err(AppendError::TooLarge {
                size_bytes,
                segment_bytes,
            });
        }
        Ok(())
    }

    fn judge(
        &self,
        header: &BatchHeader,
        marker: Option<EndTransactionMarker>,
        origin: AppendOrigin,
    ) -> Result<Option<Appended>, AppendError> {
        if let (Some(producer), Some(marker)) = (&header.producer, marker) {
            self.producers.check_marker(producer, marker, origin)?;
            return Ok(None);
        }
        match self.producers.check(header, origin)? {
            SequenceVerdict::New => Ok(None),
            SequenceVerdict::Duplicate(batch) => Ok(Some(Appended {
                base_offset: batch.first_offset(),
                last_offset: batch.last_offset,
                max_timestamp: batch.timestamp,
                is_duplicate: true,
            })),
        }
    }

    /// Writes batches, as many at once as go into one segment.
    fn write_all(&mut self, batches: &[Placed], now: Timestamp) -> Result<(), AppendError> {
        let mut run_start = 0;
        let mut run_bytes = 0;
        for (number, batch) in batches.iter().enumerate() {
            if self.must_roll(run_bytes, number - run_start, &batch.header, now) {
                self.write_run(&batches[run_start..number])?;
                self.roll(batch.header.base_offset, now)?;
                (run_start, run_bytes) = (number, 0);
            }
            run_bytes += batch.header.size_bytes as u64;
        }
        self.write_run(&batches[run_start..])
    }

    fn write_run(&mut self, batches: &[Placed]) -> Result<(), AppendError> {
        if batches.is_empty() {
            return Ok(());
        }
        let parts = batches.iter().flat_map(|Placed { head, records, .. }| {
            [IoSlice::new(head.as_slice()), IoSlice::new(records)]
        });
        let parts: Vec<IoSlice<'_>> = parts.collect();
        self.write_parts(&parts)?;
        let mut transactions_changed = false;
        for batch in batches {
            transactions_changed |= self.note_appended(batch);
        }
        if transactions_changed {
            self.publish_transactions()
        } else {
            self.publish()
        }
        Ok(())
    }

    fn write_parts(&mut self, parts: &[IoSlice<'_>]) -> Result<(), StorageError> {
        self.cut_torn_tail()?;
        let segment = self.active_segment().clone();
        let written = segment.file().append(segment.length_bytes(), parts);
        if written.is_err() {
            self.active.has_torn_tail = true;
            self.unsynced.active = true;
            // If this fails too, the next append tries again before it writes.
            let _ = self.cut_torn_tail();
        }
        let path = self.path.join(OffsetFile::Log.name(segment.base_offset()));
        self.directory.wrote(written, &path)?;
        self.unsynced.active = true;
        self.has_uncommitted = true;
        Ok(())
    }

    /// Cuts off what a failed append may have left behind the log's end.
    pub(super) fn cut_torn_tail(&mut self) -> Result<(), StorageError> {
        if self.active.has_torn_tail {
            let segment = self.active_segment();
            let path = self.path.join(OffsetFile::Log.name(segment.base_offset()));
            let cut = segment.file().truncate(segment.length_bytes());
            self.directory.wrote(cut, &path)?;
            self.active.has_torn_tail = false;
        }
        Ok(())
    }

    /// Brings tables, producers, epochs and the log's end up to a batch that has been written.
    /// Returns whether a transaction began or ended.
    fn note_appended(&mut self, batch: &Placed) -> bool {
        let Placed { header, marker, .. } = batch;
        let segment = self.active_segment().clone();
        let position = segment.length_bytes();
        if position == 0 {
            self.active.first_timestamp = header.max_timestamp;
        }
        let interval = u64::from(self.config.index_interval_bytes);
        let indexed = self.active.bytes_since_entry > interval;
        if indexed {
            self.active.bytes_since_entry = 0;
        }
        self.active.bytes_since_entry += header.size_bytes as u64;
        if let Some(epoch) = header.leader_epoch {
            self.assign_epoch(epoch, header.base_offset);
        }
        let transactions_before = self.producers.transactions().open().len();
        let completed = replay(&mut self.producers, header, *marker);
        segment.change_tables(|tables| {
            tables.note(position, header, indexed);
            tables.aborted.extend(completed.and_then(aborted_entry));
        });
        segment.set_length(position + header.size_bytes as u64);
        self.log_end = header.next_offset();
        completed.is_some() || transactions_before != self.producers.transactions().open().len()
    }
}

impl Placed {
    /// The batch at `base_offset`, as its leader at `epoch` writes it.
    fn assigned(
        batch: &RecordBatch,
        marker: Option<EndTransactionMarker>,
        base_offset: Offset,
        epoch: LeaderEpoch,
    ) -> Result<Placed, AppendError> {
        let last_offset_delta = i64::from(batch.header().last_offset_delta);
        base_offset
            .checked_add(last_offset_delta + 1)
            .ok_or(AppendError::OffsetsExhausted)?;
        let mut head = head_of(batch);
        patch::assign(&mut head, base_offset, epoch);
        let header = BatchHeader {
            base_offset,
            leader_epoch: Some(epoch),
            ..*batch.header()
        };
        Ok(Placed {
            header,
            marker,
            head,
            records: batch.payload(),
        })
    }

    /// The batch where its leader put it.
    fn kept(batch: &RecordBatch) -> Result<Placed, AppendError> {
        let marker = marker_of(batch)?;
        let header = *batch.header();
        Ok(Placed {
            header,
            marker,
            head: head_of(batch),
            records: batch.payload(),
        })
    }
}

fn head_of(batch: &RecordBatch) -> [u8; BATCH_HEADER_BYTES] {
    *batch
        .bytes()
        .first_chunk()
        .expect("a batch holds its header")
}

/// What a control batch's records may take, decompressed; a marker takes some twenty bytes.
const MARKER_BYTES_MAX: usize = 64 * 1024;

/// The end-of-transaction marker that a control batch of a producer holds.
pub(crate) fn marker_of(batch: &RecordBatch) -> Result<Option<EndTransactionMarker>, MarkerError> {
    if !batch.header().attributes.is_control() || batch.header().producer.is_none() {
        return Ok(None);
    }
    let mut scratch = Vec::new();
    let records = batch.records(&mut scratch, MARKER_BYTES_MAX);
    let mut records = records.map_err(fleuve_model::record::ReadError::from)?;
    // Compaction may leave a control batch without its record: it has nothing to say any more.
    let Some(record) = records.next() else {
        return Ok(None);
    };
    let record = record.map_err(fleuve_model::record::ReadError::from)?;
    Ok(EndTransactionMarker::parse(&record)?)
}

/// Brings the producers up to a batch of the log. Returns the transaction that it ends.
pub(crate) fn replay(
    producers: &mut crate::producer_state::ProducerStates,
    header: &BatchHeader,
    marker: Option<EndTransactionMarker>,
) -> Option<CompletedTransaction> {
    match (&header.producer, marker) {
        (Some(producer), Some(marker)) => {
            producers.apply_marker(producer, marker, header.base_offset, header.max_timestamp)
        }
        _ if header.attributes.is_control() => None,
        _ => {
            producers.apply(header);
            None
        }
    }
}

/// What the transaction table keeps of a transaction that has ended, if it was aborted.
pub(crate) fn aborted_entry(completed: CompletedTransaction) -> Option<AbortedTransaction> {
    completed.aborted.then_some(AbortedTransaction {
        producer: completed.producer,
        first_offset: completed.first_offset,
        last_offset: completed.last_offset,
        last_stable_offset: completed.last_stable_offset,
    })
}
