//! The leader brings the assignment, everybody fetches theirs.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{ClassicGroup, ClassicState};
use crate::group::timers::TimerKey;
use crate::group::{GroupError, MemberId, Reply, Step, SyncGroup, Synced};
use crate::machine::Token;

impl ClassicGroup {
    /// A member asks for its assignment. Its caller is parked until the leader has brought it.
    pub(in crate::group) fn sync(&mut self, step: &mut Step<'_>, token: Token, request: SyncGroup) {
        if let Err(error) = self.check_sync(&request) {
            return step.reply(token, Reply::SyncGroup(Err(error)));
        }
        self.synced(step, &request.member);
        match self.state {
            ClassicState::Stable => {
                let assignment = self.members[&request.member].assignment.clone();
                step.answer_sync(token, self.as_synced(assignment));
            }
            _ if self.is_leader(&request.member) => {
                self.park_sync(step, token, &request.member);
                self.settle(step, request.assignments);
            }
            _ => self.park_sync(step, token, &request.member),
        }
    }

    fn check_sync(&self, request: &SyncGroup) -> Result<(), GroupError> {
        if self.is_empty() {
            return Err(GroupError::UnknownMemberId);
        }
        self.check_member(Some(&request.member), request.instance.as_ref())?;
        if request.generation != Some(self.generation) {
            return Err(GroupError::IllegalGeneration);
        }
        let differs = |said: &Option<_>, known: &Option<_>| {
            said.is_some() && known.is_some() && said != known
        };
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol, &self.protocol)
        {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        if self.state == ClassicState::PreparingRebalance {
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }

    fn synced(&mut self, step: &mut Step<'_>, member: &MemberId) {
        self.pending_sync.remove(member);
        if self.pending_sync.is_empty() {
            step.timers.cancel(&TimerKey::ClassicSync(self.id.clone()));
        }
    }

    fn park_sync(&mut self, step: &mut Step<'_>, token: Token, member: &MemberId) {
        let Some(known) = self.members.get_mut(member) else {
            return;
        };
        if let Some(superseded) = known.sync.replace(token) {
            let refused = Reply::SyncGroup(Err(GroupError::RebalanceInProgress));
            step.reply(superseded, refused);
        }
    }

    /// The leader has assigned: the generation is written down, and everyone who waits is told
    /// as soon as that is committed. Who was not assigned anything has nothing to do.
    fn settle(&mut self, step: &mut Step<'_>, assignments: Vec<(MemberId, Bytes)>) {
        let assignments: BTreeMap<MemberId, Bytes> = assignments.into_iter().collect();
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in ids {
            let assignment = assignments.get(&id).cloned().unwrap_or_default();
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            if let Some(token) = member.sync.take() {
                step.answer_sync(token, self.as_synced(assignment));
                let member = &self.members[&id];
                self.arm_session(step, member, member.session_timeout);
            }
        }
        step.records.push(self.as_record(assignments));
    }

    fn as_synced(&self, assignment: Bytes) -> Synced {
        Synced {
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment,
        }
    }
}
