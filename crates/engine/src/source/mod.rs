//! Where rows come from.
//!
//! Always true: the rows between two offsets are the same however often they are read, and what
//! [`Source::plan`] returns is read only after its offsets are in the checkpoint.
//! Start at [`Source`].

mod files;
pub mod kafka;
mod open;
pub mod rate;
pub mod rate_micro_batch;
pub mod socket;

pub use open::{OpenSource, open_source, register_sources};

use std::fmt::Debug;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::SendableRecordBatchStream;
use indexmap::IndexMap;

use crate::error::StreamError;

/// A place in a source, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOffset(Arc<str>);

impl SourceOffset {
    /// Takes a line of a checkpoint.
    pub fn parse(line: &str) -> Result<Self, String> {
        serde_json::from_str::<serde::de::IgnoredAny>(line)
            .map_err(|error| format!("not an offset: {error}"))?;
        Ok(Self(line.into()))
    }

    pub fn from_value(value: &serde_json::Value) -> Self {
        Self(value.to_string().into())
    }

    pub fn json(&self) -> &str {
        &self.0
    }

    pub fn value(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or(serde_json::Value::Null)
    }
}

/// How much of what is there a batch may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// As much as the source's own limit options allow.
    Limited,
    /// Everything: the trigger runs one batch only.
    Everything,
}

/// The answer to "how far could the next batch go".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Where the next batch may end; equal to its start when there is nothing new.
    pub end: Option<SourceOffset>,
    /// What the source holds altogether, for the progress report; some sources do not tell.
    pub latest: Option<SourceOffset>,
}

/// A stream that can be read in ranges, again and again.
#[async_trait]
pub trait Source: Debug + Send + Sync {
    /// How progress and explain name it.
    fn description(&self) -> String;
    fn schema(&self) -> SchemaRef;
    /// Finds the end of the next batch, which starts at `start` or, when there has been no batch
    /// yet, where the options say.
    async fn reach(
        &mut self,
        start: Option<&SourceOffset>,
        admission: Admission,
        now_ms: i64,
    ) -> Result<Reach, StreamError>;
    /// Prepares reading from `start` (the beginning when absent) to `end`.
    async fn plan(
        &mut self,
        start: Option<&SourceOffset>,
        end: &SourceOffset,
    ) -> Result<SourceBatch, StreamError>;
    /// Tells that everything before `end` is committed and will not be read again.
    async fn committed(&mut self, _end: &SourceOffset) -> Result<(), StreamError> {
        Ok(())
    }
    /// Freezes the end: nothing that arrives from now on is read (`availableNow`).
    async fn stop_at_available(&mut self, now_ms: i64) -> Result<(), StreamError>;
    /// Figures of its own for the progress report.
    fn metrics(
        &self,
        _consumed: Option<&SourceOffset>,
        _latest: Option<&SourceOffset>,
    ) -> IndexMap<String, String> {
        IndexMap::new()
    }
}

/// The rows of one source in one batch.
#[derive(Debug, Clone)]
pub enum SourceBatch {
    /// Read piece by piece, one DataFusion partition each.
    Partitions(Vec<Arc<dyn SourcePartition>>),
    /// Read by a table of its own, as lists of files are.
    Table(Arc<dyn TableProvider>),
}

impl SourceBatch {
    pub fn empty() -> Self {
        Self::Partitions(Vec::new())
    }
}

/// A piece of a batch that one task reads.
pub trait SourcePartition: Debug + Send + Sync {
    /// Reads the columns in `projection`, in that order.
    fn open(
        &self,
        projection: &[usize],
        batch_rows: usize,
    ) -> DataFusionResult<SendableRecordBatchStream>;
}
