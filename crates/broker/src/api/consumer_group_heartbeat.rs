//! A member of a consumer group joins, reports what it owns, learns what it should own, or
//! leaves (KIP-848).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fleuve_cluster::group::{
    Assignment, Command, ConsumerGroupHeartbeat, ConsumerHeartbeatReply, GroupId, InstanceId,
    MemberId, Reply,
};
use fleuve_model::{ErrorCode, PartitionId};
use fleuve_protocol::Str;
use fleuve_protocol::api::consumer_group_heartbeat as wire;
use fleuve_protocol::api::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};

use super::error_code::{CodedError, of_denied, of_unavailable_coordinator};
use super::group_common::{WRONG_REPLY, admit, client};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// From this version on members choose their ids themselves (KIP-1082).
const VERSION_OF_CHOSEN_IDS: i16 = 1;
/// The name of this protocol in `group.coordinator.rebalance.protocols`.
const PROTOCOL: &str = "consumer";

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: ConsumerGroupHeartbeatRequest,
) -> Result<ConsumerGroupHeartbeatResponse, ConnectionEnd> {
    Ok(match beat(broker, context, request).await {
        Ok(reply) => response(reply),
        Err(refusal) => ConsumerGroupHeartbeatResponse {
            error_code: refusal.code.code(),
            error_message: (!refusal.message.is_empty()).then(|| Str::from(refusal.message)),
            ..ConsumerGroupHeartbeatResponse::default()
        },
    })
}

async fn beat(
    broker: &BrokerState,
    context: &RequestContext,
    request: ConsumerGroupHeartbeatRequest,
) -> Result<ConsumerHeartbeatReply, CodedError> {
    let settings = broker.settings();
    let protocols = settings.list("group.coordinator.rebalance.protocols");
    if !protocols.contains(&PROTOCOL) {
        return Err(coded(ErrorCode::UnsupportedVersion));
    }
    admit(context, Operation::Read, request.group_id.as_str()).map_err(coded)?;
    for topic in request.subscribed_topic_names.iter().flatten() {
        let resource = Resource::Topic(topic.as_str());
        authorize(context, Operation::Describe, resource)
            .map_err(|denied| coded(of_denied(denied, resource)))?;
    }
    let group = GroupId::new(request.group_id.as_str());
    let command = Command::ConsumerGroupHeartbeat(command(context, request)?);
    match broker.groups.ask(&group, command).await {
        Ok(Reply::ConsumerGroupHeartbeat(result)) => {
            result.map_err(|error| CodedError::new(error.code(), error.to_string()))
        }
        Ok(_) => Err(coded(WRONG_REPLY)),
        Err(unavailable) => Err(coded(of_unavailable_coordinator(unavailable))),
    }
}

fn command(
    context: &RequestContext,
    request: ConsumerGroupHeartbeatRequest,
) -> Result<ConsumerGroupHeartbeat, CodedError> {
    let text = |text: Str| Arc::from(text.as_str());
    let names = |names: Vec<Str>| names.into_iter().map(text).collect::<BTreeSet<Arc<str>>>();
    let timeout = u64::try_from(request.rebalance_timeout_ms).ok();
    Ok(ConsumerGroupHeartbeat {
        group: GroupId::new(request.group_id.as_str()),
        member: MemberId::from_wire(request.member_id.as_str()),
        requires_member_id: context.version >= VERSION_OF_CHOSEN_IDS,
        member_epoch: request.member_epoch,
        instance: request.instance_id.map(|id| InstanceId::new(id.as_str())),
        rack: request.rack_id.map(text),
        client: client(context),
        rebalance_timeout: timeout.map(Duration::from_millis),
        subscribed_topics: request.subscribed_topic_names.map(names),
        subscribed_regex: request.subscribed_topic_regex.map(text),
        server_assignor: request.server_assignor.map(text),
        owned: request.topic_partitions.map(owned).transpose()?,
    })
}

/// What the member says that it owns. Partitions of topics without an id cannot have been
/// assigned by this coordinator.
fn owned(partitions: Vec<wire::TopicPartitions>) -> Result<Assignment, CodedError> {
    let invalid = || coded(ErrorCode::InvalidRequest);
    let mut owned = Assignment::new();
    for topic in partitions {
        let id = topic.topic_id.ok_or_else(invalid)?;
        let numbers = topic.partitions.into_iter().map(PartitionId::new);
        let numbers: BTreeSet<PartitionId> =
            numbers.collect::<Result<_, _>>().map_err(|_| invalid())?;
        owned.entry(id).or_default().extend(numbers);
    }
    Ok(owned)
}

fn response(reply: ConsumerHeartbeatReply) -> ConsumerGroupHeartbeatResponse {
    let interval = i32::try_from(reply.heartbeat_interval.as_millis()).unwrap_or(i32::MAX);
    ConsumerGroupHeartbeatResponse {
        member_id: Some(Str::from(reply.member.as_str())),
        member_epoch: reply.member_epoch,
        heartbeat_interval_ms: interval,
        assignment: reply.assignment.map(assignment),
        ..ConsumerGroupHeartbeatResponse::default()
    }
}

fn assignment(assignment: Assignment) -> wire::Assignment {
    let topics = assignment
        .into_iter()
        .map(|(id, numbers)| wire::TopicPartitions {
            topic_id: Some(id),
            partitions: numbers.into_iter().map(PartitionId::value).collect(),
        });
    wire::Assignment {
        topic_partitions: topics.collect(),
    }
}

fn coded(code: ErrorCode) -> CodedError {
    CodedError::new(code, String::new())
}
