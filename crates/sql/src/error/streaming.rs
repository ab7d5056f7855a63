//! Streaming plans that batch execution meets, and the other way round.

use super::{Exception, SparkError};

impl SparkError {
    /// A streaming plan was asked for rows.
    pub fn streaming_source_needs_write_stream() -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "_LEGACY_ERROR_TEMP_3102",
            "42000",
            "Queries with streaming sources must be executed with writeStream.start();",
        )
    }

    /// Structured Streaming refuses this operation: `operation` says which and why.
    pub fn unsupported_streaming_operation(operation: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "_LEGACY_ERROR_TEMP_3102",
            "42000",
            operation.to_owned(),
        )
        .with("msg", operation)
    }

    /// An output mode that the plan does not allow.
    pub fn unsupported_output_mode(mode: &str, operation: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
            "42KDE",
            format!("Invalid streaming output mode: {mode}. This output mode is not supported for {operation} on streaming DataFrames/DataSets."),
        )
        .with("outputMode", mode)
        .with("operation", operation)
    }

    pub fn invalid_output_mode(mode: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "STREAMING_OUTPUT_MODE.INVALID",
            "42KDE",
            format!("Invalid streaming output mode: {mode}. Accepted output modes are 'Append', 'Complete', 'Update'."),
        )
        .with("outputMode", mode)
    }

    pub fn event_time_not_timestamp(name: &str, data_type: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
            "42K09",
            format!("The event time `{name}` has the invalid type \"{data_type}\", but expected \"TIMESTAMP\"."),
        )
        .with("eventName", format!("`{name}`"))
        .with("eventType", format!("\"{data_type}\""))
    }

    /// A failed streaming query as its client sees it.
    pub fn streaming_query_failed(id: &str, run_id: &str, message: &str) -> Self {
        Self::new(
            Exception::StreamingQuery,
            "STREAM_FAILED",
            "XXKST",
            format!("Query [id = {id}, runId = {run_id}] terminated with exception: {message}"),
        )
        .with("id", id)
        .with("runId", run_id)
        .with("message", message)
    }

    /// A streaming error of a family that has no file of its own yet: class, SQLSTATE and named values as given.
    pub fn streaming(
        exception: Exception,
        class: &str,
        sql_state: &'static str,
        text: impl Into<String>,
        parameters: &[(&str, &str)],
    ) -> Self {
        parameters.iter().fold(
            Self::new(exception, class, sql_state, text),
            |error, (name, value)| error.with(name, *value),
        )
    }
}
