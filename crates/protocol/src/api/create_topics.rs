//! Creates topics.

use fleuve_model::TopicId;

use crate::{Message, Str};

/// The topics with their partitions, replicas and configs.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "2-7", flexible = "5+")]
pub struct CreateTopicsRequest {
    pub topics: Vec<CreatableTopic>,
    #[field(default = 60_000)]
    pub timeout_ms: i32,
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatableTopic {
    pub name: Str,
    pub num_partitions: i32,
    pub replication_factor: i16,
    pub assignments: Vec<CreatableReplicaAssignment>,
    pub configs: Vec<CreatableTopicConfig>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatableReplicaAssignment {
    pub partition_index: i32,
    pub broker_ids: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatableTopicConfig {
    pub name: Str,
    #[field(default = empty)]
    pub value: Option<Str>,
}

/// What became of each topic.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "2-7", flexible = "5+")]
pub struct CreateTopicsResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<CreatableTopicResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatableTopicResult {
    pub name: Str,
    #[field("7+", ignorable)]
    pub topic_id: Option<TopicId>,
    pub error_code: i16,
    #[field(default = empty)]
    pub error_message: Option<Str>,
    #[field("5+", tag = 0, ignorable)]
    pub topic_config_error_code: i16,
    #[field("5+", default = -1, ignorable)]
    pub num_partitions: i32,
    #[field("5+", default = -1, ignorable)]
    pub replication_factor: i16,
    #[field("5+", default = empty, ignorable)]
    pub configs: Option<Vec<CreatableTopicConfigs>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatableTopicConfigs {
    pub name: Str,
    #[field(default = empty)]
    pub value: Option<Str>,
    pub read_only: bool,
    #[field(default = -1)]
    pub config_source: i8,
    pub is_sensitive: bool,
}
