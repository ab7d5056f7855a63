//! What Metadata and DescribeTopicPartitions have in common: topics as clients are shown them.

use fleuve_model::TopicName;

use crate::broker::BrokerState;
use crate::config::AdvertisedAddress;
use crate::request_context::RequestContext;

/// What anybody may do where no authorizer is configured, as bits of Kafka's `AclOperation`:
/// read, write, create, delete, alter, describe, describe configs, alter configs.
pub(super) const TOPIC_OPERATIONS_ALL: i32 =
    1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;
/// Likewise for the cluster: create, alter, describe, cluster action, describe configs, alter
/// configs, idempotent write.
pub(super) const CLUSTER_OPERATIONS_ALL: i32 =
    1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;

/// The topics that belong to the broker itself.
const INTERNAL_TOPICS: &[&str] = &[
    "__consumer_offsets",
    "__transaction_state",
    "__share_group_state",
];

/// Whether clients are told that `topic` is the broker's own.
pub(super) fn is_internal(topic: &TopicName) -> bool {
    INTERNAL_TOPICS.contains(&topic.as_str())
}

/// Where a client that came in by `context`'s listener reaches this broker.
pub(super) fn advertised(broker: &BrokerState, context: &RequestContext) -> (String, i32) {
    let listener = broker.listener(&context.listener);
    let reached = context.reached;
    let reached_host = || match reached {
        Some(address) => address.ip().to_canonical().to_string(),
        None => "localhost".to_owned(),
    };
    let advertised = listener.and_then(|it| it.config.advertised.clone());
    let AdvertisedAddress { host, port } = advertised.unwrap_or(AdvertisedAddress {
        host: None,
        port: 0,
    });
    let port = if port != 0 {
        port
    } else {
        listener.map_or(0, |it| it.port)
    };
    (host.unwrap_or_else(reached_host), i32::from(port))
}
