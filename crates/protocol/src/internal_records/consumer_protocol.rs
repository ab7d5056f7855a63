//! What members of a classic group of consumers tell each other inside `JoinGroup` and
//! `SyncGroup`.

use bytes::Bytes;

use crate::{Message, Str};

/// What a member subscribes to, as the leader of its group is told.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-3")]
pub struct ConsumerProtocolSubscription {
    pub topics: Vec<Str>,
    pub user_data: Option<Bytes>,
    #[field("1+", ignorable)]
    pub owned_partitions: Vec<TopicPartition>,
    #[field("2+", default = -1, ignorable)]
    pub generation_id: i32,
    #[field("3+", ignorable)]
    pub rack_id: Option<Str>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicPartition {
    pub topic: Str,
    pub partitions: Vec<i32>,
}

/// What a member is to own, as the leader of its group has decided.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-3")]
pub struct ConsumerProtocolAssignment {
    pub assigned_partitions: Vec<TopicPartition>,
    pub user_data: Option<Bytes>,
}
