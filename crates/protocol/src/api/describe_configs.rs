//! Shows the configs of topics, brokers and groups.

use crate::{Message, Str};

/// The resources, and which of their configs; null means all.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "1-4", flexible = "4+")]
pub struct DescribeConfigsRequest {
    pub resources: Vec<DescribeConfigsResource>,
    pub include_synonyms: bool,
    #[field("3+")]
    pub include_documentation: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeConfigsResource {
    pub resource_type: i8,
    pub resource_name: Str,
    #[field(default = empty)]
    pub configuration_keys: Option<Vec<Str>>,
}

/// Each config with its value and where it came from.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "1-4", flexible = "4+")]
pub struct DescribeConfigsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<DescribeConfigsResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeConfigsResult {
    pub error_code: i16,
    #[field(default = empty)]
    pub error_message: Option<Str>,
    pub resource_type: i8,
    pub resource_name: Str,
    pub configs: Vec<DescribeConfigsResourceResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeConfigsResourceResult {
    pub name: Str,
    #[field(default = empty)]
    pub value: Option<Str>,
    pub read_only: bool,
    #[field(default = -1)]
    pub config_source: i8,
    pub is_sensitive: bool,
    pub synonyms: Vec<DescribeConfigsSynonym>,
    #[field("3+", ignorable)]
    pub config_type: i8,
    #[field("3+", default = empty, ignorable)]
    pub documentation: Option<Str>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeConfigsSynonym {
    pub name: Str,
    #[field(default = empty)]
    pub value: Option<Str>,
    pub source: i8,
}
