//! Whole record batches of a partition, as slices of what the broker sent.
//!
//! This is what the streaming engine reads by: it keeps offsets itself, decodes batches into
//! columns itself and wants no copy on the way. Nothing here knows groups or positions.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fleuve_model::record::{BatchError, Batches, RecordBatch};
use fleuve_model::{ErrorCode, Offset, TopicName, TopicPartition};
use fleuve_protocol::api::FetchRequest;
use fleuve_protocol::api::fetch::{FetchPartition, FetchTopic, PartitionData};
use fleuve_protocol::{ApiKey, Records, Str};
use tokio::time::Instant;

use crate::cluster::metadata::Topic;
use crate::cluster::{Cluster, Purpose};
use crate::config::{CommonSettings, Reader as ConfigReader};
use crate::offsets::list_offsets;
use crate::transactions::AbortedTransactions;
use crate::{ClientError, Config, IsolationLevel, ListedOffset, OffsetSpec};

/// From this version on a fetch names topics by id.
pub(crate) const FETCH_BY_ID_FROM: i16 = 13;

/// Reads partitions; clones share connections.
#[derive(Clone)]
pub struct PartitionReader {
    cluster: Cluster,
    settings: ReaderSettings,
}

#[derive(Clone, Debug)]
struct ReaderSettings {
    api_timeout: Duration,
    check_crcs: bool,
    isolation: IsolationLevel,
}

/// How much to read and how long to wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// The broker answers as soon as it has this much, or when `wait` is over.
    pub bytes_min: usize,
    /// About how much is read at most; the first batch comes whole even if it is larger.
    pub bytes_max: usize,
    /// How long the broker waits for `bytes_min`.
    pub wait: Duration,
}

/// Kafka's defaults of `fetch.min.bytes`, `max.partition.fetch.bytes` and `fetch.max.wait.ms`.
impl Default for ReadLimits {
    fn default() -> ReadLimits {
        ReadLimits {
            bytes_min: 1,
            bytes_max: 1 << 20,
            wait: Duration::from_millis(500),
        }
    }
}

/// What one read has brought.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The batches, in order. The first may begin before the offset that was asked for: its
    /// records before that are to be skipped.
    pub batches: Vec<RecordBatch>,
    /// Where to read on; beyond `batches` if control records or aborted ones were left out.
    pub next_offset: Offset,
    /// The first offset that is not committed yet.
    pub high_watermark: Offset,
    /// The first offset of an open transaction, or the high watermark.
    pub last_stable_offset: Option<Offset>,
    /// The first offset that is there.
    pub log_start_offset: Option<Offset>,
}

impl PartitionReader {
    /// A reader; no broker is asked before the first call.
    ///
    /// Beside the common keys it takes `check.crcs`, `isolation.level` and
    /// `default.api.timeout.ms`, with the consumer's defaults.
    pub fn new(config: &Config) -> Result<PartitionReader, ClientError> {
        let reader = ConfigReader::new(config);
        let common = CommonSettings::read(config, &reader, "", 30_000)?;
        let settings = ReaderSettings {
            api_timeout: reader.millis("default.api.timeout.ms", 60_000)?,
            check_crcs: reader.flag("check.crcs", true)?,
            isolation: read_isolation(&reader)?,
        };
        reader.finish("partition reader");
        Ok(PartitionReader {
            cluster: Cluster::new(common),
            settings,
        })
    }

    /// A topic as a broker tells it now; an error if there is none of that name.
    pub async fn topic(&self, name: &TopicName) -> Result<Topic, ClientError> {
        let deadline = self.deadline();
        let attempt = || async {
            match self.cluster.fresh_topic(name, false).await {
                // Asking again would not create it.
                Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
                    Ok(Err(error))
                }
                other => other.map(Ok),
            }
        };
        self.cluster.retry(deadline, attempt).await?
    }

    /// The names of all topics.
    pub async fn topics(&self) -> Result<Vec<TopicName>, ClientError> {
        use crate::cluster::TopicSelection;
        let deadline = self.deadline();
        let refresh = || self.cluster.refresh(TopicSelection::All, false);
        let (metadata, _) = self.cluster.retry(deadline, refresh).await?;
        Ok(metadata.topics.keys().cloned().collect())
    }

    /// Finds offsets; see [`OffsetSpec`].
    pub async fn list_offsets(
        &self,
        partitions: &BTreeMap<TopicPartition, OffsetSpec>,
    ) -> Result<BTreeMap<TopicPartition, ListedOffset>, ClientError> {
        let found = list_offsets(
            &self.cluster,
            partitions,
            self.settings.isolation,
            self.deadline(),
        )
        .await;
        found
            .into_iter()
            .map(|(partition, result)| Ok((partition, result?)))
            .collect()
    }

    /// Reads batches from `from` on. No batches means that there are none yet, or none that
    /// the isolation level shows; reading on at [`Chunk::next_offset`] is right in any case.
    pub async fn read(
        &self,
        partition: &TopicPartition,
        from: Offset,
        limits: ReadLimits,
    ) -> Result<Chunk, ClientError> {
        let deadline = self.deadline() + limits.wait;
        let attempt = || self.fetch(partition, from, limits);
        match self.cluster.retry(deadline, attempt).await {
            Err(error) if error.code() == Some(ErrorCode::OffsetOutOfRange) => {
                Err(out_of_range(&self.cluster, partition, from, deadline).await)
            }
            other => other,
        }
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.settings.api_timeout
    }

    async fn fetch(
        &self,
        partition: &TopicPartition,
        from: Offset,
        limits: ReadLimits,
    ) -> Result<Chunk, ClientError> {
        let cluster = &self.cluster;
        if !cluster.metadata().topics.contains_key(&partition.topic) {
            cluster.fresh_topic(&partition.topic, false).await?;
        }
        let metadata = cluster.metadata();
        let topic_id = metadata
            .topics
            .get(&partition.topic)
            .and_then(|topic| topic.id);
        let leader = cluster.leader(partition)?;
        let connection = cluster.connection(leader.id, Purpose::Fetch).await?;
        let mut version = connection.version_of::<FetchRequest>()?;
        if topic_id.is_none() {
            version = version.min(FETCH_BY_ID_FROM - 1);
        }
        let bytes_max = wire_size(limits.bytes_max);
        let request = FetchRequest {
            max_wait_ms: limits.wait.as_millis().min(i32::MAX as u128) as i32,
            min_bytes: wire_size(limits.bytes_min),
            max_bytes: bytes_max,
            isolation_level: self.settings.isolation.to_wire(),
            // Outside of any fetch session (KIP-227).
            session_id: 0,
            session_epoch: -1,
            topics: vec![FetchTopic {
                topic: Str::from(partition.topic.as_str()),
                topic_id,
                partitions: vec![FetchPartition {
                    partition: partition.partition.value(),
                    fetch_offset: from.value(),
                    partition_max_bytes: bytes_max,
                    ..FetchPartition::default()
                }],
            }],
            ..FetchRequest::default()
        };
        let limit = cluster.settings().request_timeout + limits.wait;
        let answer = connection.start_at(request, version).await?;
        let mut response = answer.receive_within(limit).await?;
        ClientError::check(response.error_code, format!("fetch of {partition}"), None)?;
        let data = response
            .responses
            .pop()
            .and_then(|mut topic| topic.partitions.pop());
        let data = data.ok_or_else(|| {
            ClientError::Invalid(format!(
                "a {} response leaves {partition} out",
                ApiKey::Fetch
            ))
        })?;
        ClientError::check(data.error_code, format!("fetch of {partition}"), None)?;
        self.chunk(partition, from, data)
    }

    fn chunk(
        &self,
        partition: &TopicPartition,
        from: Offset,
        data: PartitionData,
    ) -> Result<Chunk, ClientError> {
        let records = data.records.unwrap_or_default();
        let mut aborted = match self.settings.isolation {
            IsolationLevel::ReadUncommitted => AbortedTransactions::default(),
            IsolationLevel::ReadCommitted => {
                AbortedTransactions::new(data.aborted_transactions.unwrap_or_default())
            }
        };
        let mut next_offset = from;
        let mut batches = Vec::new();
        for batch in whole_batches(partition, &records, self.settings.check_crcs) {
            let batch = batch?;
            let end = batch.header().next_offset();
            if end <= from {
                continue;
            }
            next_offset = end;
            if aborted.shows(&batch) {
                batches.push(batch);
            }
        }
        Ok(Chunk {
            batches,
            next_offset,
            high_watermark: Offset::from_wire(data.high_watermark).unwrap_or(from),
            last_stable_offset: Offset::from_wire(data.last_stable_offset),
            log_start_offset: Offset::from_wire(data.log_start_offset),
        })
    }
}

/// Reads `isolation.level`.
pub(crate) fn read_isolation(
    reader: &ConfigReader<'_>,
) -> Result<IsolationLevel, crate::ConfigError> {
    let levels = [
        ("read_uncommitted", IsolationLevel::ReadUncommitted),
        ("read_committed", IsolationLevel::ReadCommitted),
    ];
    reader.choice("isolation.level", IsolationLevel::ReadUncommitted, &levels)
}

/// The batches of a fetch, up to the first that is damaged; the last one may have been cut off
/// and is left out then. Bytes are copied only where a batch lies across two segments.
pub(crate) fn whole_batches(
    partition: &TopicPartition,
    records: &Records,
    check_crcs: bool,
) -> Vec<Result<RecordBatch, ClientError>> {
    let mut batches = Vec::new();
    let mut reached = None;
    let mut rest = Bytes::new();
    for segment in records.segments() {
        let mut walk = Batches::new(joined(rest, segment));
        rest = Bytes::new();
        loop {
            let before = walk.rest().clone();
            let Some(batch) = walk.next() else { break };
            let checked = batch.and_then(|batch| {
                if check_crcs {
                    batch.verify_crc()?;
                }
                Ok::<RecordBatch, BatchError>(batch)
            });
            match checked {
                Ok(batch) => {
                    reached = Some(batch.header().next_offset());
                    batches.push(Ok(batch));
                }
                Err(error) if error.is_incomplete() => rest = before,
                Err(error) => {
                    batches.push(Err(ClientError::CorruptRecords {
                        partition: partition.clone(),
                        offset: reached.map_or(-1, Offset::value),
                        reason: error.to_string(),
                    }));
                    return batches;
                }
            }
        }
    }
    batches
}

fn joined(rest: Bytes, segment: &Bytes) -> Bytes {
    if rest.is_empty() {
        return segment.clone();
    }
    let mut bytes = BytesMut::with_capacity(rest.len() + segment.len());
    bytes.extend_from_slice(&rest);
    bytes.extend_from_slice(segment);
    bytes.freeze()
}

/// The error of a fetch beyond either end, with where the ends are.
pub(crate) async fn out_of_range(
    cluster: &Cluster,
    partition: &TopicPartition,
    offset: Offset,
    deadline: Instant,
) -> ClientError {
    let isolation = IsolationLevel::ReadUncommitted;
    let mut ends = [-1, -1];
    for (end, spec) in ends
        .iter_mut()
        .zip([OffsetSpec::Earliest, OffsetSpec::Latest])
    {
        let partitions = BTreeMap::from([(partition.clone(), spec)]);
        let found = list_offsets(cluster, &partitions, isolation, deadline).await;
        if let Some(Ok(ListedOffset {
            offset: Some(offset),
            ..
        })) = found.get(partition)
        {
            *end = offset.value();
        }
    }
    let [start, end] = ends;
    ClientError::OffsetOutOfRange {
        partition: partition.clone(),
        offset: offset.value(),
        start,
        end,
    }
}

/// A size as the wire has it, held at the largest.
pub(crate) fn wire_size(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use fleuve_model::record::{BatchBuilder, BatchSettings, NO_HEADERS};
    use fleuve_model::{PartitionId, Timestamp};

    use super::*;

    #[test]
    fn batches_are_whole_wherever_their_segments_are_cut() {
        let topic = TopicName::new("t").expect("valid");
        let partition = TopicPartition::new(topic, PartitionId::new(0).expect("valid"));
        let mut builder = BatchBuilder::new();
        let mut log = Vec::new();
        for value in ["one", "two", "three"] {
            let timestamp = Some(Timestamp::from_millis(1));
            let appended = builder.append(timestamp, None, Some(value.as_bytes()), NO_HEADERS);
            appended.expect("it fits");
            let batch = builder
                .build(&BatchSettings::default())
                .expect("it is built");
            log.extend_from_slice(batch.bytes());
        }
        let log = Bytes::from(log);
        for first in 0..=log.len() {
            let second = first + (log.len() - first) / 2;
            let cut = [
                log.slice(..first),
                log.slice(first..second),
                log.slice(second..),
            ];
            let records = Records::from_segments(cut.to_vec());
            let batches = whole_batches(&partition, &records, true);
            let read: Vec<Bytes> = batches
                .into_iter()
                .map(|batch| batch.expect("it is undamaged").into_bytes())
                .collect();
            assert_eq!(read.concat(), log, "cut at {first} and {second}");
        }
        let short = Records::from(log.slice(..log.len() - 1));
        assert_eq!(whole_batches(&partition, &short, true).len(), 2);
    }
}
