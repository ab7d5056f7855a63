//! A log as a list of batches: what the real one is compared with.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use fleuve_model::record::{EndTransactionMarker, RecordBatch, TransactionResult};
use fleuve_model::{LeaderEpoch, Offset, ProducerId, Sequence};

/// What is known of a log from outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlainLog {
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) log_start: Offset,
    pub(crate) log_end: Offset,
    /// Up to where the log has said that it is durable.
    pub(crate) durable_end: Offset,
    /// The largest start that was ever asked for.
    pub(crate) log_start_asked: Offset,
    /// All batches that were ever appended, by their bytes.
    pub(crate) ever: BTreeSet<Bytes>,
    pub(crate) epoch: i32,
}

/// What the batches say of a producer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlainProducer {
    pub(crate) epoch: i16,
    /// Of the last five batches: first and last sequence, first and last offset.
    pub(crate) batches: Vec<(Sequence, Sequence, Offset, Offset)>,
    pub(crate) open_since: Option<Offset>,
}

/// An aborted transaction: producer, first offset, offset of the marker.
pub(crate) type PlainAborted = (ProducerId, Offset, Offset);

impl PlainLog {
    pub(crate) fn push(&mut self, batch: RecordBatch) {
        assert!(batch.header().base_offset >= self.log_end);
        self.log_end = batch.header().next_offset();
        self.ever.insert(batch.bytes().clone());
        self.batches.push(batch);
    }

    pub(crate) fn truncate(&mut self, target: Offset) {
        let Some(cut) = self
            .batches
            .iter()
            .position(|it| it.header().last_offset() >= target)
        else {
            self.log_end = self.log_end.min(target);
            return;
        };
        self.log_end = target.min(self.batches[cut].header().base_offset);
        self.batches.truncate(cut);
        self.log_start = self.log_start.min(self.log_end);
    }

    pub(crate) fn restart_at(&mut self, start: Offset) {
        self.batches.clear();
        self.log_start = start;
        self.log_end = start;
    }

    /// The batches that a read from `from` may give, up to `end`.
    pub(crate) fn visible(&self, from: Offset, end: Offset) -> Vec<&RecordBatch> {
        let holds = |it: &&RecordBatch| {
            it.header().last_offset() >= from && it.header().next_offset() <= end
        };
        self.batches.iter().filter(holds).collect()
    }

    pub(crate) fn producers(&self) -> (BTreeMap<ProducerId, PlainProducer>, Vec<PlainAborted>) {
        let mut producers: BTreeMap<ProducerId, PlainProducer> = BTreeMap::new();
        let mut aborted = Vec::new();
        for batch in &self.batches {
            aborted.extend(apply(&mut producers, batch));
        }
        (producers, aborted)
    }

    /// Where each leader epoch of the batches begins.
    pub(crate) fn epoch_starts(&self) -> Vec<(LeaderEpoch, Offset)> {
        let mut starts: Vec<(LeaderEpoch, Offset)> = Vec::new();
        for batch in &self.batches {
            let epoch = batch.header().leader_epoch.unwrap();
            if starts.last().is_none_or(|(last, _)| *last < epoch) {
                starts.push((epoch, batch.header().base_offset));
            }
        }
        starts
    }

    /// The first record from the log's start on with a timestamp of `target` or later.
    pub(crate) fn first_since(&self, target: i64) -> Option<(i64, Offset)> {
        let mut scratch = Vec::new();
        for batch in &self.batches {
            for record in batch.records(&mut scratch, 1 << 20).unwrap() {
                let record = record.unwrap();
                let timestamp = record
                    .timestamp
                    .map_or(-1, |timestamp| timestamp.as_millis());
                if timestamp >= target && record.offset >= self.log_start {
                    return Some((timestamp, record.offset));
                }
            }
        }
        None
    }

    /// The first record with the largest timestamp.
    pub(crate) fn latest(&self) -> Option<i64> {
        let times = self
            .batches
            .iter()
            .filter_map(|batch| batch.header().max_timestamp);
        times.map(|timestamp| timestamp.as_millis()).max()
    }
}

/// Brings the producers up to `batch`. Returns the transaction that it aborts.
pub(crate) fn apply(
    producers: &mut BTreeMap<ProducerId, PlainProducer>,
    batch: &RecordBatch,
) -> Option<PlainAborted> {
    let header = batch.header();
    let producer = header.producer?;
    let entry = producers.entry(producer.id).or_default();
    if entry.epoch != producer.epoch.value() {
        entry.epoch = producer.epoch.value();
        entry.batches.clear();
    }
    if let Some(marker) = marker_in(batch) {
        let first = entry.open_since.take()?;
        let is_aborted = marker.result == TransactionResult::Abort;
        return is_aborted.then_some((producer.id, first, header.base_offset));
    }
    let (first, last) = (producer.base_sequence?, header.last_sequence()?);
    entry
        .batches
        .push((first, last, header.base_offset, header.last_offset()));
    if entry.batches.len() > 5 {
        entry.batches.remove(0);
    }
    if header.attributes.is_transactional() {
        entry.open_since.get_or_insert(header.base_offset);
    }
    None
}

pub(crate) fn marker_in(batch: &RecordBatch) -> Option<EndTransactionMarker> {
    if !batch.header().attributes.is_control() {
        return None;
    }
    let mut scratch = Vec::new();
    let record = batch
        .records(&mut scratch, 1 << 20)
        .unwrap()
        .next()?
        .unwrap();
    EndTransactionMarker::parse(&record).unwrap()
}

/// Batches that follow one another without a gap.
pub(crate) fn assert_contiguous(batches: &[RecordBatch]) {
    for pair in batches.windows(2) {
        assert_eq!(pair[0].header().next_offset(), pair[1].header().base_offset);
    }
}
