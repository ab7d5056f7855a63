//! The one request of the consumer protocol: a member lives, joins or leaves.

use std::borrow::Cow;
use std::sync::Arc;

use super::reconcile::{Target, reconcile};
use super::subscription::{check_regex, heartbeat_interval};
use super::{ConsumerGroup, Draft, LEAVE, LEAVE_FOR_A_WHILE, partitions_of};
use crate::controller::MetadataImage;
use crate::group::timers::TimerKey;
use crate::group::{
    Assignment, ConsumerGroupHeartbeat, ConsumerHeartbeatReply, CurrentAssignment, GroupConfig,
    GroupError, MemberId, MemberState, OwnedPartitions, Record, Step,
};

/// Checks what needs no group to be checked.
pub(in crate::group) fn check(
    request: &ConsumerGroupHeartbeat,
    config: &GroupConfig,
) -> Result<(), GroupError> {
    let invalid = |words: &str| Err(GroupError::InvalidRequest(words.to_owned()));
    if request.group.as_str().is_empty() {
        return invalid("GroupId can't be empty.");
    }
    if request
        .instance
        .as_ref()
        .is_some_and(|instance| instance.as_str().is_empty())
    {
        return invalid("InstanceId can't be empty.");
    }
    if request.rack.as_ref().is_some_and(|rack| rack.is_empty()) {
        return invalid("RackId can't be empty.");
    }
    let joins = request.member_epoch == 0;
    if request.member.is_none() && (request.requires_member_id || !joins) {
        return invalid("MemberId can't be empty.");
    }
    match request.member_epoch {
        0 => check_join(request)?,
        LEAVE_FOR_A_WHILE if request.instance.is_none() => {
            return invalid("InstanceId can't be null.");
        }
        LEAVE_FOR_A_WHILE | LEAVE => {}
        epoch if epoch < 0 => return invalid("MemberEpoch is invalid."),
        _ => {}
    }
    check_assignor(request, config)?;
    request
        .subscribed_regex
        .as_deref()
        .map_or(Ok(()), check_regex)
}

fn check_join(request: &ConsumerGroupHeartbeat) -> Result<(), GroupError> {
    let invalid = |words: &str| Err(GroupError::InvalidRequest(words.to_owned()));
    if request.rebalance_timeout.is_none() {
        return invalid("RebalanceTimeoutMs must be provided in first request.");
    }
    if !request.owned.as_ref().is_some_and(Assignment::is_empty) {
        return invalid("TopicPartitions must be empty when (re-)joining.");
    }
    let by_name = request
        .subscribed_topics
        .as_ref()
        .is_some_and(|topics| !topics.is_empty());
    let by_regex = request
        .subscribed_regex
        .as_ref()
        .is_some_and(|regex| !regex.is_empty());
    if !by_name && !by_regex {
        return invalid(
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when \
             (re-)joining.",
        );
    }
    Ok(())
}

fn check_assignor(
    request: &ConsumerGroupHeartbeat,
    config: &GroupConfig,
) -> Result<(), GroupError> {
    match request.server_assignor.as_deref() {
        Some(name) if !config.consumer_assignors.iter().any(|known| known == name) => {
            Err(GroupError::UnsupportedAssignor(format!(
                "ServerAssignor {name} is not supported. Supported assignors: {}.",
                config.consumer_assignors.join(", ")
            )))
        }
        _ => Ok(()),
    }
}

/// A heartbeat of a member that is, or wants to be, in `group`. `records` are those that come
/// first. Gives the answer and all records, in their order.
pub(in crate::group) fn heartbeat(
    step: &mut Step<'_>,
    image: &MetadataImage,
    group: Cow<'_, ConsumerGroup>,
    id: &MemberId,
    request: &ConsumerGroupHeartbeat,
    records: Vec<Record>,
) -> Result<ConsumerHeartbeatReply, GroupError> {
    if group.members.len() >= step.config.consumer_members_max && !group.members.contains_key(id) {
        return Err(GroupError::ConsumerGroupFull(
            step.config.consumer_members_max,
        ));
    }
    let mut draft = Draft { group, records };
    let former = draft.group.members.get(id).cloned();
    let mut raise = draft.admit(id, request)?;
    if raise || draft.group.image_checked != Some(image.records_applied()) {
        raise |= draft.resolve_regexes(image, step.now.wall);
        raise |= draft.group.metadata_hash_of(image) != draft.group.metadata_hash;
    }
    if raise {
        draft.raise_epoch(image);
    }
    if draft.group.epoch > draft.group.assignment_epoch {
        draft.update_target(step, image);
    }
    let current = draft.reconcile(step, id, request.owned.as_ref())?;
    draft.group.arm_session(step, image, id);

    let is_full_request = request.member_epoch == 0
        || (request.rebalance_timeout.is_some()
            && (request.subscribed_topics.is_some() || request.subscribed_regex.is_some())
            && request.owned.is_some());
    let former = former.map(|former| partitions_of(&former.current.assigned));
    let assigned = partitions_of(&current.assigned);
    let tell = is_full_request || former.unwrap_or_default() != assigned;
    let reply = ConsumerHeartbeatReply {
        member: id.clone(),
        member_epoch: current.member_epoch,
        heartbeat_interval: heartbeat_interval(&draft.group.id, image, step.config),
        assignment: tell.then_some(assigned),
    };
    step.records.append(&mut draft.records);
    Ok(reply)
}

impl Draft<'_> {
    /// Takes the member one step towards its target.
    fn reconcile(
        &mut self,
        step: &mut Step<'_>,
        id: &MemberId,
        owned: Option<&Assignment>,
    ) -> Result<CurrentAssignment, GroupError> {
        let member = self.group.members[id].clone();
        let nothing = Arc::default();
        let assignment = self.group.target.get(id).unwrap_or(&nothing);
        let target = Target {
            epoch: self.group.assignment_epoch,
            assignment,
        };
        let is_free = |topic, number| self.group.is_free(topic, number);
        let current = reconcile(&member.current, &target, owned, is_free)?;
        if current != member.current {
            if current.state == MemberState::UnrevokedPartitions {
                self.group.arm_revocation(step, id, &member);
            } else {
                let key = TimerKey::ConsumerRevocation(self.group.id.clone(), id.clone());
                step.timers.cancel(&key);
            }
            // Nothing of this heartbeat reads the group after this, so the draft stays as it is.
            let (group, member) = (self.group.id.clone(), id.clone());
            let value = Some(current.clone());
            self.records.push(Record::CurrentMemberAssignment {
                group,
                member,
                value,
            });
        }
        Ok(current)
    }
}

impl ConsumerGroup {
    /// Notes that the subscriptions have been compared with this metadata.
    pub(in crate::group) fn checked(&mut self, image: &MetadataImage) {
        self.image_checked = Some(image.records_applied());
    }

    /// A member leaves, or a static one for a while.
    pub(in crate::group) fn leave(
        &self,
        step: &mut Step<'_>,
        image: &MetadataImage,
        request: &ConsumerGroupHeartbeat,
    ) -> Result<ConsumerHeartbeatReply, GroupError> {
        let id = self.leaving_member(request)?;
        if request.member_epoch == LEAVE_FOR_A_WHILE {
            let mut current = self.members[&id].current.clone();
            current.member_epoch = LEAVE_FOR_A_WHILE;
            current.pending_revocation = OwnedPartitions::new();
            let (group, member, value) = (self.id.clone(), id.clone(), Some(current));
            step.timers
                .cancel(&TimerKey::ConsumerRevocation(self.id.clone(), id.clone()));
            step.records.push(Record::CurrentMemberAssignment {
                group,
                member,
                value,
            });
        } else {
            self.fence(step, image, &id);
        }
        Ok(ConsumerHeartbeatReply {
            member: id,
            member_epoch: request.member_epoch,
            heartbeat_interval: std::time::Duration::ZERO,
            assignment: None,
        })
    }

    /// Takes a member out, because it leaves, or has not been heard of, or has not let go.
    pub(in crate::group) fn fence(
        &self,
        step: &mut Step<'_>,
        image: &MetadataImage,
        id: &MemberId,
    ) {
        if !self.members.contains_key(id) {
            return;
        }
        let mut draft = Draft {
            group: Cow::Borrowed(self),
            records: Vec::new(),
        };
        draft.remove(step, image, id);
        self.cancel_timers(step, id);
        step.records.append(&mut draft.records);
    }

    /// The time for letting go of partitions has passed.
    pub(in crate::group) fn revocation_expired(
        &self,
        step: &mut Step<'_>,
        image: &MetadataImage,
        id: &MemberId,
    ) {
        let member = self.members.get(id);
        if member.is_some_and(|member| member.current.state == MemberState::UnrevokedPartitions) {
            self.fence(step, image, id);
        }
    }
}
