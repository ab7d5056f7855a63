//! What a log remembers of each idempotent or transactional producer (KIP-98, KIP-890).
//!
//! Per producer: its epoch, its last five batches and the transaction it has open. From this an
//! append tells new batches from duplicates and gaps, and readers learn which transactions are
//! undecided. The state follows from the log alone: it is replayed from the batches since the
//! newest snapshot. Start at [`ProducerStates::check`] and [`ProducerStates::apply`].

mod snapshot;
mod transactions;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use fleuve_model::record::{BatchHeader, BatchProducer, EndTransactionMarker, TransactionResult};
use fleuve_model::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

pub use snapshot::{SnapshotError, decode_snapshot, encode_snapshot};
pub use transactions::{CompletedTransaction, Transactions};

/// How many batches of a producer are remembered: what it may have in flight.
pub const BATCHES_REMEMBERED: usize = 5;

/// Who appends, which decides how strictly it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOrigin {
    /// A producer: sequences must follow one another.
    Client,
    /// A group or transaction coordinator: epochs count, sequences do not.
    Coordinator,
    /// The partition's leader, which has checked already: nothing is refused.
    Replication,
}

/// A batch that a producer wrote, as remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RememberedBatch {
    /// The sequence number of its last record.
    pub last_sequence: Option<Sequence>,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// Last offset minus first offset.
    pub offset_delta: u32,
    /// Its largest timestamp.
    pub timestamp: Option<Timestamp>,
}

impl RememberedBatch {
    /// The offset of its first record.
    pub fn first_offset(&self) -> Offset {
        Offset::new(
            self.last_offset
                .value()
                .saturating_sub(i64::from(self.offset_delta)),
        )
        .unwrap_or(Offset::ZERO)
    }

    /// The sequence number of its first record.
    pub fn first_sequence(&self) -> Option<Sequence> {
        // Sequences count modulo 2^31: going on by the rest of the circle is going back.
        let circle = 1_u32 << 31;
        Some(
            self.last_sequence?
                .advance(circle.wrapping_sub(self.offset_delta)),
        )
    }
}

/// One producer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerEntry {
    /// Its epoch; none before anything is known of it.
    pub epoch: Option<ProducerEpoch>,
    /// The epoch of the transaction coordinator that wrote its last marker.
    pub coordinator_epoch: Option<i32>,
    /// The timestamp of its last batch or marker, by which it expires.
    pub last_timestamp: Option<Timestamp>,
    /// Where its open transaction begins.
    pub transaction_start: Option<Offset>,
    batches: VecDeque<RememberedBatch>,
}

impl ProducerEntry {
    /// The batches remembered, oldest first.
    pub fn batches(&self) -> impl ExactSizeIterator<Item = &RememberedBatch> {
        self.batches.iter()
    }

    /// The last batch remembered.
    pub fn last_batch(&self) -> Option<&RememberedBatch> {
        self.batches.back()
    }

    fn enter_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != Some(epoch) {
            self.batches.clear();
            self.epoch = Some(epoch);
        }
    }

    fn remember(&mut self, batch: RememberedBatch) {
        if self.batches.len() == BATCHES_REMEMBERED {
            self.batches.pop_front();
        }
        self.batches.push_back(batch);
    }

    fn find_duplicate(
        &self,
        producer: &BatchProducer,
        last: Option<Sequence>,
    ) -> Option<&RememberedBatch> {
        if self.epoch != Some(producer.epoch) || last.is_none() {
            return None;
        }
        self.batches.iter().find(|batch| {
            batch.last_sequence == last && batch.first_sequence() == producer.base_sequence
        })
    }
}

/// Why a producer's batch or marker is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    /// A newer incarnation of the producer has written.
    #[error("producer {producer} writes at epoch {requested}, last seen was {current}")]
    InvalidProducerEpoch {
        /// Who writes.
        producer: ProducerId,
        /// The epoch it writes at.
        requested: ProducerEpoch,
        /// The epoch that was seen last.
        current: ProducerEpoch,
    },
    /// Batches before this one are missing, or it is too old to tell.
    #[error("producer {producer} sent sequence {first:?} after {last:?}")]
    OutOfOrderSequence {
        /// Who writes.
        producer: ProducerId,
        /// The batch's first sequence number.
        first: Option<Sequence>,
        /// The last sequence number before it, if any is known.
        last: Option<Sequence>,
    },
    /// A plain batch of a producer that has a transaction open.
    #[error("producer {0} has a transaction open and sent a batch that is not part of it")]
    InvalidTransactionState(ProducerId),
    /// The marker is from a coordinator that has been replaced.
    #[error("marker of coordinator epoch {requested}, last seen was {current}")]
    CoordinatorFenced {
        /// The marker's coordinator epoch.
        requested: i32,
        /// The coordinator epoch that was seen last.
        current: i32,
    },
}

/// What a batch is to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceVerdict {
    /// It comes next.
    New,
    /// It is in the log already: this is it.
    Duplicate(RememberedBatch),
}

/// All producers of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerStates {
    producers: BTreeMap<ProducerId, ProducerEntry>,
    transactions: Transactions,
}

impl ProducerStates {
    /// The state that a snapshot holds. Producers that have expired at `now` are left out.
    pub fn from_snapshot(
        producers: BTreeMap<ProducerId, ProducerEntry>,
        now: Timestamp,
        expiration: Duration,
    ) -> ProducerStates {
        let mut states = ProducerStates {
            producers,
            transactions: Transactions::default(),
        };
        states.expire(now, expiration);
        for (producer, entry) in &states.producers {
            if let Some(start) = entry.transaction_start {
                states.transactions.begin(start, *producer);
            }
        }
        states
    }

    /// The producers, in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ProducerId, &ProducerEntry)> {
        self.producers.iter()
    }

    /// What is known of `producer`.
    pub fn get(&self, producer: ProducerId) -> Option<&ProducerEntry> {
        self.producers.get(&producer)
    }

    /// The transactions that readers may have to wait for.
    pub fn transactions(&self) -> &Transactions {
        &self.transactions
    }

    pub(crate) fn transactions_mut(&mut self) -> &mut Transactions {
        &mut self.transactions
    }

    /// Judges a data batch of `origin` before it is appended. Changes nothing.
    pub fn check(
        &self,
        header: &BatchHeader,
        origin: AppendOrigin,
    ) -> Result<SequenceVerdict, ProducerError> {
        let Some(producer) = &header.producer else {
            return Ok(SequenceVerdict::New);
        };
        let unknown = ProducerEntry::default();
        let entry = self.producers.get(&producer.id).unwrap_or(&unknown);
        if origin == AppendOrigin::Replication {
            return Ok(SequenceVerdict::New);
        }
        if origin == AppendOrigin::Client
            && let Some(batch) = entry.find_duplicate(producer, header.last_sequence())
        {
            return Ok(SequenceVerdict::Duplicate(*batch));
        }
        check_epoch(entry, producer)?;
        if origin == AppendOrigin::Client {
            check_sequence(entry, producer)?;
        }
        if entry.transaction_start.is_some() && !header.attributes.is_transactional() {
            return Err(ProducerError::InvalidTransactionState(producer.id));
        }
        Ok(SequenceVerdict::New)
    }

    /// Judges a marker before it is appended. Changes nothing.
    pub fn check_marker(
        &self,
        producer: &BatchProducer,
        marker: EndTransactionMarker,
        origin: AppendOrigin,
    ) -> Result<(), ProducerError> {
        let Some(entry) = self.producers.get(&producer.id) else {
            return Ok(());
        };
        if origin == AppendOrigin::Replication {
            return Ok(());
        }
        check_epoch(entry, producer)?;
        let requested = marker.coordinator_epoch;
        match entry.coordinator_epoch {
            Some(current) if current > requested => {
                Err(ProducerError::CoordinatorFenced { requested, current })
            }
            _ => Ok(()),
        }
    }

    /// Notes a data batch that is in the log now.
    pub fn apply(&mut self, header: &BatchHeader) {
        let Some(producer) = header.producer else {
            return;
        };
        let entry = self.producers.entry(producer.id).or_default();
        entry.enter_epoch(producer.epoch);
        entry.remember(RememberedBatch {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
        entry.last_timestamp = header.max_timestamp;
        if header.attributes.is_transactional() && entry.transaction_start.is_none() {
            entry.transaction_start = Some(header.base_offset);
            self.transactions.begin(header.base_offset, producer.id);
        }
    }

    /// Notes a marker that is in the log now, at `offset`. Returns the transaction it ends; a
    /// marker without records before it ends none.
    pub fn apply_marker(
        &mut self,
        producer: &BatchProducer,
        marker: EndTransactionMarker,
        offset: Offset,
        timestamp: Option<Timestamp>,
    ) -> Option<CompletedTransaction> {
        let entry = self.producers.entry(producer.id).or_default();
        entry.enter_epoch(producer.epoch);
        entry.coordinator_epoch = Some(marker.coordinator_epoch);
        entry.last_timestamp = timestamp;
        let first_offset = entry.transaction_start.take()?;
        let aborted = marker.result == TransactionResult::Abort;
        Some(
            self.transactions
                .complete(first_offset, offset, producer.id, aborted),
        )
    }

    /// Forgets the producers that have been silent for `expiration`, unless they have a
    /// transaction open. Returns how many.
    pub fn expire(&mut self, now: Timestamp, expiration: Duration) -> usize {
        let before = self.producers.len();
        self.producers.retain(|_, entry| {
            let last = entry.last_timestamp.unwrap_or(Timestamp::from_millis(-1));
            entry.transaction_start.is_some() || now.since(last) < expiration
        });
        before - self.producers.len()
    }
}

fn check_epoch(entry: &ProducerEntry, producer: &BatchProducer) -> Result<(), ProducerError> {
    match entry.epoch {
        Some(current) if producer.epoch < current => Err(ProducerError::InvalidProducerEpoch {
            producer: producer.id,
            requested: producer.epoch,
            current,
        }),
        _ => Ok(()),
    }
}

fn check_sequence(entry: &ProducerEntry, producer: &BatchProducer) -> Result<(), ProducerError> {
    // Of a producer that is not known any more (retention, expiry) any sequence is taken.
    let Some(epoch) = entry.epoch else {
        return Ok(());
    };
    let first = producer.base_sequence;
    let last = entry.last_batch().and_then(|batch| batch.last_sequence);
    let follows = if epoch == producer.epoch {
        let expected = last.map_or(Sequence::ZERO, |last| last.advance(1));
        first == Some(expected)
    } else {
        first == Some(Sequence::ZERO)
    };
    if follows {
        Ok(())
    } else {
        Err(ProducerError::OutOfOrderSequence {
            producer: producer.id,
            first,
            last,
        })
    }
}
