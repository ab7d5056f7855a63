//! Leaves a classic group.

use crate::{Message, Str};

/// Up to version 2 one member, from then on any number of them.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-5", flexible = "4+")]
pub struct LeaveGroupRequest {
    pub group_id: Str,
    #[field("0-2")]
    pub member_id: Str,
    #[field("3+")]
    pub members: Vec<MemberIdentity>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MemberIdentity {
    pub member_id: Str,
    pub group_instance_id: Option<Str>,
    #[field("5+", ignorable)]
    pub reason: Option<Str>,
}

/// Whether each member has left.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-5", flexible = "4+")]
pub struct LeaveGroupResponse {
    #[field("1+", ignorable)]
    pub throttle_time_ms: i32,
    pub error_code: i16,
    #[field("3+")]
    pub members: Vec<MemberResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MemberResponse {
    pub member_id: Str,
    #[field(default = empty)]
    pub group_instance_id: Option<Str>,
    pub error_code: i16,
}
