//! Asks how far a group has read.

use fleuve_model::TopicId;

use crate::{Message, Str};

/// Up to version 7 one group, from then on any number of them; null topics mean all.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "1-10", flexible = "6+")]
pub struct OffsetFetchRequest {
    #[field("0-7")]
    pub group_id: Str,
    #[field("0-7", nullable = "2-7", default = empty)]
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    #[field("8+")]
    pub groups: Vec<OffsetFetchRequestGroup>,
    #[field("7+")]
    pub require_stable: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchRequestTopic {
    pub name: Str,
    pub partition_indexes: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchRequestGroup {
    pub group_id: Str,
    #[field("9+", ignorable)]
    pub member_id: Option<Str>,
    #[field("9+", default = -1, ignorable)]
    pub member_epoch: i32,
    #[field(default = empty)]
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchRequestTopics {
    #[field("0-9", ignorable)]
    pub name: Str,
    #[field("10+", ignorable)]
    pub topic_id: Option<TopicId>,
    pub partition_indexes: Vec<i32>,
}

/// The stored offsets, -1 where there is none.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "1-10", flexible = "6+")]
pub struct OffsetFetchResponse {
    #[field("3+", ignorable)]
    pub throttle_time_ms: i32,
    #[field("0-7")]
    pub topics: Vec<OffsetFetchResponseTopic>,
    #[field("2-7", ignorable)]
    pub error_code: i16,
    #[field("8+")]
    pub groups: Vec<OffsetFetchResponseGroup>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchResponseTopic {
    pub name: Str,
    pub partitions: Vec<OffsetFetchResponsePartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchResponsePartition {
    pub partition_index: i32,
    pub committed_offset: i64,
    #[field("5+", default = -1, ignorable)]
    pub committed_leader_epoch: i32,
    #[field(nullable = "0-7", default = empty)]
    pub metadata: Option<Str>,
    pub error_code: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchResponseGroup {
    pub group_id: Str,
    pub topics: Vec<OffsetFetchResponseTopics>,
    pub error_code: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchResponseTopics {
    #[field("0-9", ignorable)]
    pub name: Str,
    #[field("10+", ignorable)]
    pub topic_id: Option<TopicId>,
    pub partitions: Vec<OffsetFetchResponsePartitions>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchResponsePartitions {
    pub partition_index: i32,
    pub committed_offset: i64,
    #[field(default = -1)]
    pub committed_leader_epoch: i32,
    #[field(default = empty)]
    pub metadata: Option<Str>,
    pub error_code: i16,
}
