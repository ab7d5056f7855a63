use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleuve_model::{LeaderEpoch, Offset, PartitionId, Timestamp, TopicId, TopicPartition};

use super::{Client, GroupId, InstanceId, MemberId, Protocol};

/// One change of a group or a committed offset. Each variant is one of Kafka's record types of
/// `__consumer_offsets`; a key with `None` for its value is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// `OffsetCommitKey` and value.
    OffsetCommit {
        group: GroupId,
        partition: TopicPartition,
        value: Option<CommittedOffset>,
    },
    /// `GroupMetadataKey` and value: a classic group.
    GroupMetadata {
        group: GroupId,
        value: Option<GroupMetadata>,
    },
    /// `ConsumerGroupMetadataKey` and value.
    ConsumerGroupMetadata {
        group: GroupId,
        value: Option<ConsumerGroupMetadata>,
    },
    /// The tombstone of a `ConsumerGroupPartitionMetadataKey`, which Kafka wrote before 4.1 and
    /// nobody reads any more.
    ConsumerGroupPartitionMetadataGone { group: GroupId },
    /// `ConsumerGroupMemberMetadataKey` and value.
    ConsumerGroupMember {
        group: GroupId,
        member: MemberId,
        value: Option<ConsumerMemberMetadata>,
    },
    /// `ConsumerGroupRegularExpressionKey` and value.
    ConsumerGroupRegex {
        group: GroupId,
        regex: Arc<str>,
        value: Option<ResolvedRegex>,
    },
    /// `ConsumerGroupTargetAssignmentMetadataKey` and value.
    TargetAssignmentMetadata {
        group: GroupId,
        value: Option<TargetAssignmentMetadata>,
    },
    /// `ConsumerGroupTargetAssignmentMemberKey` and value.
    TargetAssignmentMember {
        group: GroupId,
        member: MemberId,
        value: Option<Assignment>,
    },
    /// `ConsumerGroupCurrentMemberAssignmentKey` and value.
    CurrentMemberAssignment {
        group: GroupId,
        member: MemberId,
        value: Option<CurrentAssignment>,
    },
}

/// An offset that a consumer has committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    pub offset: Offset,
    pub leader_epoch: Option<LeaderEpoch>,
    /// What the client wanted to remember beside it; empty if nothing.
    pub metadata: Arc<str>,
    pub commit_timestamp: Timestamp,
    /// Set only by clients of old versions, which chose their own retention.
    pub expire_timestamp: Option<Timestamp>,
    pub topic_id: Option<TopicId>,
}

/// A classic group, as it was when its last rebalance ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadata {
    /// Such as `consumer` or `connect`; `None` is stored as the empty string.
    pub protocol_type: Option<Arc<str>>,
    pub generation: i32,
    /// The protocol that the members agreed on.
    pub protocol: Option<Arc<str>>,
    pub leader: Option<MemberId>,
    pub state_timestamp: Option<Timestamp>,
    pub members: Vec<GroupMemberMetadata>,
}

/// A member of a classic group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMemberMetadata {
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub client: Client,
    pub rebalance_timeout: Duration,
    pub session_timeout: Duration,
    pub subscription: Bytes,
    pub assignment: Bytes,
}

/// The epoch of a consumer group, raised when its assignment has to be computed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerGroupMetadata {
    pub epoch: i32,
    /// Over the topics subscribed to: if it differs, they have changed.
    pub metadata_hash: i64,
}

/// What a member of a consumer group has told of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerMemberMetadata {
    pub instance: Option<InstanceId>,
    pub rack: Option<Arc<str>>,
    pub client: Client,
    pub subscribed_topics: BTreeSet<Arc<str>>,
    pub subscribed_regex: Option<Arc<str>>,
    pub rebalance_timeout: Duration,
    pub server_assignor: Option<Arc<str>>,
    /// Of a member that uses the classic protocol in a consumer group.
    pub classic: Option<ClassicMemberMetadata>,
}

/// How a member of a consumer group takes part by the classic protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassicMemberMetadata {
    pub session_timeout: Duration,
    pub protocols: Vec<Protocol>,
}

/// The topics that a regular expression matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedRegex {
    pub topics: BTreeSet<Arc<str>>,
    /// The version of the metadata that was looked through.
    pub version: i64,
    pub timestamp: Timestamp,
}

/// The group epoch for which the target assignment was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetAssignmentMetadata {
    pub epoch: i32,
    pub timestamp: Timestamp,
}

/// Partitions by topic.
pub type Assignment = BTreeMap<TopicId, BTreeSet<PartitionId>>;

/// Partitions by topic, each with the member epoch at which the member got it.
pub type OwnedPartitions = BTreeMap<TopicId, BTreeMap<PartitionId, i32>>;

/// What a member of a consumer group owns, and where it is on its way to its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentAssignment {
    pub member_epoch: i32,
    pub previous_member_epoch: i32,
    pub state: MemberState,
    pub assigned: OwnedPartitions,
    pub pending_revocation: OwnedPartitions,
}

/// How far a member has come with its assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberState {
    /// It has all it should have.
    Stable,
    /// It has to let go of partitions first.
    UnrevokedPartitions,
    /// It waits for partitions that others have not let go of.
    UnreleasedPartitions,
    /// A newer version of the software wrote a state that this one does not know.
    Unknown,
}

impl MemberState {
    /// The number that Kafka's record holds.
    pub const fn code(self) -> i8 {
        match self {
            MemberState::Stable => 0,
            MemberState::UnrevokedPartitions => 1,
            MemberState::UnreleasedPartitions => 2,
            MemberState::Unknown => 127,
        }
    }

    /// The state of that number.
    pub const fn from_code(code: i8) -> MemberState {
        match code {
            0 => MemberState::Stable,
            1 => MemberState::UnrevokedPartitions,
            2 => MemberState::UnreleasedPartitions,
            _ => MemberState::Unknown,
        }
    }
}
