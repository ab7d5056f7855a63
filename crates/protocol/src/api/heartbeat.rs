//! Tells the coordinator that a member of a classic group is alive.

use crate::{Message, Str};

/// The member and the generation it knows.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-4", flexible = "4+")]
pub struct HeartbeatRequest {
    pub group_id: Str,
    pub generation_id: i32,
    pub member_id: Str,
    #[field("3+")]
    pub group_instance_id: Option<Str>,
}

/// Whether that generation still is the current one.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-4", flexible = "4+")]
pub struct HeartbeatResponse {
    #[field("1+", ignorable)]
    pub throttle_time_ms: i32,
    pub error_code: i16,
}
