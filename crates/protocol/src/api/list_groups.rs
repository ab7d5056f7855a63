//! Lists the groups that a broker coordinates.

use crate::{Message, Str};

/// Which states and types to list; empty means all.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-5", flexible = "3+")]
pub struct ListGroupsRequest {
    #[field("4+")]
    pub states_filter: Vec<Str>,
    #[field("5+")]
    pub types_filter: Vec<Str>,
}

/// The groups.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-5", flexible = "3+")]
pub struct ListGroupsResponse {
    #[field("1+", ignorable)]
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub groups: Vec<ListedGroup>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ListedGroup {
    pub group_id: Str,
    pub protocol_type: Str,
    #[field("4+", ignorable)]
    pub group_state: Str,
    #[field("5+", ignorable)]
    pub group_type: Str,
}
