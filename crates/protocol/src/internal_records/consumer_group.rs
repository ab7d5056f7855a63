//! The records of consumer groups (KIP-848) in `__consumer_offsets`.

use bytes::Bytes;
use fleuve_model::TopicId;

use crate::{Message, Str};

/// Which consumer group.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0")]
pub struct ConsumerGroupMetadataKey {
    pub group_id: Str,
}

/// The epoch of a consumer group.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ConsumerGroupMetadataValue {
    pub epoch: i32,
    #[field(tag = 0)]
    pub metadata_hash: i64,
}

/// Which consumer group; written by Kafka before 4.1 only.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0")]
pub struct ConsumerGroupPartitionMetadataKey {
    pub group_id: Str,
}

/// The topics that the group's assignment was made for; written by Kafka before 4.1 only.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ConsumerGroupPartitionMetadataValue {
    pub topics: Vec<TopicMetadata>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicMetadata {
    pub topic_id: Option<TopicId>,
    pub topic_name: Str,
    pub num_partitions: i32,
    pub partition_metadata: Vec<PartitionMetadata>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionMetadata {
    pub partition: i32,
    pub racks: Vec<Str>,
}

/// Which member of which group.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0")]
pub struct ConsumerGroupMemberMetadataKey {
    pub group_id: Str,
    pub member_id: Str,
}

/// What a member subscribes to and how.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ConsumerGroupMemberMetadataValue {
    #[field(default = empty)]
    pub instance_id: Option<Str>,
    #[field(default = empty)]
    pub rack_id: Option<Str>,
    pub client_id: Str,
    pub client_host: Str,
    pub subscribed_topic_names: Vec<Str>,
    #[field(default = empty)]
    pub subscribed_topic_regex: Option<Str>,
    #[field(default = -1)]
    pub rebalance_timeout_ms: i32,
    #[field(default = empty)]
    pub server_assignor: Option<Str>,
    #[field(tag = 0)]
    pub classic_member_metadata: Option<ClassicMemberMetadata>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ClassicMemberMetadata {
    pub session_timeout_ms: i32,
    pub supported_protocols: Vec<ClassicProtocol>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ClassicProtocol {
    pub name: Str,
    pub metadata: Bytes,
}

/// Which group.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0")]
pub struct ConsumerGroupTargetAssignmentMetadataKey {
    pub group_id: Str,
}

/// The epoch of the target assignment.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ConsumerGroupTargetAssignmentMetadataValue {
    pub assignment_epoch: i32,
    #[field(tag = 0)]
    pub assignment_timestamp: i64,
}

/// Which member of which group.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0")]
pub struct ConsumerGroupTargetAssignmentMemberKey {
    pub group_id: Str,
    pub member_id: Str,
}

/// What a member is to own.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ConsumerGroupTargetAssignmentMemberValue {
    pub topic_partitions: Vec<TopicPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicPartition {
    pub topic_id: Option<TopicId>,
    pub partitions: Vec<i32>,
}

/// Which member of which group.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0")]
pub struct ConsumerGroupCurrentMemberAssignmentKey {
    pub group_id: Str,
    pub member_id: Str,
}

/// What a member owns now.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ConsumerGroupCurrentMemberAssignmentValue {
    pub member_epoch: i32,
    pub previous_member_epoch: i32,
    pub state: i8,
    pub assigned_partitions: Vec<TopicPartitions>,
    pub partitions_pending_revocation: Vec<TopicPartitions>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicPartitions {
    pub topic_id: Option<TopicId>,
    pub partitions: Vec<i32>,
    #[field(tag = 0)]
    pub assignment_epochs: Option<Vec<i32>>,
}

/// Which expression of which group.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0")]
pub struct ConsumerGroupRegularExpressionKey {
    pub group_id: Str,
    pub regular_expression: Str,
}

/// The topics that an expression was last resolved to.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ConsumerGroupRegularExpressionValue {
    pub topics: Vec<Str>,
    pub version: i64,
    pub timestamp: i64,
}
