//! What makes a batch source of files a source of streams: its schema must be known beforehand.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use fleuve_sql::error::Result as SqlResult;
use fleuve_sql::ir::{StructField, StructType};
use fleuve_sql::source::{BatchSource, ReadRequest};

use super::illegal;
use crate::source::open::string_type;

/// A file format that can be read as a stream as well.
pub(in crate::source) struct StreamedFiles {
    pub(in crate::source) inner: Arc<dyn BatchSource>,
}

#[async_trait]
impl BatchSource for StreamedFiles {
    async fn schema(&self, request: &ReadRequest) -> SqlResult<StructType> {
        self.inner.schema(request).await
    }

    async fn scan(
        &self,
        request: &ReadRequest,
        schema: &StructType,
    ) -> SqlResult<Arc<dyn TableProvider>> {
        self.inner.scan(request, schema).await
    }

    async fn input_files(&self, request: &ReadRequest) -> SqlResult<Vec<String>> {
        self.inner.input_files(request).await
    }

    async fn stream_schema(&self, request: &ReadRequest) -> SqlResult<StructType> {
        if request.paths.is_empty() && request.options.get("path").is_none() {
            return Err(illegal(
                "_LEGACY_ERROR_TEMP_2047",
                "'path' is not specified.",
            ));
        }
        if let Some(schema) = &request.schema {
            return Ok(schema.clone());
        }
        if request.format.eq_ignore_ascii_case("text") {
            return Ok(StructType::new(vec![StructField::new(
                "value",
                string_type(),
                true,
            )]));
        }
        if request
            .configuration
            .flag("spark.sql.streaming.schemaInference")
        {
            return self.inner.schema(request).await;
        }
        Err(illegal(
            "_LEGACY_ERROR_TEMP_2048",
            "Schema must be specified when creating a streaming source DataFrame. If some files \
             already exist in the directory, then depending on the file format you may be able to \
             create a static DataFrame on that directory with 'spark.read.load(directory)' and \
             infer schema from it.",
        ))
    }
}
