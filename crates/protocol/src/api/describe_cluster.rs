//! Shows the brokers of a cluster (KIP-700).

use crate::{Message, Str};

/// What to show besides.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-2", flexible = "0+")]
pub struct DescribeClusterRequest {
    pub include_cluster_authorized_operations: bool,
    #[field("1+", default = 1)]
    pub endpoint_type: i8,
    #[field("2+")]
    pub include_fenced_brokers: bool,
}

/// The brokers.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-2", flexible = "0+")]
pub struct DescribeClusterResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<Str>,
    #[field("1+", default = 1)]
    pub endpoint_type: i8,
    pub cluster_id: Str,
    #[field(default = -1)]
    pub controller_id: i32,
    pub brokers: Vec<DescribeClusterBroker>,
    #[field(default = i32::MIN)]
    pub cluster_authorized_operations: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeClusterBroker {
    pub broker_id: i32,
    pub host: Str,
    pub port: i32,
    pub rack: Option<Str>,
    #[field("2+")]
    pub is_fenced: bool,
}
