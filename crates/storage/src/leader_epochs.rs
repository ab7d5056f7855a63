//! Which leader epoch begins at which offset of a log (KIP-101, KIP-279).
//!
//! Epochs and their start offsets both rise strictly. The log keeps this table in memory, and in
//! `leader-epoch-checkpoint` as far as the recovery point reaches: what lies above is read back
//! from the batches. Start at [`LeaderEpochs::end_offset_for`].

use std::collections::BTreeMap;

use fleuve_model::{LeaderEpoch, Offset};

use crate::checkpoint_file::{self, CheckpointError};

/// The epochs of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderEpochs {
    starts: BTreeMap<LeaderEpoch, Offset>,
}

impl LeaderEpochs {
    /// Reads the content of a `leader-epoch-checkpoint`.
    pub fn decode(content: &[u8]) -> Result<LeaderEpochs, CheckpointError> {
        let mut epochs = LeaderEpochs::default();
        for (epoch, start) in checkpoint_file::decode_epochs(content)? {
            epochs.assign(epoch, start);
        }
        Ok(epochs)
    }

    /// The content for a `leader-epoch-checkpoint`.
    pub fn encode(&self) -> String {
        checkpoint_file::encode_epochs(&self.starts)
    }

    /// Notes that the records from `start` on were written at `epoch`. Entries that cannot be
    /// true beside it go. Returns whether anything changed.
    pub fn assign(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        if let Some((latest, latest_start)) = self.latest()
            && latest == epoch
            && latest_start <= start
        {
            return false;
        }
        self.remove_last_while(|known, known_start| known >= epoch || known_start >= start);
        self.starts.insert(epoch, start);
        true
    }

    /// The latest epoch and where it begins.
    pub fn latest(&self) -> Option<(LeaderEpoch, Offset)> {
        self.starts
            .last_key_value()
            .map(|(epoch, start)| (*epoch, *start))
    }

    /// The latest epoch.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.latest().map(|(epoch, _)| epoch)
    }

    /// The epoch that the record at `offset` was written at.
    pub fn epoch_of(&self, offset: Offset) -> Option<LeaderEpoch> {
        let begun = self
            .starts
            .iter()
            .take_while(|(_, start)| **start <= offset);
        begun.last().map(|(epoch, _)| *epoch)
    }

    /// The largest epoch of this log not above `requested`, and the offset at which it ends. A
    /// follower compares this with its own log to find where both part (KIP-279). `None` if the
    /// log knows no epoch that high.
    pub fn end_offset_for(
        &self,
        requested: LeaderEpoch,
        log_end: Offset,
    ) -> Option<(LeaderEpoch, Offset)> {
        if self.latest_epoch() == Some(requested) {
            return Some((requested, log_end));
        }
        let above = (
            std::ops::Bound::Excluded(requested),
            std::ops::Bound::Unbounded,
        );
        let (_, end) = self.starts.range(above).next()?;
        // Below the first known epoch the records are gone: it ends where what is left begins.
        let floor = self
            .starts
            .range(..=requested)
            .next_back()
            .map(|(epoch, _)| *epoch);
        Some((floor.unwrap_or(requested), *end))
    }

    /// Forgets what begins at `end` or later. Returns whether anything changed.
    pub fn truncate_from_end(&mut self, end: Offset) -> bool {
        self.remove_last_while(|_, start| start >= end)
    }

    /// Forgets what ends at `log_start` or earlier; the epoch that goes on there begins there.
    /// Returns whether anything changed.
    pub fn truncate_from_start(&mut self, log_start: Offset) -> bool {
        let Some(epoch) = self.epoch_of(log_start) else {
            return false;
        };
        if self.starts.first_key_value() == Some((&epoch, &log_start)) {
            return false;
        }
        self.starts.retain(|known, _| *known >= epoch);
        self.starts.insert(epoch, log_start);
        true
    }

    /// Forgets everything. Returns whether there was anything.
    pub fn clear(&mut self) -> bool {
        let had_any = !self.starts.is_empty();
        self.starts.clear();
        had_any
    }

    /// The epochs in order, each with its start offset.
    pub fn iter(&self) -> impl Iterator<Item = (LeaderEpoch, Offset)> + '_ {
        self.starts.iter().map(|(epoch, start)| (*epoch, *start))
    }

    fn remove_last_while(&mut self, goes: impl Fn(LeaderEpoch, Offset) -> bool) -> bool {
        let before = self.starts.len();
        while let Some((epoch, start)) = self.latest()
            && goes(epoch, start)
        {
            self.starts.remove(&epoch);
        }
        self.starts.len() != before
    }
}
