//! Members live, and leave.

use super::{ClassicGroup, ClassicState};
use crate::group::{GroupError, Heartbeat, LeavingMember, LeftMember, Step};

impl ClassicGroup {
    /// A member lives; it is told if it has to join again.
    pub(in crate::group) fn heartbeat(
        &mut self,
        step: &mut Step<'_>,
        request: &Heartbeat,
    ) -> Result<(), GroupError> {
        self.check_member(Some(&request.member), request.instance.as_ref())?;
        if request.generation != Some(self.generation) {
            return Err(GroupError::IllegalGeneration);
        }
        if self.is_empty() {
            return Err(GroupError::UnknownMemberId);
        }
        let member = &self.members[&request.member];
        self.arm_session(step, member, member.session_timeout);
        if self.state == ClassicState::PreparingRebalance {
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }

    /// Members leave by themselves, or an administrator takes them out.
    pub(in crate::group) fn leave(
        &mut self,
        step: &mut Step<'_>,
        members: Vec<LeavingMember>,
    ) -> Vec<LeftMember> {
        let mut left = Vec::with_capacity(members.len());
        for LeavingMember { member, instance } in members {
            let leaving = LeavingMember {
                member: member.clone(),
                instance: instance.clone(),
            };
            let result = self.leave_one(step, leaving);
            left.push(LeftMember {
                member,
                instance,
                result,
            });
        }
        if left.iter().any(|left| left.result.is_ok()) {
            match self.state {
                ClassicState::Stable | ClassicState::CompletingRebalance => {
                    self.prepare_rebalance(step);
                }
                ClassicState::PreparingRebalance => self.maybe_complete_join(step),
                ClassicState::Empty => {}
            }
        }
        left
    }

    fn leave_one(&mut self, step: &mut Step<'_>, leaving: LeavingMember) -> Result<(), GroupError> {
        let member = match (leaving.member, &leaving.instance) {
            (None, None) => return Err(GroupError::UnknownMemberId),
            (None, Some(instance)) => {
                let member = self.static_members.get(instance).cloned();
                member.ok_or(GroupError::UnknownMemberId)?
            }
            (Some(member), _) if self.pending_join.contains(&member) => member,
            (Some(member), instance) => {
                self.check_member(Some(&member), instance.as_ref())?;
                member
            }
        };
        self.expel(step, &member);
        Ok(())
    }
}
