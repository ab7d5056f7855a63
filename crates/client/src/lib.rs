//! An async Kafka client in pure Rust.
//!
//! It talks to Fleuve and to Apache Kafka alike, over TCP or, in one process, with no socket and
//! no copy of the records ([`transport::LocalBroker`]). It is configured by Kafka's names and
//! defaults ([`Config`]), except that the sizes of sockets' buffers are left to the system. No wire type appears in its interface.
//!
//! Start at [`Producer`] to write, at [`Consumer`] to read, at [`Admin`] for topics, configs
//! and groups, and at [`PartitionReader`] for whole record batches as shared bytes.

pub mod admin;
mod cluster;
mod config;
mod connection;
mod consumer;
mod error;
mod offsets;
mod producer;
mod reader;
mod transactions;
pub mod transport;

pub use admin::Admin;
pub use cluster::metadata;
pub use config::{Config, ConfigError};
pub use consumer::{Consumer, ConsumerRecord, RebalanceListener};
pub use error::ClientError;
pub use offsets::{IsolationLevel, ListedOffset, OffsetSpec};
pub use producer::{Delivery, Producer, ProducerRecord, RecordHeader, RecordMetadata};
pub use reader::{Chunk, PartitionReader, ReadLimits};
