//! One store of one partition: the tree's rows under those of the batch.
//!
//! Always true: the totals are those of the rows, whichever version the tree has.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::super::folder::damaged;
use super::super::format::{Change, changes, put_change};
use super::super::{EventTimeMs, StateError, StateStore, StateVersion, Visitor};
use super::keys::{KEY_BYTES_MAX, Keys, STORES_MAX, parse};
use super::overlay::Overlay;
use super::tree::Tree;

/// How many rows and event times a store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Totals {
    rows: u64,
    untimed_rows: u64,
    times: u64,
}

impl Totals {
    fn to_bytes(self) -> Vec<u8> {
        let numbers = [self.rows, self.untimed_rows, self.times];
        numbers.map(u64::to_le_bytes).concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, []) = bytes.as_chunks::<8>() else {
            return None;
        };
        let [rows, untimed_rows, times] = *numbers else {
            return None;
        };
        Some(Self {
            rows: u64::from_le_bytes(rows),
            untimed_rows: u64::from_le_bytes(untimed_rows),
            times: u64::from_le_bytes(times),
        })
    }
}

/// A store that lives in a tree.
#[derive(Debug)]
pub(super) struct FjallStore {
    tree: Arc<Tree>,
    keys: Keys,
    totals: Totals,
    overlay: Overlay,
    changes: Vec<u8>,
    /// The tree has no rows of earlier event times; to look for them again each batch would be to
    /// walk over all that was dropped lately.
    first_time: Cell<EventTimeMs>,
}

impl FjallStore {
    pub(super) fn open(tree: Arc<Tree>, store: usize, partition: u32) -> Result<Self, StateError> {
        assert!(store < STORES_MAX, "an operator has fewer stores");
        let keys = Keys::new(store, partition);
        let totals = match tree.get(&keys.totals())? {
            None => Totals::default(),
            Some(bytes) => Totals::from_bytes(&bytes)
                .ok_or_else(|| damaged(tree.folder(), "totals are no totals".to_owned()))?,
        };
        Ok(Self {
            tree,
            keys,
            totals,
            overlay: Overlay::default(),
            changes: Vec::new(),
            first_time: Cell::new(EventTimeMs::MIN),
        })
    }

    /// Applies the changes of a delta, without noting them as new.
    pub(super) fn apply(&mut self, bytes: &[u8], file: &Path) -> Result<(), StateError> {
        for change in changes(bytes) {
            match change.map_err(|reason| damaged(file, reason))? {
                Change::Put { time, key, value } => self.put_row(time, key, value).map(|_| ())?,
                Change::Remove { time, key } => self.remove_row(time, key).map(|_| ())?,
                Change::DropTime { time } => self.drop_rows(time).map(|_| ())?,
            }
        }
        Ok(())
    }

    fn row_key(&self, time: Option<EventTimeMs>, key: &[u8]) -> Result<Vec<u8>, StateError> {
        let row = self.keys.row(time, key);
        if row.len() > KEY_BYTES_MAX {
            return Err(StateError::KeyTooLong {
                bytes: key.len(),
                bytes_max: KEY_BYTES_MAX - (row.len() - key.len()),
            });
        }
        Ok(row)
    }

    fn is_dropped(&self, time: Option<EventTimeMs>) -> bool {
        time.is_some_and(|time| self.overlay.dropped.contains(&time))
    }

    fn contains(&self, time: Option<EventTimeMs>, row: &[u8]) -> Result<bool, StateError> {
        match self.overlay.get(row) {
            Some(value) => Ok(value.is_some()),
            None if self.is_dropped(time) => Ok(false),
            None => self.tree.contains(row),
        }
    }

    /// How many rows an event time has.
    fn count(&self, time: EventTimeMs) -> Result<u64, StateError> {
        if let Some(count) = self.overlay.counts.get(&time) {
            return Ok(*count);
        }
        let count = self.tree.get(&self.keys.count(time))?;
        count.map_or(Ok(0), |bytes| self.parse_count(&bytes))
    }

    fn parse_count(&self, bytes: &[u8]) -> Result<u64, StateError> {
        let bytes = bytes.try_into();
        let bytes = bytes.map_err(|_| damaged(self.tree.folder(), "no count".to_owned()))?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn put_row(
        &mut self,
        time: Option<EventTimeMs>,
        key: &[u8],
        value: &[u8],
    ) -> Result<bool, StateError> {
        let row = self.row_key(time, key)?;
        let fresh = !self.contains(time, &row)?;
        if fresh {
            match time {
                None => self.totals.untimed_rows += 1,
                Some(time) => {
                    let count = self.count(time)?;
                    self.totals.times += u64::from(count == 0);
                    self.overlay.counts.insert(time, count + 1);
                    self.first_time.set(self.first_time.get().min(time));
                }
            }
            self.totals.rows += 1;
        }
        self.overlay.set(row, Some(value.to_vec()));
        Ok(fresh)
    }

    fn remove_row(&mut self, time: Option<EventTimeMs>, key: &[u8]) -> Result<bool, StateError> {
        let row = self.row_key(time, key)?;
        if !self.contains(time, &row)? {
            return Ok(false);
        }
        match time {
            None => self.totals.untimed_rows -= 1,
            Some(time) => {
                let count = self.count(time)? - 1;
                self.totals.times -= u64::from(count == 0);
                self.overlay.counts.insert(time, count);
            }
        }
        self.totals.rows -= 1;
        self.overlay.set(row, None);
        Ok(true)
    }

    fn drop_rows(&mut self, time: EventTimeMs) -> Result<u64, StateError> {
        let count = self.count(time)?;
        if count > 0 {
            self.overlay.forget(self.keys.at(time));
            self.overlay.dropped.insert(time);
            self.overlay.counts.insert(time, 0);
            self.totals.rows -= count;
            self.totals.times -= 1;
        }
        Ok(count)
    }

    /// Visits the rows of a range of keys as they are now.
    fn visit(&self, range: Range<Vec<u8>>, visit: &mut Visitor<'_>) -> Result<(), StateError> {
        let mut show = |row: &[u8], value: &[u8]| {
            let (time, key) = parse(row)
                .ok_or_else(|| damaged(self.tree.folder(), "a row has no key".to_owned()))?;
            visit(time, key, value);
            Ok(())
        };
        let mut changed = self.overlay.range(range.clone()).peekable();
        for row in self.tree.range(range) {
            let (row, value) = row?;
            while let Some((key, value)) = changed.next_if(|(key, _)| *key < &*row) {
                value.map_or(Ok(()), |value| show(key, value))?;
            }
            if let Some((key, value)) = changed.next_if(|(key, _)| *key == &*row) {
                value.map_or(Ok(()), |value| show(key, value))?;
            } else if !self.is_dropped(parse(&row).and_then(|(time, _)| time)) {
                show(&row, &value)?;
            }
        }
        changed
            .filter_map(|(key, value)| Some((key, value?)))
            .try_for_each(|(key, value)| show(key, value))
    }

    /// Removes the tree's rows of a dropped event time. There may be more of them than fit into
    /// memory, so their removal may reach the files before the version it belongs to: that version
    /// is committed, and drops them again by its delta should it be lost.
    fn purge(&self, time: EventTimeMs, version: StateVersion) -> Result<(), StateError> {
        for row in self.tree.range(self.keys.at(time)) {
            self.tree.set(row?.0.to_vec(), None);
            if self.tree.is_full() {
                self.tree.begin(version)?;
                self.tree.seal();
                self.tree.write_out()?;
            }
        }
        Ok(())
    }
}

impl StateStore for FjallStore {
    fn get(
        &self,
        time: Option<EventTimeMs>,
        key: &[u8],
    ) -> Result<Option<Cow<'_, [u8]>>, StateError> {
        let row = self.row_key(time, key)?;
        match self.overlay.get(&row) {
            Some(value) => Ok(value.map(Cow::Borrowed)),
            None if self.is_dropped(time) => Ok(None),
            None => Ok(self.tree.get(&row)?.map(|value| Cow::Owned(value.to_vec()))),
        }
    }

    fn put(
        &mut self,
        time: Option<EventTimeMs>,
        key: &[u8],
        value: &[u8],
    ) -> Result<bool, StateError> {
        let fresh = self.put_row(time, key, value)?;
        put_change(&mut self.changes, Change::Put { time, key, value });
        Ok(fresh)
    }

    fn remove(&mut self, time: Option<EventTimeMs>, key: &[u8]) -> Result<bool, StateError> {
        let removed = self.remove_row(time, key)?;
        if removed {
            put_change(&mut self.changes, Change::Remove { time, key });
        }
        Ok(removed)
    }

    fn for_each(&self, visit: &mut Visitor<'_>) -> Result<(), StateError> {
        self.visit(self.keys.untimed(&[]), visit)?;
        self.visit(self.keys.timed(), visit)
    }

    fn for_each_prefix(&self, prefix: &[u8], visit: &mut Visitor<'_>) -> Result<(), StateError> {
        self.visit(self.keys.untimed(prefix), visit)?;
        self.visit(self.keys.timed(), &mut |time, key, value| {
            if key.starts_with(prefix) {
                visit(time, key, value);
            }
        })
    }

    fn times_until(&self, last: EventTimeMs) -> Result<Vec<EventTimeMs>, StateError> {
        let touched = self.overlay.counts.range(..=last);
        let mut times: BTreeSet<EventTimeMs> = touched
            .filter(|(_, count)| **count > 0)
            .map(|(time, _)| *time)
            .collect();
        let first = self.first_time.get();
        if first > last {
            return Ok(times.into_iter().collect());
        }
        let mut found = false;
        for row in self.tree.range(self.keys.counts(first, last)) {
            found = true;
            let (row, _) = row?;
            let time = parse(&row)
                .and_then(|(time, _)| time)
                .ok_or_else(|| damaged(self.tree.folder(), "a count has no time".to_owned()))?;
            if !self.overlay.counts.contains_key(&time) {
                times.insert(time);
            }
        }
        if !found {
            let beyond = last.saturating_add(1);
            let earliest = self.overlay.counts.keys().next();
            self.first_time
                .set(earliest.map_or(beyond, |time| beyond.min(*time)));
        }
        Ok(times.into_iter().collect())
    }

    fn for_each_at(
        &self,
        time: EventTimeMs,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), StateError> {
        self.visit(self.keys.at(time), &mut |_, key, value| visit(key, value))
    }

    fn drop_time(&mut self, time: EventTimeMs) -> Result<u64, StateError> {
        let dropped = self.drop_rows(time)?;
        if dropped > 0 {
            put_change(&mut self.changes, Change::DropTime { time });
        }
        Ok(dropped)
    }

    fn rows(&self) -> u64 {
        self.totals.rows
    }

    fn memory_bytes(&self) -> u64 {
        self.overlay.memory_bytes() + self.changes.capacity() as u64
    }

    fn shards(&self) -> u64 {
        self.totals.times + u64::from(self.totals.untimed_rows > 0)
    }

    fn take_changes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.changes)
    }

    fn commit(&mut self, committed: StateVersion) -> Result<(), StateError> {
        let overlay = std::mem::take(&mut self.overlay);
        if overlay.is_empty() {
            return Ok(());
        }
        for time in &overlay.dropped {
            self.purge(*time, committed)?;
        }
        for (time, count) in &overlay.counts {
            let count = (*count > 0).then(|| count.to_le_bytes().to_vec());
            self.tree.set(self.keys.count(*time), count);
        }
        let totals = Some(self.totals.to_bytes());
        self.tree.set(self.keys.totals(), totals);
        for (row, value) in overlay.into_rows() {
            self.tree.set(row, value);
        }
        Ok(())
    }
}
