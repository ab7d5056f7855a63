//! Groups of the classic protocol: the members agree on a generation, a leader among them
//! shares out the work.
//!
//! A generation begins when all members have joined (their callers are parked until then) and
//! settles when the leader has synced; then it is written down, in one record, and is what is
//! left after a restart. A rebalance under way is not: its members are told to join again.
//! Any protocol type will do, `connect` as well as `consumer`. What is accepted in which state
//! follows Apache Kafka's coordinator. Start at [`ClassicGroup`] and [`join`].

mod heartbeat;
mod join;
mod member;
mod rebalance;
mod subscription;
mod sync;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleuve_model::Timestamp;

use super::timers::TimerKey;
use super::{
    DescribedClassicGroup, Generation, GroupError, GroupId, GroupMetadata, InstanceId,
    JoinedMember, ListedGroup, MemberId, Protocol, Record, Step,
};
use member::Member;

/// The protocol type of consumers.
const CONSUMER: &str = "consumer";

/// Where a classic group is between two assignments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ClassicState {
    /// No members.
    Empty,
    /// Waits for its members to join.
    PreparingRebalance,
    /// Waits for the leader's assignment.
    CompletingRebalance,
    /// Every member has its assignment, or can fetch it.
    Stable,
}

impl ClassicState {
    pub(super) const fn name(self) -> &'static str {
        match self {
            ClassicState::Empty => "Empty",
            ClassicState::PreparingRebalance => "PreparingRebalance",
            ClassicState::CompletingRebalance => "CompletingRebalance",
            ClassicState::Stable => "Stable",
        }
    }
}

/// A classic group.
#[derive(Clone, Debug)]
pub(super) struct ClassicGroup {
    id: GroupId,
    state: ClassicState,
    /// When it came into its state; unknown of groups that old versions of Kafka wrote.
    state_timestamp: Option<Timestamp>,
    generation: Generation,
    protocol_type: Option<Arc<str>>,
    protocol: Option<Arc<str>>,
    leader: Option<MemberId>,
    members: BTreeMap<MemberId, Member>,
    static_members: BTreeMap<InstanceId, MemberId>,
    /// Have been given an id, and are expected to join with it.
    pending_join: BTreeSet<MemberId>,
    /// Have joined this generation, and are expected to sync.
    pending_sync: BTreeSet<MemberId>,
    /// What the members consume, where that can be known.
    subscribed_topics: Option<BTreeSet<Arc<str>>>,
    /// Of a group that was empty: how it waits for more members before its first generation.
    initial_delay: Option<InitialDelay>,
}

/// The wait of a group that was empty.
#[derive(Clone, Copy, Debug)]
struct InitialDelay {
    /// Of the timer now armed.
    delay: Duration,
    /// How much longer it may be extended.
    remaining: Duration,
    /// Somebody joined since the timer was armed.
    new_member: bool,
}

impl ClassicGroup {
    pub(super) fn new(id: GroupId, state_timestamp: Option<Timestamp>) -> ClassicGroup {
        ClassicGroup {
            id,
            state: ClassicState::Empty,
            state_timestamp,
            generation: Generation::ZERO,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_join: BTreeSet::new(),
            pending_sync: BTreeSet::new(),
            subscribed_topics: None,
            initial_delay: None,
        }
    }

    /// Takes in what a record says. On replay that is all there is; live it is what this group
    /// has just decided, and parked callers and the members' other protocols stay.
    pub(super) fn apply(&mut self, value: &GroupMetadata) {
        let mut known = std::mem::take(&mut self.members);
        self.protocol_type = value.protocol_type.clone();
        self.generation = Generation::from_wire(value.generation).unwrap_or(Generation::ZERO);
        self.protocol = value.protocol.clone();
        self.leader = value.leader.clone();
        self.state_timestamp = value.state_timestamp;
        self.static_members.clear();
        for record in &value.members {
            let mut member = known
                .remove(&record.member)
                .unwrap_or_else(|| Member::loaded(record, value.protocol.as_ref()));
            member.assignment = record.assignment.clone();
            if let Some(instance) = &member.instance {
                self.static_members
                    .insert(instance.clone(), member.id.clone());
            }
            self.members.insert(member.id.clone(), member);
        }
        self.state = if self.members.is_empty() {
            ClassicState::Empty
        } else {
            ClassicState::Stable
        };
        self.initial_delay = None;
        self.subscribed_topics = self.find_subscribed_topics();
    }

    /// The record of this group as it is, with these assignments.
    fn as_record(&self, mut assignments: BTreeMap<MemberId, Bytes>) -> Record {
        let protocol = self.protocol.as_ref();
        let member = |member: &Member| {
            member.as_record(protocol, assignments.remove(&member.id).unwrap_or_default())
        };
        let value = GroupMetadata {
            members: self.members.values().map(member).collect(),
            protocol_type: self.protocol_type.clone(),
            generation: self.generation.value(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_timestamp: self.state_timestamp,
        };
        Record::GroupMetadata {
            group: self.id.clone(),
            value: Some(value),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state == ClassicState::Empty
    }

    /// Whether nobody would miss it: it is empty and nobody has been asked to join.
    pub(super) fn is_unused(&self) -> bool {
        self.is_empty() && self.pending_join.is_empty()
    }

    pub(super) fn tombstone(&self) -> Record {
        Record::GroupMetadata {
            group: self.id.clone(),
            value: None,
        }
    }

    pub(super) fn as_listed(&self) -> ListedGroup {
        ListedGroup {
            group: self.id.clone(),
            protocol_type: self.protocol_type.clone().unwrap_or_else(|| Arc::from("")),
            state: self.state.name(),
            group_type: "classic",
        }
    }

    pub(super) fn describe(&self) -> DescribedClassicGroup {
        let stable = self.state == ClassicState::Stable;
        let protocol = if stable { self.protocol.clone() } else { None };
        let member = |member: &Member| match &protocol {
            Some(_) => member.describe(
                member.metadata(protocol.as_ref()),
                member.assignment.clone(),
            ),
            None => member.describe(Bytes::new(), Bytes::new()),
        };
        DescribedClassicGroup {
            group: self.id.clone(),
            state: self.state.name(),
            protocol_type: self.protocol_type.clone().unwrap_or_else(|| Arc::from("")),
            members: self.members.values().map(member).collect(),
            protocol: protocol.unwrap_or_else(|| Arc::from("")),
        }
    }

    /// Whether a commit of `generation` by `member` is accepted.
    pub(super) fn check_commit(
        &self,
        member: Option<&MemberId>,
        instance: Option<&InstanceId>,
        generation: Option<i32>,
    ) -> Result<(), GroupError> {
        if generation.is_none() && self.is_empty() {
            return Ok(());
        }
        if generation.is_none() && member.is_none() && instance.is_none() {
            return Err(GroupError::UnknownMemberId);
        }
        self.check_member(member, instance)?;
        if generation != Some(self.generation.value()) {
            return Err(GroupError::IllegalGeneration);
        }
        if self.state == ClassicState::CompletingRebalance {
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }

    /// A commit shows that its member lives.
    pub(super) fn committed(&mut self, step: &mut Step<'_>, member: Option<&MemberId>) {
        if matches!(
            self.state,
            ClassicState::Stable | ClassicState::PreparingRebalance
        ) && let Some(member) = member.and_then(|id| self.members.get(id))
        {
            self.arm_session(step, member, member.session_timeout);
        }
    }

    pub(super) fn check_delete(&self) -> Result<(), GroupError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(GroupError::NonEmptyGroup)
        }
    }

    pub(super) fn check_delete_offsets(&self) -> Result<(), GroupError> {
        if self.is_empty() || self.is_of_consumers() {
            return Ok(());
        }
        Err(GroupError::NonEmptyGroup)
    }

    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed_topics {
            Some(topics) => topics.contains(topic),
            None => self.is_of_consumers(),
        }
    }

    /// From when on the retention of `commit` counts; `None` if it does not expire now.
    pub(super) fn retention_base(&self, commit: Timestamp) -> Option<Timestamp> {
        match self.state {
            _ if self.protocol_type.is_none() => Some(commit),
            ClassicState::Empty => Some(self.state_timestamp.unwrap_or(commit)),
            ClassicState::Stable if self.is_of_consumers() && self.subscribed_topics.is_some() => {
                Some(commit)
            }
            _ => None,
        }
    }

    /// Arms what a group that comes from the log waits for.
    pub(super) fn loaded(&mut self, step: &mut Step<'_>) {
        for member in self.members.values() {
            self.arm_session(step, member, member.session_timeout);
        }
        if self.members.len() > step.config.members_max {
            self.prepare_rebalance(step);
        }
    }

    fn is_of_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    fn is_leader(&self, member: &MemberId) -> bool {
        self.leader.as_ref() == Some(member)
    }

    fn transition_to(&mut self, step: &Step<'_>, state: ClassicState) {
        self.state = state;
        self.state_timestamp = Some(step.now.wall);
    }

    /// Whether this is a member, and if it calls itself by an instance id, the one.
    fn check_member(
        &self,
        member: Option<&MemberId>,
        instance: Option<&InstanceId>,
    ) -> Result<(), GroupError> {
        if let Some(instance) = instance {
            match self.static_members.get(instance) {
                None => return Err(GroupError::UnknownMemberId),
                Some(current) if Some(current) != member => {
                    return Err(GroupError::FencedInstanceId);
                }
                Some(_) => {}
            }
        }
        match member {
            Some(member) if self.members.contains_key(member) => Ok(()),
            _ => Err(GroupError::UnknownMemberId),
        }
    }

    /// Whether a member with these protocols could work with those that are there.
    fn supports(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.is_empty() {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let candidates = self.common_protocols();
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols
                .iter()
                .any(|protocol| candidates.contains(&protocol.name))
    }

    /// The protocols that every member supports.
    fn common_protocols(&self) -> BTreeSet<Arc<str>> {
        let mut supporters: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for protocol in self.members.values().flat_map(|member| &member.protocols) {
            *supporters.entry(&protocol.name).or_default() += 1;
        }
        let common = supporters
            .into_iter()
            .filter(|(_, count)| *count == self.members.len());
        common.map(|(name, _)| name.clone()).collect()
    }

    /// The protocol that most members would rather have, of those that all support.
    fn select_protocol(&self) -> Option<Arc<str>> {
        let candidates = self.common_protocols();
        let mut votes: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for vote in self
            .members
            .values()
            .filter_map(|member| member.vote(&candidates))
        {
            *votes.entry(vote).or_default() += 1;
        }
        let most = votes.values().copied().max()?;
        votes
            .into_iter()
            .find(|(_, count)| *count == most)
            .map(|(name, _)| name)
    }

    fn find_subscribed_topics(&self) -> Option<BTreeSet<Arc<str>>> {
        if !self.is_of_consumers() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol.as_ref()?;
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            topics.extend(subscription::subscribed_topics(
                &member.metadata(Some(protocol)),
            )?);
        }
        Some(topics)
    }

    /// All members, as the leader of this generation sees them.
    fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol.as_ref();
        self.members
            .values()
            .map(|member| member.as_joined(protocol))
            .collect()
    }

    /// The longest that a member may take to join again.
    fn rebalance_timeout(&self) -> Duration {
        let timeouts = self.members.values().map(|member| member.rebalance_timeout);
        timeouts.max().unwrap_or(Duration::ZERO)
    }

    fn arm_session(&self, step: &mut Step<'_>, member: &Member, timeout: Duration) {
        let key = TimerKey::ClassicSession(self.id.clone(), member.id.clone());
        step.timers.arm(key, step.now.monotonic + timeout);
    }

    fn cancel_session(&self, step: &mut Step<'_>, member: &MemberId) {
        step.timers
            .cancel(&TimerKey::ClassicSession(self.id.clone(), member.clone()));
    }

    /// Takes a member out, without a word to anybody.
    fn remove(&mut self, member: &MemberId) {
        if let Some(removed) = self.members.remove(member)
            && let Some(instance) = removed.instance
        {
            self.static_members.remove(&instance);
        }
        if self.is_leader(member) {
            self.leader = self.members.keys().next().cloned();
        }
        self.pending_join.remove(member);
        self.pending_sync.remove(member);
    }
}
