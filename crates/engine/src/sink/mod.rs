//! Where rows go.
//!
//! Always true: a batch that is staged but not committed is invisible to readers; committing a
//! batch twice is as committing it once. Start at [`Sink::begin`].

pub mod console;
pub mod files;
pub mod kafka;
pub mod memory;
pub mod noop;
mod open;

pub use open::{OpenSink, open_sink};

pub(crate) use noop::Discarded as Discard;

use std::fmt::Debug;

use async_trait::async_trait;
use datafusion::execution::SendableRecordBatchStream;

use crate::checkpoint::BatchId;
use crate::error::StreamError;

/// What of the result a sink is given in every batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputMode {
    /// Rows that never change any more.
    Append,
    /// Rows that changed in this batch.
    Update,
    /// The whole result.
    Complete,
}

impl OutputMode {
    /// Takes Spark's spelling in any case; `None` for what is no output mode.
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "append" => Some(Self::Append),
            "update" => Some(Self::Update),
            "complete" => Some(Self::Complete),
            _ => None,
        }
    }

    /// As error messages name it.
    pub fn lower_name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Update => "update",
            Self::Complete => "complete",
        }
    }

    /// As plans show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Append => "Append",
            Self::Update => "Update",
            Self::Complete => "Complete",
        }
    }
}

/// The output of one query.
#[async_trait]
pub trait Sink: Debug + Send + Sync {
    /// How progress names it.
    fn description(&self) -> String;
    /// Opens a batch for staging. The same batch may be opened again after a crash.
    async fn begin(&mut self, batch: BatchId) -> Result<Box<dyn StagedBatch>, StreamError>;
    /// The newest batch that is in the sink, as far as the sink itself remembers.
    async fn last_committed(&mut self) -> Result<Option<BatchId>, StreamError>;
}

/// What a batch put into a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staged {
    /// `None` where Spark's sink does not count either, as its file sink.
    pub rows: Option<u64>,
}

/// One batch on its way into a sink. Dropping it uncommitted leaves nothing that counts.
#[async_trait]
pub trait StagedBatch: Send {
    /// Runs the plan's partitions and puts their rows where a commit can make them visible.
    async fn stage(
        &mut self,
        partitions: Vec<SendableRecordBatchStream>,
    ) -> Result<Staged, StreamError>;
    /// Makes the batch visible, all at once.
    async fn commit(self: Box<Self>) -> Result<(), StreamError>;
}
