//! Moves the beginning of partitions forward (KIP-107).

use std::sync::Arc;

use fleuve_model::{ErrorCode, Offset, PartitionId, TopicName, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::delete_records::{
    DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse,
    DeleteRecordsTopicResult,
};

use super::error_code::{of_append, of_denied, of_replica};
use super::topic_listing::is_internal;
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// The offset that stands for the high watermark.
const TO_THE_END: i64 = -1;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: DeleteRecordsRequest,
) -> Result<DeleteRecordsResponse, ConnectionEnd> {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in topic.partitions {
            let start = delete(
                broker,
                context,
                &topic.name,
                wanted.partition_index,
                wanted.offset,
            )
            .await;
            partitions.push(DeleteRecordsPartitionResult {
                partition_index: wanted.partition_index,
                low_watermark: start.map_or(-1, Offset::value),
                error_code: start.err().unwrap_or(ErrorCode::None).code(),
            });
        }
        topics.push(DeleteRecordsTopicResult {
            name: topic.name,
            partitions,
        });
    }
    Ok(DeleteRecordsResponse {
        topics,
        ..DeleteRecordsResponse::default()
    })
}

async fn delete(
    broker: &BrokerState,
    context: &RequestContext,
    topic: &Str,
    partition: i32,
    before: i64,
) -> Result<Offset, ErrorCode> {
    let resource = Resource::Topic(topic.as_str());
    authorize(context, Operation::Delete, resource)
        .map_err(|denied| of_denied(denied, resource))?;
    let unknown = ErrorCode::UnknownTopicOrPartition;
    let name = TopicName::new(topic.as_str()).map_err(|_| unknown)?;
    if is_internal(&name) {
        return Err(ErrorCode::InvalidTopicException);
    }
    let of = TopicPartition::new(name, PartitionId::new(partition).map_err(|_| unknown)?);
    let replica = broker.replica(&of).map_err(|error| of_replica(&error))?;
    if !replica.config().log.deletes && replica.config().log.compacts {
        return Err(ErrorCode::PolicyViolation);
    }
    let watermarks = replica.watermarks();
    let before = match before {
        TO_THE_END => watermarks.high_watermark,
        offset => Offset::new(offset).map_err(|_| ErrorCode::OffsetOutOfRange)?,
    };
    if before > watermarks.high_watermark {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    replica
        .delete_records(before)
        .await
        .map_err(|error| of_append(&error).code)
}
