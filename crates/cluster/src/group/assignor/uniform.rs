//! The `uniform` assignor: as many partitions to each member, moving as few as that takes.
//!
//! Members keep what they had, as far as they are still subscribed to it. If all are subscribed
//! to the same topics, no two differ by more than one partition in the end. If not, no partition
//! could be moved to make two members more alike.

use std::collections::{BTreeMap, BTreeSet};

use fleuve_model::{PartitionId, TopicId};

use super::{GroupSpec, partitions};
use crate::group::{Assignment, MemberId};

pub(super) fn assign(group: &GroupSpec) -> BTreeMap<MemberId, Assignment> {
    let mut draft = Draft::keeping(group);
    if is_homogeneous(group) {
        draft.trim_to_quotas();
    }
    draft.give_out();
    draft.balance();
    draft.assignments()
}

fn is_homogeneous(group: &GroupSpec) -> bool {
    let mut subscriptions = group.members.values().map(|member| &member.topics);
    let first = subscriptions.next();
    subscriptions.all(|topics| Some(topics) == first)
}

/// An assignment in the making. Members are numbered in the order of their ids.
struct Draft<'a> {
    group: &'a GroupSpec,
    owned: Vec<BTreeSet<(TopicId, PartitionId)>>,
    /// The members that are subscribed to each topic.
    subscribers: BTreeMap<TopicId, Vec<usize>>,
    unassigned: BTreeSet<(TopicId, PartitionId)>,
}

impl<'a> Draft<'a> {
    /// Begins with what every member had and may have still.
    fn keeping(group: &'a GroupSpec) -> Draft<'a> {
        let mut subscribers: BTreeMap<TopicId, Vec<usize>> = BTreeMap::new();
        for (index, member) in group.members.values().enumerate() {
            for topic in member
                .topics
                .iter()
                .filter(|topic| group.topics.contains_key(topic))
            {
                subscribers.entry(*topic).or_default().push(index);
            }
        }
        let wanted = group
            .topics
            .iter()
            .filter(|(topic, _)| subscribers.contains_key(topic));
        let mut unassigned: BTreeSet<(TopicId, PartitionId)> = wanted
            .flat_map(|(topic, count)| partitions(*count).map(|number| (*topic, number)))
            .collect();
        let mut keep = |topics: &BTreeSet<TopicId>, former: &Assignment| {
            let former = former.iter().filter(|(topic, _)| topics.contains(topic));
            let former =
                former.flat_map(|(topic, numbers)| numbers.iter().map(|number| (*topic, *number)));
            former
                .filter(|partition| unassigned.remove(partition))
                .collect()
        };
        let members = group.members.values();
        let owned = members
            .map(|member| keep(&member.topics, &member.assignment))
            .collect();
        Draft {
            group,
            owned,
            subscribers,
            unassigned,
        }
    }

    /// Takes from those that have more than their share. Who has most may keep one more, if
    /// shares differ.
    fn trim_to_quotas(&mut self) {
        let total = self.unassigned.len() + self.owned.iter().map(BTreeSet::len).sum::<usize>();
        let members = self.owned.len().max(1);
        let mut by_size: Vec<usize> = (0..self.owned.len()).collect();
        by_size.sort_by_key(|index| std::cmp::Reverse(self.owned[*index].len()));
        for (rank, index) in by_size.into_iter().enumerate() {
            let quota = total / members + usize::from(rank < total % members);
            while self.owned[index].len() > quota {
                let last = self.owned[index].pop_last();
                self.unassigned.extend(last);
            }
        }
    }

    /// Gives every partition that nobody has to the subscriber that has least.
    fn give_out(&mut self) {
        let mut waiting: Vec<(TopicId, PartitionId)> =
            std::mem::take(&mut self.unassigned).into_iter().collect();
        // Topics with few subscribers first: the others have more choice left then.
        waiting.sort_by_key(|(topic, _)| self.subscribers[topic].len());
        for partition in waiting {
            let least = self.least_loaded(partition.0);
            self.owned[least].insert(partition);
        }
    }

    /// Moves partitions from those that have more to those that have less, while that makes
    /// any two more alike. Every move lowers the sum of the squares, so there is an end.
    fn balance(&mut self) {
        while !self.is_even() && self.balance_once() {}
    }

    fn is_even(&self) -> bool {
        let most = self.owned.iter().map(BTreeSet::len).max().unwrap_or(0);
        self.owned.iter().all(|owned| owned.len() + 1 >= most)
    }

    fn balance_once(&mut self) -> bool {
        let mut moved = false;
        for owner in 0..self.owned.len() {
            let owned: Vec<(TopicId, PartitionId)> = self.owned[owner].iter().copied().collect();
            for partition in owned.into_iter().rev() {
                let least = self.least_loaded(partition.0);
                if self.owned[owner].len() > self.owned[least].len() + 1 {
                    self.owned[owner].remove(&partition);
                    self.owned[least].insert(partition);
                    moved = true;
                }
            }
        }
        moved
    }

    fn least_loaded(&self, topic: TopicId) -> usize {
        let subscribers = self.subscribers[&topic].iter().copied();
        let least = subscribers.min_by_key(|index| self.owned[*index].len());
        least.expect("only topics that somebody is subscribed to are shared out")
    }

    fn assignments(self) -> BTreeMap<MemberId, Assignment> {
        let by_topic = |owned: BTreeSet<(TopicId, PartitionId)>| {
            let mut assignment = Assignment::new();
            for (topic, number) in owned {
                assignment.entry(topic).or_default().insert(number);
            }
            assignment
        };
        self.group
            .members
            .keys()
            .cloned()
            .zip(self.owned.into_iter().map(by_topic))
            .collect()
    }
}
