//! The nouns of Fleuve.
//!
//! Everything here is a value: no I/O, no clock, no randomness, no threads. Every other crate
//! may import this one, and this one imports no other. Sentinels of the wire (`-1`) never
//! appear in these types: absence is `Option`.
//!
//! Start at [`Offset`] and [`TopicPartition`]; record batches are in [`record`].

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod error_code;
mod ids;
mod offset;
mod time;
mod topic;

pub mod record;

pub use error_code::ErrorCode;
pub use ids::{
    BrokerId, BrokerIdOutOfRange, LeaderEpoch, LeaderEpochOutOfRange, PartitionId,
    PartitionIdOutOfRange, ProducerEpoch, ProducerEpochOutOfRange, ProducerId,
    ProducerIdOutOfRange, Sequence, SequenceOutOfRange, TopicId,
};
pub use offset::{Offset, OffsetOutOfRange};
pub use time::{Deadline, Now, Timestamp};
pub use topic::{InvalidTopicName, TopicName, TopicPartition};
