use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleuve_model::{LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};

use super::{Assignment, CommittedOffset, Generation, GroupError, GroupId, InstanceId, MemberId};
use crate::controller::MetadataImage;

/// What the coordinator can be asked for. A reply has the variant of its command.
#[derive(Clone, Debug)]
pub enum Command {
    JoinGroup(JoinGroup),
    SyncGroup(SyncGroup),
    Heartbeat(Heartbeat),
    LeaveGroup(LeaveGroup),
    ConsumerGroupHeartbeat(ConsumerGroupHeartbeat),
    CommitOffsets(CommitOffsets),
    FetchOffsets(FetchOffsets),
    DeleteOffsets {
        group: GroupId,
        partitions: Vec<TopicPartition>,
    },
    ListGroups(ListGroups),
    DescribeClassicGroups {
        groups: Vec<GroupId>,
    },
    DescribeConsumerGroups {
        groups: Vec<GroupId>,
    },
    DeleteGroups {
        groups: Vec<GroupId>,
    },
    /// There is newer metadata: topics have come, grown or gone.
    UpdateImage(Arc<MetadataImage>),
}

/// What the coordinator answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    JoinGroup(Result<Joined, JoinRefused>),
    SyncGroup(Result<Synced, GroupError>),
    Heartbeat(Result<(), GroupError>),
    LeaveGroup(Result<Vec<LeftMember>, GroupError>),
    ConsumerGroupHeartbeat(Result<ConsumerHeartbeatReply, GroupError>),
    /// One result for each partition of the command, in the same order.
    CommitOffsets(Result<Vec<Result<(), GroupError>>, GroupError>),
    /// The partitions asked for, in the same order; or all that have an offset.
    FetchOffsets(Result<Vec<(TopicPartition, Option<CommittedOffset>)>, GroupError>),
    /// One result for each partition of the command, in the same order.
    DeleteOffsets(Result<Vec<Result<(), GroupError>>, GroupError>),
    ListGroups(Vec<ListedGroup>),
    /// One for each group of the command, in the same order.
    DescribeClassicGroups(Vec<Result<DescribedClassicGroup, GroupError>>),
    /// One for each group of the command, in the same order.
    DescribeConsumerGroups(Vec<Result<DescribedConsumerGroup, GroupError>>),
    /// One for each group of the command, in the same order.
    DeleteGroups(Vec<Result<(), GroupError>>),
    UpdateImage,
}

/// The program at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `client.id`.
    pub id: Arc<str>,
    /// Its address, as Kafka shows it: `/127.0.0.1`.
    pub host: Arc<str>,
}

/// A way of sharing out partitions that a member supports, and what it says to the leader in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    pub name: Arc<str>,
    pub metadata: Bytes,
}

/// A member wants to be in the next generation of a classic group.
#[derive(Clone, Debug)]
pub struct JoinGroup {
    pub group: GroupId,
    /// `None` if it has no id yet.
    pub member: Option<MemberId>,
    pub instance: Option<InstanceId>,
    pub client: Client,
    pub protocol_type: Arc<str>,
    /// In the order of the member's preference.
    pub protocols: Vec<Protocol>,
    pub session_timeout: Duration,
    pub rebalance_timeout: Duration,
    /// The client can be told to come again with the id that it gets (KIP-394, version 4 on).
    pub requires_known_member: bool,
    /// The client can be told not to assign (KIP-814, version 9 on).
    pub supports_skipping_assignment: bool,
}

/// The generation that a member has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    pub member: MemberId,
    pub generation: Generation,
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    pub leader: Option<MemberId>,
    /// For the leader, all members; for others nothing.
    pub members: Vec<JoinedMember>,
    /// The leader is to leave the assignment as it is.
    pub skip_assignment: bool,
}

/// A member, as the leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub metadata: Bytes,
}

/// A member is not let in. With [`GroupError::MemberIdRequired`] it is to come again as `member`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRefused {
    pub member: Option<MemberId>,
    pub error: GroupError,
}

/// A member asks for its assignment; the leader brings everybody's.
#[derive(Clone, Debug)]
pub struct SyncGroup {
    pub group: GroupId,
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub generation: Option<Generation>,
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    pub assignments: Vec<(MemberId, Bytes)>,
}

/// A member's assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    pub assignment: Bytes,
}

/// A member of a classic group lives.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    pub group: GroupId,
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub generation: Option<Generation>,
}

/// Members leave.
#[derive(Clone, Debug)]
pub struct LeaveGroup {
    pub group: GroupId,
    pub members: Vec<LeavingMember>,
}

/// Who leaves: by id, or a static member by its instance id alone.
#[derive(Clone, Debug)]
pub struct LeavingMember {
    pub member: Option<MemberId>,
    pub instance: Option<InstanceId>,
}

/// How one member's leaving went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftMember {
    pub member: Option<MemberId>,
    pub instance: Option<InstanceId>,
    pub result: Result<(), GroupError>,
}

/// A member of a consumer group lives, joins or leaves (KIP-848). What is `None` has not changed
/// since the member's last heartbeat.
#[derive(Clone, Debug)]
pub struct ConsumerGroupHeartbeat {
    pub group: GroupId,
    /// `None` only from clients of version 0 that join: the coordinator chooses.
    pub member: Option<MemberId>,
    /// The client has to choose its id itself (KIP-1082, version 1 on).
    pub requires_member_id: bool,
    /// 0 to join, -1 to leave, -2 to leave as a static member that will come back.
    pub member_epoch: i32,
    pub instance: Option<InstanceId>,
    pub rack: Option<Arc<str>>,
    pub client: Client,
    pub rebalance_timeout: Option<Duration>,
    pub subscribed_topics: Option<BTreeSet<Arc<str>>>,
    /// `Some("")` takes the expression back.
    pub subscribed_regex: Option<Arc<str>>,
    pub server_assignor: Option<Arc<str>>,
    /// What the member owns now.
    pub owned: Option<Assignment>,
}

/// What a member of a consumer group is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerHeartbeatReply {
    pub member: MemberId,
    pub member_epoch: i32,
    pub heartbeat_interval: Duration,
    /// What the member should own, if that has changed or it has asked for everything.
    pub assignment: Option<Assignment>,
}

/// A consumer has come this far.
#[derive(Clone, Debug)]
pub struct CommitOffsets {
    pub group: GroupId,
    /// `None` from a consumer that is no member, and from the admin client.
    pub member: Option<MemberId>,
    pub instance: Option<InstanceId>,
    /// The generation, or the member epoch of a consumer group.
    pub generation_or_epoch: Option<i32>,
    /// The client knows what GROUP_ID_NOT_FOUND and STALE_MEMBER_EPOCH are (version 9 on).
    pub knows_consumer_groups: bool,
    /// Chosen by clients of old versions.
    pub retention: Option<Duration>,
    pub offsets: Vec<OffsetToCommit>,
}

/// One partition of a commit.
#[derive(Clone, Debug)]
pub struct OffsetToCommit {
    pub partition: TopicPartition,
    pub topic_id: Option<TopicId>,
    pub offset: Offset,
    pub leader_epoch: Option<LeaderEpoch>,
    pub metadata: Arc<str>,
    /// Chosen by clients of version 1.
    pub timestamp: Option<Timestamp>,
}

/// Where a consumer left off.
#[derive(Clone, Debug)]
pub struct FetchOffsets {
    pub group: GroupId,
    /// Of a member of a consumer group, with its epoch.
    pub member: Option<(MemberId, i32)>,
    /// `None` for all partitions that have an offset.
    pub partitions: Option<Vec<TopicPartition>>,
}

/// Which groups to list; an empty filter lets all pass. Case does not matter.
#[derive(Clone, Debug, Default)]
pub struct ListGroups {
    pub states: Vec<String>,
    pub types: Vec<String>,
}

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    pub group: GroupId,
    /// Empty for a group of simple consumers.
    pub protocol_type: Arc<str>,
    /// Such as `Stable`.
    pub state: &'static str,
    /// `classic` or `consumer`.
    pub group_type: &'static str,
}

/// A classic group in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedClassicGroup {
    pub group: GroupId,
    pub state: &'static str,
    pub protocol_type: Arc<str>,
    /// The protocol agreed on, while the group is stable; otherwise empty.
    pub protocol: Arc<str>,
    pub members: Vec<DescribedClassicMember>,
}

/// A member of a classic group in full. Metadata and assignment are empty unless the group is
/// stable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedClassicMember {
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub client: Client,
    pub metadata: Bytes,
    pub assignment: Bytes,
}

/// A consumer group in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedConsumerGroup {
    pub group: GroupId,
    pub state: &'static str,
    pub group_epoch: i32,
    pub assignment_epoch: i32,
    pub assignor: Arc<str>,
    pub members: Vec<DescribedConsumerMember>,
}

/// A member of a consumer group in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedConsumerMember {
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub rack: Option<Arc<str>>,
    pub member_epoch: i32,
    pub client: Client,
    pub subscribed_topics: BTreeSet<Arc<str>>,
    pub subscribed_regex: Option<Arc<str>>,
    pub assignment: Assignment,
    pub target_assignment: Assignment,
    /// Whether it takes part by the classic protocol.
    pub is_classic: bool,
}
