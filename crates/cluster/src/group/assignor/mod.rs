//! Who of a consumer group should have which partitions: pure functions (KIP-848).
//!
//! Every partition of a topic that somebody is subscribed to is given to exactly one of its
//! subscribers. Start at [`assign`].

mod range;
mod uniform;

use std::collections::{BTreeMap, BTreeSet};

use fleuve_model::{PartitionId, TopicId};

use super::{Assignment, InstanceId, MemberId};

/// An assignor that the coordinator has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignor {
    /// As even as can be, and close to what was before.
    Uniform,
    /// Neighbouring partitions of each topic to one member; topics with as many partitions are
    /// shared out alike.
    Range,
}

impl Assignor {
    /// All there are, by name.
    pub const ALL: [(&str, Assignor); 2] =
        [("uniform", Assignor::Uniform), ("range", Assignor::Range)];

    /// The assignor of that name.
    pub fn named(name: &str) -> Option<Assignor> {
        Assignor::ALL
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, assignor)| assignor)
    }
}

/// What an assignor needs to know.
#[derive(Clone, Debug, Default)]
pub struct GroupSpec {
    pub members: BTreeMap<MemberId, MemberSpec>,
    /// How many partitions each topic has that anybody is subscribed to.
    pub topics: BTreeMap<TopicId, u32>,
}

/// A member, as an assignor sees it.
#[derive(Clone, Debug, Default)]
pub struct MemberSpec {
    pub instance: Option<InstanceId>,
    /// What it is subscribed to; those missing in [`GroupSpec::topics`] do not count.
    pub topics: BTreeSet<TopicId>,
    /// What it should have had until now.
    pub assignment: Assignment,
}

/// What every member should have.
pub fn assign(assignor: Assignor, group: &GroupSpec) -> BTreeMap<MemberId, Assignment> {
    match assignor {
        Assignor::Uniform => uniform::assign(group),
        Assignor::Range => range::assign(group),
    }
}

/// The numbers of `count` partitions, from 0 on.
fn partitions(count: u32) -> impl Iterator<Item = PartitionId> {
    (0..)
        .map_while(|number| PartitionId::new(number).ok())
        .take(count as usize)
}
