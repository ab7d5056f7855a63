//! Who is a member: joining, coming back, leaving, being fenced.

use std::sync::Arc;

use super::{ConsumerGroup, Draft, LEAVE_FOR_A_WHILE, Member, partitions_of};
use crate::controller::MetadataImage;
use crate::group::{
    Assignment, ConsumerGroupHeartbeat, ConsumerGroupMetadata, ConsumerMemberMetadata, GroupError,
    GroupId, InstanceId, MemberId, Record, Step,
};

impl Draft<'_> {
    /// Finds the member that a heartbeat is of, or lets it in; takes over what it says of
    /// itself. Says whether its subscription has changed.
    pub(super) fn admit(
        &mut self,
        id: &MemberId,
        request: &ConsumerGroupHeartbeat,
    ) -> Result<bool, GroupError> {
        match &request.instance {
            Some(instance) => self.admit_static(id, instance, request)?,
            None => self.admit_dynamic(id, request)?,
        }
        let former = self.group.members.get(id).map(|member| &member.metadata);
        let metadata = updated_metadata(former, request);
        if former == Some(&metadata) {
            return Ok(false);
        }
        let changed = former.is_none_or(|former| {
            former.subscribed_topics != metadata.subscribed_topics
                || former.subscribed_regex != metadata.subscribed_regex
        });
        let (group, member) = (self.group.id.clone(), id.clone());
        self.write(Record::ConsumerGroupMember {
            group,
            member,
            value: Some(metadata),
        });
        Ok(changed)
    }

    fn admit_dynamic(
        &self,
        id: &MemberId,
        request: &ConsumerGroupHeartbeat,
    ) -> Result<(), GroupError> {
        match self.group.members.get(id) {
            Some(member) => check_epoch(member, request),
            None if request.member_epoch == 0 => Ok(()),
            None => Err(unknown(&self.group.id, id)),
        }
    }

    fn admit_static(
        &mut self,
        id: &MemberId,
        instance: &InstanceId,
        request: &ConsumerGroupHeartbeat,
    ) -> Result<(), GroupError> {
        let Some(holder) = self.group.static_members.get(instance).cloned() else {
            return match request.member_epoch {
                0 => Ok(()),
                _ => Err(unknown_instance(instance)),
            };
        };
        let member = self.group.members[&holder].clone();
        if request.member_epoch == 0 && member.current.member_epoch == LEAVE_FOR_A_WHILE {
            self.replace_static(&holder, id, &member);
            return Ok(());
        }
        if holder == *id {
            return check_epoch(&member, request);
        }
        if request.member_epoch == 0 {
            return Err(GroupError::UnreleasedInstanceId(format!(
                "Static member {id} with instance id {instance} cannot join the group because \
                 the instance id is owned by {holder} member."
            )));
        }
        let (member, instance) = (id.clone(), instance.clone());
        Err(GroupError::FencedInstance {
            member,
            instance,
            holder,
        })
    }

    /// A static member comes back: what was given to it before is its own again.
    fn replace_static(&mut self, former: &MemberId, id: &MemberId, member: &Arc<Member>) {
        let group = self.group.id.clone();
        let target = self
            .group
            .target
            .get(former)
            .map(|it| (**it).clone())
            .unwrap_or_default();
        for record in member_tombstones(&group, former) {
            self.write(record);
        }
        let mut current = member.current.clone();
        current.member_epoch = 0;
        current.previous_member_epoch = 0;
        self.write(Record::ConsumerGroupMember {
            group: group.clone(),
            member: id.clone(),
            value: Some(member.metadata.clone()),
        });
        self.write(Record::TargetAssignmentMember {
            group: group.clone(),
            member: id.clone(),
            value: Some(target),
        });
        let member = id.clone();
        self.write(Record::CurrentMemberAssignment {
            group,
            member,
            value: Some(current),
        });
    }

    /// Takes a member out. The others hear of it with the next assignment.
    pub(super) fn remove(&mut self, step: &Step<'_>, image: &MetadataImage, id: &MemberId) {
        for record in member_tombstones(&self.group.id, id) {
            self.write(record);
        }
        self.resolve_regexes(image, step.now.wall);
        self.raise_epoch(image);
    }

    /// The assignment has to be computed anew.
    pub(super) fn raise_epoch(&mut self, image: &MetadataImage) {
        let value = ConsumerGroupMetadata {
            epoch: self.group.epoch + 1,
            metadata_hash: self.group.metadata_hash_of(image),
        };
        let group = self.group.id.clone();
        self.write(Record::ConsumerGroupMetadata {
            group,
            value: Some(value),
        });
    }
}

impl ConsumerGroup {
    /// The member that wants to leave.
    pub(super) fn leaving_member(
        &self,
        request: &ConsumerGroupHeartbeat,
    ) -> Result<MemberId, GroupError> {
        let id = request.member.clone().unwrap_or_else(|| MemberId::new(""));
        match &request.instance {
            None if self.members.contains_key(&id) => Ok(id),
            None => Err(unknown(&self.id, &id)),
            Some(instance) => match self.static_members.get(instance) {
                None => Err(unknown_instance(instance)),
                Some(holder) if *holder != id => {
                    let (instance, holder) = (instance.clone(), holder.clone());
                    Err(GroupError::FencedInstance {
                        member: id,
                        instance,
                        holder,
                    })
                }
                Some(_) => Ok(id),
            },
        }
    }
}

/// The records that make an end of one member.
pub(super) fn member_tombstones(group: &GroupId, member: &MemberId) -> [Record; 3] {
    let (group, member) = (|| group.clone(), || member.clone());
    [
        Record::CurrentMemberAssignment {
            group: group(),
            member: member(),
            value: None,
        },
        Record::TargetAssignmentMember {
            group: group(),
            member: member(),
            value: None,
        },
        Record::ConsumerGroupMember {
            group: group(),
            member: member(),
            value: None,
        },
    ]
}

/// What a member says replaces what it said before; what it leaves out stays.
fn updated_metadata(
    former: Option<&ConsumerMemberMetadata>,
    request: &ConsumerGroupHeartbeat,
) -> ConsumerMemberMetadata {
    let regex = match &request.subscribed_regex {
        Some(regex) if regex.is_empty() => None,
        Some(regex) => Some(regex.clone()),
        None => former.and_then(|former| former.subscribed_regex.clone()),
    };
    let topics = request.subscribed_topics.clone();
    let rack = request.rack.clone();
    let assignor = request.server_assignor.clone();
    ConsumerMemberMetadata {
        instance: request.instance.clone(),
        rack: rack.or_else(|| former?.rack.clone()),
        client: request.client.clone(),
        subscribed_topics: topics
            .or_else(|| Some(former?.subscribed_topics.clone()))
            .unwrap_or_default(),
        subscribed_regex: regex,
        rebalance_timeout: request
            .rebalance_timeout
            .or_else(|| Some(former?.rebalance_timeout))
            .unwrap_or_default(),
        server_assignor: assignor.or_else(|| former?.server_assignor.clone()),
        classic: None,
    }
}

/// Whether a member's epoch is the one that it was told, or the one before if the answer may
/// have been lost. Who joins again with nothing in its hands is always let in.
fn check_epoch(member: &Member, request: &ConsumerGroupHeartbeat) -> Result<(), GroupError> {
    let (received, known) = (request.member_epoch, member.current.member_epoch);
    let lost_answer = received == member.current.previous_member_epoch
        && is_subset(
            request.owned.as_ref(),
            &partitions_of(&member.current.assigned),
        );
    if received == known || received == 0 || (received < known && lost_answer) {
        return Ok(());
    }
    let relation = if received > known {
        "greater"
    } else {
        "smaller"
    };
    Err(GroupError::FencedMemberEpoch(format!(
        "The consumer group member has a {relation} member epoch ({received}) than the one known \
         by the group coordinator ({known}). The member must abandon all its partitions and rejoin."
    )))
}

fn is_subset(owned: Option<&Assignment>, assigned: &Assignment) -> bool {
    owned.is_some_and(|owned| {
        owned.iter().all(|(topic, numbers)| {
            assigned
                .get(topic)
                .is_some_and(|assigned| numbers.is_subset(assigned))
        })
    })
}

fn unknown(group: &GroupId, member: &MemberId) -> GroupError {
    GroupError::UnknownMember(format!("Member {member} is not a member of group {group}."))
}

fn unknown_instance(instance: &InstanceId) -> GroupError {
    GroupError::UnknownMember(format!("Instance id {instance} is unknown."))
}
