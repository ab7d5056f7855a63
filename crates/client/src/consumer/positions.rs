//! The partitions that a consumer reads, how far it has come in each, and what was fetched and
//! not handed out yet. No I/O.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fleuve_model::{LeaderEpoch, Offset, TopicPartition};

use super::ConsumerRecord;
use super::record::FetchedBatch;
use crate::{ClientError, OffsetSpec};

/// The next record to hand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) offset: Offset,
    /// The epoch of the last record handed out.
    pub(super) leader_epoch: Option<LeaderEpoch>,
}

/// How a position is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Where the group has left off, else as `auto.offset.reset` says.
    Committed,
    /// As `auto.offset.reset` says.
    Reset,
    /// By asking the leader.
    At(OffsetSpec),
}

#[derive(Clone, Debug)]
pub(super) enum Place {
    Unknown(Wanted),
    Known(Position),
}

#[derive(Clone, Debug)]
pub(super) struct Assigned {
    pub(super) place: Place,
    pub(super) is_paused: bool,
    /// Fetched and not handed out.
    buffer: VecDeque<FetchedBatch>,
    /// What the buffer takes.
    buffered_bytes: usize,
    /// Where the next fetch begins; beyond what the buffer holds if records that are not shown
    /// follow it.
    fetched_to: Option<Offset>,
    pub(super) is_fetching: bool,
    /// What follows the buffer cannot be had; why is told when its turn comes.
    fails_ahead: bool,
    pub(super) high_watermark: Option<Offset>,
    /// Changes whenever the position is changed from outside, and is never used again, so that
    /// the answer to a fetch from before is known.
    pub(super) epoch: u64,
}

impl Assigned {
    fn new(epoch: u64) -> Assigned {
        Assigned {
            place: Place::Unknown(Wanted::Committed),
            is_paused: false,
            buffer: VecDeque::new(),
            buffered_bytes: 0,
            fetched_to: None,
            is_fetching: false,
            fails_ahead: false,
            high_watermark: None,
            epoch,
        }
    }

    /// Where a fetch would begin, if one is due: when no more than `enough_bytes` wait to be handed
    /// out, so that nobody waits for the network while there are records.
    pub(super) fn fetch_from(&self, enough_bytes: usize) -> Option<Offset> {
        let Place::Known(position) = &self.place else {
            return None;
        };
        let lacks = match self.fails_ahead {
            true => self.buffer.is_empty(),
            false => self.buffer.is_empty() || self.buffered_bytes <= enough_bytes,
        };
        let is_due = !self.is_paused && !self.is_fetching && lacks;
        is_due.then(|| self.fetched_to.unwrap_or(position.offset))
    }

    /// Notes that a fetch has failed. Whether its error's turn has come: otherwise what was fetched
    /// before is handed out first, and the fetch is repeated then.
    pub(super) fn failed(&mut self) -> bool {
        self.fails_ahead = !self.buffer.is_empty();
        !self.fails_ahead
    }

    /// Notes that a fetch from `from` has brought `batches`, and that the next begins at `end`.
    pub(super) fn fetched(&mut self, batches: Vec<FetchedBatch>, from: Offset, end: Offset) {
        self.buffered_bytes += batches.iter().map(FetchedBatch::size_bytes).sum::<usize>();
        self.buffer.extend(batches);
        self.fails_ahead = false;
        if end > from {
            self.fetched_to = Some(end);
        }
        self.pass_what_is_not_shown();
    }

    /// Moves the position to the next fetch's once nothing is left to show before it.
    fn pass_what_is_not_shown(&mut self) {
        if let (true, Some(fetched_to)) = (self.buffer.is_empty(), self.fetched_to)
            && let Place::Known(position) = &mut self.place
        {
            position.offset = fetched_to;
        }
    }

    /// Hands out records until `records` are `records_max`, and moves the position behind them.
    fn hand_out(
        &mut self,
        partition: &TopicPartition,
        records: &mut Vec<ConsumerRecord>,
        records_max: usize,
    ) -> Result<(), ClientError> {
        let before = records.len();
        let mut result = Ok(());
        while let Some(batch) = self.buffer.front_mut() {
            match batch.hand_out(partition, records, records_max) {
                Ok(true) => {
                    self.buffered_bytes -= batch.size_bytes();
                    self.buffer.pop_front();
                }
                Ok(false) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        if let Some(last) = records[before..].last() {
            self.place = Place::Known(Position {
                offset: last.offset.next(),
                leader_epoch: last.leader_epoch,
            });
        }
        self.pass_what_is_not_shown();
        result
    }

    fn forget_fetched(&mut self) {
        self.buffer.clear();
        self.buffered_bytes = 0;
        self.fetched_to = None;
        self.is_fetching = false;
        self.fails_ahead = false;
    }
}

/// The partitions that are read, by name.
#[derive(Debug, Default)]
pub(super) struct Positions {
    partitions: BTreeMap<TopicPartition, Assigned>,
    /// Which partition's buffer is emptied first, so that none starves.
    turn: usize,
    /// How many records the last turn brought: the next will bring about as many.
    taken_last: usize,
    next_epoch: u64,
}

impl Positions {
    /// Reads `partitions` and no others; those that stay keep their positions.
    pub(super) fn assign(&mut self, partitions: &BTreeSet<TopicPartition>) {
        self.partitions
            .retain(|partition, _| partitions.contains(partition));
        for partition in partitions {
            if !self.partitions.contains_key(partition) {
                let assigned = Assigned::new(self.new_epoch());
                self.partitions.insert(partition.clone(), assigned);
            }
        }
    }

    fn new_epoch(&mut self) -> u64 {
        self.next_epoch += 1;
        self.next_epoch
    }

    pub(super) fn assignment(&self) -> BTreeSet<TopicPartition> {
        self.partitions.keys().cloned().collect()
    }

    pub(super) fn get(&self, partition: &TopicPartition) -> Option<&Assigned> {
        self.partitions.get(partition)
    }

    pub(super) fn get_mut(&mut self, partition: &TopicPartition) -> Option<&mut Assigned> {
        self.partitions.get_mut(partition)
    }

    pub(super) fn len(&self) -> usize {
        self.partitions.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &Assigned)> {
        self.partitions.iter()
    }

    /// Moves a partition to another place; what was fetched is forgotten.
    pub(super) fn place(&mut self, partition: &TopicPartition, place: Place) -> bool {
        let epoch = self.new_epoch();
        let Some(assigned) = self.partitions.get_mut(partition) else {
            return false;
        };
        assigned.place = place;
        assigned.forget_fetched();
        assigned.epoch = epoch;
        true
    }

    /// Partitions whose position has to be found, and how.
    pub(super) fn wanted(&self) -> Vec<(TopicPartition, Wanted)> {
        let wanted =
            self.partitions
                .iter()
                .filter_map(|(partition, assigned)| match assigned.place {
                    Place::Unknown(wanted) => Some((partition.clone(), wanted)),
                    Place::Known(_) => None,
                });
        wanted.collect()
    }

    /// The positions that are known, to be committed.
    pub(super) fn known(&self) -> BTreeMap<TopicPartition, Position> {
        let known =
            self.partitions
                .iter()
                .filter_map(|(partition, assigned)| match assigned.place {
                    Place::Known(position) => Some((partition.clone(), position)),
                    Place::Unknown(_) => None,
                });
        known.collect()
    }

    /// Hands out up to `records_max` fetched records and moves the positions beyond them.
    ///
    /// # Errors
    /// A batch cannot be read, and it is the first one's turn. It is fetched again.
    pub(super) fn take(&mut self, records_max: usize) -> Result<Vec<ConsumerRecord>, ClientError> {
        let mut records = Vec::with_capacity(records_max.min(self.taken_last));
        let count = self.partitions.len();
        self.turn = (self.turn + 1) % count.max(1);
        for step in 0..count {
            let index = (self.turn + step) % count;
            let Some((partition, assigned)) = self.partitions.iter_mut().nth(index) else {
                break;
            };
            if records.len() >= records_max {
                break;
            }
            if assigned.is_paused || assigned.buffer.is_empty() {
                continue;
            }
            if let Err(error) = assigned.hand_out(partition, &mut records, records_max) {
                self.next_epoch += 1;
                assigned.forget_fetched();
                assigned.epoch = self.next_epoch;
                if records.is_empty() {
                    return Err(error);
                }
                break;
            }
        }
        self.taken_last = records.len();
        Ok(records)
    }

    /// Whether there is something to hand out; all of it may turn out not to be shown.
    pub(super) fn has_records(&self) -> bool {
        self.partitions
            .values()
            .any(|a| !a.is_paused && !a.buffer.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use fleuve_model::record::{BatchBuilder, BatchSettings, NO_HEADERS, RecordBatch};
    use fleuve_model::{PartitionId, TopicName};

    use super::*;

    fn offset(offset: i64) -> Offset {
        Offset::from_wire(offset).expect("not negative")
    }

    fn partition() -> TopicPartition {
        let topic = TopicName::new("t").expect("valid");
        TopicPartition::new(topic, PartitionId::new(0).expect("valid"))
    }

    fn batch(base_offset: i64, count: usize) -> RecordBatch {
        let mut builder = BatchBuilder::new();
        for _ in 0..count {
            let appended = builder.append(None, None, Some(b"x"), NO_HEADERS);
            appended.expect("there is room");
        }
        let settings = BatchSettings {
            base_offset: offset(base_offset),
            ..BatchSettings::default()
        };
        builder.build(&settings).expect("it is small")
    }

    /// One partition at offset 0, for which batches were fetched up to `end`.
    fn fetched(batches: Vec<RecordBatch>, end: i64) -> Positions {
        let mut positions = Positions::default();
        positions.assign(&BTreeSet::from([partition()]));
        let place = Place::Known(Position {
            offset: Offset::ZERO,
            leader_epoch: None,
        });
        assert!(positions.place(&partition(), place));
        let assigned = positions.get_mut(&partition()).expect("it is assigned");
        let batches = batches.into_iter();
        let batches = batches.map(|batch| FetchedBatch::new(batch, Offset::ZERO));
        assigned.fetched(batches.collect(), Offset::ZERO, offset(end));
        positions
    }

    fn position(positions: &Positions) -> Offset {
        match &positions.get(&partition()).expect("it is assigned").place {
            Place::Known(position) => position.offset,
            Place::Unknown(_) => panic!("it was known"),
        }
    }

    #[test]
    fn the_position_follows_what_was_handed_out_and_passes_what_is_not_shown() {
        let mut positions = fetched(vec![batch(0, 3), batch(3, 2)], 7);
        assert_eq!(positions.take(4).expect("whole").len(), 4);
        assert_eq!(position(&positions), offset(4));
        assert_eq!(positions.take(4).expect("whole").len(), 1);
        assert_eq!(position(&positions), offset(7));
    }

    #[test]
    fn the_next_fetch_is_due_before_the_last_record_is_handed_out() {
        let mut positions = fetched(vec![batch(0, 9), batch(9, 9)], 18);
        let one_batch = batch(0, 9).bytes().len();
        let due = |positions: &Positions| {
            let assigned = positions.get(&partition()).expect("it is assigned");
            assigned.fetch_from(one_batch + 1)
        };
        assert_eq!(due(&positions), None);
        assert_eq!(positions.take(10).expect("whole").len(), 10);
        assert_eq!(due(&positions), Some(offset(18)));
    }

    #[test]
    fn what_fails_ahead_is_asked_for_again_when_the_records_before_it_are_handed_out() {
        let mut positions = fetched(vec![batch(0, 3)], 3);
        let assigned = positions.get_mut(&partition()).expect("it is assigned");
        assert_eq!(assigned.fetch_from(usize::MAX), Some(offset(3)));
        assert!(!assigned.failed(), "records come before it");
        assert_eq!(assigned.fetch_from(usize::MAX), None);
        assert_eq!(positions.take(9).expect("whole").len(), 3);
        let assigned = positions.get_mut(&partition()).expect("it is assigned");
        assert_eq!(assigned.fetch_from(usize::MAX), Some(offset(3)));
        assert!(assigned.failed(), "its turn has come");
    }

    #[test]
    fn a_damaged_batch_is_an_error_after_the_records_before_it_and_is_fetched_again() {
        let mut bytes = batch(3, 1).into_bytes().to_vec();
        *bytes.last_mut().expect("it has records") = 0x7f;
        let damaged = RecordBatch::parse(&Bytes::from(bytes)).expect("the header is whole");
        let mut positions = fetched(vec![batch(0, 3), damaged], 4);
        assert_eq!(positions.take(9).expect("three are whole").len(), 3);
        let assigned = positions.get(&partition()).expect("it is assigned");
        assert_eq!(assigned.fetch_from(1), Some(offset(3)));
    }
}
