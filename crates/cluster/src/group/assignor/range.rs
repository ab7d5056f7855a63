//! The `range` assignor: to each member a run of neighbouring partitions of each topic.

use std::collections::BTreeMap;

use fleuve_model::{PartitionId, TopicId};

use super::{GroupSpec, MemberSpec, partitions};
use crate::group::{Assignment, MemberId};

pub(super) fn assign(group: &GroupSpec) -> BTreeMap<MemberId, Assignment> {
    let members = in_order(group);
    let mut assignments: BTreeMap<MemberId, Assignment> = group
        .members
        .keys()
        .map(|member| (member.clone(), Assignment::new()))
        .collect();
    for (topic, count) in &group.topics {
        let subscribers: Vec<&MemberId> = members
            .iter()
            .filter(|(_, spec)| spec.topics.contains(topic))
            .map(|(member, _)| *member)
            .collect();
        share_out(*topic, *count, &subscribers, &mut assignments);
    }
    assignments
}

/// Static members first, by instance id, so that a new member id after a restart changes
/// nothing; then the others, by member id.
fn in_order(group: &GroupSpec) -> Vec<(&MemberId, &MemberSpec)> {
    let mut members: Vec<(&MemberId, &MemberSpec)> = group.members.iter().collect();
    members.sort_by_key(|(member, spec)| (spec.instance.is_none(), &spec.instance, *member));
    members
}

fn share_out(
    topic: TopicId,
    count: u32,
    subscribers: &[&MemberId],
    assignments: &mut BTreeMap<MemberId, Assignment>,
) {
    let all: Vec<PartitionId> = partitions(count).collect();
    let mut rest = all.as_slice();
    for (index, member) in subscribers.iter().enumerate() {
        let extra = usize::from(index < all.len() % subscribers.len());
        let (run, tail) = rest.split_at(all.len() / subscribers.len() + extra);
        rest = tail;
        if let Some(assignment) = assignments.get_mut(*member)
            && !run.is_empty()
        {
            assignment.insert(topic, run.iter().copied().collect());
        }
    }
}
