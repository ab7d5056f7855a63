use std::collections::BTreeMap;

use fleuve_model::{LeaderEpoch, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::OffsetCommitRequest;
use fleuve_protocol::api::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use tokio::time::Instant;

use super::{Coordinator, Identity, Speaker};
use crate::ClientError;
use crate::admin::CommittedOffset;

/// Later versions name topics by id; names are enough here.
const COMMIT_BY_NAME_MAX: i16 = 9;

pub(in crate::consumer) type OffsetsToCommit = BTreeMap<TopicPartition, CommittedOffset>;

/// Commits offsets in the name of a member, again while the error may pass.
pub(in crate::consumer) async fn commit(
    coordinator: &Coordinator,
    speaker: &Speaker,
    offsets: &OffsetsToCommit,
    deadline: Instant,
) -> Result<(), ClientError> {
    if offsets.is_empty() {
        return Ok(());
    }
    let attempt = |identity: Identity| async move {
        let response = coordinator
            .call(COMMIT_BY_NAME_MAX, |_| {
                request(coordinator.group(), &identity, offsets)
            })
            .await?;
        for topic in &response.topics {
            for partition in &topic.partitions {
                coordinator.check(partition.error_code)?;
            }
        }
        Ok(())
    };
    let cluster = coordinator.cluster();
    let pause = cluster.settings().retry_backoff;
    let insist = |identity: Identity| cluster.retry(deadline, move || attempt(identity.clone()));
    speaker.speak(deadline, pause, insist).await
}

fn request(group: &Str, identity: &Identity, offsets: &OffsetsToCommit) -> OffsetCommitRequest {
    let mut topics: BTreeMap<&str, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
    for (partition, offset) in offsets {
        let topic = partition.topic.as_str();
        topics
            .entry(topic)
            .or_default()
            .push(OffsetCommitRequestPartition {
                partition_index: partition.partition.value(),
                committed_offset: offset.offset.value(),
                committed_leader_epoch: offset.leader_epoch.map_or(-1, LeaderEpoch::value),
                committed_metadata: Some(Str::from(offset.metadata.as_str())),
            });
    }
    let topics = topics
        .into_iter()
        .map(|(name, partitions)| OffsetCommitRequestTopic {
            name: Str::from(name),
            topic_id: None,
            partitions,
        });
    OffsetCommitRequest {
        group_id: group.clone(),
        generation_id_or_member_epoch: identity.generation,
        member_id: identity.member_id.clone(),
        group_instance_id: identity.instance_id.clone(),
        retention_time_ms: -1,
        topics: topics.collect(),
    }
}
