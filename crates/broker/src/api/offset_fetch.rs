//! Tells how far groups have come.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleuve_cluster::group::{Command, CommittedOffset, FetchOffsets, GroupId, MemberId, Reply};
use fleuve_model::{ErrorCode, LeaderEpoch, PartitionId, TopicId, TopicName, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponse,
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};

use super::group_common::{WRONG_REPLY, admit, settled};
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// From this version on several groups are asked for at once.
const VERSION_OF_SEVERAL: i16 = 8;
/// From this version on topics are named by id.
const VERSION_OF_TOPIC_IDS: i16 = 10;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: OffsetFetchRequest,
) -> Result<OffsetFetchResponse, ConnectionEnd> {
    if context.version >= VERSION_OF_SEVERAL {
        let groups = request
            .groups
            .into_iter()
            .map(|group| fetch(broker, context, group));
        let groups = futures::future::join_all(groups).await;
        return Ok(OffsetFetchResponse {
            groups,
            ..OffsetFetchResponse::default()
        });
    }
    let topics = request.topics.map(|topics| {
        let topics = topics.into_iter().map(|topic| OffsetFetchRequestTopics {
            name: topic.name,
            topic_id: None,
            partition_indexes: topic.partition_indexes,
        });
        topics.collect()
    });
    let group = OffsetFetchRequestGroup {
        group_id: request.group_id,
        topics,
        ..OffsetFetchRequestGroup::default()
    };
    let found = fetch(broker, context, group).await;
    Ok(OffsetFetchResponse {
        topics: found
            .topics
            .into_iter()
            .map(|topic| as_before(topic, found.error_code))
            .collect(),
        error_code: found.error_code,
        ..OffsetFetchResponse::default()
    })
}

/// The form of versions before several groups could be asked for.
fn as_before(topic: OffsetFetchResponseTopics, group_error: i16) -> OffsetFetchResponseTopic {
    let partition = |it: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: it.partition_index,
        committed_offset: it.committed_offset,
        committed_leader_epoch: it.committed_leader_epoch,
        metadata: it.metadata,
        error_code: if it.error_code == 0 {
            group_error
        } else {
            it.error_code
        },
    };
    let partitions = topic.partitions.into_iter().map(partition).collect();
    OffsetFetchResponseTopic {
        name: topic.name,
        partitions,
    }
}

/// A topic of a request, as the client named it, and its name if it has one.
struct Wanted {
    named: OffsetFetchRequestTopics,
    name: Result<TopicName, ErrorCode>,
}

async fn fetch(
    broker: &BrokerState,
    context: &RequestContext,
    request: OffsetFetchRequestGroup,
) -> OffsetFetchResponseGroup {
    let group = GroupId::new(request.group_id.as_str());
    let wanted: Option<Vec<Wanted>> = request.topics.map(|topics| {
        topics
            .into_iter()
            .map(|named| wanted(broker, context.version, named))
            .collect()
    });
    let member = request
        .member_id
        .as_ref()
        .and_then(|member| MemberId::from_wire(member.as_str()))
        .map(|member| (member, request.member_epoch));
    let command = Command::FetchOffsets(FetchOffsets {
        group: group.clone(),
        member,
        partitions: wanted.as_deref().map(partitions_of),
    });
    let admitted = admit(context, Operation::Describe, request.group_id.as_str());
    let answer = match admitted {
        Err(code) => Err(code),
        Ok(()) => match broker.groups.ask(&group, command).await {
            Ok(Reply::FetchOffsets(result)) => settled(Ok(result)),
            Ok(_) => Err(WRONG_REPLY),
            Err(unavailable) => settled(Err(unavailable)),
        },
    };
    let error_code = answer
        .as_ref()
        .err()
        .copied()
        .unwrap_or(ErrorCode::None)
        .code();
    let found: Found = answer.unwrap_or_default().into_iter().collect();
    let topics = match wanted {
        Some(wanted) => wanted
            .into_iter()
            .map(|topic| shown(topic, &found))
            .collect(),
        None => everything(broker, context.version, found),
    };
    OffsetFetchResponseGroup {
        group_id: request.group_id,
        topics,
        error_code,
    }
}

fn wanted(broker: &BrokerState, version: i16, named: OffsetFetchRequestTopics) -> Wanted {
    let by_id = |id: Option<TopicId>| {
        let image = broker.image();
        let topic = id.and_then(|id| image.topic_by_id(id));
        topic
            .map(|topic| topic.name.clone())
            .ok_or(ErrorCode::UnknownTopicId)
    };
    let name = if version >= VERSION_OF_TOPIC_IDS {
        by_id(named.topic_id)
    } else {
        TopicName::new(named.name.as_str()).map_err(|_| ErrorCode::UnknownTopicOrPartition)
    };
    Wanted { named, name }
}

fn partitions_of(wanted: &[Wanted]) -> Vec<TopicPartition> {
    let mut partitions = Vec::new();
    for topic in wanted {
        let Ok(name) = &topic.name else { continue };
        let numbers = topic.named.partition_indexes.iter();
        let numbers = numbers.filter_map(|number| PartitionId::new(*number).ok());
        partitions.extend(numbers.map(|number| TopicPartition::new(name.clone(), number)));
    }
    partitions
}

type Found = BTreeMap<TopicPartition, Option<CommittedOffset>>;

fn shown(topic: Wanted, found: &Found) -> OffsetFetchResponseTopics {
    let offset_of = |name: &TopicName, number: i32| {
        let of = TopicPartition::new(name.clone(), PartitionId::new(number).ok()?);
        found.get(&of)?.as_ref()
    };
    let partitions = topic
        .named
        .partition_indexes
        .iter()
        .map(|number| match &topic.name {
            Ok(name) => partition(*number, offset_of(name, *number), ErrorCode::None),
            Err(code) => partition(*number, None, *code),
        });
    OffsetFetchResponseTopics {
        partitions: partitions.collect(),
        name: topic.named.name,
        topic_id: topic.named.topic_id,
    }
}

/// Every offset that the group has. Where topics are named by id, those that are gone have no
/// name any more.
fn everything(broker: &BrokerState, version: i16, found: Found) -> Vec<OffsetFetchResponseTopics> {
    let image = broker.image();
    let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
    for (of, offset) in found {
        let id = image.topic(&of.topic).map(|topic| topic.id);
        if version >= VERSION_OF_TOPIC_IDS && id.is_none() {
            continue;
        }
        let shown = partition(of.partition.value(), offset.as_ref(), ErrorCode::None);
        match topics
            .last_mut()
            .filter(|last| last.name == *of.topic.as_str())
        {
            Some(last) => last.partitions.push(shown),
            None => topics.push(OffsetFetchResponseTopics {
                name: Str::from(of.topic.as_str()),
                topic_id: id,
                partitions: vec![shown],
            }),
        }
    }
    topics
}

fn partition(
    partition_index: i32,
    offset: Option<&CommittedOffset>,
    code: ErrorCode,
) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: offset.map_or(-1, |it| it.offset.value()),
        committed_leader_epoch: offset
            .and_then(|it| it.leader_epoch)
            .map_or(-1, LeaderEpoch::value),
        metadata: Some(offset.map_or(Str::EMPTY, |it| Str::from(&*it.metadata))),
        error_code: code.code(),
    }
}
