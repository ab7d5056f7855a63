use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleuve_model::{LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};

use super::{Client, GroupId, InstanceId, MemberId};

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
