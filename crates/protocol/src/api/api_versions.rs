//! Tells which APIs a broker has, in which versions.

use crate::{Message, Str};

/// Who the client is (KIP-511).
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-4", flexible = "3+")]
pub struct ApiVersionsRequest {
    #[field("3+", ignorable)]
    pub client_software_name: Str,
    #[field("3+", ignorable)]
    pub client_software_version: Str,
}

/// The APIs with their versions, and the features of the cluster.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-4", flexible = "3+")]
pub struct ApiVersionsResponse {
    pub error_code: i16,
    pub api_keys: Vec<ApiVersion>,
    #[field("1+", ignorable)]
    pub throttle_time_ms: i32,
    #[field("3+", tag = 0, ignorable)]
    pub supported_features: Vec<SupportedFeatureKey>,
    #[field("3+", default = -1, tag = 1, ignorable)]
    pub finalized_features_epoch: i64,
    #[field("3+", tag = 2, ignorable)]
    pub finalized_features: Vec<FinalizedFeatureKey>,
    #[field("3+", tag = 3, ignorable)]
    pub zk_migration_ready: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ApiVersion {
    pub api_key: i16,
    pub min_version: i16,
    pub max_version: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct SupportedFeatureKey {
    pub name: Str,
    pub min_version: i16,
    pub max_version: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct FinalizedFeatureKey {
    pub name: Str,
    pub max_version_level: i16,
    pub min_version_level: i16,
}
