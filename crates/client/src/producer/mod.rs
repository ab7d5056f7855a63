//! Writing records.
//!
//! [`Producer::send`] puts a record into the open batch of its partition and comes back; a task
//! sends batches when they are full or `linger.ms` old. By default the producer is idempotent:
//! what is acknowledged is written once and in order, with up to five requests in flight.
//! `buffer.memory` bounds what waits; `send` waits then, up to `max.block.ms`.

mod accumulator;
mod partitioner;
mod record;
mod sender;
mod settings;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use fleuve_model::record::{BATCH_HEADER_BYTES, BatchBuilder, Header};
use fleuve_model::{ErrorCode, Timestamp, TopicName};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, timeout_at};

pub use record::{Delivery, ProducerRecord, RecordHeader, RecordMetadata};

use crate::cluster::Cluster;
use crate::cluster::metadata::{ClusterMetadata, Partition, Topic};
use crate::{ClientError, Config};
use accumulator::{Accumulator, BatchRules, Incoming};
use sender::Sender;
use settings::ProducerSettings;

/// Writes records; clones are the same producer.
///
/// When the last clone is dropped, what was accepted is still sent, as long as the runtime
/// lives; [`Producer::close`] waits for it.
#[derive(Clone)]
pub struct Producer {
    handle: Arc<Handle>,
}

/// Dropped with the last clone.
struct Handle {
    shared: Arc<Shared>,
    cluster: Cluster,
    settings: ProducerSettings,
}

/// What the sending task and the callers share.
struct Shared {
    accumulator: Mutex<Accumulator>,
    /// What `buffer.memory` has left, in bytes.
    memory: Semaphore,
    wake: Notify,
    is_closed: AtomicBool,
    random: AtomicU64,
}

impl Producer {
    /// A producer; no broker is asked before the first record.
    ///
    /// # Panics
    /// Outside of a tokio runtime, in which its tasks run.
    pub fn new(config: &Config) -> Result<Producer, ClientError> {
        let settings = ProducerSettings::read(config)?;
        let cluster = Cluster::new(settings.common.clone());
        let rules = BatchRules {
            batch_bytes: settings.batch_bytes,
            linger: settings.linger,
            ignores_keys: settings.ignores_keys,
            is_adaptive: settings.is_adaptive,
            one_at_a_time: settings.in_flight_max == 1,
        };
        let shared = Arc::new(Shared {
            accumulator: Mutex::new(Accumulator::new(rules)),
            memory: Semaphore::new(settings.buffer_bytes),
            wake: Notify::new(),
            is_closed: AtomicBool::new(false),
            random: AtomicU64::new(uuid::Uuid::new_v4().as_u64_pair().0),
        });
        tokio::spawn(Sender::new(shared.clone(), cluster.clone(), settings.clone()).run());
        Ok(Producer {
            handle: Arc::new(Handle {
                shared,
                cluster,
                settings,
            }),
        })
    }

    /// Accepts a record. It waits only for the topic's metadata and for memory, at most
    /// `max.block.ms`; whether the record is written is known when the [`Delivery`] is.
    pub async fn send(&self, record: ProducerRecord) -> Result<Delivery, ClientError> {
        let shared = &self.handle.shared;
        if shared.is_closed() {
            return Err(ClientError::Closed("producer"));
        }
        let record_bytes = self.checked_size(&record)?;
        let metadata = self.metadata_for(&record).await?;
        let partitions = partitions_for(&metadata, &record)?;
        self.reserve(record_bytes).await?;
        let incoming = Incoming {
            record: &record,
            timestamp: record.timestamp.unwrap_or_else(now),
            bytes: record_bytes,
            partitions,
        };
        let mut accumulator = shared.accumulator();
        let appended = accumulator.append(&incoming, || shared.random(), Instant::now);
        drop(accumulator);
        let appended = appended.map_err(|error| {
            shared.memory.add_permits(record_bytes);
            ClientError::Invalid(error.to_string())
        })?;
        if appended.wakes_sender {
            shared.wake.notify_one();
        }
        Ok(appended.delivery)
    }

    /// Sends all that was accepted so far, and waits until each record is written or has
    /// failed; which of the two, the deliveries tell.
    pub async fn flush(&self) {
        let shared = &self.handle.shared;
        let _flush = shared.hurry();
        let incomplete = shared.accumulator().incomplete();
        for outcome in incomplete {
            let _ = outcome.wait().await;
        }
    }

    /// Flushes and ends; records sent after that are refused.
    pub async fn close(self) {
        self.handle.shared.close();
        self.flush().await;
    }

    /// A topic's partitions; a topic that does not exist is created if the broker does so.
    pub async fn topic(&self, name: &TopicName) -> Result<Topic, ClientError> {
        let deadline = Instant::now() + self.handle.settings.max_block;
        self.handle.cluster.topic(name, true, deadline).await
    }

    /// What a record takes at the most, if that is allowed.
    fn checked_size(&self, record: &ProducerRecord) -> Result<usize, ClientError> {
        let headers = record.headers.iter().map(|header| Header {
            key: &header.key,
            value: header.value.as_deref(),
        });
        let bytes =
            BatchBuilder::record_size_max(record.key.as_deref(), record.value.as_deref(), headers);
        let settings = &self.handle.settings;
        let (limit, setting) = if settings.request_bytes_max < settings.buffer_bytes {
            (settings.request_bytes_max, "max.request.size")
        } else {
            (settings.buffer_bytes, "buffer.memory")
        };
        if bytes + BATCH_HEADER_BYTES > limit {
            let message = Some(format!(
                "{bytes} bytes are more than {setting} allows ({limit})"
            ));
            let subject = format!("a record for topic {}", record.topic);
            return Err(ClientError::Broker {
                code: ErrorCode::MessageTooLarge,
                subject,
                message,
            });
        }
        Ok(bytes)
    }

    /// A snapshot in which the record's topic is, waiting for it if need be.
    async fn metadata_for(
        &self,
        record: &ProducerRecord,
    ) -> Result<Arc<ClusterMetadata>, ClientError> {
        let cluster = &self.handle.cluster;
        let metadata = cluster.metadata();
        if metadata.topics.contains_key(&record.topic) {
            return Ok(metadata);
        }
        self.topic(&record.topic).await?;
        Ok(cluster.metadata())
    }

    /// Takes memory from the budget, waiting for it if need be.
    async fn reserve(&self, bytes: usize) -> Result<(), ClientError> {
        let shared = &self.handle.shared;
        let permits = u32::try_from(bytes)
            .map_err(|_| ClientError::Invalid("a record of more than 4 GiB".to_owned()))?;
        if let Ok(reserved) = shared.memory.try_acquire_many(permits) {
            reserved.forget();
            return Ok(());
        }
        let _hurry = shared.hurry();
        let limit = self.handle.settings.max_block;
        let deadline = Instant::now() + limit;
        match timeout_at(deadline, shared.memory.acquire_many(permits)).await {
            Ok(Ok(reserved)) => {
                reserved.forget();
                Ok(())
            }
            Ok(Err(_)) => Err(ClientError::Closed("producer")),
            Err(_) => {
                let what = "waiting for buffer.memory".to_owned();
                Err(ClientError::TimedOut {
                    what,
                    limit,
                    setting: "max.block.ms",
                })
            }
        }
    }
}

/// The partitions of a record's topic, if the one that it may ask for is among them.
fn partitions_for<'a>(
    metadata: &'a ClusterMetadata,
    record: &ProducerRecord,
) -> Result<&'a [Partition], ClientError> {
    let topic = metadata.topics.get(&record.topic);
    let partitions = topic.map_or(&[][..], |topic| &topic.partitions);
    if partitions.is_empty() {
        return Err(ClientError::Broker {
            code: ErrorCode::UnknownTopicOrPartition,
            subject: format!("topic {}", record.topic),
            message: None,
        });
    }
    let asked = record.partition.map(|partition| partition.value() as usize);
    match asked {
        Some(asked) if asked >= partitions.len() => Err(ClientError::Invalid(format!(
            "topic {} has {} partitions, there is no partition {asked}",
            record.topic,
            partitions.len()
        ))),
        _ => Ok(partitions),
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Shared {
    fn accumulator(&self) -> MutexGuard<'_, Accumulator> {
        self.accumulator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    fn is_empty(&self) -> bool {
        self.accumulator().is_empty()
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.accumulator().flushes += 1;
        self.wake.notify_one();
    }

    /// Has batches sent without lingering until the guard is dropped.
    fn hurry(&self) -> Hurry<'_> {
        self.accumulator().flushes += 1;
        self.wake.notify_one();
        Hurry(self)
    }

    /// A number that is hard to foresee (SplitMix64).
    fn random(&self) -> u64 {
        let state = self
            .random
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

struct Hurry<'a>(&'a Shared);

impl Drop for Hurry<'_> {
    fn drop(&mut self) {
        self.0.accumulator().flushes -= 1;
    }
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_millis(since_epoch.map_or(0, |since| since.as_millis() as i64))
}
