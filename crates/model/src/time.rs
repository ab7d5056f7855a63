use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A wall-clock time in milliseconds since 1970-01-01T00:00:00Z, as Kafka's records carry it.
///
/// It may jump when the machine's clock is set; nothing waits by it. For waiting there is
/// [`Deadline`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The beginning of 1970.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// A time `milliseconds` after 1970 began, before it if negative.
    pub const fn from_millis(milliseconds: i64) -> Timestamp {
        Timestamp(milliseconds)
    }

    /// Reads a wire field in which every negative value means "none".
    pub const fn from_wire(milliseconds: i64) -> Option<Timestamp> {
        if milliseconds < 0 {
            None
        } else {
            Some(Timestamp(milliseconds))
        }
    }

    /// Milliseconds since 1970 began.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This time moved later by `duration`, held at the largest time.
    pub const fn saturating_add(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(duration_millis(duration)))
    }

    /// This time moved earlier by `duration`, held at the smallest time.
    pub const fn saturating_sub(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(duration_millis(duration)))
    }

    /// How long after `earlier` this time is; zero if it is not after it.
    pub const fn since(self, earlier: Timestamp) -> Duration {
        let milliseconds = self.0.saturating_sub(earlier.0);
        if milliseconds <= 0 {
            Duration::ZERO
        } else {
            Duration::from_millis(milliseconds.unsigned_abs())
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// A point on the monotonic clock: the time since an origin that the shell chose at its start.
///
/// Deadlines of two processes cannot be compared. Machines are given one with every input.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Deadline(Duration);

impl Deadline {
    /// The origin of the monotonic clock.
    pub const ORIGIN: Deadline = Deadline(Duration::ZERO);

    /// The point `since_origin` after the origin.
    pub const fn at(since_origin: Duration) -> Deadline {
        Deadline(since_origin)
    }

    /// How long after the origin this point is.
    pub const fn since_origin(self) -> Duration {
        self.0
    }
}

impl Add<Duration> for Deadline {
    type Output = Deadline;

    fn add(self, wait: Duration) -> Deadline {
        Deadline(self.0.saturating_add(wait))
    }
}

/// The time from `earlier` to this point; zero if it is not later.
impl Sub for Deadline {
    type Output = Duration;

    fn sub(self, earlier: Deadline) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Both clocks, read once by a shell and handed to a machine with its input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// The wall clock, for what is stored and shown.
    pub wall: Timestamp,
    /// The monotonic clock, for what is waited for.
    pub monotonic: Deadline,
}

const fn duration_millis(duration: Duration) -> i64 {
    let milliseconds = duration.as_millis();
    if milliseconds > i64::MAX as u128 {
        i64::MAX
    } else {
        milliseconds as i64
    }
}
