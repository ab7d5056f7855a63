//! Tells which APIs and versions this broker has, and which features are switched on.

use std::sync::Arc;

use fleuve_model::ErrorCode;
use fleuve_protocol::api::api_versions::{
    ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use fleuve_protocol::{Str, versions};

use super::is_served;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// A feature of the cluster (KIP-584): what is supported, and what is switched on.
struct Feature {
    name: &'static str,
    supported_min: i16,
    supported_max: i16,
    finalized: i16,
}

/// `metadata.version` 30 is Kafka 4.3's; the consumer group protocol (KIP-848) is `group.version`
/// 1. `transaction.version` is missing for as long as transactions are.
const FEATURES: &[Feature] = &[
    Feature {
        name: "metadata.version",
        supported_min: 7,
        supported_max: 30,
        finalized: 30,
    },
    Feature {
        name: "group.version",
        supported_min: 0,
        supported_max: 1,
        finalized: 1,
    },
];

/// Up to this version a client cannot read a feature whose minimum is 0 (KAFKA-17492).
const VERSION_WITHOUT_MINIMUM_0: i16 = 3;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: ApiVersionsRequest,
) -> Result<ApiVersionsResponse, ConnectionEnd> {
    let names = [
        &request.client_software_name,
        &request.client_software_version,
    ];
    if context.version >= 3
        && !names
            .into_iter()
            .all(|name| is_software_name(name.as_str()))
    {
        return Ok(refusal(ErrorCode::InvalidRequest));
    }
    let supported = FEATURES
        .iter()
        .filter(|it| context.version > VERSION_WITHOUT_MINIMUM_0 || it.supported_min > 0)
        .map(|feature| SupportedFeatureKey {
            name: Str::from_static(feature.name),
            min_version: feature.supported_min,
            max_version: feature.supported_max,
        });
    let finalized = FEATURES.iter().map(|feature| FinalizedFeatureKey {
        name: Str::from_static(feature.name),
        max_version_level: feature.finalized,
        min_version_level: feature.finalized,
    });
    Ok(ApiVersionsResponse {
        api_keys: versions::advertisement(is_served),
        supported_features: supported.collect(),
        finalized_features_epoch: broker.image().records_applied().try_into().unwrap_or(0),
        finalized_features: finalized.collect(),
        ..ApiVersionsResponse::default()
    })
}

/// What a client gets that asks with a version this broker does not have: a body of version 0
/// that names the versions it may ask with (KIP-511).
pub(super) fn unsupported_version() -> ApiVersionsResponse {
    let mut response = refusal(ErrorCode::UnsupportedVersion);
    response.api_keys = versions::advertisement(|key| key == fleuve_protocol::ApiKey::ApiVersions);
    response
}

fn refusal(code: ErrorCode) -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: code.code(),
        ..ApiVersionsResponse::default()
    }
}

/// Letters, digits, dots and dashes, beginning and ending in a letter or digit.
fn is_software_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let bytes = name.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) => {
            first.is_ascii_alphanumeric()
                && last.is_ascii_alphanumeric()
                && bytes.iter().all(|byte| inner(*byte))
        }
        _ => false,
    }
}
