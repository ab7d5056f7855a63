//! Shows classic groups and their members.

use bytes::Bytes;

use crate::{Message, Str};

/// The groups to show.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-6", flexible = "5+")]
pub struct DescribeGroupsRequest {
    pub groups: Vec<Str>,
    #[field("3+")]
    pub include_authorized_operations: bool,
}

/// State, protocol and members of each group.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-6", flexible = "5+")]
pub struct DescribeGroupsResponse {
    #[field("1+", ignorable)]
    pub throttle_time_ms: i32,
    pub groups: Vec<DescribedGroup>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribedGroup {
    pub error_code: i16,
    #[field("6+")]
    pub error_message: Option<Str>,
    pub group_id: Str,
    pub group_state: Str,
    pub protocol_type: Str,
    pub protocol_data: Str,
    pub members: Vec<DescribedGroupMember>,
    #[field("3+", default = i32::MIN)]
    pub authorized_operations: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribedGroupMember {
    pub member_id: Str,
    #[field("4+", ignorable)]
    pub group_instance_id: Option<Str>,
    pub client_id: Str,
    pub client_host: Str,
    pub member_metadata: Bytes,
    pub member_assignment: Bytes,
}
