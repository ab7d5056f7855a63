//! Members come in, and come again.

use std::collections::BTreeMap;

use super::member::Member;
use super::{ClassicGroup, ClassicState};
use crate::group::config::NEW_MEMBER_JOIN_TIMEOUT;
use crate::group::timers::TimerKey;
use crate::group::{
    GroupError, InstanceId, JoinGroup, JoinRefused, Joined, MemberId, Reply, Step, Synced,
};
use crate::machine::{Chance, Token};

impl ClassicGroup {
    /// A member wants to be in the next generation. Its caller is parked until that begins,
    /// unless there is an answer at once.
    pub(in crate::group) fn join(
        &mut self,
        step: &mut Step<'_>,
        chance: &mut dyn Chance,
        token: Token,
        request: JoinGroup,
    ) {
        if !self.accepts(step, request.member.as_ref()) {
            if let Some(member) = &request.member {
                self.remove(member);
            }
            step.refuse_join(token, None, GroupError::GroupMaxSizeReached);
            return self.maybe_complete_join(step);
        }
        if !self.supports(&request.protocol_type, &request.protocols) {
            let member = request.member;
            return step.refuse_join(token, member, GroupError::InconsistentGroupProtocol);
        }
        match request.member.clone() {
            None => self.join_without_id(step, chance, token, request),
            Some(member) => self.join_with_id(step, token, member, request),
        }
    }

    /// Whether there is room. While members are joining, those that have joined are counted:
    /// who comes back last has to stay out if the limit was lowered meanwhile.
    fn accepts(&self, step: &Step<'_>, member: Option<&MemberId>) -> bool {
        let known = member.and_then(|id| self.members.get(id));
        match self.state {
            ClassicState::Empty => true,
            ClassicState::PreparingRebalance => {
                known.is_some_and(|known| known.join.is_some())
                    || self.joined_count() < step.config.members_max
            }
            ClassicState::CompletingRebalance | ClassicState::Stable => {
                known.is_some() || self.members.len() < step.config.members_max
            }
        }
    }

    fn join_without_id(
        &mut self,
        step: &mut Step<'_>,
        chance: &mut dyn Chance,
        token: Token,
        request: JoinGroup,
    ) {
        let prefix = match &request.instance {
            Some(instance) => instance.as_str(),
            None => &request.client.id,
        };
        let member = MemberId::new(&format!("{prefix}-{}", chance.uuid()));
        match request.instance.clone() {
            Some(instance) => match self.static_members.get(&instance).cloned() {
                Some(former) => {
                    self.replace_static(step, token, instance, &former, member, request);
                }
                None => self.add(step, token, member, request),
            },
            None if request.requires_known_member => {
                self.pending_join.insert(member.clone());
                let key = TimerKey::ClassicSession(self.id.clone(), member.clone());
                step.timers
                    .arm(key, step.now.monotonic + request.session_timeout);
                step.refuse_join(token, Some(member), GroupError::MemberIdRequired);
            }
            None => self.add(step, token, member, request),
        }
    }

    fn join_with_id(
        &mut self,
        step: &mut Step<'_>,
        token: Token,
        member: MemberId,
        request: JoinGroup,
    ) {
        if self.pending_join.contains(&member) && request.instance.is_none() {
            return self.add(step, token, member, request);
        }
        if let Err(error) = self.check_member(Some(&member), request.instance.as_ref()) {
            return step.refuse_join(token, Some(member), error);
        }
        let changed = self.members[&member].protocols != request.protocols;
        let must_rebalance = match self.state {
            ClassicState::PreparingRebalance => true,
            ClassicState::CompletingRebalance => changed,
            // The leader may know of changes that its metadata does not show.
            ClassicState::Stable => changed || self.is_leader(&member),
            ClassicState::Empty => {
                return step.refuse_join(token, Some(member), GroupError::UnknownMemberId);
            }
        };
        if must_rebalance {
            self.update(step, token, &member, request);
            self.rebalance_or_complete(step);
        } else {
            // It may have missed the answer to its first join.
            let tell_members =
                self.state == ClassicState::CompletingRebalance && self.is_leader(&member);
            let joined = self.joined(&member, tell_members);
            step.reply(token, Reply::JoinGroup(Ok(joined)));
        }
    }

    fn add(&mut self, step: &mut Step<'_>, token: Token, member: MemberId, request: JoinGroup) {
        if let Some(initial) = &mut self.initial_delay {
            initial.new_member = true;
        }
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type.clone());
        }
        if self.leader.is_none() {
            self.leader = Some(member.clone());
        }
        if let Some(instance) = &request.instance {
            self.static_members.insert(instance.clone(), member.clone());
        }
        self.pending_join.remove(&member);
        let mut added = Member::joining(member.clone(), &request);
        added.join = Some(token);
        self.arm_session(step, &added, NEW_MEMBER_JOIN_TIMEOUT);
        self.members.insert(member, added);
        self.rebalance_or_complete(step);
    }

    /// Takes over what a known member says now, and parks its caller.
    fn update(&mut self, step: &mut Step<'_>, token: Token, member: &MemberId, request: JoinGroup) {
        let Some(known) = self.members.get_mut(member) else {
            return;
        };
        known.protocols = request.protocols;
        known.session_timeout = request.session_timeout;
        known.rebalance_timeout = request.rebalance_timeout;
        if let Some(superseded) = known.join.replace(token) {
            let id = Some(member.clone());
            step.refuse_join(superseded, id, GroupError::RebalanceInProgress);
        }
    }

    /// A static member has come back under a new id (KIP-345). While nothing has changed that
    /// the leader has to know, the group stays as it is.
    fn replace_static(
        &mut self,
        step: &mut Step<'_>,
        token: Token,
        instance: InstanceId,
        former: &MemberId,
        member: MemberId,
        request: JoinGroup,
    ) {
        let former_leader = self.leader.clone();
        let skips = request.supports_skipping_assignment;
        self.rename_static(step, instance, former, &member);
        self.update(step, token, &member, request);
        match self.state {
            ClassicState::Stable if self.select_protocol() == self.protocol => {
                self.keep_generation(step, &member, former_leader, skips);
            }
            ClassicState::Stable => self.rebalance_or_complete(step),
            // The leader may be assigning to the former id: what it brings would go astray.
            ClassicState::CompletingRebalance => self.prepare_rebalance(step),
            ClassicState::PreparingRebalance | ClassicState::Empty => {
                self.maybe_complete_join(step);
            }
        }
    }

    fn rename_static(
        &mut self,
        step: &mut Step<'_>,
        instance: InstanceId,
        former: &MemberId,
        member: &MemberId,
    ) {
        let mut renamed = self
            .members
            .remove(former)
            .expect("static members are members");
        if let Some(token) = renamed.join.take() {
            step.refuse_join(token, Some(former.clone()), GroupError::FencedInstanceId);
        }
        if let Some(token) = renamed.sync.take() {
            step.reply(token, Reply::SyncGroup(Err(GroupError::FencedInstanceId)));
        }
        self.cancel_session(step, former);
        renamed.id = member.clone();
        renamed.is_new = false;
        self.arm_session(step, &renamed, renamed.session_timeout);
        self.members.insert(member.clone(), renamed);
        if self.pending_sync.remove(former) {
            self.pending_sync.insert(member.clone());
        }
        if self.is_leader(former) {
            self.leader = Some(member.clone());
        }
        self.static_members.insert(instance, member.clone());
    }

    /// Writes down the new id of a static member, and lets it in at once.
    fn keep_generation(
        &mut self,
        step: &mut Step<'_>,
        member: &MemberId,
        former_leader: Option<MemberId>,
        skips_assignment: bool,
    ) {
        let assignments: BTreeMap<MemberId, bytes::Bytes> = self
            .members
            .values()
            .map(|member| (member.id.clone(), member.assignment.clone()))
            .collect();
        step.records.push(self.as_record(assignments));
        let Some(token) = self
            .members
            .get_mut(member)
            .and_then(|known| known.join.take())
        else {
            return;
        };
        let leads = self.is_leader(member);
        let mut joined = self.joined(member, leads && skips_assignment);
        if skips_assignment {
            joined.skip_assignment = leads;
        } else {
            // An old client that leads would assign anew: it is told of its former self.
            joined.leader = former_leader;
        }
        step.reply(token, Reply::JoinGroup(Ok(joined)));
    }

    /// What a member of this generation is told.
    pub(super) fn joined(&self, member: &MemberId, tell_members: bool) -> Joined {
        Joined {
            member: member.clone(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: if tell_members {
                self.joined_members()
            } else {
                Vec::new()
            },
            skip_assignment: false,
        }
    }

    pub(super) fn joined_count(&self) -> usize {
        self.members
            .values()
            .filter(|member| member.join.is_some())
            .count()
    }
}

impl Step<'_> {
    pub(in crate::group) fn refuse_join(
        &mut self,
        token: Token,
        member: Option<MemberId>,
        error: GroupError,
    ) {
        self.reply(token, Reply::JoinGroup(Err(JoinRefused { member, error })));
    }

    pub(super) fn answer_sync(&mut self, token: Token, synced: Synced) {
        self.reply(token, Reply::SyncGroup(Ok(synced)));
    }
}
