//! Finds where a leader epoch ended, to detect a log that has diverged (KIP-101).

use crate::{Message, Str};

/// Partitions and epochs.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "2-4", flexible = "4+")]
pub struct OffsetForLeaderEpochRequest {
    #[field("3+", default = -2, ignorable)]
    pub replica_id: i32,
    pub topics: Vec<OffsetForLeaderTopic>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetForLeaderTopic {
    pub topic: Str,
    pub partitions: Vec<OffsetForLeaderPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetForLeaderPartition {
    pub partition: i32,
    #[field(default = -1)]
    pub current_leader_epoch: i32,
    pub leader_epoch: i32,
}

/// The end offset of each epoch.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "2-4", flexible = "4+")]
pub struct OffsetForLeaderEpochResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetForLeaderTopicResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetForLeaderTopicResult {
    pub topic: Str,
    pub partitions: Vec<EpochEndOffset>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct EpochEndOffset {
    pub error_code: i16,
    pub partition: i32,
    #[field(default = -1)]
    pub leader_epoch: i32,
    #[field(default = -1)]
    pub end_offset: i64,
}
