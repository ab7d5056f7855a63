//! What a batch changed and the tree does not have yet.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::super::EventTimeMs;

/// What a changed row takes beside its bytes: two allocations and its place in the map.
const ROW_BYTES: u64 = 96;

/// The changes of one store since the last commit.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    /// Rows by the tree's keys; `None` is removed.
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Event times whose rows in the tree are dropped.
    pub(super) dropped: BTreeSet<EventTimeMs>,
    /// How many rows the event times have that were touched.
    pub(super) counts: BTreeMap<EventTimeMs, u64>,
    bytes: u64,
}

impl Overlay {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.dropped.is_empty() && self.counts.is_empty()
    }

    /// What is known of a row here: nothing, that it is gone, or its value.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.rows.get(key).map(Option::as_deref)
    }

    pub(super) fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.bytes += row_bytes(&key, value.as_deref());
        let key_bytes = key.len();
        if let Some(old) = self.rows.insert(key, value) {
            self.bytes -= ROW_BYTES + (key_bytes + old.map_or(0, |old| old.len())) as u64;
        }
    }

    pub(super) fn range(
        &self,
        range: Range<Vec<u8>>,
    ) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.rows
            .range(range)
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// Forgets the changes in `range`.
    pub(super) fn forget(&mut self, range: Range<Vec<u8>>) {
        let keys: Vec<Vec<u8>> = self.rows.range(range).map(|(key, _)| key.clone()).collect();
        for key in keys {
            if let Some(value) = self.rows.remove(&key) {
                self.bytes -= row_bytes(&key, value.as_deref());
            }
        }
    }

    pub(super) fn into_rows(self) -> impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> {
        self.rows.into_iter()
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.bytes + ROW_BYTES * (self.dropped.len() + self.counts.len()) as u64
    }
}

fn row_bytes(key: &[u8], value: Option<&[u8]>) -> u64 {
    ROW_BYTES + (key.len() + value.map_or(0, <[u8]>::len)) as u64
}
