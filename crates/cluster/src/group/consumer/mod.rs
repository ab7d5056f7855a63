//! Groups of the consumer protocol: the coordinator shares out the partitions (KIP-848).
//!
//! Three epochs follow each other: the group's, raised when members or topics change; the
//! target assignment's, computed for it; each member's, once it has what the target gives it.
//! A partition has at most one owner: it is given on only after its former owner has let go.
//! All of this is in the log, and changes in [`ConsumerGroup::apply`] alone. Start at
//! [`heartbeat`].

mod heartbeat;
mod membership;
mod reconcile;
mod subscription;
mod target;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use fleuve_model::{PartitionId, Timestamp, TopicId};

use super::timers::TimerKey;
use super::{
    Assignment, Client, ConsumerMemberMetadata, CurrentAssignment, DescribedConsumerGroup,
    DescribedConsumerMember, GroupError, GroupId, InstanceId, ListedGroup, MemberId, MemberState,
    OwnedPartitions, Record, ResolvedRegex, Step,
};
use crate::controller::MetadataImage;
pub(super) use heartbeat::{check, heartbeat};

/// The epoch with which a member leaves.
const LEAVE: i32 = -1;
/// The epoch with which a static member leaves for a while.
const LEAVE_FOR_A_WHILE: i32 = -2;

/// A group of the consumer protocol.
#[derive(Clone, Debug)]
pub(super) struct ConsumerGroup {
    id: GroupId,
    epoch: i32,
    /// Of the subscribed topics, when the epoch was raised last.
    metadata_hash: i64,
    assignment_epoch: i32,
    members: BTreeMap<MemberId, Arc<Member>>,
    static_members: BTreeMap<InstanceId, MemberId>,
    /// What every member should have.
    target: BTreeMap<MemberId, Arc<Assignment>>,
    regexes: BTreeMap<Arc<str>, ResolvedRegex>,
    /// Who has each partition, or has not let go of it yet.
    owners: BTreeMap<TopicId, BTreeMap<PartitionId, MemberId>>,
    /// The metadata that the subscriptions were last compared with; forgotten in a restart.
    image_checked: Option<u64>,
}

/// A member of a consumer group.
#[derive(Clone, Debug)]
struct Member {
    metadata: ConsumerMemberMetadata,
    current: CurrentAssignment,
}

impl Member {
    fn new(metadata: ConsumerMemberMetadata) -> Member {
        let current = CurrentAssignment {
            member_epoch: 0,
            previous_member_epoch: 0,
            state: MemberState::Stable,
            assigned: OwnedPartitions::new(),
            pending_revocation: OwnedPartitions::new(),
        };
        Member { metadata, current }
    }

    /// Of which the log has not told anything yet.
    fn unknown() -> Member {
        Member::new(ConsumerMemberMetadata {
            instance: None,
            rack: None,
            client: Client {
                id: Arc::from(""),
                host: Arc::from(""),
            },
            subscribed_topics: Default::default(),
            subscribed_regex: None,
            rebalance_timeout: Default::default(),
            server_assignor: None,
            classic: None,
        })
    }

    fn is_reconciled_to(&self, assignment_epoch: i32) -> bool {
        self.current.state == MemberState::Stable && self.current.member_epoch == assignment_epoch
    }
}

/// A group with changes that are not in the log yet.
struct Draft<'a> {
    group: Cow<'a, ConsumerGroup>,
    records: Vec<Record>,
}

impl Draft<'_> {
    fn write(&mut self, record: Record) {
        self.group.to_mut().apply(&record);
        self.records.push(record);
    }
}

impl ConsumerGroup {
    pub(super) fn new(id: GroupId) -> ConsumerGroup {
        ConsumerGroup {
            id,
            epoch: 0,
            metadata_hash: 0,
            assignment_epoch: 0,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            target: BTreeMap::new(),
            regexes: BTreeMap::new(),
            owners: BTreeMap::new(),
            image_checked: None,
        }
    }

    /// Takes in a record of this group; the tombstone of the group itself is the caller's.
    pub(super) fn apply(&mut self, record: &Record) {
        match record {
            Record::ConsumerGroupMetadata {
                value: Some(value), ..
            } => {
                self.epoch = value.epoch;
                self.metadata_hash = value.metadata_hash;
            }
            Record::ConsumerGroupMember {
                member,
                value: Some(value),
                ..
            } => {
                self.put_member(member, value);
            }
            Record::ConsumerGroupMember {
                member,
                value: None,
                ..
            } => self.remove_member(member),
            Record::ConsumerGroupRegex {
                regex,
                value: Some(value),
                ..
            } => {
                self.regexes.insert(regex.clone(), value.clone());
            }
            Record::ConsumerGroupRegex {
                regex, value: None, ..
            } => {
                self.regexes.remove(regex);
            }
            Record::TargetAssignmentMetadata { value, .. } => {
                self.assignment_epoch = value.map_or(0, |value| value.epoch);
            }
            Record::TargetAssignmentMember {
                member,
                value: Some(value),
                ..
            } => {
                self.target.insert(member.clone(), Arc::new(value.clone()));
            }
            Record::TargetAssignmentMember {
                member,
                value: None,
                ..
            } => {
                self.target.remove(member);
            }
            Record::CurrentMemberAssignment { member, value, .. } => {
                self.put_current(member, value.as_ref());
            }
            Record::ConsumerGroupMetadata { value: None, .. }
            | Record::ConsumerGroupPartitionMetadataGone { .. }
            | Record::OffsetCommit { .. }
            | Record::GroupMetadata { .. } => {}
        }
    }

    fn put_member(&mut self, id: &MemberId, metadata: &ConsumerMemberMetadata) {
        if let Some(instance) = &metadata.instance {
            self.static_members.insert(instance.clone(), id.clone());
        }
        let member = self
            .members
            .entry(id.clone())
            .or_insert_with(|| Arc::new(Member::unknown()));
        Arc::make_mut(member).metadata = metadata.clone();
    }

    fn remove_member(&mut self, id: &MemberId) {
        self.put_current(id, None);
        let Some(member) = self.members.remove(id) else {
            return;
        };
        if let Some(instance) = &member.metadata.instance
            && self.static_members.get(instance) == Some(id)
        {
            self.static_members.remove(instance);
        }
    }

    fn put_current(&mut self, id: &MemberId, current: Option<&CurrentAssignment>) {
        if let Some(former) = self.members.get(id).cloned() {
            self.release(id, &former.current.assigned);
            self.release(id, &former.current.pending_revocation);
        }
        match current {
            Some(current) => {
                let member = self
                    .members
                    .entry(id.clone())
                    .or_insert_with(|| Arc::new(Member::unknown()));
                Arc::make_mut(member).current = current.clone();
                self.claim(id, &current.assigned);
                self.claim(id, &current.pending_revocation);
            }
            None => {
                if let Some(member) = self.members.get_mut(id) {
                    Arc::make_mut(member).current = Member::unknown().current;
                }
            }
        }
    }

    fn claim(&mut self, id: &MemberId, partitions: &OwnedPartitions) {
        for (topic, numbers) in partitions {
            let owners = self.owners.entry(*topic).or_default();
            owners.extend(numbers.keys().map(|number| (*number, id.clone())));
        }
    }

    fn release(&mut self, id: &MemberId, partitions: &OwnedPartitions) {
        for (topic, numbers) in partitions {
            let Some(owners) = self.owners.get_mut(topic) else {
                continue;
            };
            owners.retain(|number, owner| owner != id || !numbers.contains_key(number));
            if owners.is_empty() {
                self.owners.remove(topic);
            }
        }
    }

    fn is_free(&self, topic: TopicId, number: PartitionId) -> bool {
        self.owners
            .get(&topic)
            .is_none_or(|owners| !owners.contains_key(&number))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn state(&self) -> &'static str {
        let reconciled = |member: &Arc<Member>| member.is_reconciled_to(self.assignment_epoch);
        if self.members.is_empty() {
            "Empty"
        } else if self.epoch > self.assignment_epoch {
            "Assigning"
        } else if self.members.values().all(reconciled) {
            "Stable"
        } else {
            "Reconciling"
        }
    }

    pub(super) fn as_listed(&self) -> ListedGroup {
        ListedGroup {
            group: self.id.clone(),
            protocol_type: Arc::from("consumer"),
            state: self.state(),
            group_type: "consumer",
        }
    }

    pub(super) fn describe(&self, default_assignor: &str) -> DescribedConsumerGroup {
        let assignor = self
            .preferred_assignor()
            .unwrap_or_else(|| Arc::from(default_assignor));
        DescribedConsumerGroup {
            group: self.id.clone(),
            state: self.state(),
            group_epoch: self.epoch,
            assignment_epoch: self.assignment_epoch,
            assignor,
            members: self
                .members
                .iter()
                .map(|(id, member)| self.describe_one(id, member))
                .collect(),
        }
    }

    fn describe_one(&self, id: &MemberId, member: &Member) -> DescribedConsumerMember {
        let Member { metadata, current } = member;
        DescribedConsumerMember {
            member: id.clone(),
            instance: metadata.instance.clone(),
            rack: metadata.rack.clone(),
            member_epoch: current.member_epoch,
            client: metadata.client.clone(),
            subscribed_topics: metadata.subscribed_topics.clone(),
            subscribed_regex: metadata.subscribed_regex.clone(),
            assignment: partitions_of(&current.assigned),
            target_assignment: self
                .target
                .get(id)
                .map(|it| (**it).clone())
                .unwrap_or_default(),
            is_classic: metadata.classic.is_some(),
        }
    }

    pub(super) fn check_delete(&self) -> Result<(), GroupError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(GroupError::NonEmptyGroup)
        }
    }

    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        self.members
            .values()
            .any(|member| member.metadata.subscribed_topics.contains(topic))
            || self
                .regexes
                .values()
                .any(|resolved| resolved.topics.contains(topic))
    }

    pub(super) fn retention_base(&self, commit: Timestamp) -> Option<Timestamp> {
        Some(commit)
    }

    /// The records that make an end of the group and its members.
    pub(super) fn tombstones(&self) -> Vec<Record> {
        let group = || self.id.clone();
        let members = self.members.keys();
        let mut records: Vec<Record> = members
            .flat_map(|member| membership::member_tombstones(&self.id, member))
            .collect();
        let regexes = self.regexes.keys().cloned();
        records.extend(regexes.map(|regex| Record::ConsumerGroupRegex {
            group: group(),
            regex,
            value: None,
        }));
        records.push(Record::TargetAssignmentMetadata {
            group: group(),
            value: None,
        });
        records.push(Record::ConsumerGroupPartitionMetadataGone { group: group() });
        records.push(Record::ConsumerGroupMetadata {
            group: group(),
            value: None,
        });
        records
    }

    /// Whether a commit of a member at `epoch` is accepted. One that has not heard of its new
    /// epoch yet may commit what it had before (KIP-1251).
    pub(super) fn check_commit<'p>(
        &self,
        member: Option<&MemberId>,
        epoch: Option<i32>,
        knows_consumer_groups: bool,
        image: &MetadataImage,
        partitions: impl Iterator<Item = &'p fleuve_model::TopicPartition>,
    ) -> Result<(), GroupError> {
        if epoch.is_none() && self.members.is_empty() {
            return Ok(());
        }
        let current = &self.known_member(member)?.current;
        if !knows_consumer_groups {
            return Err(GroupError::UnsupportedVersion(
                "OffsetCommit version 9 or above must be used by members using the modern group \
                 protocol"
                    .to_owned(),
            ));
        }
        let epoch = epoch.unwrap_or(-1);
        if epoch == current.member_epoch {
            return Ok(());
        }
        let had_since = |partition: &fleuve_model::TopicPartition| {
            let topic = image.topic(&partition.topic)?.id;
            let epoch_in =
                |owned: &OwnedPartitions| owned.get(&topic)?.get(&partition.partition).copied();
            epoch_in(&current.assigned).or_else(|| epoch_in(&current.pending_revocation))
        };
        let mut partitions = partitions;
        if epoch < current.member_epoch
            && partitions.all(|partition| had_since(partition).is_some_and(|since| since <= epoch))
        {
            return Ok(());
        }
        Err(stale_epoch(epoch, current.member_epoch))
    }

    /// Whether a member at `epoch` may fetch offsets.
    pub(super) fn check_fetch(&self, member: &MemberId, epoch: i32) -> Result<(), GroupError> {
        let current = &self.known_member(Some(member))?.current;
        if epoch == current.member_epoch {
            return Ok(());
        }
        Err(stale_epoch(epoch, current.member_epoch))
    }

    fn known_member(&self, member: Option<&MemberId>) -> Result<&Member, GroupError> {
        let known = member.and_then(|id| self.members.get(id));
        known.map(|member| &**member).ok_or_else(|| {
            let id = member.map_or("", MemberId::as_str);
            GroupError::UnknownMember(format!("Member {id} is not a member of group {}.", self.id))
        })
    }

    /// Arms what a group that comes from the log waits for.
    pub(super) fn loaded(&self, step: &mut Step<'_>, image: &MetadataImage) {
        for (id, member) in &self.members {
            self.arm_session(step, image, id);
            if member.current.state == MemberState::UnrevokedPartitions {
                self.arm_revocation(step, id, member);
            }
        }
    }

    fn arm_session(&self, step: &mut Step<'_>, image: &MetadataImage, member: &MemberId) {
        let timeout = subscription::session_timeout(&self.id, image, step.config);
        let key = TimerKey::ConsumerSession(self.id.clone(), member.clone());
        step.timers.arm(key, step.now.monotonic + timeout);
    }

    fn arm_revocation(&self, step: &mut Step<'_>, id: &MemberId, member: &Member) {
        let key = TimerKey::ConsumerRevocation(self.id.clone(), id.clone());
        step.timers
            .arm(key, step.now.monotonic + member.metadata.rebalance_timeout);
    }

    fn cancel_timers(&self, step: &mut Step<'_>, member: &MemberId) {
        step.timers
            .cancel(&TimerKey::ConsumerSession(self.id.clone(), member.clone()));
        step.timers.cancel(&TimerKey::ConsumerRevocation(
            self.id.clone(),
            member.clone(),
        ));
    }
}

fn stale_epoch(received: i32, expected: i32) -> GroupError {
    GroupError::StaleMemberEpoch(format!(
        "The received member epoch {received} does not match the expected member epoch {expected}."
    ))
}

/// The partitions alone, without the epochs at which they were assigned.
fn partitions_of(owned: &OwnedPartitions) -> Assignment {
    owned
        .iter()
        .map(|(topic, numbers)| (*topic, numbers.keys().copied().collect()))
        .collect()
}
