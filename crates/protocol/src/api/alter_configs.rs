//! Replaces all configs of a resource; superseded by `IncrementalAlterConfigs`.

use crate::{Message, Str};

/// The resources with all their configs.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-2", flexible = "2+")]
pub struct AlterConfigsRequest {
    pub resources: Vec<AlterConfigsResource>,
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AlterConfigsResource {
    pub resource_type: i8,
    pub resource_name: Str,
    pub configs: Vec<AlterableConfig>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AlterableConfig {
    pub name: Str,
    #[field(default = empty)]
    pub value: Option<Str>,
}

/// What became of each resource.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-2", flexible = "2+")]
pub struct AlterConfigsResponse {
    pub throttle_time_ms: i32,
    pub responses: Vec<AlterConfigsResourceResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AlterConfigsResourceResponse {
    pub error_code: i16,
    #[field(default = empty)]
    pub error_message: Option<Str>,
    pub resource_type: i8,
    pub resource_name: Str,
}
