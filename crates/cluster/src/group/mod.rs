//! The group coordinator: who consumes what, and how far they have come.
//!
//! There is one instance for each partition of `__consumer_offsets`, and that partition's log
//! is its state: an offset that was committed, a classic group that has settled, a consumer
//! group. Who is parked and when sessions end is forgotten in a restart; clients come again.
//! A committed offset, once read, never goes back. Start at [`GroupCoordinator`] and
//! [`Command`]; the classic protocol is in `classic`, that of KIP-848 in `consumer`.

mod admin;
pub mod assignor;
mod classic;
mod command;
mod config;
mod consumer;
mod dispatch;
mod error;
mod ids;
mod offsets;
mod record;
mod timers;

use std::collections::BTreeMap;
use std::sync::Arc;

use fleuve_model::PartitionId;

use classic::ClassicGroup;
pub use command::{
    Client, Command, CommitOffsets, ConsumerGroupHeartbeat, ConsumerHeartbeatReply,
    DescribedClassicGroup, DescribedClassicMember, DescribedConsumerGroup, DescribedConsumerMember,
    FetchOffsets, Heartbeat, JoinGroup, JoinRefused, Joined, JoinedMember, LeaveGroup,
    LeavingMember, LeftMember, ListGroups, ListedGroup, OffsetToCommit, Protocol, Reply, SyncGroup,
    Synced,
};
pub use config::GroupConfig;
use consumer::ConsumerGroup;
pub use error::GroupError;
pub use ids::{Generation, GroupId, InstanceId, MemberId};
use offsets::Offsets;
pub use record::{
    Assignment, ClassicMemberMetadata, CommittedOffset, ConsumerGroupMetadata,
    ConsumerMemberMetadata, CurrentAssignment, GroupMemberMetadata, GroupMetadata, MemberState,
    OwnedPartitions, Record, ResolvedRegex, TargetAssignmentMetadata,
};
use timers::{TimerKey, Timers};

use crate::controller::MetadataImage;
use crate::machine::{Chance, Deadline, Machine, Now, Outcome, Token};

/// The partition of `__consumer_offsets` that holds `group`, of `partitions` in all: Kafka's
/// choice, by the hash of a Java string.
///
/// # Panics
/// If there are no partitions.
pub fn coordinator_partition(group: &GroupId, partitions: u32) -> PartitionId {
    assert!(partitions > 0, "a topic has partitions");
    let hash = group.as_str().encode_utf16();
    let hash = hash.fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    let hash = if hash == i32::MIN {
        0
    } else {
        hash.unsigned_abs()
    };
    let number = i32::try_from(hash % partitions).expect("less than a positive i32");
    PartitionId::new(number).expect("a remainder is not negative")
}

/// The groups of one partition of `__consumer_offsets`.
pub struct GroupCoordinator {
    groups: BTreeMap<GroupId, Group>,
    offsets: Offsets,
    timers: Timers,
    config: GroupConfig,
    image: Arc<MetadataImage>,
    /// Where the search for expired offsets goes on, if it is under way.
    expiry_cursor: Option<GroupId>,
}

/// A group of either protocol.
enum Group {
    Classic(ClassicGroup),
    Consumer(ConsumerGroup),
}

/// What a step of a group works with.
struct Step<'a> {
    now: Now,
    config: &'a GroupConfig,
    timers: &'a mut Timers,
    records: Vec<Record>,
    replies: Vec<(Token, Reply)>,
}

impl Step<'_> {
    fn reply(&mut self, token: Token, reply: Reply) {
        self.replies.push((token, reply));
    }

    fn into_outcome(self) -> Outcome<GroupCoordinator> {
        Outcome {
            records: self.records,
            replies: self.replies,
        }
    }
}

impl GroupCoordinator {
    /// A coordinator without groups: apply its log next, then call [`GroupCoordinator::loaded`].
    pub fn new(config: GroupConfig, image: Arc<MetadataImage>) -> GroupCoordinator {
        GroupCoordinator {
            groups: BTreeMap::new(),
            offsets: Offsets::default(),
            timers: Timers::default(),
            config,
            image,
            expiry_cursor: None,
        }
    }

    /// All of the log has been applied: from now on members are expected to be heard of.
    pub fn loaded(&mut self, now: Now) {
        let deadline = now.monotonic + self.config.offsets_retention_check_interval;
        self.timers.arm(TimerKey::OffsetExpiry, deadline);
        let image = self.image.clone();
        let (groups, mut step) = self.parts(now);
        for group in groups.values_mut() {
            match group {
                Group::Classic(group) => group.loaded(&mut step),
                Group::Consumer(group) => group.loaded(&mut step, &image),
            }
        }
        assert!(
            step.records.is_empty(),
            "members that were loaded have not joined yet"
        );
    }

    /// How many groups there are.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// The offset that `group` has committed for `partition`.
    pub fn committed_offset(
        &self,
        group: &GroupId,
        partition: &fleuve_model::TopicPartition,
    ) -> Option<&CommittedOffset> {
        self.offsets.get(group, partition)
    }

    /// The groups, and beside them what a step of one of them works with.
    fn parts(&mut self, now: Now) -> (&mut BTreeMap<GroupId, Group>, Step<'_>) {
        let step = Step {
            now,
            config: &self.config,
            timers: &mut self.timers,
            records: Vec::new(),
            replies: Vec::new(),
        };
        (&mut self.groups, step)
    }

    fn apply_group_metadata(&mut self, id: &GroupId, value: Option<&GroupMetadata>) {
        let Some(value) = value else {
            if matches!(self.groups.get(id), Some(Group::Classic(_))) {
                self.groups.remove(id);
            }
            return;
        };
        let group = self.groups.entry(id.clone());
        let new = || Group::Classic(ClassicGroup::new(id.clone(), None));
        let group = group.or_insert_with(new);
        if matches!(group, Group::Consumer(_)) {
            *group = new();
        }
        if let Group::Classic(group) = group {
            group.apply(value);
        }
    }

    /// A record with a value makes the group one of the consumer protocol, whatever it was;
    /// tombstones only take away what there is.
    fn apply_to_consumer_group(&mut self, id: &GroupId, record: &Record, is_tombstone: bool) {
        if is_tombstone && !matches!(self.groups.get(id), Some(Group::Consumer(_))) {
            return;
        }
        let new = || Group::Consumer(ConsumerGroup::new(id.clone()));
        let group = self.groups.entry(id.clone()).or_insert_with(new);
        if matches!(group, Group::Classic(_)) {
            *group = new();
        }
        if let Group::Consumer(group) = group {
            group.apply(record);
        }
    }

    /// Offsets without a group are those of simple consumers.
    fn apply_offset_commit(
        &mut self,
        group: &GroupId,
        partition: &fleuve_model::TopicPartition,
        value: Option<&CommittedOffset>,
    ) {
        match value {
            Some(value) => {
                self.groups.entry(group.clone()).or_insert_with(|| {
                    let since = Some(value.commit_timestamp);
                    Group::Classic(ClassicGroup::new(group.clone(), since))
                });
                self.offsets.put(group, partition, value.clone());
            }
            None => self.offsets.remove(group, partition),
        }
    }
}

impl Machine for GroupCoordinator {
    type Command = Command;
    type Record = Record;
    type Reply = Reply;

    fn handle(
        &mut self,
        now: Now,
        chance: &mut dyn Chance,
        token: Token,
        command: Command,
    ) -> Outcome<GroupCoordinator> {
        match command {
            Command::JoinGroup(request) => self.join(now, chance, token, request),
            Command::SyncGroup(request) => self.sync(now, token, request),
            Command::Heartbeat(request) => self.heartbeat(now, token, &request),
            Command::LeaveGroup(request) => self.leave(now, token, request),
            Command::CommitOffsets(request) => self.commit_offsets(now, token, request),
            Command::FetchOffsets(request) => self.fetch_offsets(token, request),
            Command::DeleteOffsets { group, partitions } => {
                self.delete_offsets(token, &group, &partitions)
            }
            Command::ListGroups(request) => self.list_groups(token, &request),
            Command::DescribeClassicGroups { groups } => {
                self.describe_classic_groups(token, &groups)
            }
            Command::ConsumerGroupHeartbeat(request) => {
                self.consumer_heartbeat(now, chance, token, request)
            }
            Command::DescribeConsumerGroups { groups } => {
                self.describe_consumer_groups(token, &groups)
            }
            Command::DeleteGroups { groups } => self.delete_groups(token, &groups),
            Command::UpdateImage(image) => self.update_image(token, image),
        }
    }

    fn expire(&mut self, now: Now) -> Outcome<GroupCoordinator> {
        match self.timers.pop_due(now.monotonic) {
            Some(timer) => self.ring(now, timer),
            None => Outcome::nothing(),
        }
    }

    /// A parked member stays in its group though its connection has gone: it may join again
    /// over another, and if not its session ends.
    fn cancel(&mut self, _token: Token) {}

    fn apply(&mut self, record: &Record) {
        match record {
            Record::OffsetCommit {
                group,
                partition,
                value,
            } => {
                self.apply_offset_commit(group, partition, value.as_ref());
            }
            Record::GroupMetadata { group, value } => {
                self.apply_group_metadata(group, value.as_ref());
            }
            Record::ConsumerGroupMetadata { group, value: None } => {
                if matches!(self.groups.get(group), Some(Group::Consumer(_))) {
                    self.groups.remove(group);
                }
            }
            Record::ConsumerGroupPartitionMetadataGone { .. } => {}
            Record::ConsumerGroupMetadata {
                group,
                value: Some(_),
            } => {
                self.apply_to_consumer_group(group, record, false);
            }
            Record::ConsumerGroupMember { group, value, .. } => {
                self.apply_to_consumer_group(group, record, value.is_none());
            }
            Record::ConsumerGroupRegex { group, value, .. } => {
                self.apply_to_consumer_group(group, record, value.is_none());
            }
            Record::TargetAssignmentMetadata { group, value } => {
                self.apply_to_consumer_group(group, record, value.is_none());
            }
            Record::TargetAssignmentMember { group, value, .. } => {
                self.apply_to_consumer_group(group, record, value.is_none());
            }
            Record::CurrentMemberAssignment { group, value, .. } => {
                self.apply_to_consumer_group(group, record, value.is_none());
            }
        }
    }

    fn deadline(&self) -> Option<Deadline> {
        self.timers.next()
    }
}
