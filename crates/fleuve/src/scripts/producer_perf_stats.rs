//! What `kafka-producer-perf-test` counts, and the lines that it prints of it.
//!
//! Times are milliseconds since the start and are arguments, so that tests set the clock.

/// At most so many latencies are kept for the percentiles; of more records, every so many-th.
const SAMPLES_MAX: u64 = 500_000;

/// Counts since some moment.
#[derive(Clone, Copy, Default)]
struct Totals {
    since_ms: u64,
    records: u64,
    bytes: u64,
    latency_ms: u64,
    latency_max_ms: u64,
}

impl Totals {
    fn since(since_ms: u64) -> Totals {
        Totals {
            since_ms,
            ..Totals::default()
        }
    }

    fn add(&mut self, bytes: u64, latency_ms: u64) {
        self.records += 1;
        self.bytes += bytes;
        self.latency_ms += latency_ms;
        self.latency_max_ms = self.latency_max_ms.max(latency_ms);
    }

    fn per_second(&self, count: f64, now_ms: u64) -> f64 {
        1000.0 * count / now_ms.saturating_sub(self.since_ms) as f64
    }

    fn megabytes(&self) -> f64 {
        self.bytes as f64 / (1024.0 * 1024.0)
    }

    fn latency_average_ms(&self) -> f64 {
        self.latency_ms as f64 / self.records as f64
    }
}

/// The statistics of one run, or of its steady state.
pub(super) struct Stats {
    all: Totals,
    window: Totals,
    interval_ms: u64,
    sampling: u64,
    latencies_ms: Vec<u64>,
}

impl Stats {
    /// Of `records` expected records from `now_ms` on, with a window each `interval_ms`.
    pub(super) fn new(records: u64, interval_ms: u64, now_ms: u64) -> Stats {
        Stats {
            all: Totals::since(now_ms),
            window: Totals::since(now_ms),
            interval_ms,
            sampling: (records / records.clamp(1, SAMPLES_MAX)).max(1),
            latencies_ms: Vec::new(),
        }
    }

    /// Counts a record, and gives the line of the window that it completes.
    pub(super) fn record(&mut self, bytes: u64, latency_ms: u64, now_ms: u64) -> Option<String> {
        if self.all.records.is_multiple_of(self.sampling) {
            self.latencies_ms.push(latency_ms);
        }
        self.all.add(bytes, latency_ms);
        self.window.add(bytes, latency_ms);
        if now_ms.saturating_sub(self.window.since_ms) < self.interval_ms {
            return None;
        }
        let line = self.window_line(now_ms);
        self.window = Totals::since(now_ms);
        Some(line)
    }

    fn window_line(&self, now_ms: u64) -> String {
        let window = &self.window;
        format!(
            "{} records sent, {:.1} records/sec ({:.2} MB/sec), {:.1} ms avg latency, {:.1} ms max \
             latency.",
            window.records,
            window.per_second(window.records as f64, now_ms),
            window.per_second(window.megabytes(), now_ms),
            window.latency_average_ms(),
            window.latency_max_ms as f64,
        )
    }

    /// The last line; `what` is ` steady state` or nothing.
    pub(super) fn total_line(&mut self, what: &str, now_ms: u64) -> String {
        self.latencies_ms.sort_unstable();
        let latencies = &self.latencies_ms;
        let percentile = |share: f64| {
            let index = (share * latencies.len() as f64) as usize;
            latencies.get(index).copied().unwrap_or_default()
        };
        let all = &self.all;
        format!(
            "{}{what} records sent, {:.6} records/sec ({:.2} MB/sec), {:.2} ms avg latency, {:.2} \
             ms max latency, {} ms 50th, {} ms 95th, {} ms 99th, {} ms 99.9th.",
            all.records,
            all.per_second(all.records as f64, now_ms),
            all.per_second(all.megabytes(), now_ms),
            all.latency_average_ms(),
            all.latency_max_ms as f64,
            percentile(0.5),
            percentile(0.95),
            percentile(0.99),
            percentile(0.999),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_when_its_interval_has_passed() {
        let mut stats = Stats::new(10, 1000, 0);
        assert_eq!(stats.record(1024 * 1024, 4, 500), None);
        let line = "2 records sent, 2.0 records/sec (2.00 MB/sec), 5.0 ms avg latency, 6.0 ms max \
                    latency.";
        assert_eq!(stats.record(1024 * 1024, 6, 1000).as_deref(), Some(line));
        assert_eq!(stats.record(1, 1, 1500), None);
    }

    #[test]
    fn the_total_has_percentiles_of_all_records() {
        let mut stats = Stats::new(100, 1_000_000, 0);
        for latency in 1..=100 {
            stats.record(10, latency, 2000);
        }
        let line = "100 records sent, 50.000000 records/sec (0.00 MB/sec), 50.50 ms avg latency, \
                    100.00 ms max latency, 51 ms 50th, 96 ms 95th, 100 ms 99th, 100 ms 99.9th.";
        assert_eq!(stats.total_line("", 2000), line);
    }

    #[test]
    fn of_many_records_a_sample_is_kept() {
        let mut stats = Stats::new(4 * SAMPLES_MAX, u64::MAX, 0);
        for _ in 0..40 {
            stats.record(1, 1, 1);
        }
        assert_eq!(stats.latencies_ms.len(), 10);
    }
}
