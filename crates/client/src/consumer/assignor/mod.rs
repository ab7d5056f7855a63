//! Who reads what in a classic group: the leader decides by one of these.
//!
//! They give what Java's assignors of the same name give, and what they carry from one
//! generation to the next has Java's bytes, so that a group may have members of both. No I/O.

mod range;
mod round_robin;
mod sticky;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use fleuve_protocol::internal_records::consumer_protocol::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription, TopicPartition as WireTopic,
};
use fleuve_protocol::internal_records::{decode_consumer_protocol, encode_versioned};
use fleuve_protocol::{DecodeError, EncodeError, Message, Str};

/// A partition, as members name it to each other.
pub(super) type Owned = (String, i32);

/// How partitions are given to members (`partition.assignment.strategy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Assignor {
    /// Of each topic a run of partitions.
    Range,
    /// One partition after the other to one member after the other.
    RoundRobin,
    /// Evenly, and as before where that is even.
    Sticky,
    /// The same, and only what moves is given up first (KIP-429).
    CooperativeSticky,
}

/// A member as the leader knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) instance_id: Option<String>,
    pub(super) topics: BTreeSet<String>,
    /// What it says it owns.
    pub(super) owned: Vec<Owned>,
    pub(super) generation: i32,
    pub(super) user_data: Option<Bytes>,
}

impl Member {
    /// What the order of members goes by: static ones first, by their instance id.
    fn rank(&self) -> (bool, &str, &str) {
        match &self.instance_id {
            Some(instance) => (false, instance, &self.id),
            None => (true, "", &self.id),
        }
    }
}

/// What each member is to own, by its id.
pub(super) type Assignment = BTreeMap<String, Vec<Owned>>;

const ASSIGNORS: [(Assignor, &str, &str); 4] = [
    (Assignor::Range, "range", "RangeAssignor"),
    (Assignor::RoundRobin, "roundrobin", "RoundRobinAssignor"),
    (Assignor::Sticky, "sticky", "StickyAssignor"),
    (
        Assignor::CooperativeSticky,
        "cooperative-sticky",
        "CooperativeStickyAssignor",
    ),
];

impl Assignor {
    /// By its name in a group, or by Kafka's class, with or without the package.
    pub(super) fn from_name(name: &str) -> Option<Assignor> {
        let class = name.rsplit('.').next().unwrap_or(name);
        ASSIGNORS
            .iter()
            .find(|(_, known, known_class)| *known == name || *known_class == class)
            .map(|(assignor, ..)| *assignor)
    }

    /// Its name in a group.
    pub(super) fn name(self) -> &'static str {
        ASSIGNORS
            .iter()
            .find(|(assignor, ..)| *assignor == self)
            .map(|(_, name, _)| *name)
            .expect("every assignor is in the table")
    }

    /// Whether members may keep what they own while the group rebalances.
    pub(super) fn is_cooperative(self) -> bool {
        self == Assignor::CooperativeSticky
    }

    /// Decides. `partitions` has the number of partitions of each topic that exists.
    pub(super) fn assign(
        self,
        partitions: &BTreeMap<String, i32>,
        members: &[Member],
    ) -> Assignment {
        match self {
            Assignor::Range => range::assign(partitions, members),
            Assignor::RoundRobin => round_robin::assign(partitions, members),
            Assignor::Sticky => {
                let remembering: Vec<Member> = members.iter().map(with_user_data).collect();
                sticky::assign(partitions, &remembering)
            }
            Assignor::CooperativeSticky => {
                let mut assignment = sticky::assign(partitions, members);
                give_up_first(&mut assignment, members);
                assignment
            }
        }
    }

    /// What a member adds to its subscription.
    pub(super) fn user_data(
        self,
        owned: &[Owned],
        generation: i32,
    ) -> Result<Option<Bytes>, EncodeError> {
        match self {
            Assignor::Range | Assignor::RoundRobin => Ok(None),
            Assignor::Sticky if generation < 0 => Ok(None),
            Assignor::Sticky => {
                let previous_assignment = by_topic(owned)
                    .into_iter()
                    .map(|(topic, partitions)| PreviousTopic { topic, partitions })
                    .collect();
                StickyUserData {
                    previous_assignment,
                    generation,
                }
                .to_bytes(1)
                .map(Some)
            }
            Assignor::CooperativeSticky => CooperativeUserData { generation }.to_bytes(0).map(Some),
        }
    }
}

/// What the sticky assignor of Java remembers in a subscription: since it gives everything up
/// before it joins, what it owned is not among the owned partitions.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-1")]
struct StickyUserData {
    previous_assignment: Vec<PreviousTopic>,
    #[field("1+", default = -1)]
    generation: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
struct PreviousTopic {
    topic: Str,
    partitions: Vec<i32>,
}

/// What the cooperative one remembers.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0")]
struct CooperativeUserData {
    generation: i32,
}

/// The member with what it owned before, which stands in its user data.
fn with_user_data(member: &Member) -> Member {
    let mut member = Member {
        owned: Vec::new(),
        generation: -1,
        ..member.clone()
    };
    let Some(bytes) = &member.user_data else {
        return member;
    };
    let read = |version| StickyUserData::from_bytes(version, bytes.clone());
    let Ok(data) = read(1).or_else(|_| read(0)) else {
        return member;
    };
    member.generation = data.generation;
    member.owned = data
        .previous_assignment
        .iter()
        .flat_map(owned_of_previous)
        .collect();
    member
}

fn owned_of_previous(topic: &PreviousTopic) -> impl Iterator<Item = Owned> {
    topic
        .partitions
        .iter()
        .map(|partition| (topic.topic.as_str().to_owned(), *partition))
}

/// Takes out what is to move from one member to another: its owner gives it up first, and the
/// rebalance that follows hands it on.
fn give_up_first(assignment: &mut Assignment, members: &[Member]) {
    let mut owner: BTreeMap<&Owned, &str> = BTreeMap::new();
    for member in members {
        owner.extend(member.owned.iter().map(|owned| (owned, member.id.as_str())));
    }
    for (id, partitions) in assignment {
        partitions.retain(|partition| owner.get(partition).is_none_or(|owner| owner == id));
    }
}

/// Writes what a member subscribes to, as it joins.
pub(super) fn encode_subscription(
    assignor: Assignor,
    topics: &BTreeSet<String>,
    owned: &[Owned],
    generation: i32,
    rack: Option<Str>,
) -> Result<Bytes, EncodeError> {
    let owned_partitions = by_topic(if assignor.is_cooperative() {
        owned
    } else {
        &[]
    })
    .into_iter()
    .map(|(topic, partitions)| WireTopic { topic, partitions })
    .collect();
    let subscription = ConsumerProtocolSubscription {
        topics: topics
            .iter()
            .map(|topic| Str::from(topic.as_str()))
            .collect(),
        user_data: assignor.user_data(owned, generation)?,
        owned_partitions,
        generation_id: generation,
        rack_id: rack,
    };
    encode_versioned(&subscription, ConsumerProtocolSubscription::VERSIONS.max)
}

/// Reads what a member subscribes to.
pub(super) fn decode_subscription(
    id: &Str,
    instance_id: Option<&Str>,
    metadata: Bytes,
) -> Result<Member, DecodeError> {
    let subscription: ConsumerProtocolSubscription = decode_consumer_protocol(metadata)?;
    let owned = subscription
        .owned_partitions
        .iter()
        .flat_map(owned_of_wire)
        .collect();
    let mut generation = subscription.generation_id;
    if generation < 0
        && let Some(bytes) = &subscription.user_data
        && let Ok(data) = CooperativeUserData::from_bytes(0, bytes.clone())
    {
        generation = data.generation;
    }
    Ok(Member {
        id: id.as_str().to_owned(),
        instance_id: instance_id.map(|id| id.as_str().to_owned()),
        topics: subscription
            .topics
            .iter()
            .map(|topic| topic.as_str().to_owned())
            .collect(),
        owned,
        generation,
        user_data: subscription.user_data,
    })
}

/// Writes what a member is to own.
pub(super) fn encode_assignment(owned: &[Owned]) -> Result<Bytes, EncodeError> {
    let assigned_partitions = by_topic(owned)
        .into_iter()
        .map(|(topic, partitions)| WireTopic { topic, partitions })
        .collect();
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions,
        user_data: None,
    };
    encode_versioned(&assignment, ConsumerProtocolAssignment::VERSIONS.max)
}

/// Reads what a member is to own; no bytes mean nothing.
pub(super) fn decode_assignment(bytes: Bytes) -> Result<Vec<Owned>, DecodeError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let assignment: ConsumerProtocolAssignment = decode_consumer_protocol(bytes)?;
    Ok(assignment
        .assigned_partitions
        .iter()
        .flat_map(owned_of_wire)
        .collect())
}

fn owned_of_wire(topic: &WireTopic) -> impl Iterator<Item = Owned> {
    topic
        .partitions
        .iter()
        .map(|partition| (topic.topic.as_str().to_owned(), *partition))
}

fn by_topic(owned: &[Owned]) -> BTreeMap<Str, Vec<i32>> {
    let mut topics: BTreeMap<Str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in owned {
        topics
            .entry(Str::from(topic.as_str()))
            .or_default()
            .push(*partition);
    }
    topics
}

/// Every partition of the topics that exist and that `members` subscribe to.
fn partitions_of<'a>(
    partitions: &'a BTreeMap<String, i32>,
    members: &[Member],
) -> impl Iterator<Item = Owned> + use<'a> {
    let subscribed: BTreeSet<String> = members
        .iter()
        .flat_map(|member| member.topics.iter().cloned())
        .collect();
    partitions
        .iter()
        .filter(move |(topic, _)| subscribed.contains(*topic))
        .flat_map(|(topic, count)| (0..*count).map(move |index| (topic.clone(), index)))
}

#[cfg(test)]
mod tests;
