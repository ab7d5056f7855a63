//! Forgets how far a group has come on some partitions (KIP-496).

use std::sync::Arc;

use fleuve_cluster::group::{Command, GroupId, Reply};
use fleuve_model::{ErrorCode, PartitionId, TopicName, TopicPartition};
use fleuve_protocol::api::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};

use super::group_common::{WRONG_REPLY, admit, settled};
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: OffsetDeleteRequest,
) -> Result<OffsetDeleteResponse, ConnectionEnd> {
    let known = |topic: &str, number: i32| {
        let name = TopicName::new(topic).ok()?;
        let of = TopicPartition::new(name, PartitionId::new(number).ok()?);
        broker.image().partition(&of).is_some().then_some(of)
    };
    let mut partitions = Vec::new();
    for topic in &request.topics {
        let numbers = topic
            .partitions
            .iter()
            .map(|partition| partition.partition_index);
        partitions.extend(numbers.filter_map(|number| known(topic.name.as_str(), number)));
    }
    let results = match delete(broker, context, request.group_id.as_str(), partitions).await {
        Ok(results) => results,
        Err(code) => {
            let error_code = code.code();
            return Ok(OffsetDeleteResponse {
                error_code,
                ..OffsetDeleteResponse::default()
            });
        }
    };
    let mut results = results.into_iter();
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let number = partition.partition_index;
            let code = match known(topic.name.as_str(), number) {
                Some(_) => results.next().unwrap_or(WRONG_REPLY),
                None => ErrorCode::UnknownTopicOrPartition,
            };
            OffsetDeleteResponsePartition {
                partition_index: number,
                error_code: code.code(),
            }
        });
        let partitions = partitions.collect();
        OffsetDeleteResponseTopic {
            name: topic.name.clone(),
            partitions,
        }
    });
    Ok(OffsetDeleteResponse {
        topics: topics.collect(),
        ..OffsetDeleteResponse::default()
    })
}

async fn delete(
    broker: &BrokerState,
    context: &RequestContext,
    group: &str,
    partitions: Vec<TopicPartition>,
) -> Result<Vec<ErrorCode>, ErrorCode> {
    admit(context, Operation::Delete, group)?;
    let id = GroupId::new(group);
    let command = Command::DeleteOffsets {
        group: id.clone(),
        partitions,
    };
    let results = match broker.groups.ask(&id, command).await {
        Ok(Reply::DeleteOffsets(result)) => settled(Ok(result))?,
        Ok(_) => return Err(WRONG_REPLY),
        Err(unavailable) => return settled(Err(unavailable)),
    };
    let code = |result: Result<(), fleuve_cluster::group::GroupError>| {
        result.err().map_or(ErrorCode::None, |error| error.code())
    };
    Ok(results.into_iter().map(code).collect())
}
