//! Evenly, and as before where that is even (KIP-54).
//!
//! A member keeps what it owned as long as nobody has far less. What is claimed by two members
//! belongs to the one of the later generation, and to neither if the generation is the same.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Assignment, Member, Owned, partitions_of};

pub(super) fn assign(partitions: &BTreeMap<String, i32>, members: &[Member]) -> Assignment {
    let all: BTreeSet<Owned> = partitions_of(partitions, members).collect();
    let kept = claims(&all, members);
    let is_uniform = members
        .windows(2)
        .all(|pair| pair[0].topics == pair[1].topics);
    if is_uniform {
        assign_uniform(&all, members, kept)
    } else {
        assign_general(&all, members, kept)
    }
}

/// What each member may keep: it exists, is subscribed to and not claimed by somebody later.
fn claims(all: &BTreeSet<Owned>, members: &[Member]) -> Assignment {
    let mut claimed: BTreeMap<&Owned, (i32, Option<&str>)> = BTreeMap::new();
    for member in members {
        let valid = member
            .owned
            .iter()
            .filter(|owned| all.contains(owned) && member.topics.contains(&owned.0));
        for owned in valid {
            let claim = claimed.entry(owned).or_insert((i32::MIN, None));
            if member.generation > claim.0 {
                *claim = (member.generation, Some(&member.id));
            } else if member.generation == claim.0 {
                claim.1 = None;
            }
        }
    }
    let mut kept: Assignment = members
        .iter()
        .map(|member| (member.id.clone(), Vec::new()))
        .collect();
    for (owned, (_, owner)) in claimed {
        if let Some(owner) = owner {
            kept.entry(owner.to_owned())
                .or_default()
                .push(owned.clone());
        }
    }
    kept
}

/// All members subscribe to the same: everybody gets the same number, or one more.
fn assign_uniform(all: &BTreeSet<Owned>, members: &[Member], kept: Assignment) -> Assignment {
    let count = members.len().max(1);
    let (least, mut with_one_more) = (all.len() / count, all.len() % count);
    let mut assignment = Assignment::new();
    for (id, mut owned) in kept {
        let quota = if owned.len() > least && with_one_more > 0 {
            with_one_more -= 1;
            least + 1
        } else {
            least
        };
        owned.truncate(quota);
        assignment.insert(id, owned);
    }
    let taken: BTreeSet<Owned> = assignment.values().flatten().cloned().collect();
    let mut free: VecDeque<Owned> = all.difference(&taken).cloned().collect();
    while let Some(round) = next_round(&assignment, least, &mut with_one_more) {
        for id in round {
            let Some(partition) = free.pop_front() else {
                return assignment;
            };
            assignment.entry(id).or_default().push(partition);
        }
    }
    assignment
}

/// Members that get one more partition now: those below the least, then as many as may have
/// one more than that.
fn next_round(
    assignment: &Assignment,
    least: usize,
    with_one_more: &mut usize,
) -> Option<Vec<String>> {
    let having = |count: &dyn Fn(usize) -> bool| {
        let members = assignment.iter().filter(|(_, owned)| count(owned.len()));
        members.map(|(id, _)| id.clone()).collect::<Vec<String>>()
    };
    let below = having(&|count| count < least);
    if !below.is_empty() {
        return Some(below);
    }
    let mut exact = having(&|count| count == least);
    exact.truncate(*with_one_more);
    *with_one_more -= exact.len();
    (!exact.is_empty()).then_some(exact)
}

/// Members subscribe to different topics: what is free goes to whoever has least, and then
/// partitions move as long as that makes the two members concerned more even.
fn assign_general(all: &BTreeSet<Owned>, members: &[Member], kept: Assignment) -> Assignment {
    let mut assignment = kept;
    let subscribers = |topic: &str| {
        members
            .iter()
            .filter(|member| member.topics.contains(topic))
            .map(|m| m.id.as_str())
            .collect()
    };
    let mut by_topic: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (topic, _) in all {
        by_topic.entry(topic).or_insert_with(|| subscribers(topic));
    }
    let taken: BTreeSet<Owned> = assignment.values().flatten().cloned().collect();
    let mut free: Vec<&Owned> = all.difference(&taken).collect();
    // Those with the least choice first, or they might be left to somebody who is full.
    free.sort_by_key(|partition| (by_topic[partition.0.as_str()].len(), *partition));
    for partition in free {
        let candidates = &by_topic[partition.0.as_str()];
        let poorest = candidates
            .iter()
            .min_by_key(|id| (assignment[**id].len(), **id));
        if let Some(poorest) = poorest {
            assignment
                .entry((*poorest).to_owned())
                .or_default()
                .push(partition.clone());
        }
    }
    while let Some((from, to, partition)) = next_move(&assignment, &by_topic) {
        assignment
            .entry(from)
            .or_default()
            .retain(|owned| *owned != partition);
        assignment.entry(to).or_default().push(partition);
    }
    assignment
}

/// A partition whose owner has at least two more than another subscriber.
fn next_move(
    assignment: &Assignment,
    by_topic: &BTreeMap<&str, Vec<&str>>,
) -> Option<(String, String, Owned)> {
    let mut richest_first: Vec<(&String, &Vec<Owned>)> = assignment.iter().collect();
    richest_first.sort_by_key(|(id, owned)| (std::cmp::Reverse(owned.len()), *id));
    for (from, owned) in richest_first {
        for partition in owned.iter().rev() {
            let candidates = by_topic[partition.0.as_str()].iter();
            let poorest = candidates.min_by_key(|id| (assignment[**id].len(), **id))?;
            if assignment[*poorest].len() + 2 <= owned.len() {
                return Some((from.clone(), (*poorest).to_owned(), partition.clone()));
            }
        }
    }
    None
}
