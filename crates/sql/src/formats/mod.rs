//! Data in files: parquet, json, csv, text.
//!
//! Always true: a folder with `_spark_metadata` holds exactly the files that its log names; files and folders whose
//! names begin with `_` or `.` are no data. Start at `FileSource` and `FileSink`.

mod csv;
mod lines;
mod listing;
mod read;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use tokio_util::sync::CancellationToken;

use crate::error::{Result, SparkError};
use crate::ir::StructType;
use crate::source::{BatchSink, BatchSource, PartitionStream, ReadRequest, Registry, WriteRequest};

pub use lines::{LineFormat, LineWriter, file_schema, rows_by_folder};

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Parquet,
    Json,
    Csv,
    Text,
}

pub(crate) fn register(registry: &Registry) {
    for (name, format) in [
        ("parquet", Format::Parquet),
        ("json", Format::Json),
        ("csv", Format::Csv),
        ("text", Format::Text),
    ] {
        registry.register_source(name, Arc::new(FileSource { format }));
        registry.register_sink(name, Arc::new(FileSink { format }));
    }
}

/// True if `path` is `folder` or below it, `..` resolved.
pub(crate) fn is_inside(path: &str, folder: &str) -> bool {
    let normal = |text: &str| {
        let mut parts: Vec<String> = Vec::new();
        for part in listing::local_path(text).components() {
            match part {
                std::path::Component::ParentDir => {
                    parts.pop();
                }
                std::path::Component::CurDir => {}
                other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
            }
        }
        parts
    };
    normal(path).starts_with(&normal(folder))
}

struct FileSource {
    format: Format,
}

struct FileSink {
    format: Format,
}

#[async_trait]
impl BatchSource for FileSource {
    async fn schema(&self, request: &ReadRequest) -> Result<StructType> {
        read::schema(self.format, request)
    }

    async fn scan(
        &self,
        request: &ReadRequest,
        schema: &StructType,
    ) -> Result<Arc<dyn TableProvider>> {
        read::scan(self.format, request, schema)
    }

    async fn input_files(&self, request: &ReadRequest) -> Result<Vec<String>> {
        let files = listing::files(&request.paths)?;
        Ok(files
            .iter()
            .map(|f| format!("file://{}", f.path.display()))
            .collect())
    }

    async fn stream_schema(&self, request: &ReadRequest) -> Result<StructType> {
        match &request.schema {
            Some(schema) => Ok(schema.clone()),
            None if self.format == Format::Text => read::schema(self.format, request),
            None => Err(SparkError::unable_to_infer_schema(&request.format)),
        }
    }
}

#[async_trait]
impl BatchSink for FileSink {
    fn check(&self, request: &WriteRequest) -> Result<()> {
        write::check(self.format, request)
    }

    async fn write(
        &self,
        request: &WriteRequest,
        partitions: Vec<PartitionStream>,
        cancellation: CancellationToken,
    ) -> Result<()> {
        write::write(self.format, request, partitions, cancellation).await
    }
}
