//! What can go wrong in a stream.

use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use fleuve_sql::error::{Exception, SparkError};

use crate::checkpoint::LogError;
use crate::micro_batch::Step;
use crate::source::SourceOffset;
use crate::state::StateError;

/// Why a query cannot start or go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StreamError {
    /// The plan, its evaluation, or what Spark refuses.
    #[error(transparent)]
    Spark(#[from] SparkError),
    #[error(transparent)]
    Checkpoint(#[from] LogError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("{origin}: the checkpoint's offset {offset} is none of this source")]
    InvalidOffset { origin: String, offset: String },
    #[error(
        "assertion failed: There are [{in_checkpoint}] sources in the checkpoint offsets and now \
         there are [{in_query}] sources requested by the query. Cannot continue."
    )]
    SourceCount {
        in_checkpoint: usize,
        in_query: usize,
    },
    #[error("{origin}: {reason}")]
    Source { origin: String, reason: String },
    #[error("{sink}: {reason}")]
    Sink { sink: String, reason: String },
    #[error("{}: {reason}", path.display())]
    File {
        path: PathBuf,
        reason: String,
        kind: io::ErrorKind,
    },
    #[error("a task of the batch ended early: {0}")]
    Task(String),
    /// A test asked for a failure here.
    #[error("injected fault at {step:?}")]
    Injected { step: Step },
}

impl StreamError {
    pub(crate) fn invalid_offset(origin: &str, offset: &SourceOffset) -> Self {
        Self::InvalidOffset {
            origin: origin.to_owned(),
            offset: offset.json().to_owned(),
        }
    }

    pub(crate) fn file(path: &std::path::Path, error: &io::Error) -> Self {
        Self::File {
            path: path.to_path_buf(),
            reason: error.to_string(),
            kind: error.kind(),
        }
    }

    /// The error as a Spark client knows it.
    pub fn to_spark(&self) -> SparkError {
        match self {
            Self::Spark(error) => error.clone(),
            Self::Checkpoint(error @ LogError::ConcurrentUpdate { batch }) => {
                SparkError::streaming(
                    Exception::ConcurrentModification,
                    "CONCURRENT_STREAM_LOG_UPDATE",
                    "40000",
                    text_of(&error.to_string()),
                    &[("batchId", &batch.to_string())],
                )
            }
            Self::Checkpoint(error @ LogError::MetadataMissing { checkpoint }) => {
                SparkError::streaming(
                    Exception::Runtime,
                    "STREAMING_CHECKPOINT_MISSING_METADATA_FILE",
                    "42K03",
                    text_of(&error.to_string()),
                    &[("checkpointLocation", &checkpoint.display().to_string())],
                )
            }
            Self::Checkpoint(error @ LogError::NotFound { path }) => SparkError::streaming(
                Exception::FileNotFound,
                "BATCH_METADATA_NOT_FOUND",
                "42K03",
                text_of(&error.to_string()),
                &[("batchMetadataFile", &path.display().to_string())],
            ),
            Self::State(error) => match error.condition() {
                Some((class, sql_state)) => {
                    let text = text_of(&error.to_string());
                    SparkError::streaming(Exception::Runtime, class, sql_state, text, &[])
                }
                None => internal(&error.to_string()),
            },
            other => internal(&other.to_string()),
        }
    }
}

fn internal(text: &str) -> SparkError {
    SparkError::streaming(
        Exception::Spark,
        "INTERNAL_ERROR_STREAMING",
        "XXKST",
        text,
        &[("message", text)],
    )
}

/// The message without the class in front and the state behind, which the client's side adds.
fn text_of(text: &str) -> String {
    let text = text.split_once("] ").map_or(text, |(_, rest)| rest);
    text.rsplit_once(" SQLSTATE")
        .map_or(text, |(front, _)| front)
        .to_owned()
}

impl From<DataFusionError> for StreamError {
    /// Finds the engine's own error inside, or takes it as one of the language.
    fn from(error: DataFusionError) -> Self {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(current) = source {
            if let Some(found) = current.downcast_ref::<Self>() {
                return found.clone();
            }
            source = match current.downcast_ref::<DataFusionError>() {
                Some(DataFusionError::Shared(shared)) => Some(shared.as_ref()),
                Some(DataFusionError::External(external)) => Some(external.as_ref()),
                _ => current.source(),
            };
        }
        Self::Spark(error.into())
    }
}

impl From<ArrowError> for StreamError {
    fn from(error: ArrowError) -> Self {
        Self::Spark(error.into())
    }
}

impl From<StreamError> for DataFusionError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Spark(error) => error.into(),
            other => Self::External(Box::new(other)),
        }
    }
}

impl From<StateError> for DataFusionError {
    fn from(error: StateError) -> Self {
        StreamError::from(error).into()
    }
}
