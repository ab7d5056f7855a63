//! Appends record batches to partitions.

use fleuve_model::TopicId;

use crate::{Message, Records, Str};

/// What a producer wants appended. Before version 13 a topic has a name, from then on an id.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "3-13", flexible = "9+")]
pub struct ProduceRequest {
    pub transactional_id: Option<Str>,
    pub acks: i16,
    pub timeout_ms: i32,
    pub topic_data: Vec<TopicProduceData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicProduceData {
    #[field("0-12", ignorable)]
    pub name: Str,
    #[field("13+", ignorable)]
    pub topic_id: Option<TopicId>,
    pub partition_data: Vec<PartitionProduceData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionProduceData {
    pub index: i32,
    pub records: Option<Records>,
}

/// For each batch its offset, or why it was not appended.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "3-13", flexible = "9+")]
pub struct ProduceResponse {
    pub responses: Vec<TopicProduceResponse>,
    pub throttle_time_ms: i32,
    #[field("10+", tag = 0)]
    pub node_endpoints: Vec<NodeEndpoint>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicProduceResponse {
    #[field("0-12", ignorable)]
    pub name: Str,
    #[field("13+", ignorable)]
    pub topic_id: Option<TopicId>,
    pub partition_responses: Vec<PartitionProduceResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionProduceResponse {
    pub index: i32,
    pub error_code: i16,
    pub base_offset: i64,
    #[field(default = -1)]
    pub log_append_time_ms: i64,
    #[field("5+", default = -1, ignorable)]
    pub log_start_offset: i64,
    #[field("8+", ignorable)]
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    #[field("8+", ignorable)]
    pub error_message: Option<Str>,
    #[field("10+", tag = 0)]
    pub current_leader: LeaderIdAndEpoch,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct BatchIndexAndErrorMessage {
    pub batch_index: i32,
    pub batch_index_error_message: Option<Str>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct LeaderIdAndEpoch {
    #[field(default = -1)]
    pub leader_id: i32,
    #[field(default = -1)]
    pub leader_epoch: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct NodeEndpoint {
    pub node_id: i32,
    pub host: Str,
    pub port: i32,
    pub rack: Option<Str>,
}
