//! From the name of a sink to the sink.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use fleuve_sql::error::{Exception, SparkError};
use fleuve_sql::ir::StructType;
use fleuve_sql::plan::AnalyzedPlan;
use fleuve_sql::source::SourceOptions;
use fleuve_sql::{Configuration, Session};
use uuid::Uuid;

use super::console::ConsoleSink;
use super::files::FileSink;
use super::kafka::KafkaSink;
use super::memory::{MemorySink, MemoryTable};
use super::noop::NoopSink;
use super::{OutputMode, Sink};
use crate::error::StreamError;
use crate::query::EngineSettings;

/// What a sink is opened with.
pub struct OpenSink<'a> {
    pub format: &'a str,
    pub options: &'a SourceOptions,
    pub path: Option<&'a str>,
    pub partition_columns: &'a [String],
    pub mode: OutputMode,
    pub name: Option<&'a str>,
    pub schema: &'a StructType,
    pub arrow_schema: &'a SchemaRef,
    pub configuration: &'a Configuration,
    /// The client's session, where a memory sink's table appears.
    pub session: &'a Session,
    pub query_session: &'a Session,
    pub settings: &'a EngineSettings,
    /// Whether the checkpoint has batches of a former run.
    pub continued: bool,
    pub checkpoint: &'a Path,
    /// The query's id, by which a batch finds its files again.
    pub query: Uuid,
}

/// Opens the sink that a query writes to.
pub fn open_sink(open: OpenSink<'_>) -> Result<Box<dyn Sink>, StreamError> {
    match open.format {
        "noop" => Ok(Box::<NoopSink>::default()),
        "memory" => memory(open),
        "kafka" => Ok(Box::new(KafkaSink::open(&open)?)),
        "console" => Ok(Box::new(ConsoleSink::open(&open)?)),
        "parquet" | "json" | "csv" | "text" => Ok(Box::new(FileSink::open(&open)?)),
        other => Err(SparkError::data_source_not_found(other).into()),
    }
}

fn memory(open: OpenSink<'_>) -> Result<Box<dyn Sink>, StreamError> {
    if open.continued && open.mode != OutputMode::Complete {
        let text = format!(
            "This query does not support recovering from checkpoint location. Delete {} to start \
             over.",
            open.checkpoint.join("offsets").display()
        );
        return Err(SparkError::streaming(
            Exception::Analysis,
            "_LEGACY_ERROR_TEMP_1299",
            "42000",
            text,
            &[],
        )
        .into());
    }
    let table = Arc::new(MemoryTable::new(open.arrow_schema));
    let name = open.name.unwrap_or_default();
    let view = AnalyzedPlan::from_table(open.schema.clone(), Arc::clone(&table) as _)?;
    open.session
        .with_catalog(|catalog| catalog.put_view(name, Arc::new(view), true))?;
    Ok(Box::new(MemorySink::new(table, open.mode)))
}
