//! State in memory, one map per event time so that a window that ends is dropped whole.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use ahash::RandomState;
use indexmap::set::MutableValues;
use indexmap::{Equivalent, IndexSet};

use super::format::{Change, changes, put_change};
use super::{EventTimeMs, StateError, StateStore, Visitor};

/// A key and its value in one allocation: at millions of rows, a second one costs a third more
/// memory. It hashes and compares as its key.
#[derive(Debug)]
struct Row {
    bytes: Box<[u8]>,
    key_bytes: u32,
}

impl Row {
    fn new(key: &[u8], value: &[u8]) -> Self {
        let key_bytes = u32::try_from(key.len()).expect("a key of 4 GiB fits in no batch");
        Self {
            bytes: [key, value].concat().into(),
            key_bytes,
        }
    }

    fn key(&self) -> &[u8] {
        &self.bytes[..self.key_bytes as usize]
    }

    fn value(&self) -> &[u8] {
        &self.bytes[self.key_bytes as usize..]
    }

    fn set_value(&mut self, value: &[u8]) {
        if self.value().len() == value.len() {
            self.bytes[self.key_bytes as usize..].copy_from_slice(value);
        } else {
            *self = Self::new(self.key(), value);
        }
    }

    /// What the row takes: its place, its allocation rounded up as allocators do, and its part of
    /// the index.
    fn memory_bytes(&self) -> u64 {
        const INDEX_BYTES: usize = 12;
        const ALLOCATION_BYTES_MIN: usize = 32;
        let allocation = (self.bytes.len() + 8).next_multiple_of(16);
        let place = size_of::<Self>() + size_of::<u64>();
        (place + INDEX_BYTES + allocation.max(ALLOCATION_BYTES_MIN)) as u64
    }
}

impl Hash for Row {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Row {}

/// A key that is looked for.
#[derive(Hash)]
#[repr(transparent)]
struct Key<'a>(&'a [u8]);

impl Equivalent<Row> for Key<'_> {
    fn equivalent(&self, row: &Row) -> bool {
        self.0 == row.key()
    }
}

type Rows = IndexSet<Row, RandomState>;

/// A store that lives in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    untimed: Rows,
    timed: BTreeMap<EventTimeMs, Rows>,
    rows: u64,
    bytes: u64,
    changes: Vec<u8>,
}

impl MemoryStore {
    fn shard(&self, time: Option<EventTimeMs>) -> Option<&Rows> {
        match time {
            None => Some(&self.untimed),
            Some(time) => self.timed.get(&time),
        }
    }

    fn put_row(&mut self, time: Option<EventTimeMs>, key: &[u8], value: &[u8]) -> bool {
        let shard = match time {
            None => &mut self.untimed,
            Some(time) => self.timed.entry(time).or_default(),
        };
        if let Some((_, row)) = shard.get_full_mut2(&Key(key)) {
            self.bytes -= row.memory_bytes();
            row.set_value(value);
            self.bytes += row.memory_bytes();
            return false;
        }
        let row = Row::new(key, value);
        self.rows += 1;
        self.bytes += row.memory_bytes();
        shard.insert(row);
        true
    }

    fn remove_row(&mut self, time: Option<EventTimeMs>, key: &[u8]) -> bool {
        let shard = match time {
            None => Some(&mut self.untimed),
            Some(time) => self.timed.get_mut(&time),
        };
        let Some(row) = shard.and_then(|shard| shard.swap_take(&Key(key))) else {
            return false;
        };
        self.rows -= 1;
        self.bytes -= row.memory_bytes();
        if let Some(time) = time
            && self.timed.get(&time).is_some_and(Rows::is_empty)
        {
            self.timed.remove(&time);
        }
        true
    }

    fn drop_rows(&mut self, time: EventTimeMs) -> u64 {
        let Some(shard) = self.timed.remove(&time) else {
            return 0;
        };
        self.rows -= shard.len() as u64;
        self.bytes -= shard.iter().map(Row::memory_bytes).sum::<u64>();
        shard.len() as u64
    }

    /// Applies changes that a file holds, without noting them as new.
    pub(super) fn apply(&mut self, bytes: &[u8]) -> Result<(), String> {
        for change in changes(bytes) {
            match change? {
                Change::Put { time, key, value } => {
                    self.put_row(time, key, value);
                }
                Change::Remove { time, key } => {
                    self.remove_row(time, key);
                }
                Change::DropTime { time } => {
                    self.drop_rows(time);
                }
            }
        }
        Ok(())
    }

    /// Encodes everything as changes to an empty store.
    pub(super) fn encode_all(&self) -> Vec<u8> {
        let mut changes = Vec::new();
        self.visit(&mut |time, key, value| {
            put_change(&mut changes, Change::Put { time, key, value });
        });
        changes
    }

    fn visit(&self, visit: &mut Visitor<'_>) {
        for row in &self.untimed {
            visit(None, row.key(), row.value());
        }
        for (time, shard) in &self.timed {
            for row in shard {
                visit(Some(*time), row.key(), row.value());
            }
        }
    }
}

impl StateStore for MemoryStore {
    fn get(
        &self,
        time: Option<EventTimeMs>,
        key: &[u8],
    ) -> Result<Option<Cow<'_, [u8]>>, StateError> {
        let row = self.shard(time).and_then(|shard| shard.get(&Key(key)));
        Ok(row.map(|row| Cow::Borrowed(row.value())))
    }

    fn put(
        &mut self,
        time: Option<EventTimeMs>,
        key: &[u8],
        value: &[u8],
    ) -> Result<bool, StateError> {
        put_change(&mut self.changes, Change::Put { time, key, value });
        Ok(self.put_row(time, key, value))
    }

    fn remove(&mut self, time: Option<EventTimeMs>, key: &[u8]) -> Result<bool, StateError> {
        let removed = self.remove_row(time, key);
        if removed {
            put_change(&mut self.changes, Change::Remove { time, key });
        }
        Ok(removed)
    }

    fn for_each(&self, visit: &mut Visitor<'_>) -> Result<(), StateError> {
        self.visit(visit);
        Ok(())
    }

    fn for_each_prefix(&self, prefix: &[u8], visit: &mut Visitor<'_>) -> Result<(), StateError> {
        self.visit(&mut |time, key, value| {
            if key.starts_with(prefix) {
                visit(time, key, value);
            }
        });
        Ok(())
    }

    fn times_until(&self, last: EventTimeMs) -> Result<Vec<EventTimeMs>, StateError> {
        Ok(self.timed.range(..=last).map(|(time, _)| *time).collect())
    }

    fn for_each_at(
        &self,
        time: EventTimeMs,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), StateError> {
        for row in self.timed.get(&time).into_iter().flatten() {
            visit(row.key(), row.value());
        }
        Ok(())
    }

    fn drop_time(&mut self, time: EventTimeMs) -> Result<u64, StateError> {
        let dropped = self.drop_rows(time);
        if dropped > 0 {
            put_change(&mut self.changes, Change::DropTime { time });
        }
        Ok(dropped)
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn memory_bytes(&self) -> u64 {
        self.bytes + self.changes.capacity() as u64
    }

    fn shards(&self) -> u64 {
        self.timed.len() as u64 + u64::from(!self.untimed.is_empty())
    }

    fn take_changes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.changes)
    }
}
