//! The classic records of `__consumer_offsets`: committed offsets and generations.

use bytes::Bytes;
use fleuve_model::TopicId;

use crate::{Message, Str};

/// Which group's offset, in which partition.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0")]
pub struct OffsetCommitKey {
    pub group: Str,
    pub topic: Str,
    pub partition: i32,
}

/// A committed offset; no value means that it was deleted or has expired.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-4", flexible = "4+")]
pub struct OffsetCommitValue {
    pub offset: i64,
    #[field("3+", default = -1, ignorable)]
    pub leader_epoch: i32,
    pub metadata: Str,
    pub commit_timestamp: i64,
    #[field("1", default = -1, ignorable)]
    pub expire_timestamp: i64,
    #[field("4+", tag = 0, ignorable)]
    pub topic_id: Option<TopicId>,
}

/// Which classic group.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0")]
pub struct GroupMetadataKey {
    pub group: Str,
}

/// A generation of a classic group; no value means that the group is gone.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-4", flexible = "4+")]
pub struct GroupMetadataValue {
    pub protocol_type: Str,
    pub generation: i32,
    #[field(default = empty)]
    pub protocol: Option<Str>,
    #[field(default = empty)]
    pub leader: Option<Str>,
    #[field("2+", default = -1, ignorable)]
    pub current_state_timestamp: i64,
    pub members: Vec<MemberMetadata>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MemberMetadata {
    pub member_id: Str,
    #[field("3+", ignorable)]
    pub group_instance_id: Option<Str>,
    pub client_id: Str,
    pub client_host: Str,
    #[field("1+", default = -1, ignorable)]
    pub rebalance_timeout: i32,
    pub session_timeout: i32,
    pub subscription: Bytes,
    pub assignment: Bytes,
}
