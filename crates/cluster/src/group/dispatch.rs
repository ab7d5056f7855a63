//! From a request to its group.

use std::borrow::Cow;

use super::classic::ClassicGroup;
use super::consumer::{ConsumerGroup, check, heartbeat};
use super::{
    ConsumerGroupHeartbeat, ConsumerHeartbeatReply, Group, GroupCoordinator, GroupError, Heartbeat,
    JoinGroup, LeaveGroup, LeavingMember, LeftMember, MemberId, Record, Reply, SyncGroup, TimerKey,
};
use crate::machine::{Chance, Now, Outcome, Token};

impl GroupCoordinator {
    pub(super) fn join(
        &mut self,
        now: Now,
        chance: &mut dyn Chance,
        token: Token,
        request: JoinGroup,
    ) -> Outcome<GroupCoordinator> {
        let (groups, mut step) = self.parts(now);
        let (id, member) = (request.group.clone(), request.member.clone());
        let timeouts = step.config.session_timeout_min..=step.config.session_timeout_max;
        if id.as_str().is_empty() {
            step.refuse_join(token, member, GroupError::InvalidGroupId);
            return step.into_outcome();
        }
        if !timeouts.contains(&request.session_timeout) {
            step.refuse_join(token, member, GroupError::InvalidSessionTimeout);
            return step.into_outcome();
        }
        let known = groups.get(&id);
        let becomes_classic = match known {
            Some(Group::Classic(_)) => false,
            Some(Group::Consumer(group)) if !group.is_empty() => {
                step.refuse_join(token, member, GroupError::InconsistentGroupProtocol);
                return step.into_outcome();
            }
            Some(Group::Consumer(_)) | None if member.is_some() => {
                step.refuse_join(token, member, GroupError::UnknownMemberId);
                return step.into_outcome();
            }
            Some(Group::Consumer(_)) | None => true,
        };
        let replaced = known
            .filter(|_| becomes_classic)
            .map(Group::tombstones)
            .unwrap_or_default();
        if becomes_classic {
            let new = ClassicGroup::new(id.clone(), Some(now.wall));
            groups.insert(id.clone(), Group::Classic(new));
        }
        if let Some(Group::Classic(group)) = groups.get_mut(&id) {
            step.records = replaced;
            group.join(&mut step, chance, token, request);
            if becomes_classic && group.is_unused() {
                groups.remove(&id);
            }
        }
        step.into_outcome()
    }

    pub(super) fn sync(
        &mut self,
        now: Now,
        token: Token,
        request: SyncGroup,
    ) -> Outcome<GroupCoordinator> {
        let (groups, mut step) = self.parts(now);
        if request.group.as_str().is_empty() {
            step.reply(token, Reply::SyncGroup(Err(GroupError::InvalidGroupId)));
            return step.into_outcome();
        }
        match groups.get_mut(&request.group) {
            Some(Group::Classic(group)) => group.sync(&mut step, token, request),
            Some(Group::Consumer(_)) | None => {
                step.reply(token, Reply::SyncGroup(Err(GroupError::UnknownMemberId)));
            }
        }
        step.into_outcome()
    }

    pub(super) fn heartbeat(
        &mut self,
        now: Now,
        token: Token,
        request: &Heartbeat,
    ) -> Outcome<GroupCoordinator> {
        let (groups, mut step) = self.parts(now);
        let result = match groups.get_mut(&request.group) {
            _ if request.group.as_str().is_empty() => Err(GroupError::InvalidGroupId),
            Some(Group::Classic(group)) => group.heartbeat(&mut step, request),
            Some(Group::Consumer(_)) | None => Err(GroupError::UnknownMemberId),
        };
        step.reply(token, Reply::Heartbeat(result));
        step.into_outcome()
    }

    pub(super) fn leave(
        &mut self,
        now: Now,
        token: Token,
        request: LeaveGroup,
    ) -> Outcome<GroupCoordinator> {
        let (groups, mut step) = self.parts(now);
        let LeaveGroup { group, members } = request;
        let result = match groups.get_mut(&group) {
            _ if group.as_str().is_empty() => Err(GroupError::InvalidGroupId),
            Some(Group::Classic(group)) => Ok(group.leave(&mut step, members)),
            Some(Group::Consumer(_)) | None => {
                Ok(members.into_iter().map(unknown_member).collect())
            }
        };
        step.reply(token, Reply::LeaveGroup(result));
        step.into_outcome()
    }

    pub(super) fn consumer_heartbeat(
        &mut self,
        now: Now,
        chance: &mut dyn Chance,
        token: Token,
        request: ConsumerGroupHeartbeat,
    ) -> Outcome<GroupCoordinator> {
        let mut outcome = Outcome::nothing();
        let result = check(&request, &self.config).and_then(|()| {
            let member = request.member.clone();
            let member = member.unwrap_or_else(|| MemberId::new(&chance.uuid().to_string()));
            let (records, reply) = self.beat(now, &member, &request)?;
            outcome.records = records;
            Ok(reply)
        });
        outcome
            .replies
            .push((token, Reply::ConsumerGroupHeartbeat(result)));
        outcome
    }

    fn beat(
        &mut self,
        now: Now,
        member: &MemberId,
        request: &ConsumerGroupHeartbeat,
    ) -> Result<(Vec<Record>, ConsumerHeartbeatReply), GroupError> {
        let image = self.image.clone();
        let (groups, mut step) = self.parts(now);
        let id = &request.group;
        let reply = match groups.get(id) {
            Some(Group::Consumer(group)) if request.member_epoch < 0 => {
                group.leave(&mut step, &image, request)?
            }
            Some(Group::Consumer(group)) => {
                let group = Cow::Borrowed(group);
                heartbeat(&mut step, &image, group, member, request, Vec::new())?
            }
            None if request.member_epoch == 0 => {
                let group = Cow::Owned(ConsumerGroup::new(id.clone()));
                heartbeat(&mut step, &image, group, member, request, Vec::new())?
            }
            Some(Group::Classic(former)) if request.member_epoch == 0 && former.is_empty() => {
                let group = Cow::Owned(ConsumerGroup::new(id.clone()));
                heartbeat(
                    &mut step,
                    &image,
                    group,
                    member,
                    request,
                    vec![former.tombstone()],
                )?
            }
            Some(Group::Classic(_)) => {
                let words = format!("Group {id} is not a consumer group.");
                return Err(GroupError::GroupIdNotFound(words));
            }
            None => {
                let words = format!("Consumer group {id} not found.");
                return Err(GroupError::GroupIdNotFound(words));
            }
        };
        let records = step.records;
        if let Some(Group::Consumer(group)) = groups.get_mut(id)
            && request.member_epoch >= 0
        {
            group.checked(&image);
        }
        Ok((records, reply))
    }

    pub(super) fn ring(&mut self, now: Now, timer: TimerKey) -> Outcome<GroupCoordinator> {
        if timer == TimerKey::OffsetExpiry {
            return self.expire_offsets(now);
        }
        let image = self.image.clone();
        let (groups, mut step) = self.parts(now);
        let group = timer.group().and_then(|group| groups.get_mut(group));
        match (&timer, group) {
            (TimerKey::ClassicSession(_, member), Some(Group::Classic(group))) => {
                group.session_expired(&mut step, member);
            }
            (TimerKey::ClassicJoin(_), Some(Group::Classic(group))) => {
                group.join_expired(&mut step);
            }
            (TimerKey::ClassicSync(_), Some(Group::Classic(group))) => {
                group.sync_expired(&mut step);
            }
            (TimerKey::ConsumerSession(_, member), Some(Group::Consumer(group))) => {
                group.fence(&mut step, &image, member);
            }
            (TimerKey::ConsumerRevocation(_, member), Some(Group::Consumer(group))) => {
                group.revocation_expired(&mut step, &image, member);
            }
            // The group has gone, or is of the other protocol now.
            _ => {}
        }
        step.into_outcome()
    }
}

fn unknown_member(leaving: LeavingMember) -> LeftMember {
    let LeavingMember { member, instance } = leaving;
    LeftMember {
        member,
        instance,
        result: Err(GroupError::UnknownMemberId),
    }
}
