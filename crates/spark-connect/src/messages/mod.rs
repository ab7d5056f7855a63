//! The messages of Spark Connect, declared by their field numbers (Spark 4.3; older clients send a subset).
//!
//! Always true: every cycle in the schema goes through [`Nested`], which bounds how deep a message may nest. What this
//! server refuses as a whole (machine learning, pipelines) stays undecoded bytes. Start at [`Plan`].
#![allow(
    unused_imports,
    reason = "every message's module sees its parent, whether it needs it or not"
)]
#![allow(clippy::large_enum_variant, reason = "the variants are the protocol's")]

mod analyze;
mod artifacts;
mod catalog_calls;
mod commands;
mod common;
mod configuration;
mod execute;
mod expressions;
mod failures;
mod nested;
mod plans;
mod relations;
mod sessions;
mod streaming;
mod types;

use std::collections::BTreeMap;

use bytes::Bytes;

pub use analyze::*;
pub use artifacts::*;
pub use catalog_calls::*;
pub use commands::*;
pub use common::*;
pub use configuration::*;
pub use execute::*;
pub use expressions::*;
pub use failures::*;
pub use nested::{NESTING_LEVELS_MAX, Nested};
pub use plans::*;
pub use relations::*;
pub use sessions::*;
pub use streaming::*;
pub use types::*;

/// A message of a kind that only its sender knows.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}
