//! The load: a thread a connection, each with a partition of its own.

use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::batch::Batch;
use crate::connection::{Connection, fetch_frame, produce_frame};

/// How many requests a producer has under way, as Kafka's have by default.
const PRODUCES_UNDER_WAY: usize = 5;

/// When a window ends: after so many bytes or so much time, whichever comes first.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) bytes: u64,
    pub(crate) time: Duration,
}

/// What went through in a window.
#[derive(Clone, Copy)]
pub(crate) struct Passed {
    pub(crate) bytes: u64,
    pub(crate) time: Duration,
}

impl Passed {
    pub(crate) fn mib_per_second(self) -> f64 {
        self.bytes as f64 / self.time.as_secs_f64() / f64::from(1 << 20)
    }
}

/// Where a load goes.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) topic: String,
    pub(crate) connections: usize,
}

impl Target {
    /// Produces `batch` again and again, with acks=all.
    pub(crate) fn produce(&self, batch: &Batch, window: Window) -> Passed {
        self.run(window, |connection, partition, clock| {
            let frame = produce_frame(&self.topic, partition, &batch.bytes);
            let mut under_way = 0;
            loop {
                while under_way < PRODUCES_UNDER_WAY && clock.admits(batch.bytes.len()) {
                    connection.send(&frame);
                    under_way += 1;
                }
                if under_way == 0 {
                    return;
                }
                connection.receive_acknowledgement();
                under_way -= 1;
            }
        })
    }

    /// Fetches from the first offset on, and again from there where the `batches` of a partition
    /// end.
    pub(crate) fn fetch(&self, batch: &Batch, batches: usize, window: Window) -> Passed {
        self.run(window, |connection, partition, clock| {
            let mut next = 0;
            loop {
                let offset = next as i64 * batch.records;
                connection.send(&fetch_frame(&self.topic, partition, offset));
                let bytes = connection.receive_records();
                let fetched = bytes / batch.bytes.len();
                assert!(fetched > 0, "records at {offset}");
                next = (next + fetched) % batches;
                if !clock.admits(bytes) {
                    return;
                }
            }
        })
    }

    fn run(
        &self,
        window: Window,
        work: impl Fn(&mut Connection, usize, &WindowClock) + Sync,
    ) -> Passed {
        let clock = WindowClock {
            window,
            begun: Instant::now(),
            bytes: AtomicU64::new(0),
        };
        let ready = Barrier::new(self.connections);
        let run = |partition| {
            let opened = Connection::open(self.address);
            let mut connection = opened.expect("the server accepts");
            ready.wait();
            work(&mut connection, partition, &clock);
        };
        std::thread::scope(|scope| {
            for partition in 0..self.connections {
                let run = &run;
                scope.spawn(move || run(partition));
            }
        });
        Passed {
            bytes: clock.bytes.load(Ordering::Relaxed),
            time: clock.begun.elapsed(),
        }
    }
}

/// What all connections of a window go by.
struct WindowClock {
    window: Window,
    begun: Instant,
    bytes: AtomicU64,
}

impl WindowClock {
    /// Counts `bytes`, unless the window has ended.
    fn admits(&self, bytes: usize) -> bool {
        let is_over = self.begun.elapsed() >= self.window.time
            || self.bytes.load(Ordering::Relaxed) >= self.window.bytes;
        if !is_over {
            self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        !is_over
    }
}
