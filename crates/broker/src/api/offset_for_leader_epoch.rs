//! Finds where a leader epoch ended, so that a reader can tell whether its log has diverged
//! (KIP-101, KIP-320).

use std::sync::Arc;

use fleuve_model::{ErrorCode, LeaderEpoch, Offset, PartitionId, TopicName, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};

use super::error_code::{of_denied, of_leader_epoch, of_replica};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: OffsetForLeaderEpochRequest,
) -> Result<OffsetForLeaderEpochResponse, ConnectionEnd> {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let found = end_of_epoch(broker, context, &topic.topic, wanted);
            answer(wanted.partition, found)
        });
        let partitions = partitions.collect();
        OffsetForLeaderTopicResult {
            topic: topic.topic.clone(),
            partitions,
        }
    });
    Ok(OffsetForLeaderEpochResponse {
        topics: topics.collect(),
        ..Default::default()
    })
}

type EpochEnd = Option<(LeaderEpoch, Offset)>;

fn answer(partition: i32, found: Result<EpochEnd, ErrorCode>) -> EpochEndOffset {
    match found {
        Ok(Some((epoch, end))) => EpochEndOffset {
            error_code: ErrorCode::None.code(),
            partition,
            leader_epoch: epoch.value(),
            end_offset: end.value(),
        },
        Ok(None) => EpochEndOffset {
            partition,
            ..EpochEndOffset::default()
        },
        Err(code) => EpochEndOffset {
            error_code: code.code(),
            partition,
            ..EpochEndOffset::default()
        },
    }
}

fn end_of_epoch(
    broker: &BrokerState,
    context: &RequestContext,
    topic: &Str,
    wanted: &OffsetForLeaderPartition,
) -> Result<EpochEnd, ErrorCode> {
    let resource = Resource::Topic(topic.as_str());
    authorize(context, Operation::Describe, resource)
        .map_err(|denied| of_denied(denied, resource))?;
    let unknown = ErrorCode::UnknownTopicOrPartition;
    let name = TopicName::new(topic.as_str()).map_err(|_| unknown)?;
    let number = PartitionId::new(wanted.partition).map_err(|_| unknown)?;
    let of = TopicPartition::new(name, number);
    let replica = broker.replica(&of).map_err(|error| of_replica(&error))?;
    replica
        .check_leader_epoch(LeaderEpoch::from_wire(wanted.current_leader_epoch))
        .map_err(of_leader_epoch)?;
    let Some(epoch) = LeaderEpoch::from_wire(wanted.leader_epoch) else {
        return Ok(None);
    };
    if replica.watermarks().leader_epoch == Some(epoch) {
        return Ok(Some((epoch, replica.watermarks().log_end)));
    }
    Ok(replica.snapshot().end_offset_for_epoch(epoch))
}
