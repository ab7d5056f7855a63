//! Committed offsets: how far a group has come in each partition.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use fleuve_model::{Timestamp, TopicName, TopicPartition};

use super::{
    CommitOffsets, CommittedOffset, FetchOffsets, Group, GroupCoordinator, GroupError, GroupId,
    OffsetToCommit, Record, Reply, Step, TimerKey,
};
use crate::controller::MetadataImage;
use crate::machine::{Now, Outcome, Token};

/// How many tombstones one search for expired offsets writes before it lets others go first.
const EXPIRED_PER_STEP_MAX: usize = 1_000;

/// The offsets of all groups.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    by_group: BTreeMap<GroupId, BTreeMap<TopicPartition, CommittedOffset>>,
}

impl Offsets {
    pub(super) fn get(
        &self,
        group: &GroupId,
        partition: &TopicPartition,
    ) -> Option<&CommittedOffset> {
        self.by_group.get(group)?.get(partition)
    }

    pub(super) fn of(
        &self,
        group: &GroupId,
    ) -> impl Iterator<Item = (&TopicPartition, &CommittedOffset)> {
        self.by_group.get(group).into_iter().flatten()
    }

    pub(super) fn put(&mut self, group: &GroupId, partition: &TopicPartition, at: CommittedOffset) {
        self.by_group
            .entry(group.clone())
            .or_default()
            .insert(partition.clone(), at);
    }

    pub(super) fn remove(&mut self, group: &GroupId, partition: &TopicPartition) {
        if let Some(offsets) = self.by_group.get_mut(group) {
            offsets.remove(partition);
            if offsets.is_empty() {
                self.by_group.remove(group);
            }
        }
    }
}

impl GroupCoordinator {
    pub(super) fn commit_offsets(
        &mut self,
        now: Now,
        token: Token,
        request: CommitOffsets,
    ) -> Outcome<GroupCoordinator> {
        let image = self.image.clone();
        let (groups, mut step) = self.parts(now);
        let checked = match groups.get_mut(&request.group) {
            None => check_simple_commit(&request),
            Some(group) => check_commit(&mut step, &image, group, &request),
        };
        let result = checked.map(|()| {
            let CommitOffsets {
                group,
                retention,
                offsets,
                ..
            } = request;
            let commit = |offset| commit_offset(&mut step, &group, retention, offset);
            offsets.into_iter().map(commit).collect()
        });
        step.reply(token, Reply::CommitOffsets(result));
        step.into_outcome()
    }

    pub(super) fn fetch_offsets(
        &self,
        token: Token,
        request: FetchOffsets,
    ) -> Outcome<GroupCoordinator> {
        let FetchOffsets {
            group,
            member,
            partitions,
        } = request;
        if let Some((member, epoch)) = &member
            && let Some(Group::Consumer(group)) = self.groups.get(&group)
            && let Err(error) = group.check_fetch(member, *epoch)
        {
            return Outcome::reply(token, Reply::FetchOffsets(Err(error)));
        }
        let fetched = match partitions {
            None => {
                let all = self.offsets.of(&group);
                all.map(|(partition, at)| (partition.clone(), Some(at.clone())))
                    .collect()
            }
            Some(partitions) => {
                let fetch = |partition| {
                    let at = self.offsets.get(&group, &partition).cloned();
                    (partition, at)
                };
                partitions.into_iter().map(fetch).collect()
            }
        };
        Outcome::reply(token, Reply::FetchOffsets(Ok(fetched)))
    }

    pub(super) fn delete_offsets(
        &self,
        token: Token,
        group: &GroupId,
        partitions: &[TopicPartition],
    ) -> Outcome<GroupCoordinator> {
        let known = match self.groups.get(group) {
            _ if group.as_str().is_empty() => Err(GroupError::InvalidGroupId),
            None => Err(GroupError::GroupIdNotFound(format!(
                "Group {group} not found."
            ))),
            Some(known) => known.check_delete_offsets().map(|()| known),
        };
        let mut records = Vec::new();
        let result = known.map(|known| {
            let delete = |partition: &TopicPartition| {
                if known.is_subscribed_to(partition.topic.as_str()) {
                    return Err(GroupError::GroupSubscribedToTopic);
                }
                if self.offsets.get(group, partition).is_some() {
                    records.push(tombstone(group, partition));
                }
                Ok(())
            };
            partitions.iter().map(delete).collect()
        });
        Outcome::record_and_reply(records, token, Reply::DeleteOffsets(result))
    }

    /// Looks through some groups for offsets whose retention has passed, and for groups of
    /// which nothing is left.
    pub(super) fn expire_offsets(&mut self, now: Now) -> Outcome<GroupCoordinator> {
        let mut records = Vec::new();
        let from = self
            .expiry_cursor
            .take()
            .map_or(Bound::Unbounded, Bound::Excluded);
        for (id, group) in self.groups.range((from, Bound::Unbounded)) {
            if self.expire_offsets_of(now.wall, id, group, &mut records) && group.is_unused() {
                records.extend(group.tombstones());
            }
            if records.len() >= EXPIRED_PER_STEP_MAX {
                self.expiry_cursor = Some(id.clone());
                break;
            }
        }
        let pause = match self.expiry_cursor {
            Some(_) => Duration::ZERO,
            None => self.config.offsets_retention_check_interval,
        };
        self.timers
            .arm(TimerKey::OffsetExpiry, now.monotonic + pause);
        Outcome {
            records,
            replies: Vec::new(),
        }
    }

    /// Whether no offset is left.
    fn expire_offsets_of(
        &self,
        now: Timestamp,
        id: &GroupId,
        group: &Group,
        records: &mut Vec<Record>,
    ) -> bool {
        let mut none_left = true;
        for (partition, at) in self.offsets.of(id) {
            let expires = match at.expire_timestamp {
                Some(expires) => group.retention_base(at.commit_timestamp).map(|_| expires),
                None => group
                    .retention_base(at.commit_timestamp)
                    .map(|base| base.saturating_add(self.config.offsets_retention)),
            };
            let expired = expires.is_some_and(|expires| expires <= now)
                && !group.is_subscribed_to(partition.topic.as_str());
            if expired {
                records.push(tombstone(id, partition));
            }
            none_left &= expired;
        }
        none_left
    }

    /// Takes over newer metadata. Offsets in topics that are gone go too.
    pub(super) fn update_image(
        &mut self,
        token: Token,
        image: Arc<MetadataImage>,
    ) -> Outcome<GroupCoordinator> {
        let former = std::mem::replace(&mut self.image, image);
        let gone: BTreeSet<&TopicName> = former
            .topics()
            .filter(|topic| self.image.topic_by_id(topic.id).is_none())
            .map(|topic| &topic.name)
            .collect();
        let mut records = Vec::new();
        if !gone.is_empty() {
            for (group, offsets) in &self.offsets.by_group {
                let partitions = offsets.keys().filter(|key| gone.contains(&key.topic));
                records.extend(partitions.map(|partition| tombstone(group, partition)));
            }
        }
        Outcome::record_and_reply(records, token, Reply::UpdateImage)
    }
}

pub(super) fn tombstone(group: &GroupId, partition: &TopicPartition) -> Record {
    Record::OffsetCommit {
        group: group.clone(),
        partition: partition.clone(),
        value: None,
    }
}

/// Without a group only simple consumers and administrators may commit.
fn check_simple_commit(request: &CommitOffsets) -> Result<(), GroupError> {
    match request.generation_or_epoch {
        None => Ok(()),
        Some(_) if request.knows_consumer_groups => Err(GroupError::GroupIdNotFound(format!(
            "Group {} not found.",
            request.group
        ))),
        Some(_) => Err(GroupError::IllegalGeneration),
    }
}

fn check_commit(
    step: &mut Step<'_>,
    image: &MetadataImage,
    group: &mut Group,
    request: &CommitOffsets,
) -> Result<(), GroupError> {
    let CommitOffsets {
        member,
        instance,
        generation_or_epoch,
        ..
    } = request;
    match group {
        Group::Classic(group) => {
            group.check_commit(member.as_ref(), instance.as_ref(), *generation_or_epoch)?;
            group.committed(step, member.as_ref());
            Ok(())
        }
        Group::Consumer(group) => group.check_commit(
            member.as_ref(),
            *generation_or_epoch,
            request.knows_consumer_groups,
            image,
            request.offsets.iter().map(|offset| &offset.partition),
        ),
    }
}

fn commit_offset(
    step: &mut Step<'_>,
    group: &GroupId,
    retention: Option<Duration>,
    offset: OffsetToCommit,
) -> Result<(), GroupError> {
    if offset.metadata.len() > step.config.offset_metadata_bytes_max {
        return Err(GroupError::OffsetMetadataTooLarge);
    }
    let value = CommittedOffset {
        offset: offset.offset,
        leader_epoch: offset.leader_epoch,
        metadata: offset.metadata,
        commit_timestamp: offset.timestamp.unwrap_or(step.now.wall),
        expire_timestamp: retention.map(|retention| step.now.wall.saturating_add(retention)),
        topic_id: offset.topic_id,
    };
    let (group, partition) = (group.clone(), offset.partition);
    step.records.push(Record::OffsetCommit {
        group,
        partition,
        value: Some(value),
    });
    Ok(())
}
