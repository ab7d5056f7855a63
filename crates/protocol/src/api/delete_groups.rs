//! Deletes groups that have no members.

use crate::{Message, Str};

/// The groups.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-2", flexible = "2+")]
pub struct DeleteGroupsRequest {
    pub groups_names: Vec<Str>,
}

/// What became of each group.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-2", flexible = "2+")]
pub struct DeleteGroupsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<DeletableGroupResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeletableGroupResult {
    pub group_id: Str,
    pub error_code: i16,
}
