//! How far event time has come.
//!
//! Each `withWatermark` node sees the event times of its rows; its watermark is the latest of them
//! less its delay. The query's watermark follows the slowest node (policy `min`) or the fastest
//! (`max`).
//! Always true: the query's watermark never goes back. Start at [`WatermarkTracker::advance`].

use std::sync::Mutex;

use crate::checkpoint::lock;

/// What decides when several nodes have watermarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatermarkPolicy {
    Min,
    Max,
}

impl WatermarkPolicy {
    /// Takes the value of `spark.sql.streaming.multipleWatermarkPolicy`.
    pub fn parse(value: &str) -> Option<Self> {
        match value.to_ascii_lowercase().as_str() {
            "min" => Some(Self::Min),
            "max" => Some(Self::Max),
            _ => None,
        }
    }
}

/// The event times one node has seen in one batch, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EventTimes {
    pub count: u64,
    pub max_ms: i64,
    pub min_ms: i64,
    sum_ms: f64,
}

impl EventTimes {
    pub fn add(&mut self, ms: i64) {
        self.merge(&Self {
            count: 1,
            max_ms: ms,
            min_ms: ms,
            sum_ms: ms as f64,
        });
    }

    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        self.max_ms = self.max_ms.max(other.max_ms);
        self.min_ms = self.min_ms.min(other.min_ms);
        self.sum_ms += other.sum_ms;
        self.count += other.count;
    }

    pub fn average_ms(&self) -> i64 {
        if self.count == 0 {
            0
        } else {
            (self.sum_ms / self.count as f64) as i64
        }
    }
}

/// Where the tasks of a `withWatermark` node leave what they saw.
#[derive(Debug)]
pub struct EventTimeCollector {
    pub delay_ms: i64,
    seen: Mutex<EventTimes>,
}

impl EventTimeCollector {
    pub fn new(delay_ms: i64) -> Self {
        Self {
            delay_ms,
            seen: Mutex::new(EventTimes::default()),
        }
    }

    pub fn report(&self, times: &EventTimes) {
        lock(&self.seen).merge(times);
    }

    /// Takes what this batch brought and starts anew.
    pub fn take(&self) -> EventTimes {
        std::mem::take(&mut *lock(&self.seen))
    }
}

/// The watermarks of a query's nodes and what follows from them.
#[derive(Debug, Clone)]
pub struct WatermarkTracker {
    policy: WatermarkPolicy,
    /// Per node; `None` until it has seen an event.
    nodes: Vec<Option<i64>>,
    global_ms: i64,
}

impl WatermarkTracker {
    pub fn new(policy: WatermarkPolicy, nodes: usize, start_ms: i64) -> Self {
        Self {
            policy,
            nodes: vec![None; nodes],
            global_ms: start_ms,
        }
    }

    pub fn current_ms(&self) -> i64 {
        self.global_ms
    }

    /// Goes on from the watermark of a checkpoint.
    pub fn restore(&mut self, watermark_ms: i64) {
        self.global_ms = self.global_ms.max(watermark_ms);
    }

    /// Takes what each node saw in a batch and returns the watermark of the next batch.
    pub fn advance(&mut self, batch: &[(EventTimes, i64)]) -> i64 {
        assert_eq!(batch.len(), self.nodes.len(), "one report per node");
        for (node, (times, delay_ms)) in self.nodes.iter_mut().zip(batch) {
            if times.count > 0 {
                let seen = times.max_ms - delay_ms;
                *node = Some(node.map_or(seen, |before| before.max(seen)));
            }
        }
        if let Some(chosen) = self.chosen() {
            self.global_ms = self.global_ms.max(chosen);
        }
        self.global_ms
    }

    fn chosen(&self) -> Option<i64> {
        // A node that has seen nothing holds the minimum back at the beginning of time.
        let watermarks = self.nodes.iter().map(|node| node.unwrap_or(0));
        match self.policy {
            WatermarkPolicy::Min => watermarks.min(),
            WatermarkPolicy::Max => watermarks.max(),
        }
    }
}
