use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use fleuve_model::{Offset, PartitionId, Timestamp, TopicName, TopicPartition};
use tokio::sync::Notify;

use crate::ClientError;

/// A record to be produced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerRecord {
    /// Where to.
    pub topic: TopicName,
    /// Which partition; none leaves it to the partitioner.
    pub partition: Option<PartitionId>,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; none is a tombstone where the topic is compacted.
    pub value: Option<Bytes>,
    /// The headers, in order.
    pub headers: Vec<RecordHeader>,
    /// When it happened; none for now.
    pub timestamp: Option<Timestamp>,
}

/// A header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Its key.
    pub key: Bytes,
    /// Its value.
    pub value: Option<Bytes>,
}

impl ProducerRecord {
    /// A record without a key.
    pub fn new(topic: TopicName, value: impl Into<Bytes>) -> ProducerRecord {
        ProducerRecord {
            topic,
            partition: None,
            key: None,
            value: Some(value.into()),
            headers: Vec::new(),
            timestamp: None,
        }
    }

    /// The same with a key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Bytes>) -> ProducerRecord {
        self.key = Some(key.into());
        self
    }

    /// The same with a further header.
    #[must_use]
    pub fn header(mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> ProducerRecord {
        self.headers.push(RecordHeader {
            key: key.into(),
            value: Some(value.into()),
        });
        self
    }

    /// The same for a partition of its own.
    #[must_use]
    pub fn partition(mut self, partition: PartitionId) -> ProducerRecord {
        self.partition = Some(partition);
        self
    }

    /// The same with a time.
    #[must_use]
    pub fn timestamp(mut self, timestamp: Timestamp) -> ProducerRecord {
        self.timestamp = Some(timestamp);
        self
    }
}

/// Where a record was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset; none with `acks=0`, and none for a batch that the broker had already.
    pub offset: Option<Offset>,
    /// The record's time, or the broker's if the topic has `LogAppendTime`.
    pub timestamp: Timestamp,
}

/// A record on its way: await it to learn where it was written, or drop it.
#[derive(Debug)]
pub struct Delivery {
    pub(super) outcome: Arc<BatchOutcome>,
    pub(super) index: u32,
    pub(super) timestamp: Timestamp,
}

impl Delivery {
    /// Waits until the broker has acknowledged the record, or it has failed for good.
    pub async fn wait(self) -> Result<RecordMetadata, ClientError> {
        let appended = self.outcome.wait().await?;
        let offset = appended.base_offset;
        Ok(RecordMetadata {
            partition: self.outcome.partition.clone(),
            offset: offset.and_then(|base| base.checked_add(i64::from(self.index))),
            timestamp: appended.log_append_time.unwrap_or(self.timestamp),
        })
    }

    /// The partition that the record goes to.
    pub fn partition(&self) -> &TopicPartition {
        &self.outcome.partition
    }
}

/// What became of a batch, shared by its records.
#[derive(Debug)]
pub(super) struct BatchOutcome {
    partition: TopicPartition,
    result: OnceLock<Result<Appended, ClientError>>,
    known: Notify,
}

/// Where a batch was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appended {
    pub(super) base_offset: Option<Offset>,
    pub(super) log_append_time: Option<Timestamp>,
}

impl BatchOutcome {
    pub(super) fn new(partition: TopicPartition) -> Arc<BatchOutcome> {
        Arc::new(BatchOutcome {
            partition,
            result: OnceLock::new(),
            known: Notify::new(),
        })
    }

    /// Tells all who wait; the first result counts.
    pub(super) fn set(&self, result: Result<Appended, ClientError>) {
        let _ = self.result.set(result);
        self.known.notify_waiters();
    }

    pub(super) async fn wait(&self) -> Result<Appended, ClientError> {
        loop {
            if let Some(result) = self.result.get() {
                return result.clone();
            }
            // It may have become known just before this listens.
            let known = self.known.notified();
            if self.result.get().is_none() {
                known.await;
            }
        }
    }
}
