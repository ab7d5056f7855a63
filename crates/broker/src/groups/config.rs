//! The coordinator's configuration, from the broker's settings.

use std::time::Duration;

use fleuve_cluster::group::GroupConfig;

use crate::config::BrokerSettings;

pub(super) fn of_settings(settings: &BrokerSettings) -> GroupConfig {
    let time = |name: &str| settings.millis(name).unwrap_or(Duration::MAX);
    let assignors = settings.list("group.consumer.assignors");
    GroupConfig {
        session_timeout_min: time("group.min.session.timeout.ms"),
        session_timeout_max: time("group.max.session.timeout.ms"),
        initial_rebalance_delay: time("group.initial.rebalance.delay.ms"),
        members_max: settings.count_of("group.max.size"),
        offset_metadata_bytes_max: settings.count_of("offset.metadata.max.bytes"),
        offsets_retention: minutes(settings.number_of("offsets.retention.minutes")),
        offsets_retention_check_interval: time("offsets.retention.check.interval.ms"),
        consumer_session_timeout: time("group.consumer.session.timeout.ms"),
        consumer_heartbeat_interval: time("group.consumer.heartbeat.interval.ms"),
        consumer_members_max: settings.count_of("group.consumer.max.size"),
        consumer_assignors: assignors.into_iter().map(str::to_owned).collect(),
    }
}

fn minutes(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or(0).saturating_mul(60))
}
