use std::collections::BTreeMap;

use fleuve_model::{LeaderEpoch, Offset, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use fleuve_protocol::api::offset_delete::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use fleuve_protocol::api::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use fleuve_protocol::api::{
    OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, OffsetFetchResponse,
};

use crate::ClientError;
use crate::admin::Admin;
use crate::admin::configs::text;
use crate::cluster::{Cluster, partition_from_wire};

/// Versions beyond these name topics by id; names are enough here.
const OFFSETS_BY_NAME_MAX: i16 = 9;

/// The first version that asks for several groups at once.
const OFFSET_FETCH_GROUPS_FROM: i16 = 8;

/// An offset that is or is to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next record to read.
    pub offset: Offset,
    /// The epoch of the leader that wrote the last record read.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Whatever the member wants to remember.
    pub metadata: String,
}

pub(crate) type EachPartition<T> = BTreeMap<TopicPartition, Result<T, ClientError>>;

impl Admin {
    /// The offsets that a group has committed: of `partitions`, or of all if that is none.
    /// Partitions without one are left out.
    pub async fn list_group_offsets(
        &self,
        group: &str,
        partitions: Option<&[TopicPartition]>,
    ) -> Result<EachPartition<CommittedOffset>, ClientError> {
        fetch_group_offsets(&self.cluster, group, partitions, self.deadline(), None).await
    }

    /// Sets offsets of a group that has no members.
    pub async fn alter_group_offsets(
        &self,
        group: &str,
        offsets: &BTreeMap<TopicPartition, CommittedOffset>,
    ) -> Result<EachPartition<()>, ClientError> {
        let mut topics: BTreeMap<&str, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
        for (partition, offset) in offsets {
            let entry = topics.entry(partition.topic.as_str()).or_default();
            entry.push(OffsetCommitRequestPartition {
                partition_index: partition.partition.value(),
                committed_offset: offset.offset.value(),
                committed_leader_epoch: offset.leader_epoch.map_or(-1, LeaderEpoch::value),
                committed_metadata: Some(Str::from(offset.metadata.as_str())),
            });
        }
        let topics = topics
            .into_iter()
            .map(|(name, partitions)| OffsetCommitRequestTopic {
                name: Str::from(name),
                partitions,
                ..OffsetCommitRequestTopic::default()
            });
        let commit = OffsetCommitRequest {
            group_id: Str::from(group),
            topics: topics.collect(),
            ..OffsetCommitRequest::default()
        };
        self.cluster
            .retry(self.deadline(), || async {
                let kind = crate::cluster::CoordinatorType::Group;
                let coordinator = self.cluster.find_coordinator(kind, group).await?;
                let connection = self.cluster.coordinator_connection(&coordinator).await?;
                let response = connection
                    .call_at_most(commit.clone(), OFFSETS_BY_NAME_MAX)
                    .await?;
                let mut results = BTreeMap::new();
                for topic in &response.topics {
                    for found in &topic.partitions {
                        let name = topic.name.as_str();
                        let Some(partition) = partition_from_wire(name, found.partition_index)
                        else {
                            continue;
                        };
                        let subject = format!("offset of group {group} in {partition}");
                        let result = ClientError::check(found.error_code, subject, None);
                        if matches!(&result, Err(error) if error.is_retriable()) {
                            result.clone()?;
                        }
                        results.insert(partition, result);
                    }
                }
                Ok(results)
            })
            .await
    }

    /// Forgets offsets of a group, in partitions that no member subscribes to.
    pub async fn delete_group_offsets(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<EachPartition<()>, ClientError> {
        let mut topics: BTreeMap<&str, Vec<OffsetDeleteRequestPartition>> = BTreeMap::new();
        for partition in partitions {
            let partition_index = partition.partition.value();
            let entry = topics.entry(partition.topic.as_str()).or_default();
            entry.push(OffsetDeleteRequestPartition { partition_index });
        }
        let request = |_| OffsetDeleteRequest {
            group_id: Str::from(group),
            topics: topics
                .iter()
                .map(|(name, partitions)| OffsetDeleteRequestTopic {
                    name: Str::from(*name),
                    partitions: partitions.clone(),
                })
                .collect(),
        };
        let read = |response: fleuve_protocol::api::OffsetDeleteResponse| {
            ClientError::check(response.error_code, format!("group {group}"), None)?;
            let mut results = BTreeMap::new();
            for topic in &response.topics {
                for found in &topic.partitions {
                    let name = topic.name.as_str();
                    if let Some(partition) = partition_from_wire(name, found.partition_index) {
                        let subject = format!("offset of group {group} in {partition}");
                        let result = ClientError::check(found.error_code, subject, None);
                        results.insert(partition, result);
                    }
                }
            }
            Ok(results)
        };
        self.cluster
            .call_coordinator(group, self.deadline(), request, read)
            .await
    }
}

/// Asks the coordinator for committed offsets, in the name of a member or of nobody.
pub(crate) async fn fetch_group_offsets(
    cluster: &Cluster,
    group: &str,
    partitions: Option<&[TopicPartition]>,
    deadline: tokio::time::Instant,
    member: Option<(Str, i32)>,
) -> Result<EachPartition<CommittedOffset>, ClientError> {
    let mut by_topic: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for partition in partitions.unwrap_or_default() {
        let entry = by_topic.entry(partition.topic.as_str()).or_default();
        entry.push(partition.partition.value());
    }
    let call = || async {
        let kind = crate::cluster::CoordinatorType::Group;
        let coordinator = cluster.find_coordinator(kind, group).await?;
        let connection = cluster.coordinator_connection(&coordinator).await?;
        let version = connection
            .version_of::<OffsetFetchRequest>()?
            .min(OFFSETS_BY_NAME_MAX);
        let mut request = OffsetFetchRequest {
            require_stable: version >= 7,
            ..OffsetFetchRequest::default()
        };
        if version >= OFFSET_FETCH_GROUPS_FROM {
            let topics = by_topic
                .iter()
                .map(|(name, indexes)| OffsetFetchRequestTopics {
                    name: Str::from(*name),
                    topic_id: None,
                    partition_indexes: indexes.clone(),
                });
            let (member_id, member_epoch) = member
                .clone()
                .map_or((None, -1), |(id, epoch)| (Some(id), epoch));
            request.groups = vec![OffsetFetchRequestGroup {
                group_id: Str::from(group),
                member_id,
                member_epoch,
                topics: partitions.map(|_| topics.collect()),
            }];
        } else {
            let topics = by_topic
                .iter()
                .map(|(name, indexes)| OffsetFetchRequestTopic {
                    name: Str::from(*name),
                    partition_indexes: indexes.clone(),
                });
            request.group_id = Str::from(group);
            request.topics = partitions.map(|_| topics.collect());
        }
        let response = connection
            .start_at(request, version)
            .await?
            .receive()
            .await?;
        read_group_offsets(group, &response)
    };
    cluster.retry(deadline, call).await
}

fn read_group_offsets(
    group: &str,
    response: &OffsetFetchResponse,
) -> Result<EachPartition<CommittedOffset>, ClientError> {
    let subject = format!("offsets of group {group}");
    ClientError::check(response.error_code, subject.clone(), None)?;
    let old = response.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|p| {
            let epoch = p.committed_leader_epoch;
            (
                &topic.name,
                p.partition_index,
                p.committed_offset,
                epoch,
                &p.metadata,
                p.error_code,
            )
        })
    });
    let mut all: Vec<_> = old.collect();
    for found in &response.groups {
        ClientError::check(found.error_code, subject.clone(), None)?;
        all.extend(found.topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|p| {
                let epoch = p.committed_leader_epoch;
                let (index, offset) = (p.partition_index, p.committed_offset);
                (&topic.name, index, offset, epoch, &p.metadata, p.error_code)
            })
        }));
    }
    let mut results = BTreeMap::new();
    for (topic, index, offset, epoch, metadata, code) in all {
        let Some(partition) = partition_from_wire(topic.as_str(), index) else {
            continue;
        };
        let checked = ClientError::check(code, format!("{subject} in {partition}"), None);
        if matches!(&checked, Err(error) if error.is_retriable()) {
            checked.clone()?;
        }
        let Some(offset) = Offset::from_wire(offset) else {
            if let Err(error) = checked {
                results.insert(partition, Err(error));
            }
            continue;
        };
        let committed = CommittedOffset {
            offset,
            leader_epoch: LeaderEpoch::from_wire(epoch),
            metadata: text(metadata.as_ref()).unwrap_or_default(),
        };
        results.insert(partition, checked.map(|()| committed));
    }
    Ok(results)
}
