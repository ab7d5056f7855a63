//! What the assignors of consumer groups promise.

use std::collections::{BTreeMap, BTreeSet};

use fleuve_cluster::group::assignor::{Assignor, GroupSpec, MemberSpec, assign};
use fleuve_cluster::group::{Assignment, InstanceId, MemberId};
use fleuve_model::{PartitionId, TopicId};
use proptest::prelude::*;
use uuid::Uuid;

type Assignments = BTreeMap<MemberId, Assignment>;

fn topic(number: u32) -> TopicId {
    TopicId::new(Uuid::from_u128(u128::from(number) + 1)).unwrap()
}

fn member(number: usize) -> MemberId {
    MemberId::new(&format!("m{number:03}"))
}

/// Topics by their number of partitions, members by the topics that they are subscribed to.
fn spec(topics: &[u32], members: &[BTreeSet<u32>]) -> GroupSpec {
    let mut group = GroupSpec::default();
    for (number, partitions) in topics.iter().enumerate() {
        group.topics.insert(topic(number as u32), *partitions);
    }
    for (number, subscribed) in members.iter().enumerate() {
        let topics = subscribed.iter().map(|number| topic(*number)).collect();
        group.members.insert(
            member(number),
            MemberSpec {
                topics,
                ..MemberSpec::default()
            },
        );
    }
    group
}

fn homogeneous(topics: &[u32], members: usize) -> GroupSpec {
    let all: BTreeSet<u32> = (0..topics.len() as u32).collect();
    spec(topics, &vec![all; members])
}

/// Puts what was assigned before the assignor again.
fn keep(group: &mut GroupSpec, assignments: &Assignments) {
    for (id, member) in &mut group.members {
        member.assignment = assignments.get(id).cloned().unwrap_or_default();
    }
}

fn size(assignment: &Assignment) -> usize {
    assignment.values().map(BTreeSet::len).sum()
}

fn pairs(assignment: &Assignment) -> BTreeSet<(TopicId, PartitionId)> {
    let pairs = assignment.iter();
    pairs
        .flat_map(|(topic, numbers)| numbers.iter().map(|number| (*topic, *number)))
        .collect()
}

/// Every partition that somebody is subscribed to has one owner, who is subscribed to it.
fn check_complete(group: &GroupSpec, assignments: &Assignments) {
    let mut owners: BTreeMap<(TopicId, PartitionId), &MemberId> = BTreeMap::new();
    assert!(assignments.keys().eq(group.members.keys()));
    for (id, assignment) in assignments {
        for partition in pairs(assignment) {
            assert!(
                group.members[id].topics.contains(&partition.0),
                "not subscribed"
            );
            assert!(owners.insert(partition, id).is_none(), "two owners");
        }
    }
    for (topic, count) in &group.topics {
        if group
            .members
            .values()
            .any(|member| member.topics.contains(topic))
        {
            for number in 0..*count {
                let partition = (*topic, PartitionId::new(number as i32).unwrap());
                assert!(
                    owners.contains_key(&partition),
                    "{partition:?} has no owner"
                );
            }
        }
    }
}

fn spread(assignments: &Assignments) -> usize {
    let sizes: Vec<usize> = assignments.values().map(size).collect();
    sizes.iter().max().unwrap_or(&0) - sizes.iter().min().unwrap_or(&0)
}

/// How many partitions have another owner than before, of those that had one.
fn moved(before: &Assignments, after: &Assignments) -> usize {
    let kept: usize = after
        .iter()
        .map(|(id, assignment)| {
            let former = before.get(id).map(pairs).unwrap_or_default();
            former.intersection(&pairs(assignment)).count()
        })
        .sum();
    before.values().map(size).sum::<usize>() - kept
}

#[test]
fn range_gives_neighbours_and_shares_out_like_topics_alike() {
    let assignments = assign(Assignor::Range, &homogeneous(&[5, 5], 2));
    let shown: Vec<Vec<i32>> = assignments
        .values()
        .flat_map(|assignment| assignment.values())
        .map(|numbers| numbers.iter().map(|number| number.value()).collect())
        .collect();
    assert_eq!(
        shown,
        [vec![0, 1, 2], vec![0, 1, 2], vec![3, 4], vec![3, 4]]
    );
}

#[test]
fn range_goes_by_instance_ids_so_that_restarts_change_nothing() {
    let mut group = homogeneous(&[4], 2);
    let ids = ["i2", "i1"];
    for (member, id) in group.members.values_mut().zip(ids) {
        member.instance = Some(InstanceId::new(id));
    }
    let assignments = assign(Assignor::Range, &group);
    let first = |number: usize| {
        assignments[&member(number)][&topic(0)]
            .first()
            .unwrap()
            .value()
    };
    assert_eq!((first(0), first(1)), (2, 0));
}

#[test]
fn a_topic_that_is_not_there_is_not_assigned() {
    let mut group = homogeneous(&[2], 1);
    group
        .members
        .values_mut()
        .for_each(|member| _ = member.topics.insert(topic(77)));
    for (_, assignor) in Assignor::ALL {
        let assignments = assign(assignor, &group);
        assert_eq!(size(&assignments[&member(0)]), 2);
    }
}

#[test]
fn a_group_without_members_has_no_assignments() {
    for (_, assignor) in Assignor::ALL {
        assert!(assign(assignor, &GroupSpec::default()).is_empty());
    }
}

#[test]
fn five_hundred_members_share_a_thousand_partitions() {
    let group = homogeneous(&[400, 600], 500);
    let assignments = assign(Assignor::Uniform, &group);
    check_complete(&group, &assignments);
    assert_eq!(spread(&assignments), 0);
}

fn subscriptions() -> impl Strategy<Value = Vec<BTreeSet<u32>>> {
    prop::collection::vec(prop::collection::btree_set(0..4_u32, 0..4), 1..9)
}

proptest! {
    #[test]
    fn every_partition_has_one_owner_who_is_subscribed(
        topics in prop::collection::vec(0..9_u32, 4..5),
        members in subscriptions(),
    ) {
        let group = spec(&topics, &members);
        for (_, assignor) in Assignor::ALL {
            check_complete(&group, &assign(assignor, &group));
        }
    }

    #[test]
    fn uniform_is_even_and_moves_no_more_than_that_takes(
        topics in prop::collection::vec(0..12_u32, 1..4),
        before in 1..8_usize,
        after in 1..8_usize,
    ) {
        let former = assign(Assignor::Uniform, &homogeneous(&topics, before));
        prop_assert!(spread(&former) <= 1);
        let mut group = homogeneous(&topics, after);
        keep(&mut group, &former);
        let assignments = assign(Assignor::Uniform, &group);
        check_complete(&group, &assignments);
        prop_assert!(spread(&assignments) <= 1);
        // Only what members that left had, and what others have beyond their share, moves.
        let total: usize = topics.iter().map(|count| *count as usize).sum();
        let mut quotas: Vec<usize> =
            (0..after).map(|rank| total / after + usize::from(rank < total % after)).collect();
        let mut sizes: Vec<usize> =
            (0..after).map(|number| former.get(&member(number)).map_or(0, size)).collect();
        sizes.sort_by_key(|size| std::cmp::Reverse(*size));
        quotas.sort_by_key(|quota| std::cmp::Reverse(*quota));
        let kept: usize =
            sizes.iter().zip(&quotas).map(|(size, quota)| size.min(quota)).copied().sum();
        prop_assert_eq!(moved(&former, &assignments), total - kept);
    }

    #[test]
    fn uniform_leaves_alone_what_it_has_assigned(
        topics in prop::collection::vec(0..9_u32, 4..5),
        members in subscriptions(),
    ) {
        let mut group = spec(&topics, &members);
        let first = assign(Assignor::Uniform, &group);
        keep(&mut group, &first);
        prop_assert_eq!(assign(Assignor::Uniform, &group), first);
    }

    #[test]
    fn uniform_leaves_no_move_that_would_make_two_members_more_alike(
        topics in prop::collection::vec(0..9_u32, 4..5),
        members in subscriptions(),
    ) {
        let group = spec(&topics, &members);
        let assignments = assign(Assignor::Uniform, &group);
        for (id, assignment) in &assignments {
            for (other, of_other) in &assignments {
                let could_take = |topic: &TopicId| group.members[other].topics.contains(topic);
                if id != other && assignment.keys().any(could_take) {
                    prop_assert!(size(assignment) <= size(of_other) + 1);
                }
            }
        }
    }
}
