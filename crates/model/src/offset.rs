use std::fmt;
use std::ops::{Add, Sub};

/// The position of a record in one partition's log; the first is 0.
///
/// Offsets are never negative. The wire's `-1` ("none") is `Option<Offset>` here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(i64);

/// A claimed offset is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an offset cannot be negative: {0}")]
pub struct OffsetOutOfRange(pub i64);

impl Offset {
    /// The offset of the first record ever appended to a partition.
    pub const ZERO: Offset = Offset(0);

    /// Checks that `value` is not negative.
    pub const fn new(value: i64) -> Result<Offset, OffsetOutOfRange> {
        if value < 0 {
            Err(OffsetOutOfRange(value))
        } else {
            Ok(Offset(value))
        }
    }

    /// Reads a wire field in which every negative value means "none".
    pub const fn from_wire(value: i64) -> Option<Offset> {
        if value < 0 { None } else { Some(Offset(value)) }
    }

    /// The integer that Kafka's formats store.
    pub const fn value(self) -> i64 {
        self.0
    }

    /// The offset `records` further on, or `None` past the largest offset.
    pub const fn checked_add(self, records: i64) -> Option<Offset> {
        match self.0.checked_add(records) {
            Some(sum) => Offset::from_wire(sum),
            None => None,
        }
    }

    /// The offset that follows this one.
    ///
    /// # Panics
    /// At the largest offset, which no log reaches: appends refuse to pass it.
    pub fn next(self) -> Offset {
        self + 1
    }
}

impl Add<i64> for Offset {
    type Output = Offset;

    fn add(self, records: i64) -> Offset {
        self.checked_add(records)
            .expect("offset arithmetic stays in 0..=i64::MAX")
    }
}

/// The signed distance between two offsets, in records.
impl Sub for Offset {
    type Output = i64;

    fn sub(self, earlier: Offset) -> i64 {
        self.0 - earlier.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
