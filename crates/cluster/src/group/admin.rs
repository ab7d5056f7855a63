//! What administrators ask of groups.

use fleuve_model::Timestamp;

use super::offsets::tombstone;
use super::{
    DescribedClassicGroup, DescribedConsumerGroup, Group, GroupCoordinator, GroupError, GroupId,
    ListGroups, ListedGroup, Record, Reply,
};
use crate::machine::{Outcome, Token};

impl GroupCoordinator {
    pub(super) fn list_groups(
        &self,
        token: Token,
        request: &ListGroups,
    ) -> Outcome<GroupCoordinator> {
        let passes = |filter: &[String], value: &str| {
            filter.is_empty()
                || filter
                    .iter()
                    .any(|one| one.trim().eq_ignore_ascii_case(value))
        };
        let listed = self.groups.values().map(Group::as_listed).filter(|group| {
            passes(&request.states, group.state) && passes(&request.types, group.group_type)
        });
        Outcome::reply(token, Reply::ListGroups(listed.collect()))
    }

    pub(super) fn describe_classic_groups(
        &self,
        token: Token,
        groups: &[GroupId],
    ) -> Outcome<GroupCoordinator> {
        let described = groups
            .iter()
            .map(|id| self.describe_classic_group(id))
            .collect();
        Outcome::reply(token, Reply::DescribeClassicGroups(described))
    }

    fn describe_classic_group(&self, id: &GroupId) -> Result<DescribedClassicGroup, GroupError> {
        match self.groups.get(id) {
            Some(Group::Classic(group)) => Ok(group.describe()),
            Some(Group::Consumer(_)) => Err(GroupError::GroupIdNotFound(format!(
                "Group {id} is not a classic group."
            ))),
            None => Err(GroupError::GroupIdNotFound(format!(
                "Group {id} not found."
            ))),
        }
    }

    pub(super) fn describe_consumer_groups(
        &self,
        token: Token,
        groups: &[GroupId],
    ) -> Outcome<GroupCoordinator> {
        let described = groups
            .iter()
            .map(|id| self.describe_consumer_group(id))
            .collect();
        Outcome::reply(token, Reply::DescribeConsumerGroups(described))
    }

    fn describe_consumer_group(&self, id: &GroupId) -> Result<DescribedConsumerGroup, GroupError> {
        match self.groups.get(id) {
            _ if id.as_str().is_empty() => Err(GroupError::InvalidGroupId),
            Some(Group::Consumer(group)) => {
                let default = self.config.consumer_assignors.first();
                Ok(group.describe(default.map_or("uniform", String::as_str)))
            }
            Some(Group::Classic(_)) => Err(GroupError::GroupIdNotFound(format!(
                "Group {id} is not a consumer group."
            ))),
            None => Err(GroupError::GroupIdNotFound(format!(
                "Group {id} not found."
            ))),
        }
    }

    pub(super) fn delete_groups(
        &self,
        token: Token,
        groups: &[GroupId],
    ) -> Outcome<GroupCoordinator> {
        let mut records = Vec::new();
        let deleted = groups
            .iter()
            .map(|id| self.delete_group(id, &mut records))
            .collect();
        Outcome::record_and_reply(records, token, Reply::DeleteGroups(deleted))
    }

    fn delete_group(&self, id: &GroupId, records: &mut Vec<Record>) -> Result<(), GroupError> {
        let Some(group) = self.groups.get(id) else {
            return Err(GroupError::GroupIdNotFound(format!(
                "Group {id} not found."
            )));
        };
        group.check_delete()?;
        records.extend(
            self.offsets
                .of(id)
                .map(|(partition, _)| tombstone(id, partition)),
        );
        records.extend(group.tombstones());
        Ok(())
    }
}

impl Group {
    fn as_listed(&self) -> ListedGroup {
        match self {
            Group::Classic(group) => group.as_listed(),
            Group::Consumer(group) => group.as_listed(),
        }
    }

    fn check_delete(&self) -> Result<(), GroupError> {
        match self {
            Group::Classic(group) => group.check_delete(),
            Group::Consumer(group) => group.check_delete(),
        }
    }

    pub(super) fn check_delete_offsets(&self) -> Result<(), GroupError> {
        match self {
            Group::Classic(group) => group.check_delete_offsets(),
            Group::Consumer(_) => Ok(()),
        }
    }

    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        match self {
            Group::Classic(group) => group.is_subscribed_to(topic),
            Group::Consumer(group) => group.is_subscribed_to(topic),
        }
    }

    pub(super) fn is_unused(&self) -> bool {
        match self {
            Group::Classic(group) => group.is_unused(),
            Group::Consumer(group) => group.is_empty(),
        }
    }

    /// From when on the retention of an offset committed at `commit` counts.
    pub(super) fn retention_base(&self, commit: Timestamp) -> Option<Timestamp> {
        match self {
            Group::Classic(group) => group.retention_base(commit),
            Group::Consumer(group) => group.retention_base(commit),
        }
    }

    /// The records that make an end of the group.
    pub(super) fn tombstones(&self) -> Vec<Record> {
        match self {
            Group::Classic(group) => vec![group.tombstone()],
            Group::Consumer(group) => group.tombstones(),
        }
    }
}
