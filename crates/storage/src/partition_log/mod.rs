//! One partition's log.
//!
//! [`PartitionLog`] is the writer: one thread owns it. [`LogReader`] is for everyone else: it
//! hands out [`LogSnapshot`]s, which are immutable and read without waiting for the writer.
//!
//! What is always true: batches lie in the log in the order of their offsets and do not overlap;
//! the last segment is the one that is written; what [`PartitionLog::sync`] has returned from is
//! there after any crash; files are renamed before they are removed, and a reader may go on with
//! them. Start at [`PartitionLog::append_as_leader`] and [`LogSnapshot::read`].

mod append;
mod delete;
mod open;
mod read;
mod retention;
mod roll;
mod sync;
mod truncate;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fleuve_model::{LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};

use crate::config::LogConfig;
use crate::disk::{Disk, DiskFile};
use crate::leader_epochs::LeaderEpochs;
use crate::log_directory::DirectoryContext;
use crate::producer_state::{ProducerStates, Transactions};
use crate::segment::Segment;

pub use append::Appended;
pub use read::{LogReader, LogSlice, LogSnapshot, TimestampedOffset};

pub(crate) use append::{aborted_entry, marker_of, replay};
pub(crate) use open::LogParts;

/// The writer of one partition's log.
#[derive(Debug)]
pub struct PartitionLog {
    directory: Arc<DirectoryContext>,
    partition: TopicPartition,
    path: PathBuf,
    topic_id: Option<TopicId>,
    config: LogConfig,
    /// By base offset; there is always one, and the last is written.
    segments: Vec<Arc<Segment>>,
    active: ActiveSegment,
    log_start: Offset,
    log_end: Offset,
    durable_end: Offset,
    epochs: Arc<LeaderEpochs>,
    producers: ProducerStates,
    transactions: Arc<Transactions>,
    /// The offsets of the snapshot files that exist.
    snapshots: BTreeSet<Offset>,
    unsynced: Unsynced,
    /// Whether anything was appended since the last commit.
    has_uncommitted: bool,
    retired: Vec<RetiredFiles>,
    shared: Arc<Mutex<LogSnapshot>>,
}

/// What the writer knows of the segment it writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActiveSegment {
    /// When it was made or opened; its age counts from here if its records have no time.
    pub(crate) created: Timestamp,
    /// The time of its first batch.
    pub(crate) first_timestamp: Option<Timestamp>,
    /// How much was appended since its tables got an entry.
    pub(crate) bytes_since_entry: u64,
    /// Whether the file may be longer than what was appended, after a failed append.
    pub(crate) has_torn_tail: bool,
}

/// What a crash could still take away.
#[derive(Debug, Default)]
pub(crate) struct Unsynced {
    /// Log files of sealed segments.
    pub(crate) sealed: Vec<Arc<dyn DiskFile>>,
    /// Whether the active segment's log file is.
    pub(crate) active: bool,
    /// Whether names in the partition's folder are.
    pub(crate) names: bool,
    /// Tables and snapshots. They must be durable before the recovery point passes them, since
    /// below it nothing is rebuilt.
    pub(crate) side_files: Vec<Arc<dyn DiskFile>>,
    /// Whether the epochs are newer than their file.
    pub(crate) epochs: bool,
}

/// Files that have been renamed and wait for their removal.
#[derive(Debug)]
struct RetiredFiles {
    paths: Vec<PathBuf>,
    since: Timestamp,
}

impl PartitionLog {
    /// Whose log it is.
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The topic's id, if the folder says so.
    pub fn topic_id(&self) -> Option<TopicId> {
        self.topic_id
    }

    /// The partition's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings in force.
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// Puts other settings in force, from the next append on.
    pub fn set_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// The first offset that can be read.
    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// The offset that the next record gets.
    pub fn log_end(&self) -> Offset {
        self.log_end
    }

    /// Up to where a crash cannot take anything away.
    pub fn durable_end(&self) -> Offset {
        self.durable_end
    }

    /// Which leader epoch begins where.
    pub fn epochs(&self) -> &LeaderEpochs {
        &self.epochs
    }

    /// The producers that write to it.
    pub fn producers(&self) -> &ProducerStates {
        &self.producers
    }

    /// The bytes of all its batches.
    pub fn size_bytes(&self) -> u64 {
        self.segments
            .iter()
            .map(|segment| segment.length_bytes())
            .sum()
    }

    /// How many segments it has.
    pub fn segments_count(&self) -> usize {
        self.segments.len()
    }

    /// The handle for readers. Clones of it stay valid as long as anyone holds one.
    pub fn reader(&self) -> LogReader {
        LogReader::new(self.shared.clone())
    }

    /// Notes that this broker leads at `epoch` from the log's end on, though nothing may have
    /// been appended yet.
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        if self.assign_epoch(epoch, self.log_end) {
            self.publish();
        }
    }

    /// Forgets which transactions ended below `high_watermark`: every reader knows.
    pub fn note_high_watermark(&mut self, high_watermark: Offset) {
        if self
            .producers
            .transactions_mut()
            .forget_below(high_watermark)
        {
            self.publish_transactions();
        }
    }

    /// Forgets the producers that have been silent for too long. Returns how many.
    pub fn expire_producers(&mut self, now: Timestamp) -> usize {
        self.producers.expire(now, self.config.producer_expiration)
    }

    /// How many logs of its disk are worth committing at the same time.
    pub(crate) fn parallel_calls(&self) -> usize {
        self.disk().parallel_calls()
    }

    fn disk(&self) -> &dyn Disk {
        self.directory.disk()
    }

    fn active_segment(&self) -> &Arc<Segment> {
        self.segments.last().expect("a log has a segment")
    }

    fn assign_epoch(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        if self
            .epochs
            .latest_epoch()
            .is_some_and(|latest| latest >= epoch)
        {
            return false;
        }
        self.change_epochs(|epochs| epochs.assign(epoch, start))
    }

    fn change_epochs(&mut self, change: impl FnOnce(&mut LeaderEpochs) -> bool) -> bool {
        let changed = change(Arc::make_mut(&mut self.epochs));
        self.unsynced.epochs |= changed;
        changed
    }

    /// Shows readers the log as it is now, all but its list of segments.
    fn publish(&self) {
        let mut shared = self
            .shared
            .lock()
            .expect("no snapshot is taken by code that panics");
        shared.active_bytes = self.active_segment().length_bytes();
        shared.log_start = self.log_start;
        shared.log_end = self.log_end;
        shared.durable_end = self.durable_end;
        if !Arc::ptr_eq(&shared.epochs, &self.epochs) {
            shared.epochs = self.epochs.clone();
        }
        if !Arc::ptr_eq(&shared.transactions, &self.transactions) {
            shared.transactions = self.transactions.clone();
        }
    }

    /// Shows readers the log with another list of segments.
    fn publish_segments(&self) {
        let segments = Arc::from(self.segments.as_slice());
        self.shared
            .lock()
            .expect("no snapshot is taken by code that panics")
            .segments = segments;
        self.publish();
    }

    fn publish_transactions(&mut self) {
        self.transactions = Arc::new(self.producers.transactions().clone());
        self.publish();
    }
}
