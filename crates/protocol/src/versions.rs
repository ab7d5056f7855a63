//! Which versions of which APIs a broker of this release advertises: those of Kafka 4.3.
//!
//! Two differ from what the codec reads and writes. Produce is reported from 0, though versions
//! before 3 are refused, because librdkafka otherwise does not compress (KAFKA-18659). An API
//! that a broker does not serve is not advertised: the broker filters by what it has handlers for.

use crate::api::api_versions::ApiVersion;
use crate::{ApiKey, VersionRange};

/// The versions of `key` that an `ApiVersions` response names.
pub const fn advertised(key: ApiKey) -> VersionRange {
    match key {
        ApiKey::Produce => VersionRange::new(0, ApiKey::Produce.versions().max),
        _ => key.versions(),
    }
}

/// The entries of an `ApiVersions` response for the APIs that `is_served` accepts.
pub fn advertisement(is_served: impl Fn(ApiKey) -> bool) -> Vec<ApiVersion> {
    let served = ApiKey::ALL.iter().filter(|key| is_served(**key));
    served
        .map(|key| {
            let VersionRange { min, max } = advertised(*key);
            ApiVersion {
                api_key: key.to_wire(),
                min_version: min,
                max_version: max,
            }
        })
        .collect()
}
