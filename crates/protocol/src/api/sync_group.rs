//! Hands out the assignment of a classic group.

use bytes::Bytes;

use crate::{Message, Str};

/// From the leader everyone's assignment, from others none.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-5", flexible = "4+")]
pub struct SyncGroupRequest {
    pub group_id: Str,
    pub generation_id: i32,
    pub member_id: Str,
    #[field("3+")]
    pub group_instance_id: Option<Str>,
    #[field("5+", ignorable)]
    pub protocol_type: Option<Str>,
    #[field("5+", ignorable)]
    pub protocol_name: Option<Str>,
    pub assignments: Vec<SyncGroupRequestAssignment>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct SyncGroupRequestAssignment {
    pub member_id: Str,
    pub assignment: Bytes,
}

/// The assignment of the member that asked.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-5", flexible = "4+")]
pub struct SyncGroupResponse {
    #[field("1+", ignorable)]
    pub throttle_time_ms: i32,
    pub error_code: i16,
    #[field("5+", ignorable)]
    pub protocol_type: Option<Str>,
    #[field("5+", ignorable)]
    pub protocol_name: Option<Str>,
    pub assignment: Bytes,
}
