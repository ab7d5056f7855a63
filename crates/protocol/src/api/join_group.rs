//! Enters a classic group, and waits until everybody else has.

use bytes::Bytes;

use crate::{Message, Str};

/// A member with the protocols it can speak.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-9", flexible = "6+")]
pub struct JoinGroupRequest {
    pub group_id: Str,
    pub session_timeout_ms: i32,
    #[field("1+", default = -1, ignorable)]
    pub rebalance_timeout_ms: i32,
    pub member_id: Str,
    #[field("5+")]
    pub group_instance_id: Option<Str>,
    pub protocol_type: Str,
    pub protocols: Vec<JoinGroupRequestProtocol>,
    #[field("8+", ignorable)]
    pub reason: Option<Str>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct JoinGroupRequestProtocol {
    pub name: Str,
    pub metadata: Bytes,
}

/// The protocol that was chosen and, for the leader, the members.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-9", flexible = "6+")]
pub struct JoinGroupResponse {
    #[field("2+", ignorable)]
    pub throttle_time_ms: i32,
    pub error_code: i16,
    #[field(default = -1)]
    pub generation_id: i32,
    #[field("7+", ignorable)]
    pub protocol_type: Option<Str>,
    #[field(nullable = "7+", default = empty)]
    pub protocol_name: Option<Str>,
    pub leader: Str,
    #[field("9+")]
    pub skip_assignment: bool,
    pub member_id: Str,
    pub members: Vec<JoinGroupResponseMember>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct JoinGroupResponseMember {
    pub member_id: Str,
    #[field("5+", ignorable)]
    pub group_instance_id: Option<Str>,
    pub metadata: Bytes,
}
