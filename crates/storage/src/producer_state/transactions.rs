use std::collections::BTreeMap;

use fleuve_model::{Offset, ProducerId};

/// The transactions of a log that bound its last stable offset: those that are open, and those
/// whose marker consumers cannot see yet because it lies above the high watermark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transactions {
    open: BTreeMap<Offset, ProducerId>,
    /// By first offset, the offset of the marker.
    completed: BTreeMap<Offset, Offset>,
}

/// A transaction whose marker has been appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletedTransaction {
    /// Who wrote it.
    pub producer: ProducerId,
    /// The offset of its first record.
    pub first_offset: Offset,
    /// The offset of its marker.
    pub last_offset: Offset,
    /// Whether it was undone.
    pub aborted: bool,
    /// The last stable offset once everything up to the marker is visible.
    pub last_stable_offset: Offset,
}

impl Transactions {
    /// Up to where every transaction is decided, for a reader who sees what lies below
    /// `high_watermark`.
    pub fn last_stable_offset(&self, high_watermark: Offset) -> Offset {
        let open = self.first_open();
        let unseen = self
            .completed
            .iter()
            .find(|(_, marker)| **marker >= high_watermark)
            .map(|(first, _)| *first);
        [open, unseen]
            .into_iter()
            .flatten()
            .fold(high_watermark, Offset::min)
    }

    /// Where the oldest open transaction begins.
    pub fn first_open(&self) -> Option<Offset> {
        self.open.first_key_value().map(|(first, _)| *first)
    }

    /// The open transactions: where each begins, and whose it is.
    pub fn open(&self) -> impl ExactSizeIterator<Item = (Offset, ProducerId)> + '_ {
        self.open
            .iter()
            .map(|(first, producer)| (*first, *producer))
    }

    /// Forgets the completed ones that every reader sees. Returns whether there were any.
    pub fn forget_below(&mut self, high_watermark: Offset) -> bool {
        let before = self.completed.len();
        self.completed.retain(|_, marker| *marker >= high_watermark);
        before != self.completed.len()
    }

    pub(super) fn begin(&mut self, first: Offset, producer: ProducerId) {
        self.open.insert(first, producer);
    }

    pub(super) fn complete(
        &mut self,
        first_offset: Offset,
        last_offset: Offset,
        producer: ProducerId,
        aborted: bool,
    ) -> CompletedTransaction {
        self.open.remove(&first_offset);
        self.completed.insert(first_offset, last_offset);
        let last_stable_offset = self.first_open().unwrap_or(last_offset.next());
        CompletedTransaction {
            producer,
            first_offset,
            last_offset,
            aborted,
            last_stable_offset,
        }
    }
}
