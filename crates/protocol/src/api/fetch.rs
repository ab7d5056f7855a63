//! Reads record batches from partitions, for consumers and follower replicas alike.

use fleuve_model::TopicId;
use uuid::Uuid;

use crate::{Message, Records, Str};

/// Where to read from, and how long to wait for how much. A fetch session (KIP-227) leaves out
/// what has not changed.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "4-18", flexible = "12+")]
pub struct FetchRequest {
    #[field("12+", tag = 0, ignorable)]
    pub cluster_id: Option<Str>,
    #[field("0-14", default = -1)]
    pub replica_id: i32,
    #[field("15+", tag = 1)]
    pub replica_state: ReplicaState,
    pub max_wait_ms: i32,
    pub min_bytes: i32,
    #[field(default = i32::MAX)]
    pub max_bytes: i32,
    pub isolation_level: i8,
    #[field("7+", ignorable)]
    pub session_id: i32,
    #[field("7+", default = -1, ignorable)]
    pub session_epoch: i32,
    pub topics: Vec<FetchTopic>,
    #[field("7+")]
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    #[field("11+", ignorable)]
    pub rack_id: Str,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ReplicaState {
    #[field(default = -1)]
    pub replica_id: i32,
    #[field(default = -1)]
    pub replica_epoch: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct FetchTopic {
    #[field("0-12", ignorable)]
    pub topic: Str,
    #[field("13+", ignorable)]
    pub topic_id: Option<TopicId>,
    pub partitions: Vec<FetchPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct FetchPartition {
    pub partition: i32,
    #[field("9+", default = -1, ignorable)]
    pub current_leader_epoch: i32,
    pub fetch_offset: i64,
    #[field("12+", default = -1)]
    pub last_fetched_epoch: i32,
    #[field("5+", default = -1, ignorable)]
    pub log_start_offset: i64,
    pub partition_max_bytes: i32,
    #[field("17+", tag = 0, ignorable)]
    pub replica_directory_id: Uuid,
    #[field("18+", default = i64::MAX, tag = 1, ignorable)]
    pub high_watermark: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ForgottenTopic {
    #[field("0-12", ignorable)]
    pub topic: Str,
    #[field("13+", ignorable)]
    pub topic_id: Option<TopicId>,
    pub partitions: Vec<i32>,
}

/// The batches, and how far the partition goes.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "4-18", flexible = "12+")]
pub struct FetchResponse {
    pub throttle_time_ms: i32,
    #[field("7+", ignorable)]
    pub error_code: i16,
    #[field("7+")]
    pub session_id: i32,
    pub responses: Vec<FetchableTopicResponse>,
    #[field("16+", tag = 0)]
    pub node_endpoints: Vec<NodeEndpoint>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct FetchableTopicResponse {
    #[field("0-12", ignorable)]
    pub topic: Str,
    #[field("13+", ignorable)]
    pub topic_id: Option<TopicId>,
    pub partitions: Vec<PartitionData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionData {
    pub partition_index: i32,
    pub error_code: i16,
    pub high_watermark: i64,
    #[field(default = -1)]
    pub last_stable_offset: i64,
    #[field("5+", default = -1, ignorable)]
    pub log_start_offset: i64,
    #[field("12+", tag = 0)]
    pub diverging_epoch: EpochEndOffset,
    #[field("12+", tag = 1)]
    pub current_leader: LeaderIdAndEpoch,
    #[field("12+", tag = 2)]
    pub snapshot_id: SnapshotId,
    #[field(default = empty)]
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    #[field("11+", default = -1)]
    pub preferred_read_replica: i32,
    pub records: Option<Records>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct EpochEndOffset {
    #[field(default = -1)]
    pub epoch: i32,
    #[field(default = -1)]
    pub end_offset: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct LeaderIdAndEpoch {
    #[field(default = -1)]
    pub leader_id: i32,
    #[field(default = -1)]
    pub leader_epoch: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct SnapshotId {
    #[field(default = -1)]
    pub end_offset: i64,
    #[field(default = -1)]
    pub epoch: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AbortedTransaction {
    pub producer_id: i64,
    pub first_offset: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct NodeEndpoint {
    pub node_id: i32,
    pub host: Str,
    pub port: i32,
    pub rack: Option<Str>,
}
