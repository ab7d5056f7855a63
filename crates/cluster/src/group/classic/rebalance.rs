//! From one generation to the next.

use super::{ClassicGroup, ClassicState, InitialDelay};
use crate::group::timers::TimerKey;
use crate::group::{GroupError, MemberId, Reply, Step};

impl ClassicGroup {
    /// Something has changed: begins a rebalance, or ends the one under way if that was the
    /// last thing it waited for.
    pub(super) fn rebalance_or_complete(&mut self, step: &mut Step<'_>) {
        if self.state == ClassicState::PreparingRebalance {
            self.maybe_complete_join(step);
        } else {
            self.prepare_rebalance(step);
        }
    }

    pub(super) fn prepare_rebalance(&mut self, step: &mut Step<'_>) {
        if self.state == ClassicState::CompletingRebalance {
            self.refuse_syncs(step);
        }
        self.pending_sync.clear();
        step.timers.cancel(&TimerKey::ClassicSync(self.id.clone()));
        let was_empty = self.state == ClassicState::Empty;
        self.transition_to(step, ClassicState::PreparingRebalance);
        if was_empty {
            self.begin_initial_delay(step);
        } else if self.all_joined() {
            self.complete_join(step);
        } else {
            self.arm_join(step);
        }
    }

    /// A group that was empty waits a little, so that members that start together are in its
    /// first generation together (KIP-134).
    fn begin_initial_delay(&mut self, step: &mut Step<'_>) {
        let delay = step.config.initial_rebalance_delay;
        let remaining = self.rebalance_timeout().saturating_sub(delay);
        self.initial_delay = Some(InitialDelay {
            delay,
            remaining,
            new_member: false,
        });
        step.timers.arm(
            TimerKey::ClassicJoin(self.id.clone()),
            step.now.monotonic + delay,
        );
    }

    /// The timer of the join phase has rung.
    pub(in crate::group) fn join_expired(&mut self, step: &mut Step<'_>) {
        match self.initial_delay {
            Some(InitialDelay {
                delay,
                remaining,
                new_member: true,
            }) if !remaining.is_zero() => {
                let next_delay = step.config.initial_rebalance_delay.min(remaining);
                let remaining = remaining.saturating_sub(delay);
                self.initial_delay = Some(InitialDelay {
                    delay: next_delay,
                    remaining,
                    new_member: false,
                });
                let deadline = step.now.monotonic + next_delay;
                step.timers
                    .arm(TimerKey::ClassicJoin(self.id.clone()), deadline);
            }
            _ => self.complete_join(step),
        }
    }

    /// Ends the join phase if all members have joined and no first delay is under way.
    pub(super) fn maybe_complete_join(&mut self, step: &mut Step<'_>) {
        if self.state == ClassicState::PreparingRebalance
            && self.initial_delay.is_none()
            && self.all_joined()
        {
            self.complete_join(step);
        }
    }

    pub(super) fn all_joined(&self) -> bool {
        self.pending_join.is_empty() && self.members.values().all(|member| member.join.is_some())
    }

    /// Begins the next generation with those that have joined. Static members are kept though
    /// they have not: they may come back until their session ends.
    pub(super) fn complete_join(&mut self, step: &mut Step<'_>) {
        if self.state != ClassicState::PreparingRebalance {
            return;
        }
        step.timers.cancel(&TimerKey::ClassicJoin(self.id.clone()));
        self.initial_delay = None;
        let absent = self.members.values();
        let absent = absent.filter(|member| member.join.is_none() && member.instance.is_none());
        let absent: Vec<MemberId> = absent.map(|member| member.id.clone()).collect();
        for member in &absent {
            self.remove(member);
            self.cancel_session(step, member);
        }
        if !self.members.is_empty() && !self.elect_leader() {
            return self.arm_join(step);
        }
        self.next_generation(step);
    }

    /// Makes sure that the leader is one that has joined; says whether there is one.
    fn elect_leader(&mut self) -> bool {
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id));
        if leader.is_some_and(|leader| leader.join.is_some()) {
            return true;
        }
        let joined = self.members.values().find(|member| member.join.is_some());
        let Some(joined) = joined.map(|member| member.id.clone()) else {
            return false;
        };
        self.leader = Some(joined);
        true
    }

    fn next_generation(&mut self, step: &mut Step<'_>) {
        self.generation = self.generation.next();
        self.pending_sync.clear();
        self.protocol = self.select_protocol();
        self.subscribed_topics = self.find_subscribed_topics();
        if self.members.is_empty() {
            self.leader = None;
            self.transition_to(step, ClassicState::Empty);
            let record = self.as_record(Default::default());
            step.records.push(record);
            return;
        }
        self.transition_to(step, ClassicState::CompletingRebalance);
        self.answer_joins(step);
        let deadline = step.now.monotonic + self.rebalance_timeout();
        step.timers
            .arm(TimerKey::ClassicSync(self.id.clone()), deadline);
    }

    fn answer_joins(&mut self, step: &mut Step<'_>) {
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in ids {
            let joined = self.joined(&id, self.is_leader(&id));
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            member.is_new = false;
            if let Some(token) = member.join.take() {
                step.reply(token, Reply::JoinGroup(Ok(joined)));
            }
            let member = &self.members[&id];
            self.arm_session(step, member, member.session_timeout);
            self.pending_sync.insert(id);
        }
    }

    /// The timer of the sync phase has rung: who has not synced is out.
    pub(in crate::group) fn sync_expired(&mut self, step: &mut Step<'_>) {
        if !matches!(
            self.state,
            ClassicState::CompletingRebalance | ClassicState::Stable
        ) {
            return;
        }
        let late = std::mem::take(&mut self.pending_sync);
        if late.is_empty() {
            return;
        }
        for member in &late {
            self.remove(member);
            self.cancel_session(step, member);
        }
        self.prepare_rebalance(step);
    }

    /// The session of a member, or of one that was expected to join, has ended.
    pub(in crate::group) fn session_expired(&mut self, step: &mut Step<'_>, member: &MemberId) {
        if self.pending_join.contains(member) {
            self.remove(member);
            if self.state == ClassicState::PreparingRebalance && self.all_joined() {
                self.complete_join(step);
            }
        } else if self
            .members
            .get(member)
            .is_some_and(|known| !known.may_be_silent())
        {
            self.expel(step, member);
            match self.state {
                ClassicState::Stable | ClassicState::CompletingRebalance => {
                    self.prepare_rebalance(step);
                }
                ClassicState::PreparingRebalance if self.all_joined() => self.complete_join(step),
                ClassicState::PreparingRebalance | ClassicState::Empty => {}
            }
        }
    }

    /// Takes a member out; a client that is still there is told to join anew.
    pub(super) fn expel(&mut self, step: &mut Step<'_>, member: &MemberId) {
        self.cancel_session(step, member);
        if let Some(known) = self.members.get_mut(member) {
            let (join, sync) = (known.join.take(), known.sync.take());
            if let Some(token) = join {
                step.refuse_join(token, None, GroupError::UnknownMemberId);
            }
            if let Some(token) = sync {
                step.reply(token, Reply::SyncGroup(Err(GroupError::UnknownMemberId)));
            }
        }
        self.remove(member);
    }

    /// Those that wait for an assignment have to join again.
    fn refuse_syncs(&mut self, step: &mut Step<'_>) {
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in ids {
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            member.assignment.clear();
            if let Some(token) = member.sync.take() {
                step.reply(
                    token,
                    Reply::SyncGroup(Err(GroupError::RebalanceInProgress)),
                );
                let member = &self.members[&id];
                self.arm_session(step, member, member.session_timeout);
            }
        }
    }

    fn arm_join(&self, step: &mut Step<'_>) {
        let deadline = step.now.monotonic + self.rebalance_timeout();
        step.timers
            .arm(TimerKey::ClassicJoin(self.id.clone()), deadline);
    }
}
