//! State in memory, one map per event time so that a window that ends is dropped whole.

use std::collections::BTreeMap;

use ahash::RandomState;
use indexmap::IndexMap;

use super::format::{Change, for_each_change, put_change};
use super::{EventTimeMs, StateStore, Visitor};

type Rows = IndexMap<Box<[u8]>, Box<[u8]>, RandomState>;

/// What a row takes beside its bytes: two boxes, the hash and the index.
const ROW_OVERHEAD_BYTES: u64 = 56;

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
        if let Some(old) = shard.get_mut(key) {
            self.bytes = self.bytes - old.len() as u64 + value.len() as u64;
            if old.len() == value.len() {
                old.copy_from_slice(value);
            } else {
                *old = value.into();
            }
            return false;
        }
        shard.insert(key.into(), value.into());
        self.rows += 1;
        self.bytes += row_bytes(key, value);
        true
    }

    fn remove_row(&mut self, time: Option<EventTimeMs>, key: &[u8]) -> bool {
        let shard = match time {
            None => Some(&mut self.untimed),
            Some(time) => self.timed.get_mut(&time),
        };
        let Some(value) = shard.and_then(|shard| shard.swap_remove(key)) else {
            return false;
        };
        self.rows -= 1;
        self.bytes -= row_bytes(key, &value);
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
        self.bytes -= shard
            .iter()
            .map(|(key, value)| row_bytes(key, value))
            .sum::<u64>();
        shard.len() as u64
    }
}

fn row_bytes(key: &[u8], value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64 + ROW_OVERHEAD_BYTES
}

impl StateStore for MemoryStore {
    fn get(&self, time: Option<EventTimeMs>, key: &[u8]) -> Option<&[u8]> {
        self.shard(time)?.get(key).map(AsRef::as_ref)
    }

    fn put(&mut self, time: Option<EventTimeMs>, key: &[u8], value: &[u8]) -> bool {
        put_change(&mut self.changes, Change::Put { time, key, value });
        self.put_row(time, key, value)
    }

    fn remove(&mut self, time: Option<EventTimeMs>, key: &[u8]) -> bool {
        let removed = self.remove_row(time, key);
        if removed {
            put_change(&mut self.changes, Change::Remove { time, key });
        }
        removed
    }

    fn for_each(&self, visit: &mut Visitor<'_>) {
        for (key, value) in &self.untimed {
            visit(None, key, value);
        }
        for (time, shard) in &self.timed {
            for (key, value) in shard {
                visit(Some(*time), key, value);
            }
        }
    }

    fn for_each_prefix(&self, prefix: &[u8], visit: &mut Visitor<'_>) {
        self.for_each(&mut |time, key, value| {
            if key.starts_with(prefix) {
                visit(time, key, value);
            }
        });
    }

    fn times_until(&self, last: EventTimeMs) -> Vec<EventTimeMs> {
        self.timed.range(..=last).map(|(time, _)| *time).collect()
    }

    fn for_each_at(&self, time: EventTimeMs, visit: &mut dyn FnMut(&[u8], &[u8])) {
        for (key, value) in self.timed.get(&time).into_iter().flatten() {
            visit(key, value);
        }
    }

    fn drop_time(&mut self, time: EventTimeMs) -> u64 {
        let dropped = self.drop_rows(time);
        if dropped > 0 {
            put_change(&mut self.changes, Change::DropTime { time });
        }
        dropped
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn memory_bytes(&self) -> u64 {
        self.bytes
    }

    fn shards(&self) -> u64 {
        self.timed.len() as u64 + u64::from(!self.untimed.is_empty())
    }

    fn take_changes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.changes)
    }

    fn apply(&mut self, changes: &[u8]) -> Result<(), String> {
        for_each_change(changes, |change| match change {
            Change::Put { time, key, value } => {
                self.put_row(time, key, value);
            }
            Change::Remove { time, key } => {
                self.remove_row(time, key);
            }
            Change::DropTime { time } => {
                self.drop_rows(time);
            }
        })
    }

    fn encode_all(&self) -> Vec<u8> {
        let mut changes = Vec::new();
        self.for_each(&mut |time, key, value| {
            put_change(&mut changes, Change::Put { time, key, value });
        });
        changes
    }
}
