//! The one place where this crate reads the clock and random numbers.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fleuve_cluster::machine::Chance;
use fleuve_model::{Deadline, Now, Timestamp};
use uuid::Uuid;

/// The wall clock and a monotonic clock that began with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn start() -> Clock {
        Clock {
            origin: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            wall: wall(),
            monotonic: Deadline::at(self.origin.elapsed()),
        }
    }

    /// The instant of `deadline`, for timers.
    pub(crate) fn instant(&self, deadline: Deadline) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.origin) + deadline.since_origin()
    }

    /// The deadline that lies `wait` ahead.
    pub(crate) fn after(&self, wait: Duration) -> Deadline {
        self.now().monotonic + wait
    }
}

/// The wall clock.
pub(crate) fn wall() -> Timestamp {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// Random numbers of the operating system, by way of random uuids.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemChance;

impl Chance for SystemChance {
    fn next_u64(&mut self) -> u64 {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        // Six bits of a random uuid are fixed, none of them in the same place of both halves.
        high ^ low.rotate_left(32)
    }

    fn uuid(&mut self) -> Uuid {
        Uuid::new_v4()
    }
}
