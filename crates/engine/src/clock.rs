//! Time as the engine asks for it.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

/// The wall clock, a stopwatch and a way to wait; tests bring their own.
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;
    /// Time since some fixed moment; it never goes back.
    fn elapsed(&self) -> Duration;
    async fn wait(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Debug, Clone)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as i64)
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    async fn wait(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
