//! What every member should have.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ConsumerGroup, Draft};
use crate::controller::MetadataImage;
use crate::group::assignor::{Assignor, GroupSpec, MemberSpec, assign};
use crate::group::{Record, Step, TargetAssignmentMetadata};

impl ConsumerGroup {
    /// The assignor that most members ask for.
    pub(super) fn preferred_assignor(&self) -> Option<Arc<str>> {
        let mut votes: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for name in self
            .members
            .values()
            .filter_map(|one| one.metadata.server_assignor.as_ref())
        {
            *votes.entry(name).or_default() += 1;
        }
        let most = votes.values().copied().max()?;
        votes
            .into_iter()
            .find(|(_, count)| *count == most)
            .map(|(name, _)| name.clone())
    }

    fn as_spec(&self, image: &MetadataImage) -> GroupSpec {
        let mut spec = GroupSpec::default();
        for (id, member) in &self.members {
            let topics = self.topics_of(member, image);
            for topic in topics.iter().filter_map(|topic| image.topic_by_id(*topic)) {
                let partitions = u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
                spec.topics.insert(topic.id, partitions);
            }
            let assignment = self
                .target
                .get(id)
                .map(|it| (**it).clone())
                .unwrap_or_default();
            let instance = member.metadata.instance.clone();
            spec.members.insert(
                id.clone(),
                MemberSpec {
                    instance,
                    topics,
                    assignment,
                },
            );
        }
        spec
    }
}

impl Draft<'_> {
    /// Computes the target assignment for the group's epoch, and writes down what differs.
    pub(super) fn update_target(&mut self, step: &Step<'_>, image: &MetadataImage) {
        let preferred = self.group.preferred_assignor();
        let default = step.config.consumer_assignors.first();
        let name = preferred.as_deref().or(default.map(String::as_str));
        let assignor = name.and_then(Assignor::named).unwrap_or(Assignor::Uniform);
        for (member, assignment) in assign(assignor, &self.group.as_spec(image)) {
            if self
                .group
                .target
                .get(&member)
                .is_some_and(|former| **former == assignment)
            {
                continue;
            }
            let (group, value) = (self.group.id.clone(), Some(assignment));
            self.write(Record::TargetAssignmentMember {
                group,
                member,
                value,
            });
        }
        let value = TargetAssignmentMetadata {
            epoch: self.group.epoch,
            timestamp: step.now.wall,
        };
        let group = self.group.id.clone();
        self.write(Record::TargetAssignmentMetadata {
            group,
            value: Some(value),
        });
    }
}
