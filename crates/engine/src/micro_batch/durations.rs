//! How long the parts of a trigger took.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use crate::clock::Clock;

/// A stopwatch with named laps, in the order Spark's `durationMs` has them when sorted by name.
#[derive(Debug)]
pub struct Durations {
    clock: Arc<dyn Clock>,
    started: Duration,
    lap: Duration,
    laps: IndexMap<&'static str, Duration>,
}

impl Durations {
    pub fn start(clock: Arc<dyn Clock>) -> Self {
        let now = clock.elapsed();
        Self {
            clock,
            started: now,
            lap: now,
            laps: IndexMap::new(),
        }
    }

    /// Begins a lap without naming what came before.
    pub fn lap(&mut self) {
        self.lap = self.clock.elapsed();
    }

    /// Ends the lap that began last, under `name`, and begins another.
    pub fn record(&mut self, name: &'static str) {
        let now = self.clock.elapsed();
        *self.laps.entry(name).or_default() += now.saturating_sub(self.lap);
        self.lap = now;
    }

    /// Names the whole time since the start.
    pub fn finish(&mut self, name: &'static str) {
        self.laps
            .insert(name, self.clock.elapsed().saturating_sub(self.started));
    }

    pub fn get(&self, name: &str) -> Duration {
        self.laps.get(name).copied().unwrap_or_default()
    }

    /// Milliseconds by name, in name order.
    pub fn millis(&self) -> IndexMap<String, u64> {
        let mut millis: IndexMap<String, u64> = self
            .laps
            .iter()
            .map(|(name, took)| ((*name).to_owned(), took.as_millis() as u64))
            .collect();
        millis.sort_keys();
        millis
    }
}
