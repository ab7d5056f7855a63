//! How far a group has read: of each partition what is committed, where the log ends, and who
//! reads it. Start at [`of_group`].

use std::collections::{BTreeMap, BTreeSet};

use fleuve_client::admin::{CommittedOffset, GroupDescription, GroupMember};
use fleuve_client::{Admin, ClientError, IsolationLevel, OffsetSpec};
use fleuve_model::TopicPartition;

/// A partition that a member owns or the group has an offset for.
#[derive(Clone, Debug)]
pub(crate) struct GroupPartition {
    pub partition: TopicPartition,
    /// The next record to read, if one is committed.
    pub committed: Option<i64>,
    /// The offset after the last record, if the partition is there.
    pub end: Option<i64>,
    /// The member that owns it.
    pub owner: Option<GroupMember>,
}

impl GroupPartition {
    /// How many records are still to be read, if that is known.
    pub(crate) fn lag(&self) -> Option<i64> {
        Some(self.end? - self.committed?)
    }
}

/// What members own, those with the most first; then what nobody owns and was committed.
pub(crate) async fn of_group(
    admin: &Admin,
    group: &GroupDescription,
) -> Result<Vec<GroupPartition>, ClientError> {
    let committed = committed(admin, &group.id).await?;
    let mut members: Vec<&GroupMember> = group
        .members
        .iter()
        .filter(|member| !member.assignment.is_empty())
        .collect();
    members.sort_by_key(|member| std::cmp::Reverse(member.assignment.len()));
    let owned: BTreeSet<&TopicPartition> = members.iter().flat_map(|m| &m.assignment).collect();
    let mut asked: BTreeMap<TopicPartition, OffsetSpec> = BTreeMap::new();
    for partition in owned.iter().copied().chain(committed.keys()) {
        asked.insert(partition.clone(), OffsetSpec::Latest);
    }
    let ends = admin
        .list_offsets(&asked, IsolationLevel::ReadUncommitted)
        .await;
    let found = |partition: &TopicPartition, owner: Option<&GroupMember>| GroupPartition {
        partition: partition.clone(),
        committed: committed.get(partition).map(|c| c.offset.value()),
        end: ends
            .get(partition)
            .and_then(|end| end.as_ref().ok()?.offset)
            .map(|offset| offset.value()),
        owner: owner.cloned(),
    };
    let mut partitions = Vec::new();
    for member in members {
        let mut assignment = member.assignment.clone();
        assignment.sort_by_key(|partition| partition.partition);
        partitions.extend(assignment.iter().map(|p| found(p, Some(member))));
    }
    let mut unowned: Vec<_> = committed.keys().filter(|p| !owned.contains(p)).collect();
    unowned.sort_by_key(|partition| partition.partition);
    partitions.extend(unowned.into_iter().map(|p| found(p, None)));
    Ok(partitions)
}

/// The offsets that a group has committed.
pub(crate) async fn committed(
    admin: &Admin,
    group: &str,
) -> Result<BTreeMap<TopicPartition, CommittedOffset>, ClientError> {
    let offsets = admin.list_group_offsets(group, None).await?;
    let found = offsets
        .into_iter()
        .filter_map(|(partition, offset)| Some((partition, offset.ok()?)));
    Ok(found.collect())
}
