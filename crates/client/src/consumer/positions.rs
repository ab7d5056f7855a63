//! The partitions that a consumer reads, how far it has come in each, and what was fetched and
//! not handed out yet. No I/O.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fleuve_model::{LeaderEpoch, Offset, TopicPartition};

use super::ConsumerRecord;
use crate::OffsetSpec;

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
    pub(super) buffer: VecDeque<ConsumerRecord>,
    /// Where the next fetch begins once the buffer is empty; beyond the position if records
    /// that are not shown lie in between.
    pub(super) fetched_to: Option<Offset>,
    pub(super) is_fetching: bool,
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
            fetched_to: None,
            is_fetching: false,
            high_watermark: None,
            epoch,
        }
    }

    /// Where a fetch would begin, if one is due.
    pub(super) fn fetch_from(&self) -> Option<Offset> {
        let Place::Known(position) = &self.place else {
            return None;
        };
        let is_due = !self.is_paused && !self.is_fetching && self.buffer.is_empty();
        is_due.then(|| self.fetched_to.unwrap_or(position.offset))
    }
}

/// The partitions that are read, by name.
#[derive(Debug, Default)]
pub(super) struct Positions {
    partitions: BTreeMap<TopicPartition, Assigned>,
    /// Which partition's buffer is emptied first, so that none starves.
    turn: usize,
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
        assigned.buffer.clear();
        assigned.fetched_to = None;
        assigned.is_fetching = false;
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
    pub(super) fn take(&mut self, records_max: usize) -> Vec<ConsumerRecord> {
        let mut records = Vec::new();
        let count = self.partitions.len();
        self.turn = (self.turn + 1) % count.max(1);
        for step in 0..count {
            let index = (self.turn + step) % count;
            let Some(assigned) = self.partitions.values_mut().nth(index) else {
                break;
            };
            if records.len() >= records_max {
                break;
            }
            if assigned.is_paused || assigned.buffer.is_empty() {
                continue;
            }
            let taken = assigned.buffer.len().min(records_max - records.len());
            records.extend(assigned.buffer.drain(..taken));
            let last = records.last().expect("at least one was taken");
            let offset = match assigned.fetched_to {
                Some(fetched_to) if assigned.buffer.is_empty() => fetched_to,
                _ => last.offset.next(),
            };
            let leader_epoch = last.leader_epoch;
            assigned.place = Place::Known(Position {
                offset,
                leader_epoch,
            });
        }
        records
    }

    /// Whether any record could be handed out.
    pub(super) fn has_records(&self) -> bool {
        self.partitions
            .values()
            .any(|a| !a.is_paused && !a.buffer.is_empty())
    }
}
