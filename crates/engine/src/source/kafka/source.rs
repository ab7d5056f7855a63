//! Topics as a stream.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use fleuve_client::{ClientError, OffsetSpec, PartitionReader};
use fleuve_model::{ErrorCode, Offset, Timestamp, TopicName, TopicPartition};
use indexmap::IndexMap;

use super::limits::{OffsetRange, limited, split};
use super::offsets::PartitionOffsets;
use super::options::{KafkaOptions, NoRecordAtTimestamp, OffsetBound, ReadKind, Subscription};
use super::read::{KafkaPartition, ReadSettings, data_loss};
use super::{arrow_schema, failed};
use crate::checkpoint::LogError;
use crate::error::StreamError;
use crate::file_system::FileSystem;
use crate::source::{
    Admission, OpenSource, Reach, Source, SourceBatch, SourceOffset, SourcePartition,
};

/// The source itself.
pub struct KafkaSource {
    topics: Topics,
    folder: PathBuf,
    files: Arc<dyn FileSystem>,
    initial: Option<PartitionOffsets>,
    /// The end that `availableNow` froze.
    frozen: Option<PartitionOffsets>,
    last_trigger_ms: i64,
}

impl fmt::Debug for KafkaSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSource")
            .field("options", &self.topics.options)
            .finish_non_exhaustive()
    }
}

impl KafkaSource {
    pub fn open(open: &OpenSource<'_>) -> Result<Self, StreamError> {
        let options = KafkaOptions::new(&open.scan.options, ReadKind::Stream)?;
        let reader = open
            .settings
            .kafka
            .reader(&options.client)
            .map_err(|error| failed(&error))?;
        Ok(Self {
            topics: Topics { options, reader },
            folder: open.folder.clone(),
            files: Arc::clone(&open.settings.files),
            initial: None,
            frozen: None,
            last_trigger_ms: 0,
        })
    }

    /// Where the first batch begins: as the checkpoint says, or as the options say now.
    async fn initial(&mut self) -> Result<PartitionOffsets, StreamError> {
        if let Some(initial) = &self.initial {
            return Ok(initial.clone());
        }
        let path = self.folder.join("0");
        let initial = match self.files.read(&path) {
            Ok(bytes) => read_initial(&path, &bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let initial = self.topics.starting().await?;
                // Spark writes a zero byte first, for the sake of its version 2.1.
                let text = format!("\0v1\n{}", initial.json());
                self.files
                    .create_new(&path, text.as_bytes())
                    .map_err(|error| StreamError::file(&path, &error))?;
                initial
            }
            Err(error) => return Err(StreamError::file(&path, &error)),
        };
        self.initial = Some(initial.clone());
        Ok(initial)
    }

    async fn begin(
        &mut self,
        start: Option<&SourceOffset>,
    ) -> Result<PartitionOffsets, StreamError> {
        match start {
            Some(start) => parse(start),
            None => self.initial().await,
        }
    }

    /// Adds where partitions begin that are new since `begin`.
    async fn with_new_partitions(
        &self,
        begin: &PartitionOffsets,
        end: &PartitionOffsets,
    ) -> Result<BTreeMap<TopicPartition, Offset>, StreamError> {
        let mut from = begin.0.clone();
        let new: Vec<TopicPartition> = end
            .0
            .keys()
            .filter(|partition| !from.contains_key(partition))
            .cloned()
            .collect();
        if !new.is_empty() {
            from.extend(self.topics.offsets(&new, OffsetSpec::Earliest).await?);
        }
        Ok(from)
    }

    fn report_loss(&self, what: &str) -> Result<(), StreamError> {
        let text = data_loss(what);
        if self.topics.options.fail_on_data_loss {
            return Err(StreamError::Source {
                origin: self.description(),
                reason: text,
            });
        }
        tracing::warn!("{text}");
        Ok(())
    }

    /// Whether too little has come yet and the wait has not been too long.
    fn too_little(&mut self, available: u64, now_ms: i64) -> bool {
        let Some(min) = self.topics.options.min_offsets_per_trigger else {
            return false;
        };
        let waited_ms = now_ms - self.last_trigger_ms;
        let delay_ms = self.topics.options.max_trigger_delay.as_millis() as i64;
        if available < min && waited_ms < delay_ms {
            return true;
        }
        self.last_trigger_ms = now_ms;
        false
    }
}

fn parse(offset: &SourceOffset) -> Result<PartitionOffsets, StreamError> {
    PartitionOffsets::parse(offset).map_err(|_| StreamError::invalid_offset("kafka", offset))
}

fn read_initial(path: &std::path::Path, bytes: &[u8]) -> Result<PartitionOffsets, StreamError> {
    let text = bytes.strip_prefix(b"\0").unwrap_or(bytes);
    let unreadable = |reason: String| LogError::Unreadable {
        path: path.to_path_buf(),
        reason,
    };
    let text = std::str::from_utf8(text).map_err(|error| unreadable(error.to_string()))?;
    let body = text
        .strip_prefix("v1\n")
        .ok_or_else(|| unreadable("It is not of version 1".to_owned()))?;
    let offset = SourceOffset::parse(body.trim_end()).map_err(unreadable)?;
    Ok(PartitionOffsets::parse(&offset).map_err(unreadable)?)
}

#[async_trait]
impl Source for KafkaSource {
    fn description(&self) -> String {
        format!("KafkaV2[{}]", self.topics.options.subscription_text())
    }

    fn schema(&self) -> SchemaRef {
        arrow_schema(self.topics.options.include_headers)
    }

    async fn reach(
        &mut self,
        start: Option<&SourceOffset>,
        admission: Admission,
        now_ms: i64,
    ) -> Result<Reach, StreamError> {
        let begin = self.begin(start).await?;
        let latest = match &self.frozen {
            Some(frozen) => frozen.clone(),
            None => self.topics.latest().await?,
        };
        let gone: Vec<String> = begin
            .0
            .keys()
            .filter(|partition| !latest.0.contains_key(partition))
            .map(ToString::to_string)
            .collect();
        if !gone.is_empty() {
            self.report_loss(&format!("{} are gone", gone.join(", ")))?;
        }
        let from = self.with_new_partitions(&begin, &latest).await?;
        let available = latest
            .0
            .iter()
            .map(|(partition, end)| {
                let start = from.get(partition).copied().unwrap_or(*end);
                (end.value() - start.value()).max(0) as u64
            })
            .sum();
        let reported = Some(latest.offset());
        if admission == Admission::Limited
            && self.frozen.is_none()
            && self.too_little(available, now_ms)
        {
            return Ok(Reach {
                end: start.cloned(),
                latest: reported,
            });
        }
        let end = match (admission, self.topics.options.max_offsets_per_trigger) {
            (Admission::Limited, Some(max)) => limited(max, &from, &latest),
            _ => latest,
        };
        Ok(Reach {
            end: Some(end.offset()),
            latest: reported,
        })
    }

    async fn plan(
        &mut self,
        start: Option<&SourceOffset>,
        end: &SourceOffset,
    ) -> Result<SourceBatch, StreamError> {
        let begin = self.begin(start).await?;
        let end = parse(end)?;
        let from = self.with_new_partitions(&begin, &end).await?;
        let mut ranges = Vec::new();
        for (partition, end) in &end.0 {
            let Some(start) = from.get(partition) else {
                continue;
            };
            if end < start {
                self.report_loss(&format!(
                    "{partition}'s offset was changed from {} to {}",
                    start.value(),
                    end.value()
                ))?;
                continue;
            }
            let partition = partition.clone();
            ranges.push(OffsetRange {
                partition,
                start: *start,
                end: *end,
            });
        }
        Ok(self.topics.batch(ranges))
    }

    async fn stop_at_available(&mut self, _now_ms: i64) -> Result<(), StreamError> {
        self.frozen = Some(self.topics.latest().await?);
        Ok(())
    }

    fn metrics(
        &self,
        consumed: Option<&SourceOffset>,
        latest: Option<&SourceOffset>,
    ) -> IndexMap<String, String> {
        let (Some(Ok(consumed)), Some(Ok(latest))) = (consumed.map(parse), latest.map(parse))
        else {
            return IndexMap::new();
        };
        let behind: Vec<i64> = latest
            .0
            .iter()
            .filter_map(|(partition, latest)| {
                Some(latest.value() - consumed.0.get(partition)?.value())
            })
            .collect();
        let total: i64 = behind.iter().sum();
        let number = |value: Option<&i64>| value.copied().unwrap_or(0).to_string();
        let average = if behind.is_empty() {
            0.0
        } else {
            total as f64 / behind.len() as f64
        };
        IndexMap::from([
            ("avgOffsetsBehindLatest".to_owned(), format!("{average:?}")),
            (
                "estimatedTotalBytesBehindLatest".to_owned(),
                "null".to_owned(),
            ),
            (
                "maxOffsetsBehindLatest".to_owned(),
                number(behind.iter().max()),
            ),
            (
                "minOffsetsBehindLatest".to_owned(),
                number(behind.iter().min()),
            ),
        ])
    }
}

/// The topics that a source or a table reads, and the reader they are asked with.
pub(super) struct Topics {
    pub(super) options: KafkaOptions,
    pub(super) reader: PartitionReader,
}

impl Topics {
    /// The partitions there are now.
    pub(super) async fn partitions(&self) -> Result<BTreeSet<TopicPartition>, StreamError> {
        let topics: Vec<TopicName> = match &self.options.subscription {
            Subscription::Assigned(partitions) => return Ok(partitions.iter().cloned().collect()),
            Subscription::Topics(topics) => topics.clone(),
            Subscription::Pattern(pattern) => {
                let all = self.reader.topics().await.map_err(|error| failed(&error))?;
                all.into_iter()
                    .filter(|topic| pattern.is_match(topic.as_str()))
                    .collect()
            }
        };
        let mut partitions = BTreeSet::new();
        for name in topics {
            let topic = match self.reader.topic(&name).await {
                Ok(topic) => topic,
                Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
                    return Err(StreamError::Source {
                        origin: "kafka".to_owned(),
                        reason: format!(
                            "[UNKNOWN_TOPIC_OR_PARTITION] This server does not host this \
                             topic-partition: {name}"
                        ),
                    });
                }
                Err(error) => return Err(failed(&error)),
            };
            partitions.extend(
                topic
                    .partitions
                    .iter()
                    .map(|p| TopicPartition::new(name.clone(), p.id)),
            );
        }
        Ok(partitions)
    }

    /// Finds offsets, trying again as the options say.
    pub(super) async fn list(
        &self,
        wanted: &BTreeMap<TopicPartition, OffsetSpec>,
    ) -> Result<BTreeMap<TopicPartition, Option<Offset>>, StreamError> {
        let mut tries_left = self.options.fetch_retries;
        loop {
            match self.reader.list_offsets(wanted).await {
                Ok(found) => {
                    return Ok(found
                        .into_iter()
                        .map(|(partition, listed)| (partition, listed.offset))
                        .collect());
                }
                Err(error @ ClientError::Config(_)) => return Err(failed(&error)),
                Err(error) if tries_left <= 1 => return Err(failed(&error)),
                Err(error) => tracing::warn!(%error, "offsets could not be found, trying again"),
            }
            tries_left -= 1;
            tokio::time::sleep(self.options.fetch_retry_interval).await;
        }
    }

    async fn offsets(
        &self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
    ) -> Result<BTreeMap<TopicPartition, Offset>, StreamError> {
        let wanted = partitions
            .iter()
            .map(|partition| (partition.clone(), spec))
            .collect();
        let found = self.list(&wanted).await?;
        Ok(found
            .into_iter()
            .filter_map(|(partition, offset)| Some((partition, offset?)))
            .collect())
    }

    pub(super) async fn latest(&self) -> Result<PartitionOffsets, StreamError> {
        let partitions: Vec<_> = self.partitions().await?.into_iter().collect();
        Ok(PartitionOffsets(
            self.offsets(&partitions, OffsetSpec::Latest).await?,
        ))
    }

    pub(super) async fn starting(&self) -> Result<PartitionOffsets, StreamError> {
        self.bound(&self.options.starting, self.options.no_record)
            .await
    }

    /// The offsets that a bound means now.
    pub(super) async fn bound(
        &self,
        bound: &OffsetBound,
        no_record: NoRecordAtTimestamp,
    ) -> Result<PartitionOffsets, StreamError> {
        let partitions = self.partitions().await?;
        let mut wanted = BTreeMap::new();
        let mut given = BTreeMap::new();
        for partition in &partitions {
            let spec = match bound {
                OffsetBound::Earliest => OffsetSpec::Earliest,
                OffsetBound::Latest => OffsetSpec::Latest,
                OffsetBound::Timestamp(ms) => OffsetSpec::Timestamp(Timestamp::from_millis(*ms)),
                OffsetBound::Timestamps(by_partition) => {
                    let ms = self.of_partition(by_partition, partition, "Timestamp")?;
                    OffsetSpec::Timestamp(Timestamp::from_millis(ms))
                }
                OffsetBound::Offsets(by_partition) => {
                    match self.of_partition(by_partition, partition, "Offsets")? {
                        -1 => OffsetSpec::Latest,
                        -2 => OffsetSpec::Earliest,
                        number => {
                            let offset =
                                Offset::from_wire(number).ok_or_else(|| StreamError::Source {
                                    origin: partition.to_string(),
                                    reason: format!("{number} is no offset"),
                                })?;
                            given.insert(partition.clone(), offset);
                            continue;
                        }
                    }
                }
            };
            wanted.insert(partition.clone(), spec);
        }
        let found = self.list(&wanted).await?;
        let mut missing = Vec::new();
        for (partition, offset) in found {
            match offset {
                Some(offset) => {
                    given.insert(partition, offset);
                }
                None => missing.push(partition),
            }
        }
        if !missing.is_empty() {
            if no_record == NoRecordAtTimestamp::Fail {
                let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
                return Err(StreamError::Source {
                    origin: "kafka".to_owned(),
                    reason: format!(
                        "No offset matched from request of topic-partition(s) {} and the \
                         timestamp of the options.",
                        names.join(", ")
                    ),
                });
            }
            given.extend(self.offsets(&missing, OffsetSpec::Latest).await?);
        }
        Ok(PartitionOffsets(given))
    }

    fn of_partition(
        &self,
        by_partition: &BTreeMap<TopicPartition, i64>,
        partition: &TopicPartition,
        what: &str,
    ) -> Result<i64, StreamError> {
        by_partition.get(partition).copied().ok_or_else(|| StreamError::Source {
            origin: "kafka".to_owned(),
            reason: format!(
                "assertion failed: If starting{what} contains specific offsets, you must specify \
                 all TopicPartitions. {partition} is not among them."
            ),
        })
    }

    /// The tasks that read `ranges`.
    pub(super) fn batch(&self, ranges: Vec<OffsetRange>) -> SourceBatch {
        let settings = ReadSettings {
            reader: self.reader.clone(),
            include_headers: self.options.include_headers,
            fail_on_data_loss: self.options.fail_on_data_loss,
            poll_timeout: self.options.poll_timeout,
        };
        let ranges = split(
            ranges,
            self.options.min_partitions,
            self.options.max_records_per_partition,
        );
        SourceBatch::Partitions(
            ranges
                .into_iter()
                .map(|range| {
                    Arc::new(KafkaPartition {
                        range,
                        settings: settings.clone(),
                    }) as Arc<dyn SourcePartition>
                })
                .collect(),
        )
    }
}
