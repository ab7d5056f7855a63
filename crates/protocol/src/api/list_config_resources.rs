//! Lists the resources that have configs.

use crate::{Message, Str};

/// The types of resource; empty means all. Version 0 lists client metrics alone.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-1", flexible = "0+")]
pub struct ListConfigResourcesRequest {
    #[field("1+")]
    pub resource_types: Vec<i8>,
}

/// The resources.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-1", flexible = "0+")]
pub struct ListConfigResourcesResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub config_resources: Vec<ConfigResource>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ConfigResource {
    pub resource_name: Str,
    #[field("1+", default = 16, ignorable)]
    pub resource_type: i8,
}
