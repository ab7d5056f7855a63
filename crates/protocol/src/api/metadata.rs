//! Tells which brokers there are and who leads each partition.

use fleuve_model::TopicId;

use crate::{Message, Str};

/// The topics to tell of; null means all of them, and in version 0 the empty list does.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-13", flexible = "9+")]
pub struct MetadataRequest {
    #[field(nullable = "1+", default = empty)]
    pub topics: Option<Vec<MetadataRequestTopic>>,
    #[field("4+", default = true)]
    pub allow_auto_topic_creation: bool,
    #[field("8-10")]
    pub include_cluster_authorized_operations: bool,
    #[field("8+")]
    pub include_topic_authorized_operations: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MetadataRequestTopic {
    #[field("10+", ignorable)]
    pub topic_id: Option<TopicId>,
    #[field(nullable = "10+", default = empty)]
    pub name: Option<Str>,
}

/// Brokers, topics and partitions.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-13", flexible = "9+")]
pub struct MetadataResponse {
    #[field("3+", ignorable)]
    pub throttle_time_ms: i32,
    pub brokers: Vec<MetadataResponseBroker>,
    #[field("2+", ignorable)]
    pub cluster_id: Option<Str>,
    #[field("1+", default = -1, ignorable)]
    pub controller_id: i32,
    pub topics: Vec<MetadataResponseTopic>,
    #[field("8-10", default = i32::MIN)]
    pub cluster_authorized_operations: i32,
    #[field("13+", ignorable)]
    pub error_code: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MetadataResponseBroker {
    pub node_id: i32,
    pub host: Str,
    pub port: i32,
    #[field("1+", ignorable)]
    pub rack: Option<Str>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MetadataResponseTopic {
    pub error_code: i16,
    #[field(nullable = "12+", default = empty)]
    pub name: Option<Str>,
    #[field("10+", ignorable)]
    pub topic_id: Option<TopicId>,
    #[field("1+", ignorable)]
    pub is_internal: bool,
    pub partitions: Vec<MetadataResponsePartition>,
    #[field("8+", default = i32::MIN)]
    pub topic_authorized_operations: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MetadataResponsePartition {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    #[field("7+", default = -1, ignorable)]
    pub leader_epoch: i32,
    pub replica_nodes: Vec<i32>,
    pub isr_nodes: Vec<i32>,
    #[field("5+", ignorable)]
    pub offline_replicas: Vec<i32>,
}
