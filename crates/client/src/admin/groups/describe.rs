use fleuve_model::TopicPartition;
use fleuve_protocol::api::{consumer_group_describe, describe_groups};
use fleuve_protocol::internal_records::consumer_protocol::ConsumerProtocolAssignment;
use fleuve_protocol::internal_records::decode_consumer_protocol;

use super::{GroupDescription, GroupKind, GroupMember};
use crate::admin::configs::text;
use crate::cluster::partition_from_wire;

impl GroupDescription {
    pub(super) fn of_classic(
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

    pub(super) fn of_consumer(
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
