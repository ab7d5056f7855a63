//! Errors that nobody should see, and those of the machinery underneath.

use datafusion::error::DataFusionError;

use super::{Exception, SparkError};

/// What the engine says of a subquery that yields several rows where one value is wanted.
const TOO_MANY_ROWS: &str = "Scalar subquery returned more than one row";

impl SparkError {
    pub fn internal(message: impl Into<String>) -> Self {
        let message = message.into();
        Self::new(Exception::Spark, "INTERNAL_ERROR", "XX000", message.clone())
            .with("message", message)
    }

    pub fn cancelled() -> Self {
        Self::new(
            Exception::Spark,
            "OPERATION_CANCELED",
            "HY008",
            "Operation has been canceled.",
        )
    }

    pub fn plan_too_deep(limit: usize) -> Self {
        Self::new(
            Exception::Spark,
            "FAILED_TO_PARSE_TOO_COMPLEX",
            "54001",
            format!(
                "The statement, including potential SQL functions and referenced views, was too complex to parse: more than {limit} levels. To mitigate this error divide the statement into multiple, less complex chunks."
            ),
        )
    }

    pub fn out_of_memory(message: &str) -> Self {
        Self::new(
            Exception::Spark,
            "UNABLE_TO_ACQUIRE_MEMORY",
            "53200",
            format!("Unable to acquire memory: {message}"),
        )
        .with("message", message)
    }

    pub(super) fn from_engine(error: &DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(message) => Self::out_of_memory(message),
            DataFusionError::NotImplemented(message) => Self::unsupported_feature(message),
            DataFusionError::Execution(message) if message.contains(TOO_MANY_ROWS) => Self::new(
                Exception::Spark,
                "SCALAR_SUBQUERY_TOO_MANY_ROWS",
                "21000",
                "More than one row returned by a subquery used as an expression.",
            ),
            other => Self::internal(other.to_string()),
        }
    }
}
