//! Sets, removes, appends to or subtracts from single configs (KIP-339).

use crate::{Message, Str};

/// The resources, each with operations on some of its configs.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-1", flexible = "1+")]
pub struct IncrementalAlterConfigsRequest {
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
    pub config_operation: i8,
    #[field(default = empty)]
    pub value: Option<Str>,
}

/// What became of each resource.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-1", flexible = "1+")]
pub struct IncrementalAlterConfigsResponse {
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
