//! Batches that are being filled, that wait to be sent, or that wait to be sent again.
//!
//! One queue for each partition, oldest batch first. Of an idempotent producer's batches each
//! carries the sequence number that follows the batch before it; a batch that comes back for
//! another try goes to the front, and nothing overtakes it. No clock is read here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleuve_model::record::{AppendError, BatchBuilder, BatchProducer, Header, RecordBatch};
use fleuve_model::{
    PartitionId, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicName, TopicPartition,
};
use tokio::time::Instant;

use super::partitioner::{StickyPartitioner, partition_of_key};
use super::record::{BatchOutcome, Delivery, ProducerRecord};
use crate::cluster::metadata::Partition;

/// Who an idempotent producer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProducerIdentity {
    pub(super) id: ProducerId,
    pub(super) epoch: ProducerEpoch,
}

/// When batches are full or old enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchRules {
    pub(super) batch_bytes: usize,
    pub(super) linger: Duration,
    pub(super) ignores_keys: bool,
    pub(super) is_adaptive: bool,
    /// Whether a partition has at most one batch in flight.
    pub(super) one_at_a_time: bool,
}

/// A batch, from its first record to its last attempt.
#[derive(Debug)]
pub(super) struct Batch {
    id: u64,
    pub(super) partition: TopicPartition,
    pub(super) outcome: Arc<BatchOutcome>,
    pub(super) content: Content,
    pub(super) records_count: u32,
    pub(super) created: Instant,
    pub(super) attempts: u32,
    /// Given back to the budget when the batch is done.
    pub(super) memory_bytes: usize,
    /// Its place among its partition's batches that were sent.
    serial: u64,
    not_before: Option<Instant>,
    pub(super) stamp: Option<BatchProducer>,
}

/// What a batch holds.
#[derive(Debug)]
pub(super) enum Content {
    /// Records may be added until it is sent.
    Open(BatchBuilder),
    /// It was sent before.
    Sealed(RecordBatch),
}

#[derive(Debug, Default)]
struct PartitionQueue {
    waiting: VecDeque<Batch>,
    /// Serials of the batches that were sent and not answered.
    in_flight: BTreeSet<u64>,
    next_serial: u64,
    /// The sequence number that the broker expects next.
    expected: Sequence0,
    /// The sequence number after the last batch that was sent.
    next: Sequence0,
}

/// A sequence number that begins at zero.
#[derive(Clone, Copy, Debug)]
struct Sequence0(Sequence);

impl Default for Sequence0 {
    fn default() -> Sequence0 {
        Sequence0(Sequence::ZERO)
    }
}

#[derive(Debug, Default)]
struct TopicQueues {
    sticky: StickyPartitioner,
    partitions: Vec<PartitionQueue>,
}

/// A record on its way into a batch.
pub(super) struct Incoming<'a> {
    pub(super) record: &'a ProducerRecord,
    pub(super) timestamp: Timestamp,
    /// What it takes at the most.
    pub(super) bytes: usize,
    /// All partitions of its topic.
    pub(super) partitions: &'a [Partition],
}

impl Incoming<'_> {
    /// The key, if it decides the partition.
    fn deciding_key(&self, rules: &BatchRules) -> Option<&Bytes> {
        self.record.key.as_ref().filter(|_| !rules.ignores_keys)
    }

    /// Whether the partitioner is free to choose.
    fn is_sticky(&self, rules: &BatchRules) -> bool {
        self.record.partition.is_none() && self.deciding_key(rules).is_none()
    }
}

impl TopicQueues {
    /// The index of the partition that a record goes to, for which there is a queue then.
    fn partition_of(
        &mut self,
        incoming: &Incoming<'_>,
        rules: &BatchRules,
        random: impl FnOnce() -> u64,
    ) -> usize {
        let count = incoming.partitions.len();
        if self.partitions.len() < count {
            self.partitions.resize_with(count, PartitionQueue::default);
        }
        if let Some(partition) = incoming.record.partition {
            return partition.value() as usize;
        }
        if let Some(key) = incoming.deciding_key(rules) {
            return partition_of_key(key, count);
        }
        if let Some(current) = self.sticky.current() {
            return current;
        }
        let queues = &self.partitions;
        let length = |index: usize| match rules.is_adaptive {
            true => queues[index].waiting.len(),
            false => 0,
        };
        let partitions = incoming.partitions.iter().enumerate();
        let mut queued =
            partitions.map(|(index, partition)| partition.leader.is_some().then(|| length(index)));
        self.sticky.choose(&mut queued, random())
    }
}

/// All batches of a producer.
#[derive(Debug)]
pub(super) struct Accumulator {
    rules: BatchRules,
    topics: BTreeMap<TopicName, TopicQueues>,
    /// Every batch that is not done, waiting or in flight, in the order they were begun.
    incomplete: BTreeMap<u64, Arc<BatchOutcome>>,
    next_id: u64,
    /// Builders to be used again, so that their buffers are.
    idle_builders: Vec<BatchBuilder>,
    /// How many callers want everything sent now.
    pub(super) flushes: usize,
}

/// More would hold memory that nobody uses.
const IDLE_BUILDERS_MAX: usize = 64;

/// What an appended record means for the sender.
pub(super) struct Appended {
    pub(super) delivery: Delivery,
    /// Whether the sender has to look: a batch is full, or has got its first record.
    pub(super) wakes_sender: bool,
}

impl Accumulator {
    pub(super) fn new(rules: BatchRules) -> Accumulator {
        Accumulator {
            rules,
            topics: BTreeMap::new(),
            incomplete: BTreeMap::new(),
            next_id: 0,
            idle_builders: Vec::new(),
            flushes: 0,
        }
    }

    /// Puts a record into the open batch of its partition, or into a new one.
    ///
    /// `random` is asked when a record without a key needs a partition, `now` when a batch begins.
    pub(super) fn append(
        &mut self,
        incoming: &Incoming<'_>,
        random: impl FnOnce() -> u64,
        now: impl FnOnce() -> Instant,
    ) -> Result<Appended, AppendError> {
        let rules = self.rules;
        let record = incoming.record;
        if !self.topics.contains_key(&record.topic) {
            let name = record.topic.clone();
            self.topics.insert(name, TopicQueues::default());
        }
        let Accumulator {
            topics,
            incomplete,
            next_id,
            idle_builders,
            ..
        } = self;
        let topic = topics.get_mut(&record.topic).expect("it is there now");
        let index = topic.partition_of(incoming, &rules, random);
        let queue = &mut topic.partitions[index];
        let is_new = !queue
            .waiting
            .back()
            .is_some_and(|batch| batch.has_room(incoming.bytes, rules.batch_bytes));
        if is_new {
            let builder = idle_builders.pop();
            let builder = builder.unwrap_or_else(|| BatchBuilder::with_capacity(rules.batch_bytes));
            let partition = PartitionId::new(index as i32).expect("an index is not negative");
            let partition = TopicPartition::new(record.topic.clone(), partition);
            let batch = Batch::new(*next_id, partition, builder, now());
            *next_id += 1;
            incomplete.insert(batch.id, batch.outcome.clone());
            queue.waiting.push_back(batch);
        }
        let others_wait = queue.waiting.len() > 1;
        let batch = queue.waiting.back_mut().expect("there is one now");
        let delivery = batch.append(incoming)?;
        let is_full = batch.size_bytes() >= rules.batch_bytes;
        if incoming.is_sticky(&rules) {
            topic
                .sticky
                .given(incoming.bytes, rules.batch_bytes, is_full || is_new);
        }
        Ok(Appended {
            wakes_sender: is_full || is_new || others_wait && delivery.index == 0,
            delivery,
        })
    }

    /// Partitions whose first batch may be sent now, and when the next one may be.
    pub(super) fn ready(&self, now: Instant) -> (Vec<TopicPartition>, Option<Instant>) {
        let mut ready = Vec::new();
        let mut next: Option<Instant> = None;
        for topic in self.topics.values() {
            for queue in &topic.partitions {
                let Some(first) = queue.waiting.front() else {
                    continue;
                };
                match self.ready_at(queue, first) {
                    Some(at) if at <= now => ready.push(first.partition.clone()),
                    Some(at) => next = Some(next.map_or(at, |next| next.min(at))),
                    None => {}
                }
            }
        }
        (ready, next)
    }

    /// When the first batch of a queue may be sent; nothing if an answer has to come first.
    fn ready_at(&self, queue: &PartitionQueue, first: &Batch) -> Option<Instant> {
        if self.rules.one_at_a_time && !queue.in_flight.is_empty() {
            return None;
        }
        if first.was_sent() {
            // What was sent before it has to be answered first, or it would be overtaken.
            let is_oldest = queue
                .in_flight
                .first()
                .is_none_or(|oldest| first.serial < *oldest);
            return is_oldest.then_some(first.not_before.unwrap_or(first.created));
        }
        let is_full = queue.waiting.len() > 1 || first.size_bytes() >= self.rules.batch_bytes;
        if is_full || self.flushes > 0 {
            return Some(first.created);
        }
        Some(first.created + self.rules.linger)
    }

    /// Takes the first batch of a partition out to be sent, with its sequence number if the
    /// producer is idempotent.
    pub(super) fn take(
        &mut self,
        partition: &TopicPartition,
        identity: Option<ProducerIdentity>,
    ) -> Option<Batch> {
        let queue = self.queue(partition)?;
        let mut batch = queue.waiting.pop_front()?;
        if !batch.was_sent() {
            batch.serial = queue.next_serial;
            queue.next_serial += 1;
        }
        batch.attempts += 1;
        if let Some(identity) = identity {
            // A batch that comes again where an earlier one has failed for good moves up.
            let base = if queue.in_flight.is_empty() || batch.attempts > 1 {
                queue.expected.0
            } else {
                queue.next.0
            };
            batch.stamp = Some(BatchProducer {
                id: identity.id,
                epoch: identity.epoch,
                base_sequence: Some(base),
            });
            let end = base.advance(batch.records_count);
            if queue
                .in_flight
                .last()
                .is_none_or(|last| *last < batch.serial)
            {
                queue.next = Sequence0(end);
            }
        }
        queue.in_flight.insert(batch.serial);
        Some(batch)
    }

    /// Notes that a batch was answered for good.
    pub(super) fn done(&mut self, batch: &Batch, was_appended: bool) {
        self.incomplete.remove(&batch.id);
        let Some(queue) = self.queue(&batch.partition) else {
            return;
        };
        queue.in_flight.remove(&batch.serial);
        if was_appended && let Some(base) = batch.stamp.and_then(|stamp| stamp.base_sequence) {
            queue.expected = Sequence0(base.advance(batch.records_count));
        }
    }

    /// Puts a batch back to be sent again at `not_before`, before all that follow it.
    pub(super) fn put_back(&mut self, mut batch: Batch, not_before: Instant) {
        batch.not_before = Some(not_before);
        let Some(queue) = self.queue(&batch.partition.clone()) else {
            return;
        };
        queue.in_flight.remove(&batch.serial);
        let is_before = |other: &Batch| other.was_sent() && other.serial < batch.serial;
        let place = queue
            .waiting
            .iter()
            .take_while(|other| is_before(other))
            .count();
        queue.waiting.insert(place, batch);
    }

    /// Whether a batch that was refused as out of order may only have been overtaken by the
    /// failure of an earlier one.
    pub(super) fn has_earlier(&mut self, batch: &Batch) -> bool {
        let Some(queue) = self.queue(&batch.partition) else {
            return false;
        };
        let is_in_flight = queue
            .in_flight
            .first()
            .is_some_and(|oldest| *oldest < batch.serial);
        let is_waiting = queue
            .waiting
            .front()
            .is_some_and(|first| first.was_sent() && first.serial < batch.serial);
        let base = batch.stamp.and_then(|stamp| stamp.base_sequence);
        is_in_flight || is_waiting || base != Some(queue.expected.0)
    }

    /// Begins all sequences anew, for a producer that has a new id. Nothing is in flight.
    pub(super) fn restart_sequences(&mut self) {
        for queue in self
            .topics
            .values_mut()
            .flat_map(|topic| &mut topic.partitions)
        {
            queue.expected = Sequence0::default();
            queue.next = Sequence0::default();
        }
    }

    /// Takes out the batches that have waited beyond `timeout`.
    pub(super) fn take_expired(&mut self, now: Instant, timeout: Duration) -> Vec<Batch> {
        let mut expired = Vec::new();
        for queue in self
            .topics
            .values_mut()
            .flat_map(|topic| &mut topic.partitions)
        {
            while queue
                .waiting
                .front()
                .is_some_and(|first| first.created + timeout <= now)
            {
                expired.extend(queue.waiting.pop_front());
            }
        }
        expired
    }

    /// Takes out all batches that wait.
    pub(super) fn take_all(&mut self) -> Vec<Batch> {
        let queues = self
            .topics
            .values_mut()
            .flat_map(|topic| &mut topic.partitions);
        queues.flat_map(|queue| queue.waiting.drain(..)).collect()
    }

    /// What becomes of every batch that is not done, to wait for.
    pub(super) fn incomplete(&self) -> Vec<Arc<BatchOutcome>> {
        self.incomplete.values().cloned().collect()
    }

    /// Whether every batch is done.
    pub(super) fn is_empty(&self) -> bool {
        self.incomplete.is_empty()
    }

    /// The size of a partition's first batch, before compression.
    pub(super) fn first_size(&mut self, partition: &TopicPartition) -> Option<usize> {
        self.queue(partition)?
            .waiting
            .front()
            .map(Batch::size_bytes)
    }

    /// The topics that have batches waiting.
    pub(super) fn topics_waiting(&self) -> Vec<String> {
        let has_any = |topic: &TopicQueues| topic.partitions.iter().any(|q| !q.waiting.is_empty());
        let topics = self.topics.iter().filter(|(_, topic)| has_any(topic));
        topics.map(|(name, _)| name.as_str().to_owned()).collect()
    }

    /// Takes a builder back whose batch was sealed.
    pub(super) fn recycle(&mut self, builder: BatchBuilder) {
        if self.idle_builders.len() < IDLE_BUILDERS_MAX && builder.is_empty() {
            self.idle_builders.push(builder);
        }
    }

    fn queue(&mut self, partition: &TopicPartition) -> Option<&mut PartitionQueue> {
        let index = usize::try_from(partition.partition.value()).ok()?;
        self.topics
            .get_mut(&partition.topic)?
            .partitions
            .get_mut(index)
    }
}

impl Batch {
    fn new(id: u64, partition: TopicPartition, builder: BatchBuilder, now: Instant) -> Batch {
        Batch {
            id,
            outcome: BatchOutcome::new(partition.clone()),
            partition,
            content: Content::Open(builder),
            records_count: 0,
            created: now,
            attempts: 0,
            memory_bytes: 0,
            serial: u64::MAX,
            not_before: None,
            stamp: None,
        }
    }

    /// Whether another record of so many bytes may be added.
    fn has_room(&self, record_bytes: usize, batch_bytes: usize) -> bool {
        match &self.content {
            Content::Open(builder) => builder.size_bytes() + record_bytes <= batch_bytes,
            Content::Sealed(_) => false,
        }
    }

    /// Adds a record for which there is room, or which is the first.
    fn append(&mut self, incoming: &Incoming<'_>) -> Result<Delivery, AppendError> {
        let Content::Open(builder) = &mut self.content else {
            unreachable!("a sealed batch has no room");
        };
        let record = incoming.record;
        let headers = record.headers.iter().map(|header| Header {
            key: &header.key,
            value: header.value.as_deref(),
        });
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        builder.append(Some(incoming.timestamp), key, value, headers)?;
        let index = self.records_count;
        self.records_count += 1;
        self.memory_bytes += incoming.bytes;
        Ok(Delivery {
            outcome: self.outcome.clone(),
            index,
            timestamp: incoming.timestamp,
        })
    }

    fn was_sent(&self) -> bool {
        self.attempts > 0
    }

    pub(super) fn size_bytes(&self) -> usize {
        match &self.content {
            Content::Open(builder) => builder.size_bytes(),
            Content::Sealed(batch) => batch.bytes().len(),
        }
    }
}
