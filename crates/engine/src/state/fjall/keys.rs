//! The keys of the tree.
//!
//! ```text
//! store 1, partition 4 | 0                     how much the store has
//! store 1, partition 4 | 1 | key               a row without an event time
//! store 1, partition 4 | 2 | time 8            how many rows an event time has
//! store 1, partition 4 | 3 | time 8 | key      a row of an event time
//! 0xff                                         the version, and the one that was begun
//! ```
//! Numbers are big-endian and a time's sign is turned, so that keys sort as what they stand for.

use std::ops::Range;

use super::super::EventTimeMs;

/// A key longer than this has no place in the tree.
pub(super) const KEY_BYTES_MAX: usize = u16::MAX as usize;
/// How many stores an operator may have, so that none is taken for [`VERSION`].
pub(super) const STORES_MAX: usize = 255;
/// The key of the version.
pub(super) const VERSION: [u8; 1] = [0xff];

const TOTALS: u8 = 0;
const UNTIMED: u8 = 1;
const TIMES: u8 = 2;
const TIMED: u8 = 3;
const STORE_BYTES: usize = 5;
const TIME_BYTES: usize = 8;

/// Makes the keys of one store of one partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys([u8; STORE_BYTES]);

impl Keys {
    pub(super) fn new(store: usize, partition: u32) -> Self {
        let store = u8::try_from(store).expect("an operator has fewer stores than 255");
        let [a, b, c, d] = partition.to_be_bytes();
        Self([store, a, b, c, d])
    }

    fn of(self, class: u8, time: Option<EventTimeMs>, key: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(STORE_BYTES + 1 + TIME_BYTES + key.len());
        bytes.extend_from_slice(&self.0);
        bytes.push(class);
        if let Some(time) = time {
            bytes.extend_from_slice(&(time as u64 ^ (1 << 63)).to_be_bytes());
        }
        bytes.extend_from_slice(key);
        bytes
    }

    pub(super) fn totals(self) -> Vec<u8> {
        self.of(TOTALS, None, &[])
    }

    pub(super) fn row(self, time: Option<EventTimeMs>, key: &[u8]) -> Vec<u8> {
        let class = if time.is_some() { TIMED } else { UNTIMED };
        self.of(class, time, key)
    }

    /// Where the number of an event time's rows is.
    pub(super) fn count(self, time: EventTimeMs) -> Vec<u8> {
        self.of(TIMES, Some(time), &[])
    }

    pub(super) fn counts(self, first: EventTimeMs, last: EventTimeMs) -> Range<Vec<u8>> {
        self.count(first)..end_of(&self.count(last))
    }

    pub(super) fn untimed(self, prefix: &[u8]) -> Range<Vec<u8>> {
        range_of(self.of(UNTIMED, None, prefix))
    }

    pub(super) fn timed(self) -> Range<Vec<u8>> {
        range_of(self.of(TIMED, None, &[]))
    }

    pub(super) fn at(self, time: EventTimeMs) -> Range<Vec<u8>> {
        range_of(self.of(TIMED, Some(time), &[]))
    }
}

/// All that begins with `prefix`.
fn range_of(prefix: Vec<u8>) -> Range<Vec<u8>> {
    let end = end_of(&prefix);
    prefix..end
}

/// The first key after all that begin with `prefix`, whose class is less than 255.
fn end_of(prefix: &[u8]) -> Vec<u8> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX);
    let last = last.expect("a class is less than 255");
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    end
}

/// The event time and key of a row, or the event time of a count; `None` when it is neither.
pub(super) fn parse(bytes: &[u8]) -> Option<(Option<EventTimeMs>, &[u8])> {
    let (class, rest) = bytes.get(STORE_BYTES..)?.split_first()?;
    match *class {
        UNTIMED => Some((None, rest)),
        TIMES | TIMED => {
            let (time, key) = rest.split_first_chunk::<TIME_BYTES>()?;
            Some((Some((u64::from_be_bytes(*time) ^ (1 << 63)) as i64), key))
        }
        _ => None,
    }
}
