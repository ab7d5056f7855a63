//! Structured streaming: micro-batches over sources, state and sinks, exactly once.
//!
//! A query is a plan that runs again and again, each time over the rows that came since. Its
//! checkpoint holds what it reads and how far it got, in Spark's layout; its state holds what the
//! plan must remember; its sink shows a batch whole or not at all.
//! Always true: whatever is killed when, the sinks of files hold each row exactly once.
//! Start at [`query::StreamingQueryManager`], then [`micro_batch`].

pub mod checkpoint;
pub mod clock;
pub mod error;
pub mod file_system;
pub mod micro_batch;
pub mod operator;
pub mod plan;
pub mod progress;
pub mod query;
pub mod sink;
pub mod source;
pub mod state;
pub mod watermark;

pub use error::StreamError;
