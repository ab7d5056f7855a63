//! Trips on their way into the topic.
//!
//! Always true: a trip counts as written once the broker has acknowledged it; a trip that cannot be
//! written ends the production, so no later one takes its offset.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use fleuve_client::{Config, Delivery, Producer, ProducerRecord};
use fleuve_model::TopicName;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::topic::{Topic, partition_id};
use super::trips::{PARTITIONS, Trips, plan};

/// How many trips may be on their way at once.
const OUTSTANDING_MAX: usize = 10_000;
/// How often trips are added while they stream.
const TICK: Duration = Duration::from_millis(50);

/// How many trips the topic holds, shared with whoever shows it.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<AtomicU64>);

impl Written {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Adds trips to the topic, each after the one before.
pub(super) struct Production {
    producer: Producer,
    topic: TopicName,
    trips: Trips,
    /// Partition and number of the trips to come.
    next: Box<dyn Iterator<Item = (usize, u64)> + Send + Sync>,
    written: Written,
}

impl Production {
    /// Goes on where the partitions end.
    pub(super) fn new(
        config: &Config,
        topic: &Topic,
        ends: [u64; PARTITIONS],
    ) -> anyhow::Result<Production> {
        let written = Written::default();
        written.0.store(ends.iter().sum(), Ordering::Relaxed);
        Ok(Production {
            producer: Producer::new(config)?,
            topic: topic.name().clone(),
            trips: Trips::new(),
            next: Box::new(plan(ends)),
            written,
        })
    }

    pub(super) fn written(&self) -> Written {
        self.written.clone()
    }

    /// How many of the trips are real ones.
    pub(super) fn real(&self) -> u64 {
        self.trips.real()
    }

    /// Adds `count` trips and waits until all are written.
    pub(super) async fn add(&mut self, count: u64) -> anyhow::Result<()> {
        let mut outstanding = VecDeque::new();
        for _ in 0..count {
            let (partition, index) = self.next.next().expect("there is always a next trip");
            let record = ProducerRecord::new(self.topic.clone(), self.trips.json(index))
                .key(self.trips.key(index))
                .partition(partition_id(partition));
            outstanding.push_back(self.producer.send(record).await?);
            if outstanding.len() > OUTSTANDING_MAX
                && let Some(oldest) = outstanding.pop_front()
            {
                self.acknowledged(oldest).await?;
            }
        }
        for delivery in outstanding {
            self.acknowledged(delivery).await?;
        }
        Ok(())
    }

    /// Adds that many trips a second until it is told to stop.
    pub(super) async fn stream(
        &mut self,
        per_second: u64,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut added = 0;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            let due = (began.elapsed().as_secs_f64() * per_second as f64) as u64;
            self.add(due - added).await?;
            added = due;
        }
    }

    async fn acknowledged(&self, delivery: Delivery) -> anyhow::Result<()> {
        let written = delivery.wait().await;
        written.context("a trip could not be written")?;
        self.written.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
