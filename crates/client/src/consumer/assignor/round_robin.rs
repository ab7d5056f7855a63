use std::collections::BTreeMap;

use super::{Assignment, Member, partitions_of};

/// Partition after partition, topic after topic, to member after member; a member that does
/// not subscribe to the topic is passed over.
pub(super) fn assign(partitions: &BTreeMap<String, i32>, members: &[Member]) -> Assignment {
    let mut ranked: Vec<&Member> = members.iter().collect();
    ranked.sort_by_key(|member| member.rank());
    let mut assignment: Assignment = members
        .iter()
        .map(|member| (member.id.clone(), Vec::new()))
        .collect();
    let mut turn = 0;
    for (topic, index) in partitions_of(partitions, members) {
        while !ranked[turn % ranked.len()].topics.contains(&topic) {
            turn += 1;
        }
        let member = ranked[turn % ranked.len()];
        assignment
            .entry(member.id.clone())
            .or_default()
            .push((topic, index));
        turn += 1;
    }
    assignment
}
