//! One partition's log, and the folders that hold many of them.
//!
//! Synchronous and without a clock: threads, time and chance come from the caller. All files are
//! byte for byte those of Apache Kafka (`docs/formats`), so its tools read them and a directory
//! can be taken over and given back.
//!
//! ```text
//!  LogDirectory ── lock, meta.properties, checkpoints, offline state
//!    └ PartitionLog (writer, one thread) ── LogReader → LogSnapshot (anyone, any thread)
//!        ├ Segment ── .log, and its tables .index .timeindex .txnindex
//!        ├ LeaderEpochs ── leader-epoch-checkpoint
//!        └ ProducerStates ── .snapshot
//!  Disk ── RealDisk, SimulatedDisk
//! ```
//!
//! An append is durable once [`PartitionLog::sync`] has returned, which [`commit_round`] calls
//! for many logs. Whatever happens, what was durable is there after the next
//! [`LogDirectory::load`], or the partition says that it is damaged; see [`recovery`].
//!
//! ```
//! # use std::{path::Path, sync::Arc};
//! # use fleuve_model::record::{BatchBuilder, BatchSettings, NO_HEADERS};
//! # use fleuve_model::{LeaderEpoch, Offset, PartitionId, Timestamp, TopicName, TopicPartition};
//! # use fleuve_storage::disk::{Disk, SimulatedDisk};
//! # use fleuve_storage::*;
//! # let now = Timestamp::from_millis(1_000);
//! let disk = SimulatedDisk::new();
//! disk.create_dir(Path::new("/logs"))?;
//! let directory = LogDirectory::open(Arc::new(disk), Path::new("/logs"))?;
//! let orders = TopicPartition::new(TopicName::new("orders")?, PartitionId::new(0)?);
//! let mut log = directory.create_partition(orders, None, LogConfig::default(), now)?;
//!
//! let mut builder = BatchBuilder::new();
//! builder.append(Some(now), None, Some(b"one"), NO_HEADERS)?;
//! let batch = builder.build(&BatchSettings::default())?;
//! log.append_as_leader(&batch, LeaderEpoch::ZERO, AppendOrigin::Client, now)?;
//! commit_round([&mut log], Durability::Fsync);
//!
//! let snapshot = log.reader().snapshot();
//! let slice = snapshot.read(Offset::ZERO, snapshot.durable_end(), 1024, true)?;
//! assert_eq!(slice.next_offset, Offset::new(1)?);
//! assert_eq!(slice.read()?.len() as u64, slice.length_bytes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod checkpoint_file;
mod config;
mod error;
mod file_names;
mod leader_epochs;
mod log_directory;
mod parallel;
mod partition_log;
mod partition_metadata;
mod segment;

pub mod disk;
pub mod index;
pub mod inspect;
pub mod producer_state;
pub mod recovery;
pub mod walk;

pub use checkpoint_file::{
    CheckpointError, decode_epochs, decode_offsets, encode_epochs, encode_offsets,
};
pub use config::{LogConfig, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX};
pub use error::{AppendError, DirectoryOffline, MarkerError, ReadError, StorageError};
pub use file_names::OffsetFile;
pub use leader_epochs::LeaderEpochs;
pub use log_directory::{
    CheckpointKind, Durability, FailedPartition, LoadCheckpointError, LoadedDirectory,
    LogDirectory, MetaProperties, MetaPropertiesError, OpenDirectoryError, RoundOutcome,
    commit_each, commit_round, decode_clean_shutdown, encode_clean_shutdown,
};
pub use partition_log::{
    Appended, LogReader, LogSlice, LogSnapshot, PartitionLog, TimestampedOffset,
};
pub use partition_metadata::{PartitionMetadata, PartitionMetadataError};
pub use producer_state::{AppendOrigin, ProducerError};
pub use segment::{FoundBatch, Segment, SegmentTables};
