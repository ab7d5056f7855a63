//! Shows topics page by page, in the order of their names (KIP-966).

use std::collections::BTreeSet;
use std::sync::Arc;

use fleuve_cluster::controller::Topic;
use fleuve_model::{BrokerId, ErrorCode, PartitionId, TopicName, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};

use super::topic_listing::{TOPIC_OPERATIONS_ALL, is_internal};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: DescribeTopicPartitionsRequest,
) -> Result<DescribeTopicPartitionsResponse, ConnectionEnd> {
    let image = broker.image();
    let wants_all = request.topics.is_empty();
    let mut names: BTreeSet<String> = if wants_all {
        image.topics().map(|topic| topic.name.to_string()).collect()
    } else {
        request
            .topics
            .iter()
            .map(|topic| topic.name.to_string())
            .collect()
    };
    let (mut first_name, mut first_partition) = (String::new(), 0);
    if let Some(cursor) = &request.cursor {
        first_name = cursor.topic_name.to_string();
        first_partition = usize::try_from(cursor.partition_index).unwrap_or(0);
        names.retain(|name| *name >= first_name);
    }
    let limit_max = broker
        .settings()
        .count_of("max.request.partition.size.limit");
    let asked = usize::try_from(request.response_partition_limit).unwrap_or(0);
    let mut room = asked.clamp(1, limit_max.max(1));
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names {
        let from = if name == first_name {
            first_partition
        } else {
            0
        };
        let Some(topic) = TopicName::new(&name)
            .ok()
            .and_then(|it| image.topic(&it).cloned())
        else {
            response.topics.extend((!wants_all).then(|| missing(&name)));
            continue;
        };
        if authorize(context, Operation::Describe, Resource::Topic(&name)).is_err() {
            continue;
        }
        if room == 0 {
            response.next_cursor = Some(cursor(&name, 0));
            break;
        }
        let shown = shown(broker, &topic, from, room);
        room -= shown.partitions.len();
        let next = from + shown.partitions.len();
        response.topics.push(shown);
        if next < topic.partitions.len() {
            response.next_cursor = Some(cursor(&name, next));
            break;
        }
    }
    Ok(response)
}

fn cursor(name: &str, partition: usize) -> Cursor {
    let partition_index = i32::try_from(partition).unwrap_or(i32::MAX);
    Cursor {
        topic_name: Str::from(name),
        partition_index,
    }
}

fn missing(name: &str) -> DescribeTopicPartitionsResponseTopic {
    let code = match TopicName::new(name) {
        Ok(_) => ErrorCode::UnknownTopicOrPartition,
        Err(_) => ErrorCode::InvalidTopicException,
    };
    DescribeTopicPartitionsResponseTopic {
        error_code: code.code(),
        name: Some(Str::from(name)),
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

fn shown(
    broker: &BrokerState,
    topic: &Topic,
    from: usize,
    room: usize,
) -> DescribeTopicPartitionsResponseTopic {
    let partitions = topic.numbered().skip(from).take(room);
    DescribeTopicPartitionsResponseTopic {
        error_code: ErrorCode::None.code(),
        name: Some(Str::from(topic.name.as_str())),
        topic_id: Some(topic.id),
        is_internal: is_internal(&topic.name),
        partitions: partitions
            .map(|(number, _)| partition(broker, topic, number))
            .collect(),
        topic_authorized_operations: TOPIC_OPERATIONS_ALL,
    }
}

fn partition(
    broker: &BrokerState,
    topic: &Topic,
    number: PartitionId,
) -> DescribeTopicPartitionsResponsePartition {
    let partition = &topic.partitions[number.value().unsigned_abs() as usize];
    let is_online = broker
        .replicas
        .is_online(&TopicPartition::new(topic.name.clone(), number));
    let leader = partition.leader.filter(|_| is_online);
    let ids = |brokers: &[BrokerId]| -> Vec<i32> { brokers.iter().map(|id| id.value()).collect() };
    DescribeTopicPartitionsResponsePartition {
        error_code: match leader {
            Some(_) => ErrorCode::None.code(),
            None => ErrorCode::LeaderNotAvailable.code(),
        },
        partition_index: number.value(),
        leader_id: leader.map_or(-1, BrokerId::value),
        leader_epoch: partition.leader_epoch.value(),
        replica_nodes: ids(&partition.replicas),
        isr_nodes: ids(&partition.in_sync_replicas),
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        offline_replicas: if is_online {
            Vec::new()
        } else {
            ids(&partition.replicas)
        },
    }
}
