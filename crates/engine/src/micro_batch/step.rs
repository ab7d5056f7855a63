//! The named steps of a batch, and where tests make them fail.

use std::fmt::Debug;

use crate::checkpoint::BatchId;
use crate::error::StreamError;

/// A step of the protocol. What comes before a step has happened when the step is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Ask the sources how far they reach.
    LatestOffset,
    /// Write `offsets/N`.
    WriteOffsets,
    /// Get the rows' ranges and plan the batch.
    Plan,
    /// Run the plan into the sink's staging.
    Stage,
    /// Write the new version of every state store.
    FlushState,
    /// Make the sink's batch visible.
    CommitSink,
    /// Write `commits/N`.
    WriteCommit,
    /// Tell the sources, and drop old log entries.
    CleanUp,
    /// Make a snapshot of the state where one is due.
    Snapshot,
    /// Drop the state files that no version needs any more.
    CleanState,
}

impl Step {
    pub const ALL: [Self; 10] = [
        Self::LatestOffset,
        Self::WriteOffsets,
        Self::Plan,
        Self::Stage,
        Self::FlushState,
        Self::CommitSink,
        Self::WriteCommit,
        Self::CleanUp,
        Self::Snapshot,
        Self::CleanState,
    ];
}

/// Hears of every step before it is taken, and may end the run there.
pub trait StepObserver: Debug + Send + Sync {
    fn reached(&self, batch: BatchId, step: Step) -> Result<(), StreamError>;
}

/// Lets everything pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl StepObserver for Unobserved {
    fn reached(&self, _batch: BatchId, _step: Step) -> Result<(), StreamError> {
        Ok(())
    }
}
