use std::collections::BTreeMap;

use fleuve_model::{ErrorCode, LeaderEpoch, Offset, TopicPartition};
use fleuve_protocol::api::leave_group::MemberIdentity;
use fleuve_protocol::api::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use fleuve_protocol::api::offset_delete::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use fleuve_protocol::api::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use fleuve_protocol::api::{
    ConsumerGroupDescribeRequest, DeleteGroupsRequest, DescribeGroupsRequest, LeaveGroupRequest,
    ListGroupsRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest,
    OffsetFetchResponse, consumer_group_describe, describe_groups,
};
use fleuve_protocol::internal_records::consumer_protocol::ConsumerProtocolAssignment;
use fleuve_protocol::internal_records::decode_consumer_protocol;
use fleuve_protocol::{ApiKey, Str};
use futures::future::join_all;

use super::Admin;
use super::configs::text;
use crate::ClientError;
use crate::cluster::{Cluster, Purpose, TopicSelection, partition_from_wire};

/// Versions beyond these name topics by id; names are enough here.
const OFFSETS_BY_NAME_MAX: i16 = 9;

/// The first version that asks for several groups at once.
const OFFSET_FETCH_GROUPS_FROM: i16 = 8;

/// Which groups to list; empty means all.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GroupsFilter {
    /// By Kafka's names, such as `Stable`.
    pub states: Vec<String>,
    /// By Kafka's names, such as `classic`.
    pub types: Vec<String>,
}

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupListing {
    /// Its id.
    pub id: String,
    /// `consumer`, `connect` or whatever its members speak; empty if it only has offsets.
    pub protocol_type: String,
    /// By Kafka's name; none from brokers that do not tell.
    pub state: Option<String>,
    /// By Kafka's name: `classic`, `consumer`, `share`; none from brokers that do not tell.
    pub kind: Option<String>,
}

/// Which protocol a group runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// Members join and sync, and a leader assigns.
    Classic,
    /// Members send heartbeats, and the broker assigns (KIP-848).
    Consumer,
}

/// A group in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDescription {
    /// Its id.
    pub id: String,
    /// Which protocol it runs.
    pub kind: GroupKind,
    /// By Kafka's name: `Empty`, `Stable`, `PreparingRebalance`, ...
    pub state: String,
    /// `consumer` for groups of consumers.
    pub protocol_type: String,
    /// The assignor.
    pub assignor: String,
    /// The epochs of group and target assignment; only of consumer groups.
    pub epochs: Option<(i32, i32)>,
    /// The members.
    pub members: Vec<GroupMember>,
    /// The broker that coordinates it.
    pub coordinator: crate::metadata::Broker,
    /// What the client may do with it, as Kafka's bits, if it was asked for.
    pub authorized_operations: Option<i32>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// Its id.
    pub id: String,
    /// `group.instance.id`, of a static member.
    pub instance_id: Option<String>,
    /// Its `client.id`.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// What it owns.
    pub assignment: Vec<TopicPartition>,
    /// What it is to own; only in consumer groups.
    pub target: Option<Vec<TopicPartition>>,
    /// Its epoch; only in consumer groups.
    pub epoch: Option<i32>,
    /// Whether a member of a consumer group still speaks the classic protocol.
    pub is_upgraded: Option<bool>,
}

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

/// A member to be put out of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberToRemove {
    /// By its id.
    Id(String),
    /// By `group.instance.id`.
    InstanceId(String),
}

type EachPartition<T> = BTreeMap<TopicPartition, Result<T, ClientError>>;

impl Admin {
    /// Lists the groups of all brokers.
    pub async fn list_groups(
        &self,
        filter: &GroupsFilter,
    ) -> Result<Vec<GroupListing>, ClientError> {
        let refresh = || self.cluster.refresh(TopicSelection::None, false);
        let (metadata, _) = self.cluster.retry(self.deadline(), refresh).await?;
        let calls = metadata.brokers.keys().map(|broker| {
            self.cluster.retry(self.deadline(), || async {
                let connection = self.cluster.connection(*broker, Purpose::Requests).await?;
                let word = |word: &String| Str::from(word.as_str());
                let request = ListGroupsRequest {
                    states_filter: filter.states.iter().map(word).collect(),
                    types_filter: filter.types.iter().map(word).collect(),
                };
                let response = connection.call(request).await?;
                ClientError::check(response.error_code, "groups", None)?;
                Ok(response)
            })
        });
        let mut groups = Vec::new();
        for response in join_all(calls).await {
            let some = |text: &Str| (!text.is_empty()).then(|| text.as_str().to_owned());
            groups.extend(response?.groups.iter().map(|group| GroupListing {
                id: group.group_id.as_str().to_owned(),
                protocol_type: group.protocol_type.as_str().to_owned(),
                state: some(&group.group_state),
                kind: some(&group.group_type),
            }));
        }
        groups.sort_by(|a, b| a.id.cmp(&b.id));
        groups.dedup();
        Ok(groups)
    }

    /// Describes a group, of whichever kind it is.
    pub async fn describe_group(&self, group: &str) -> Result<GroupDescription, ClientError> {
        self.cluster
            .retry(self.deadline(), || self.ask_for_group(group))
            .await
    }

    async fn ask_for_group(&self, group: &str) -> Result<GroupDescription, ClientError> {
        let kind = crate::cluster::CoordinatorType::Group;
        let coordinator = self.cluster.find_coordinator(kind, group).await?;
        let connection = self.cluster.coordinator_connection(&coordinator).await?;
        if connection.offered(ApiKey::ConsumerGroupDescribe).is_some() {
            let request = ConsumerGroupDescribeRequest {
                group_ids: vec![Str::from(group)],
                include_authorized_operations: false,
            };
            let response = connection.call(request).await?;
            if let Some(found) = response.groups.into_iter().next() {
                let subject = format!("group {group}");
                let checked =
                    ClientError::check(found.error_code, subject, found.error_message.as_ref());
                match checked {
                    Ok(()) => return Ok(GroupDescription::of_consumer(found, coordinator)),
                    // It is not one of these, or none at all: the classic call tells which.
                    Err(error) if error.code() == Some(ErrorCode::GroupIdNotFound) => {}
                    Err(error) if error.code() == Some(ErrorCode::UnsupportedVersion) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let request = DescribeGroupsRequest {
            groups: vec![Str::from(group)],
            include_authorized_operations: false,
        };
        let response = connection.call(request).await?;
        let found = response.groups.into_iter().next().unwrap_or_default();
        let message = found.error_message.as_ref();
        ClientError::check(found.error_code, format!("group {group}"), message)?;
        Ok(GroupDescription::of_classic(found, coordinator))
    }

    /// Deletes groups that have no members.
    pub async fn delete_groups(&self, groups: &[String]) -> super::Each<()> {
        let calls = groups.iter().map(|group| async move {
            let request = |_| DeleteGroupsRequest {
                groups_names: vec![Str::from(group.as_str())],
            };
            let read = |response: fleuve_protocol::api::DeleteGroupsResponse| {
                let code = response
                    .results
                    .first()
                    .map_or(0, |result| result.error_code);
                ClientError::check(code, format!("group {group}"), None)
            };
            let result = self
                .cluster
                .call_coordinator(group, self.deadline(), request, read)
                .await;
            (group.clone(), result)
        });
        join_all(calls).await.into_iter().collect()
    }

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

    /// Puts members out of a classic group.
    pub async fn remove_group_members(
        &self,
        group: &str,
        members: &[MemberToRemove],
    ) -> Result<(), ClientError> {
        let identity = |member: &MemberToRemove| {
            let reason = Some(Str::from_static("member was removed by an admin"));
            match member {
                MemberToRemove::Id(id) => MemberIdentity {
                    member_id: Str::from(id.as_str()),
                    group_instance_id: None,
                    reason,
                },
                MemberToRemove::InstanceId(id) => MemberIdentity {
                    member_id: Str::EMPTY,
                    group_instance_id: Some(Str::from(id.as_str())),
                    reason,
                },
            }
        };
        let request = |_| LeaveGroupRequest {
            group_id: Str::from(group),
            members: members.iter().map(identity).collect(),
            ..LeaveGroupRequest::default()
        };
        let read = |response: fleuve_protocol::api::LeaveGroupResponse| {
            ClientError::check(response.error_code, format!("group {group}"), None)?;
            for member in &response.members {
                let subject = format!("member {} of group {group}", member.member_id);
                ClientError::check(member.error_code, subject, None)?;
            }
            Ok(())
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

impl GroupDescription {
    fn of_classic(
        group: describe_groups::DescribedGroup,
        coordinator: crate::metadata::Broker,
    ) -> GroupDescription {
        let is_consumer = group.protocol_type == "consumer" || group.protocol_type.is_empty();
        let members = group.members.iter().map(|member| GroupMember {
            id: member.member_id.as_str().to_owned(),
            instance_id: text(member.group_instance_id.as_ref()),
            client_id: member.client_id.as_str().to_owned(),
            host: member.client_host.as_str().to_owned(),
            assignment: if is_consumer {
                classic_assignment(&member.member_assignment)
            } else {
                Vec::new()
            },
            target: None,
            epoch: None,
            is_upgraded: None,
        });
        GroupDescription {
            id: group.group_id.as_str().to_owned(),
            kind: GroupKind::Classic,
            state: group.group_state.as_str().to_owned(),
            protocol_type: group.protocol_type.as_str().to_owned(),
            assignor: group.protocol_data.as_str().to_owned(),
            epochs: None,
            members: members.collect(),
            coordinator,
            authorized_operations: Some(group.authorized_operations).filter(|o| *o != i32::MIN),
        }
    }

    fn of_consumer(
        group: consumer_group_describe::DescribedGroup,
        coordinator: crate::metadata::Broker,
    ) -> GroupDescription {
        let members = group.members.iter().map(|member| GroupMember {
            id: member.member_id.as_str().to_owned(),
            instance_id: text(member.instance_id.as_ref()),
            client_id: member.client_id.as_str().to_owned(),
            host: member.client_host.as_str().to_owned(),
            assignment: partitions_of(&member.assignment),
            target: Some(partitions_of(&member.target_assignment)),
            epoch: Some(member.member_epoch),
            is_upgraded: match member.member_type {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            },
        });
        GroupDescription {
            id: group.group_id.as_str().to_owned(),
            kind: GroupKind::Consumer,
            state: group.group_state.as_str().to_owned(),
            protocol_type: "consumer".to_owned(),
            assignor: group.assignor_name.as_str().to_owned(),
            epochs: Some((group.group_epoch, group.assignment_epoch)),
            members: members.collect(),
            coordinator,
            authorized_operations: Some(group.authorized_operations).filter(|o| *o != i32::MIN),
        }
    }
}

fn classic_assignment(bytes: &bytes::Bytes) -> Vec<TopicPartition> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let assignment: ConsumerProtocolAssignment =
        decode_consumer_protocol(bytes.clone()).unwrap_or_default();
    let partitions = assignment.assigned_partitions.iter().flat_map(|topic| {
        let name = topic.topic.as_str();
        topic
            .partitions
            .iter()
            .filter_map(move |index| partition_from_wire(name, *index))
    });
    partitions.collect()
}

fn partitions_of(assignment: &consumer_group_describe::Assignment) -> Vec<TopicPartition> {
    let partitions = assignment.topic_partitions.iter().flat_map(|topic| {
        let name = topic.topic_name.as_str();
        topic
            .partitions
            .iter()
            .filter_map(move |index| partition_from_wire(name, *index))
    });
    partitions.collect()
}
