//! A group notes how far it has come.

use std::sync::Arc;
use std::time::Duration;

use fleuve_cluster::group::{
    Command, CommitOffsets, GroupId, InstanceId, MemberId, OffsetToCommit, Reply,
};
use fleuve_model::{
    ErrorCode, LeaderEpoch, Offset, PartitionId, TopicId, TopicName, TopicPartition,
};
use fleuve_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use super::error_code::of_denied;
use super::group_common::{WRONG_REPLY, admit, settled};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// From this version on a client knows the errors of consumer groups (KIP-848).
const VERSION_OF_CONSUMER_GROUPS: i16 = 9;
/// From this version on topics are named by id.
const VERSION_OF_TOPIC_IDS: i16 = 10;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: OffsetCommitRequest,
) -> Result<OffsetCommitResponse, ConnectionEnd> {
    let mut offsets = Vec::new();
    // For each partition the refusal, or none: then the coordinator has the say.
    let mut refusals: Vec<Vec<Option<ErrorCode>>> = Vec::new();
    let group_admitted = admit(context, Operation::Read, request.group_id.as_str());
    for topic in &request.topics {
        let named = group_admitted.and_then(|()| named(broker, context, topic));
        let mut of_topic = Vec::new();
        for partition in &topic.partitions {
            let offset = named
                .clone()
                .and_then(|(name, id)| offset_to_commit(broker, name, id, partition));
            of_topic.push(offset.as_ref().err().copied());
            offsets.extend(offset);
        }
        refusals.push(of_topic);
    }
    let mut results = commit(broker, context, &request, offsets).await.into_iter();
    let topics = request
        .topics
        .into_iter()
        .zip(refusals)
        .map(|(topic, refusals)| {
            let partitions = topic
                .partitions
                .iter()
                .zip(refusals)
                .map(|(partition, refusal)| {
                    let code = refusal.or_else(|| results.next()).unwrap_or(WRONG_REPLY);
                    OffsetCommitResponsePartition {
                        partition_index: partition.partition_index,
                        error_code: code.code(),
                    }
                });
            let partitions = partitions.collect();
            OffsetCommitResponseTopic {
                name: topic.name,
                topic_id: topic.topic_id,
                partitions,
            }
        });
    Ok(OffsetCommitResponse {
        topics: topics.collect(),
        ..OffsetCommitResponse::default()
    })
}

fn named(
    broker: &BrokerState,
    context: &RequestContext,
    topic: &OffsetCommitRequestTopic,
) -> Result<(TopicName, TopicId), ErrorCode> {
    let image = broker.image();
    let found = if context.version >= VERSION_OF_TOPIC_IDS {
        let id = topic.topic_id.ok_or(ErrorCode::UnknownTopicId)?;
        image.topic_by_id(id).ok_or(ErrorCode::UnknownTopicId)?
    } else {
        let unknown = ErrorCode::UnknownTopicOrPartition;
        let name = TopicName::new(topic.name.as_str()).map_err(|_| unknown)?;
        image.topic(&name).ok_or(unknown)?
    };
    let resource = Resource::Topic(found.name.as_str());
    authorize(context, Operation::Read, resource).map_err(|denied| of_denied(denied, resource))?;
    Ok((found.name.clone(), found.id))
}

fn offset_to_commit(
    broker: &BrokerState,
    name: TopicName,
    topic_id: TopicId,
    partition: &OffsetCommitRequestPartition,
) -> Result<OffsetToCommit, ErrorCode> {
    let unknown = ErrorCode::UnknownTopicOrPartition;
    let number = PartitionId::new(partition.partition_index).map_err(|_| unknown)?;
    let of = TopicPartition::new(name, number);
    broker.image().partition(&of).ok_or(unknown)?;
    Ok(OffsetToCommit {
        partition: of,
        topic_id: Some(topic_id),
        offset: Offset::new(partition.committed_offset).map_err(|_| ErrorCode::InvalidRequest)?,
        leader_epoch: LeaderEpoch::from_wire(partition.committed_leader_epoch),
        metadata: Arc::from(
            partition
                .committed_metadata
                .as_ref()
                .map_or("", |it| it.as_str()),
        ),
        timestamp: None,
    })
}

/// One code for each of `offsets`, in order.
async fn commit(
    broker: &BrokerState,
    context: &RequestContext,
    request: &OffsetCommitRequest,
    offsets: Vec<OffsetToCommit>,
) -> Vec<ErrorCode> {
    if offsets.is_empty() {
        return Vec::new();
    }
    let count = offsets.len();
    let group = GroupId::new(request.group_id.as_str());
    let retention = u64::try_from(request.retention_time_ms)
        .ok()
        .map(Duration::from_millis);
    let command = Command::CommitOffsets(CommitOffsets {
        group: group.clone(),
        member: MemberId::from_wire(request.member_id.as_str()),
        instance: request
            .group_instance_id
            .as_ref()
            .map(|it| InstanceId::new(it.as_str())),
        generation_or_epoch: (request.generation_id_or_member_epoch >= 0)
            .then_some(request.generation_id_or_member_epoch),
        knows_consumer_groups: context.version >= VERSION_OF_CONSUMER_GROUPS,
        retention,
        offsets,
    });
    let answer = match broker.groups.ask(&group, command).await {
        Ok(Reply::CommitOffsets(result)) => settled(Ok(result)),
        Ok(_) => Err(WRONG_REPLY),
        Err(unavailable) => settled(Err(unavailable)),
    };
    match answer {
        Ok(results) => results
            .into_iter()
            .map(|result| result.err().map_or(ErrorCode::None, |error| error.code()))
            .collect(),
        Err(code) => vec![code; count],
    }
}
