//! Finding offsets: at either end of a partition, or at a time.

use std::collections::BTreeMap;

use fleuve_model::{LeaderEpoch, Offset, Timestamp, TopicPartition};
use fleuve_protocol::api::ListOffsetsRequest;
use fleuve_protocol::api::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use fleuve_protocol::{ApiKey, Str};
use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::ClientError;
use crate::cluster::{Cluster, Purpose, partition_from_wire};

/// Which offset of a partition is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first that is there.
    Earliest,
    /// The one that the next record gets.
    Latest,
    /// The first of the records with the largest timestamp.
    MaxTimestamp,
    /// The first on the leader's own disk (tiered storage).
    EarliestLocal,
    /// The last in the remote tier (tiered storage).
    LatestTiered,
    /// The first that is to be copied to the remote tier (KIP-1023).
    EarliestPendingUpload,
    /// The first whose timestamp is this or later.
    Timestamp(Timestamp),
}

/// What a reader sees of transactions (`isolation.level`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IsolationLevel {
    /// All records, those of open and aborted transactions too.
    #[default]
    ReadUncommitted,
    /// Only what was committed, up to the first open transaction.
    ReadCommitted,
}

/// An offset that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedOffset {
    /// The offset; none if no record is as asked for.
    pub offset: Option<Offset>,
    /// The record's timestamp; only for offsets that were found by time.
    pub timestamp: Option<Timestamp>,
    /// The epoch of the leader that wrote the record.
    pub leader_epoch: Option<LeaderEpoch>,
}

impl IsolationLevel {
    pub(crate) const fn to_wire(self) -> i8 {
        match self {
            IsolationLevel::ReadUncommitted => 0,
            IsolationLevel::ReadCommitted => 1,
        }
    }
}

impl OffsetSpec {
    const fn to_wire(self) -> i64 {
        match self {
            OffsetSpec::Latest => -1,
            OffsetSpec::Earliest => -2,
            OffsetSpec::MaxTimestamp => -3,
            OffsetSpec::EarliestLocal => -4,
            OffsetSpec::LatestTiered => -5,
            OffsetSpec::EarliestPendingUpload => -6,
            OffsetSpec::Timestamp(timestamp) => timestamp.as_millis(),
        }
    }

    /// The first version of the request that can ask for it.
    const fn version_min(self) -> i16 {
        match self {
            OffsetSpec::MaxTimestamp => 7,
            OffsetSpec::EarliestLocal => 8,
            OffsetSpec::LatestTiered => 9,
            OffsetSpec::EarliestPendingUpload => 11,
            OffsetSpec::Earliest | OffsetSpec::Latest | OffsetSpec::Timestamp(_) => 1,
        }
    }
}

pub(crate) type OffsetResults = BTreeMap<TopicPartition, Result<ListedOffset, ClientError>>;

/// Asks the leaders of `partitions`, again where an error may pass, until `deadline`.
pub(crate) async fn list_offsets(
    cluster: &Cluster,
    partitions: &BTreeMap<TopicPartition, OffsetSpec>,
    isolation: IsolationLevel,
    deadline: Instant,
) -> OffsetResults {
    let mut results = OffsetResults::new();
    let mut open = partitions.clone();
    let mut backoff = cluster.backoff();
    loop {
        let round = ask_leaders(cluster, &open, isolation).await;
        let pause = backoff.next();
        let is_last = Instant::now() + pause >= deadline;
        for (partition, result) in round {
            let again = matches!(&result, Err(error) if error.is_retriable()) && !is_last;
            if !again {
                open.remove(&partition);
                results.insert(partition, result);
            }
        }
        if open.is_empty() {
            return results;
        }
        sleep(pause).await;
        for partition in open.keys() {
            let _ = cluster.fresh_topic(&partition.topic, false).await;
        }
    }
}

/// One round: every partition has a result, if only that its leader is unknown.
async fn ask_leaders(
    cluster: &Cluster,
    partitions: &BTreeMap<TopicPartition, OffsetSpec>,
    isolation: IsolationLevel,
) -> OffsetResults {
    let mut results = OffsetResults::new();
    let mut by_leader: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (partition, spec) in partitions {
        match leader(cluster, partition).await {
            Ok(leader) => by_leader
                .entry(leader)
                .or_default()
                .push((partition, *spec)),
            Err(error) => drop(results.insert(partition.clone(), Err(error))),
        }
    }
    let calls = by_leader
        .into_iter()
        .map(|(leader, partitions)| async move {
            let result = ask_leader(cluster, leader, &partitions, isolation).await;
            match result {
                Ok(found) => found,
                Err(error) => partitions
                    .iter()
                    .map(|(p, _)| ((*p).clone(), Err(error.clone())))
                    .collect(),
            }
        });
    for found in join_all(calls).await {
        results.extend(found);
    }
    results
}

async fn leader(
    cluster: &Cluster,
    partition: &TopicPartition,
) -> Result<fleuve_model::BrokerId, ClientError> {
    if !cluster.metadata().topics.contains_key(&partition.topic) {
        cluster.fresh_topic(&partition.topic, false).await?;
    }
    Ok(cluster.leader(partition)?.id)
}

async fn ask_leader(
    cluster: &Cluster,
    leader: fleuve_model::BrokerId,
    partitions: &[(&TopicPartition, OffsetSpec)],
    isolation: IsolationLevel,
) -> Result<OffsetResults, ClientError> {
    let connection = cluster.connection(leader, Purpose::Requests).await?;
    let version = connection.version_of::<ListOffsetsRequest>()?;
    let needed = partitions
        .iter()
        .map(|(_, spec)| spec.version_min())
        .max()
        .unwrap_or(1);
    if needed > version {
        return Err(ClientError::UnsupportedApi {
            broker: connection.broker().to_owned(),
            api: ApiKey::ListOffsets.name(),
            offered: connection
                .offered(ApiKey::ListOffsets)
                .map(|offered| offered.to_string()),
            needed: format!("{needed} or later"),
        });
    }
    let mut topics: BTreeMap<&str, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for (partition, spec) in partitions {
        let request = ListOffsetsPartition {
            partition_index: partition.partition.value(),
            current_leader_epoch: -1,
            timestamp: spec.to_wire(),
        };
        topics
            .entry(partition.topic.as_str())
            .or_default()
            .push(request);
    }
    let topics = topics
        .into_iter()
        .map(|(name, partitions)| ListOffsetsTopic {
            name: Str::from(name),
            partitions,
        });
    let request = ListOffsetsRequest {
        replica_id: -1,
        isolation_level: isolation.to_wire(),
        topics: topics.collect(),
        timeout_ms: cluster.settings().request_timeout.as_millis() as i32,
    };
    let response = connection
        .start_at(request, version)
        .await?
        .receive()
        .await?;
    let mut results = OffsetResults::new();
    for topic in &response.topics {
        for found in &topic.partitions {
            let Some(partition) = partition_from_wire(topic.name.as_str(), found.partition_index)
            else {
                continue;
            };
            let subject = format!("offsets of {partition}");
            let result =
                ClientError::check(found.error_code, subject, None).map(|()| ListedOffset {
                    offset: Offset::from_wire(found.offset),
                    timestamp: Timestamp::from_wire(found.timestamp),
                    leader_epoch: LeaderEpoch::from_wire(found.leader_epoch),
                });
            results.insert(partition, result);
        }
    }
    Ok(results)
}
