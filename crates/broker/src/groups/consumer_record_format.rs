//! The records of consumer groups (KIP-848) as Kafka writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fleuve_cluster::group::{
    Assignment, ClassicMemberMetadata, Client, ConsumerGroupMetadata, ConsumerMemberMetadata,
    CurrentAssignment, GroupId, InstanceId, MemberId, MemberState, OwnedPartitions, Protocol,
    Record, ResolvedRegex, TargetAssignmentMetadata,
};
use fleuve_model::{PartitionId, Timestamp, TopicId};
use fleuve_protocol::Str;
use fleuve_protocol::internal_records::consumer_group as wire;
use fleuve_protocol::internal_records::{GroupRecordKey as Key, GroupRecordValue as Value};

use super::record_format::{duration, millis, text};

/// Key and value of a consumer group's record; none of another.
pub(super) fn encode(record: &Record) -> Option<(Key, Option<Value>)> {
    let group_id = |group: &GroupId| text(group.as_str());
    Some(match record {
        Record::OffsetCommit { .. } | Record::GroupMetadata { .. } => return None,
        Record::ConsumerGroupMetadata { group, value } => (
            Key::ConsumerGroupMetadata(wire::ConsumerGroupMetadataKey {
                group_id: group_id(group),
            }),
            value.map(|value| {
                Value::ConsumerGroupMetadata(wire::ConsumerGroupMetadataValue {
                    epoch: value.epoch,
                    metadata_hash: value.metadata_hash,
                })
            }),
        ),
        Record::ConsumerGroupPartitionMetadataGone { group } => (
            Key::ConsumerGroupPartitionMetadata(wire::ConsumerGroupPartitionMetadataKey {
                group_id: group_id(group),
            }),
            None,
        ),
        Record::ConsumerGroupMember {
            group,
            member,
            value,
        } => (
            Key::ConsumerGroupMemberMetadata(wire::ConsumerGroupMemberMetadataKey {
                group_id: group_id(group),
                member_id: text(member.as_str()),
            }),
            value
                .as_ref()
                .map(|value| Value::ConsumerGroupMemberMetadata(member_value(value))),
        ),
        Record::ConsumerGroupRegex {
            group,
            regex,
            value,
        } => (
            Key::ConsumerGroupRegularExpression(wire::ConsumerGroupRegularExpressionKey {
                group_id: group_id(group),
                regular_expression: text(regex),
            }),
            value.as_ref().map(|value| {
                Value::ConsumerGroupRegularExpression(wire::ConsumerGroupRegularExpressionValue {
                    topics: value.topics.iter().map(|topic| text(topic)).collect(),
                    version: value.version,
                    timestamp: value.timestamp.as_millis(),
                })
            }),
        ),
        Record::TargetAssignmentMetadata { group, value } => (
            Key::ConsumerGroupTargetAssignmentMetadata(
                wire::ConsumerGroupTargetAssignmentMetadataKey {
                    group_id: group_id(group),
                },
            ),
            value.map(|value| {
                Value::ConsumerGroupTargetAssignmentMetadata(
                    wire::ConsumerGroupTargetAssignmentMetadataValue {
                        assignment_epoch: value.epoch,
                        assignment_timestamp: value.timestamp.as_millis(),
                    },
                )
            }),
        ),
        Record::TargetAssignmentMember {
            group,
            member,
            value,
        } => (
            Key::ConsumerGroupTargetAssignmentMember(
                wire::ConsumerGroupTargetAssignmentMemberKey {
                    group_id: group_id(group),
                    member_id: text(member.as_str()),
                },
            ),
            value.as_ref().map(|value| {
                Value::ConsumerGroupTargetAssignmentMember(
                    wire::ConsumerGroupTargetAssignmentMemberValue {
                        topic_partitions: assignment_value(value),
                    },
                )
            }),
        ),
        Record::CurrentMemberAssignment {
            group,
            member,
            value,
        } => (
            Key::ConsumerGroupCurrentMemberAssignment(
                wire::ConsumerGroupCurrentMemberAssignmentKey {
                    group_id: group_id(group),
                    member_id: text(member.as_str()),
                },
            ),
            value
                .as_ref()
                .map(|value| Value::ConsumerGroupCurrentMemberAssignment(current_value(value))),
        ),
    })
}

/// The record of a key and its value; none for a key of another kind, or with a value that is
/// not its own.
pub(super) fn decode(key: Key, value: Option<Value>) -> Option<Record> {
    let group = |group: &Str| GroupId::new(group.as_str());
    let member = |member: &Str| MemberId::new(member.as_str());
    Some(match (key, value) {
        (Key::ConsumerGroupMetadata(key), value) => Record::ConsumerGroupMetadata {
            group: group(&key.group_id),
            value: match value {
                Some(Value::ConsumerGroupMetadata(value)) => Some(ConsumerGroupMetadata {
                    epoch: value.epoch,
                    metadata_hash: value.metadata_hash,
                }),
                _ => None,
            },
        },
        (Key::ConsumerGroupPartitionMetadata(key), None) => {
            Record::ConsumerGroupPartitionMetadataGone {
                group: group(&key.group_id),
            }
        }
        (Key::ConsumerGroupMemberMetadata(key), value) => Record::ConsumerGroupMember {
            group: group(&key.group_id),
            member: member(&key.member_id),
            value: match value {
                Some(Value::ConsumerGroupMemberMetadata(value)) => Some(member_metadata(value)),
                _ => None,
            },
        },
        (Key::ConsumerGroupRegularExpression(key), value) => Record::ConsumerGroupRegex {
            group: group(&key.group_id),
            regex: shared(&key.regular_expression),
            value: match value {
                Some(Value::ConsumerGroupRegularExpression(value)) => Some(ResolvedRegex {
                    topics: value.topics.iter().map(shared).collect(),
                    version: value.version,
                    timestamp: Timestamp::from_millis(value.timestamp),
                }),
                _ => None,
            },
        },
        (Key::ConsumerGroupTargetAssignmentMetadata(key), value) => {
            Record::TargetAssignmentMetadata {
                group: group(&key.group_id),
                value: match value {
                    Some(Value::ConsumerGroupTargetAssignmentMetadata(value)) => {
                        Some(TargetAssignmentMetadata {
                            epoch: value.assignment_epoch,
                            timestamp: Timestamp::from_millis(value.assignment_timestamp),
                        })
                    }
                    _ => None,
                },
            }
        }
        (Key::ConsumerGroupTargetAssignmentMember(key), value) => Record::TargetAssignmentMember {
            group: group(&key.group_id),
            member: member(&key.member_id),
            value: match value {
                Some(Value::ConsumerGroupTargetAssignmentMember(value)) => {
                    Some(assignment(value.topic_partitions))
                }
                _ => None,
            },
        },
        (Key::ConsumerGroupCurrentMemberAssignment(key), value) => {
            Record::CurrentMemberAssignment {
                group: group(&key.group_id),
                member: member(&key.member_id),
                value: match value {
                    Some(Value::ConsumerGroupCurrentMemberAssignment(value)) => {
                        Some(current(value))
                    }
                    _ => None,
                },
            }
        }
        _ => return None,
    })
}

fn member_value(member: &ConsumerMemberMetadata) -> wire::ConsumerGroupMemberMetadataValue {
    wire::ConsumerGroupMemberMetadataValue {
        instance_id: member.instance.as_ref().map(|it| text(it.as_str())),
        rack_id: member.rack.as_deref().map(text),
        client_id: text(&member.client.id),
        client_host: text(&member.client.host),
        subscribed_topic_names: member.subscribed_topics.iter().map(|it| text(it)).collect(),
        subscribed_topic_regex: member.subscribed_regex.as_deref().map(text),
        rebalance_timeout_ms: millis(member.rebalance_timeout),
        server_assignor: member.server_assignor.as_deref().map(text),
        classic_member_metadata: member.classic.as_ref().map(|classic| {
            wire::ClassicMemberMetadata {
                session_timeout_ms: millis(classic.session_timeout),
                supported_protocols: classic
                    .protocols
                    .iter()
                    .map(|protocol| wire::ClassicProtocol {
                        name: text(&protocol.name),
                        metadata: protocol.metadata.clone(),
                    })
                    .collect(),
            }
        }),
    }
}

fn member_metadata(value: wire::ConsumerGroupMemberMetadataValue) -> ConsumerMemberMetadata {
    ConsumerMemberMetadata {
        instance: value.instance_id.map(|it| InstanceId::new(it.as_str())),
        rack: value.rack_id.as_ref().map(shared),
        client: Client {
            id: shared(&value.client_id),
            host: shared(&value.client_host),
        },
        subscribed_topics: value.subscribed_topic_names.iter().map(shared).collect(),
        subscribed_regex: value.subscribed_topic_regex.as_ref().map(shared),
        rebalance_timeout: duration(value.rebalance_timeout_ms),
        server_assignor: value.server_assignor.as_ref().map(shared),
        classic: value
            .classic_member_metadata
            .map(|classic| ClassicMemberMetadata {
                session_timeout: duration(classic.session_timeout_ms),
                protocols: classic
                    .supported_protocols
                    .into_iter()
                    .map(|protocol| Protocol {
                        name: shared(&protocol.name),
                        metadata: protocol.metadata,
                    })
                    .collect(),
            }),
    }
}

fn assignment_value(assignment: &Assignment) -> Vec<wire::TopicPartition> {
    let topic = |(topic, partitions): (&TopicId, &BTreeSet<PartitionId>)| wire::TopicPartition {
        topic_id: Some(*topic),
        partitions: partitions
            .iter()
            .map(|partition| partition.value())
            .collect(),
    };
    assignment.iter().map(topic).collect()
}

fn assignment(topics: Vec<wire::TopicPartition>) -> Assignment {
    topics
        .into_iter()
        .filter_map(|topic| {
            let numbers = topic.partitions.into_iter();
            let partitions = numbers.filter_map(|number| PartitionId::new(number).ok());
            Some((topic.topic_id?, partitions.collect()))
        })
        .collect()
}

fn current_value(current: &CurrentAssignment) -> wire::ConsumerGroupCurrentMemberAssignmentValue {
    wire::ConsumerGroupCurrentMemberAssignmentValue {
        member_epoch: current.member_epoch,
        previous_member_epoch: current.previous_member_epoch,
        state: current.state.code(),
        assigned_partitions: owned_value(&current.assigned),
        partitions_pending_revocation: owned_value(&current.pending_revocation),
    }
}

fn current(value: wire::ConsumerGroupCurrentMemberAssignmentValue) -> CurrentAssignment {
    CurrentAssignment {
        member_epoch: value.member_epoch,
        previous_member_epoch: value.previous_member_epoch,
        state: MemberState::from_code(value.state),
        assigned: owned(value.assigned_partitions, value.member_epoch),
        pending_revocation: owned(value.partitions_pending_revocation, value.member_epoch),
    }
}

fn owned_value(owned: &OwnedPartitions) -> Vec<wire::TopicPartitions> {
    let topic =
        |(topic, partitions): (&TopicId, &BTreeMap<PartitionId, i32>)| wire::TopicPartitions {
            topic_id: Some(*topic),
            partitions: partitions
                .keys()
                .map(|partition| partition.value())
                .collect(),
            assignment_epochs: Some(partitions.values().copied().collect()),
        };
    owned.iter().map(topic).collect()
}

/// Older records have no epochs: then all were got at the member's.
fn owned(topics: Vec<wire::TopicPartitions>, member_epoch: i32) -> OwnedPartitions {
    topics
        .into_iter()
        .filter_map(|topic| {
            let epochs = topic.assignment_epochs.unwrap_or_default();
            let numbered = topic.partitions.into_iter().enumerate();
            let partitions = numbered.filter_map(|(place, number)| {
                let epoch = epochs.get(place).copied().unwrap_or(member_epoch);
                Some((PartitionId::new(number).ok()?, epoch))
            });
            Some((topic.topic_id?, partitions.collect()))
        })
        .collect()
}

fn shared(text: &Str) -> Arc<str> {
    Arc::from(text.as_str())
}
