//! Shows consumer groups and their members (KIP-848).

use std::sync::Arc;

use fleuve_cluster::controller::MetadataImage;
use fleuve_cluster::group::{
    Assignment, Command, DescribedConsumerGroup, DescribedConsumerMember, GroupError, GroupId,
    Reply,
};
use fleuve_model::PartitionId;
use fleuve_protocol::Str;
use fleuve_protocol::api::consumer_group_describe as wire;
use fleuve_protocol::api::consumer_group_describe::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedGroup,
};

use super::error_code::of_unavailable_coordinator;
use super::group_common::{GROUP_OPERATIONS_ALL, WRONG_REPLY, admit};
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// How a member takes part, as the wire says it.
const MEMBER_TYPE_CLASSIC: i8 = 0;
const MEMBER_TYPE_CONSUMER: i8 = 1;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: ConsumerGroupDescribeRequest,
) -> Result<ConsumerGroupDescribeResponse, ConnectionEnd> {
    let groups = request
        .group_ids
        .iter()
        .map(|group| describe(broker, context, group));
    let mut groups = futures::future::join_all(groups).await;
    if request.include_authorized_operations {
        for group in groups.iter_mut().filter(|group| group.error_code == 0) {
            group.authorized_operations = GROUP_OPERATIONS_ALL;
        }
    }
    Ok(ConsumerGroupDescribeResponse {
        groups,
        ..ConsumerGroupDescribeResponse::default()
    })
}

async fn describe(broker: &BrokerState, context: &RequestContext, group: &Str) -> DescribedGroup {
    let refused = |code: fleuve_model::ErrorCode| DescribedGroup {
        error_code: code.code(),
        group_id: group.clone(),
        ..DescribedGroup::default()
    };
    if let Err(code) = admit(context, Operation::Describe, group.as_str()) {
        return refused(code);
    }
    let id = GroupId::new(group.as_str());
    let command = Command::DescribeConsumerGroups {
        groups: vec![id.clone()],
    };
    let mut described = match broker.groups.ask(&id, command).await {
        Ok(Reply::DescribeConsumerGroups(described)) => described,
        Ok(_) => return refused(WRONG_REPLY),
        Err(unavailable) => return refused(of_unavailable_coordinator(unavailable)),
    };
    match described.pop() {
        Some(Ok(described)) => shown(group.clone(), described, &broker.image()),
        Some(Err(error @ GroupError::GroupIdNotFound(_))) => DescribedGroup {
            error_message: Some(Str::from(error.to_string())),
            ..refused(error.code())
        },
        Some(Err(error)) => refused(error.code()),
        None => refused(WRONG_REPLY),
    }
}

fn shown(group_id: Str, group: DescribedConsumerGroup, image: &MetadataImage) -> DescribedGroup {
    DescribedGroup {
        group_id,
        group_state: Str::from_static(group.state),
        group_epoch: group.group_epoch,
        assignment_epoch: group.assignment_epoch,
        assignor_name: Str::from(&*group.assignor),
        members: group
            .members
            .into_iter()
            .map(|member| shown_member(member, image))
            .collect(),
        ..DescribedGroup::default()
    }
}

fn shown_member(member: DescribedConsumerMember, image: &MetadataImage) -> wire::Member {
    let text = |text: &Arc<str>| Str::from(&**text);
    wire::Member {
        member_id: Str::from(member.member.as_str()),
        instance_id: member.instance.map(|id| Str::from(id.as_str())),
        rack_id: member.rack.as_ref().map(text),
        member_epoch: member.member_epoch,
        client_id: text(&member.client.id),
        client_host: text(&member.client.host),
        subscribed_topic_names: member.subscribed_topics.iter().map(text).collect(),
        subscribed_topic_regex: member.subscribed_regex.as_ref().map(text),
        assignment: assignment(member.assignment, image),
        target_assignment: assignment(member.target_assignment, image),
        member_type: if member.is_classic {
            MEMBER_TYPE_CLASSIC
        } else {
            MEMBER_TYPE_CONSUMER
        },
    }
}

/// Topics that are gone have no name to show, and are left out, as in Kafka.
fn assignment(assignment: Assignment, image: &MetadataImage) -> wire::Assignment {
    let topics = assignment.into_iter().filter_map(|(id, numbers)| {
        let topic = image.topic_by_id(id)?;
        Some(wire::TopicPartitions {
            topic_id: Some(id),
            topic_name: Str::from(topic.name.as_str()),
            partitions: numbers.into_iter().map(PartitionId::value).collect(),
        })
    });
    wire::Assignment {
        topic_partitions: topics.collect(),
    }
}
