//! The settings of one partition's log, by the names that Kafka's topics have for them.

use std::time::Duration;

use fleuve_model::Timestamp;

/// When a log rolls, what it keeps and what it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: a segment is closed before it would grow beyond this.
    pub segment_bytes: u32,
    /// `segment.ms`: a segment is closed when its records span this much time.
    pub segment_age: Duration,
    /// Drawn by the caller from `segment.jitter.ms`, so that not all logs roll at once; taken
    /// off `segment_age`.
    pub segment_jitter: Duration,
    /// `segment.index.bytes`: a segment is closed when a table of it has grown to this.
    pub index_bytes: u32,
    /// `index.interval.bytes`: how many bytes of log lie between two entries of a table.
    pub index_interval_bytes: u32,
    /// `retention.bytes`: old segments go while more than this would be left.
    pub retention_bytes: Option<u64>,
    /// `retention.ms`: segments go whose last record is older.
    pub retention_age: Option<Duration>,
    /// Whether `cleanup.policy` has `delete`: without it retention removes nothing.
    pub deletes: bool,
    /// Whether `cleanup.policy` has `compact`: only then may offsets be missing between segments.
    pub compacts: bool,
    /// `file.delete.delay.ms`: how long a deleted segment's files stay under their other name.
    pub file_delete_delay: Duration,
    /// `producer.id.expiration.ms`: when a silent producer is forgotten.
    pub producer_expiration: Duration,
}

/// `segment.bytes` when nothing is said.
pub const SEGMENT_BYTES_DEFAULT: u32 = 1024 * 1024 * 1024;

/// The largest `segment.bytes`: positions in tables have 31 bits.
pub const SEGMENT_BYTES_MAX: u32 = i32::MAX as u32;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Kafka's defaults.
impl Default for LogConfig {
    fn default() -> LogConfig {
        LogConfig {
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            segment_age: DAY * 7,
            segment_jitter: Duration::ZERO,
            index_bytes: 10 * 1024 * 1024,
            index_interval_bytes: 4096,
            retention_bytes: None,
            retention_age: Some(DAY * 7),
            deletes: true,
            compacts: false,
            file_delete_delay: Duration::from_secs(60),
            producer_expiration: DAY,
        }
    }
}

impl LogConfig {
    /// Whether a segment whose first record is of `first` is too old for one of `next`.
    pub(crate) fn is_segment_aged(&self, first: Timestamp, next: Timestamp) -> bool {
        next.since(first) > self.segment_age.saturating_sub(self.segment_jitter)
    }
}
