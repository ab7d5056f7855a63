//! A topic's settings as its logs and its produce checks use them.

use std::time::Duration;

use fleuve_model::Timestamp;
use fleuve_model::record::{
    Compression, CompressionSetting, PLAIN_BYTES_MAX_DEFAULT, ProduceRules, TimestampType,
    ValidationDepth,
};
use fleuve_storage::LogConfig;
use uuid::Uuid;

use crate::config::{BrokerSettings, TopicSettings};

/// What a partition's configuration comes down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplicaConfig {
    pub(crate) log: LogConfig,
    pub(crate) min_in_sync_replicas: usize,
    pub(crate) timestamp_type: TimestampType,
    pub(crate) timestamp_before_max: Duration,
    pub(crate) timestamp_after_max: Duration,
    pub(crate) keys_required: bool,
    pub(crate) batch_bytes_max: usize,
    /// `compression.type`, unless it is `producer`.
    pub(crate) recompress_as: Option<CompressionSetting>,
}

impl ReplicaConfig {
    /// The configuration of a partition of a topic with `settings`.
    pub(crate) fn of_topic(settings: TopicSettings<'_>, broker: &BrokerSettings) -> ReplicaConfig {
        ReplicaConfig {
            log: log_config(settings, broker),
            min_in_sync_replicas: usize::try_from(settings.number("min.insync.replicas"))
                .unwrap_or(1),
            timestamp_type: match settings.string("message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            timestamp_before_max: time_limit(settings, "message.timestamp.before.max.ms"),
            timestamp_after_max: time_limit(settings, "message.timestamp.after.max.ms"),
            keys_required: settings.has("cleanup.policy", "compact"),
            batch_bytes_max: usize::try_from(settings.number("max.message.bytes")).unwrap_or(0),
            recompress_as: compression(settings),
        }
    }

    /// The configuration of the metadata's log: nothing is ever deleted from it.
    pub(crate) fn of_metadata() -> ReplicaConfig {
        let log = LogConfig {
            retention_age: None,
            retention_bytes: None,
            deletes: false,
            ..LogConfig::default()
        };
        ReplicaConfig {
            log,
            min_in_sync_replicas: 1,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max: Duration::MAX,
            timestamp_after_max: Duration::MAX,
            keys_required: false,
            batch_bytes_max: usize::MAX,
            recompress_as: None,
        }
    }

    /// What is asked of a batch that is produced `now`.
    pub(crate) fn produce_rules(&self, now: Timestamp) -> ProduceRules {
        ProduceRules {
            now,
            timestamp_type: self.timestamp_type,
            timestamp_before_max: self.timestamp_before_max,
            timestamp_after_max: self.timestamp_after_max,
            keys_required: self.keys_required,
            batch_bytes_max: self.batch_bytes_max,
            plain_bytes_max: PLAIN_BYTES_MAX_DEFAULT,
            depth: ValidationDepth::Records,
        }
    }
}

fn time_limit(settings: TopicSettings<'_>, name: &str) -> Duration {
    match settings.number(name) {
        i64::MAX => Duration::MAX,
        millis => Duration::from_millis(u64::try_from(millis).unwrap_or(0)),
    }
}

fn log_config(settings: TopicSettings<'_>, broker: &BrokerSettings) -> LogConfig {
    let bytes = |name: &str| u32::try_from(settings.number(name)).unwrap_or(0);
    let millis = |name: &str| settings.millis(name).unwrap_or(Duration::MAX);
    LogConfig {
        segment_bytes: bytes("segment.bytes"),
        segment_age: millis("segment.ms"),
        segment_jitter: jitter(millis("segment.jitter.ms")),
        index_bytes: bytes("segment.index.bytes"),
        index_interval_bytes: bytes("index.interval.bytes"),
        retention_bytes: u64::try_from(settings.number("retention.bytes")).ok(),
        retention_age: settings.millis("retention.ms"),
        deletes: settings.has("cleanup.policy", "delete"),
        compacts: settings.has("cleanup.policy", "compact"),
        file_delete_delay: millis("file.delete.delay.ms"),
        producer_expiration: broker
            .millis("producer.id.expiration.ms")
            .unwrap_or(Duration::MAX),
    }
}

/// A random share of `longest`.
fn jitter(longest: Duration) -> Duration {
    if longest.is_zero() {
        return Duration::ZERO;
    }
    let random = Uuid::new_v4().as_u64_pair().1 as u32;
    longest.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// What `compression.type` asks for, at the topic's level of it; `producer` asks for nothing.
fn compression(settings: TopicSettings<'_>) -> Option<CompressionSetting> {
    let (compression, level) = match settings.string("compression.type").as_str() {
        "producer" => return None,
        "gzip" => (
            Compression::Gzip,
            Some(settings.number("compression.gzip.level")),
        ),
        "zstd" => (
            Compression::Zstd,
            Some(settings.number("compression.zstd.level")),
        ),
        "snappy" => (Compression::Snappy, None),
        "lz4" => (Compression::Lz4, None),
        _ => (Compression::None, None),
    };
    let level = level
        .and_then(|level| i32::try_from(level).ok())
        .filter(|level| *level != -1);
    let plain = CompressionSetting::new(compression);
    let with_level =
        level.and_then(|level| CompressionSetting::with_level(compression, level).ok());
    Some(with_level.unwrap_or(plain))
}
