//! Finds the offset at a time, or at either end of a partition.

use std::sync::Arc;

use fleuve_cluster::partition::ReadBound;
use fleuve_model::{
    ErrorCode, LeaderEpoch, Offset, PartitionId, Timestamp, TopicName, TopicPartition,
};
use fleuve_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};

use super::error_code::{of_denied, of_leader_epoch, of_read, of_replica};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::log::{ReadError, Replica};
use crate::request_context::RequestContext;

/// Times that stand for a place (KIP-79, KIP-734, KIP-405, KIP-1005).
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: ListOffsetsRequest,
) -> Result<ListOffsetsResponse, ConnectionEnd> {
    let bound = if request.isolation_level == 1 {
        ReadBound::LastStableOffset
    } else {
        ReadBound::HighWatermark
    };
    let topics = request.topics.into_iter().map(|topic| {
        let resource = Resource::Topic(topic.name.as_str());
        let admitted = authorize(context, Operation::Describe, resource)
            .map_err(|denied| of_denied(denied, resource));
        let name = admitted.and_then(|()| {
            TopicName::new(topic.name.as_str()).map_err(|_| ErrorCode::UnknownTopicOrPartition)
        });
        let partitions = topic.partitions.iter().map(|partition| {
            let found = name
                .clone()
                .and_then(|name| find(broker, &name, partition, bound, context.version));
            answer(partition.partition_index, found, context.version)
        });
        let partitions = partitions.collect();
        ListOffsetsTopicResponse {
            name: topic.name,
            partitions,
        }
    });
    Ok(ListOffsetsResponse {
        topics: topics.collect(),
        ..Default::default()
    })
}

/// What was found, if anything: an offset with the time and epoch it was written at.
#[derive(Default)]
struct Found {
    timestamp: Option<Timestamp>,
    offset: Option<Offset>,
    leader_epoch: Option<LeaderEpoch>,
}

/// Up to this version an answer cannot carry a leader epoch.
const VERSION_WITHOUT_EPOCH: i16 = 3;

fn answer(
    partition_index: i32,
    found: Result<Found, ErrorCode>,
    version: i16,
) -> ListOffsetsPartitionResponse {
    match found {
        Ok(found) => ListOffsetsPartitionResponse {
            partition_index,
            error_code: ErrorCode::None.code(),
            timestamp: found.timestamp.map_or(-1, Timestamp::as_millis),
            offset: found.offset.map_or(-1, Offset::value),
            leader_epoch: found
                .leader_epoch
                .filter(|_| version > VERSION_WITHOUT_EPOCH)
                .map_or(-1, LeaderEpoch::value),
        },
        Err(code) => ListOffsetsPartitionResponse {
            partition_index,
            error_code: code.code(),
            ..ListOffsetsPartitionResponse::default()
        },
    }
}

fn find(
    broker: &BrokerState,
    topic: &TopicName,
    wanted: &ListOffsetsPartition,
    bound: ReadBound,
    version: i16,
) -> Result<Found, ErrorCode> {
    let number =
        PartitionId::new(wanted.partition_index).map_err(|_| ErrorCode::UnknownTopicOrPartition)?;
    let of = TopicPartition::new(topic.clone(), number);
    let replica = broker.replica(&of).map_err(|error| of_replica(&error))?;
    replica
        .check_leader_epoch(LeaderEpoch::from_wire(wanted.current_leader_epoch))
        .map_err(of_leader_epoch)?;
    let oldest_version = match wanted.timestamp {
        MAX_TIMESTAMP => 7,
        EARLIEST_LOCAL => 8,
        LATEST_TIERED => 9,
        EARLIEST_PENDING_UPLOAD => 11,
        _ => 0,
    };
    if version < oldest_version {
        return Err(ErrorCode::UnsupportedVersion);
    }
    at(&replica, wanted.timestamp, bound).map_err(|error| of_read(&error))
}

fn at(replica: &Replica, timestamp: i64, bound: ReadBound) -> Result<Found, ReadError> {
    let watermarks = replica.watermarks();
    let snapshot = replica.snapshot();
    let place = |offset: Offset, leader_epoch: Option<LeaderEpoch>| Found {
        timestamp: None,
        offset: Some(offset),
        leader_epoch,
    };
    match timestamp {
        LATEST => Ok(place(watermarks.end(bound), watermarks.leader_epoch)),
        EARLIEST | EARLIEST_LOCAL => {
            let start = watermarks.log_start;
            Ok(place(start, snapshot.epochs().epoch_of(start)))
        }
        // Nothing is ever tiered or about to be.
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => Ok(Found::default()),
        MAX_TIMESTAMP => Ok(found(snapshot.latest_timestamp()?)),
        time => {
            let time = Timestamp::from_millis(time);
            Ok(found(
                snapshot.offset_for_timestamp(time, watermarks.end(bound))?,
            ))
        }
    }
}

fn found(record: Option<fleuve_storage::TimestampedOffset>) -> Found {
    record.map_or_else(Found::default, |record| Found {
        timestamp: Some(record.timestamp),
        offset: Some(record.offset),
        leader_epoch: record.leader_epoch,
    })
}
