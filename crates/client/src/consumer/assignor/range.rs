use std::collections::BTreeMap;

use super::{Assignment, Member};

/// Of each topic the members that subscribe to it get runs of partitions of nearly the same
/// length, the first members the longer ones.
pub(super) fn assign(partitions: &BTreeMap<String, i32>, members: &[Member]) -> Assignment {
    let mut ranked: Vec<&Member> = members.iter().collect();
    ranked.sort_by_key(|member| member.rank());
    let mut assignment: Assignment = members
        .iter()
        .map(|member| (member.id.clone(), Vec::new()))
        .collect();
    for (topic, count) in partitions {
        let subscribed: Vec<&&Member> = ranked
            .iter()
            .filter(|member| member.topics.contains(topic))
            .collect();
        if subscribed.is_empty() {
            continue;
        }
        let (each, longer) = (
            *count as usize / subscribed.len(),
            *count as usize % subscribed.len(),
        );
        let mut next = 0;
        for (index, member) in subscribed.iter().enumerate() {
            let length = each + usize::from(index < longer);
            let run = (next..next + length).map(|index| (topic.clone(), index as i32));
            assignment.entry(member.id.clone()).or_default().extend(run);
            next += length;
        }
    }
    assignment
}
