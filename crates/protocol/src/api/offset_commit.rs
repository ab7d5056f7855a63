//! Stores how far a group has read.

use fleuve_model::TopicId;

use crate::{Message, Str};

/// Offsets to store, in the name of a member or, with generation -1, of nobody.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "2-10", flexible = "8+")]
pub struct OffsetCommitRequest {
    pub group_id: Str,
    #[field(default = -1)]
    pub generation_id_or_member_epoch: i32,
    pub member_id: Str,
    #[field("7+")]
    pub group_instance_id: Option<Str>,
    #[field("0-4", default = -1, ignorable)]
    pub retention_time_ms: i64,
    pub topics: Vec<OffsetCommitRequestTopic>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetCommitRequestTopic {
    #[field("0-9", ignorable)]
    pub name: Str,
    #[field("10+", ignorable)]
    pub topic_id: Option<TopicId>,
    pub partitions: Vec<OffsetCommitRequestPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetCommitRequestPartition {
    pub partition_index: i32,
    pub committed_offset: i64,
    #[field("6+", default = -1, ignorable)]
    pub committed_leader_epoch: i32,
    #[field(default = empty)]
    pub committed_metadata: Option<Str>,
}

/// Whether each offset was stored.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "2-10", flexible = "8+")]
pub struct OffsetCommitResponse {
    #[field("3+", ignorable)]
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetCommitResponseTopic>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetCommitResponseTopic {
    #[field("0-9", ignorable)]
    pub name: Str,
    #[field("10+", ignorable)]
    pub topic_id: Option<TopicId>,
    pub partitions: Vec<OffsetCommitResponsePartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetCommitResponsePartition {
    pub partition_index: i32,
    pub error_code: i16,
}
