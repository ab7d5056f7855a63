//! Parquet files, as the sink writes them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_writer::ArrowWriterOptions;
use datafusion::parquet::basic::{Compression, GzipLevel, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::KeyValue;
use datafusion::parquet::file::properties::WriterProperties;
use fleuve_sql::error::SparkError;
use fleuve_sql::ir::{DataType, StructType};
use fleuve_sql::source::WriteRequest;
use fleuve_sql::types::to_json;

use super::format::Output;
use crate::error::StreamError;

/// The key under which Spark keeps the schema in a file.
const SPARK_SCHEMA_KEY: &str = "org.apache.spark.sql.parquet.row.metadata";

/// How parquet files are written.
#[derive(Debug)]
pub(super) struct ParquetSettings {
    codec: &'static str,
    properties: WriterProperties,
}

impl ParquetSettings {
    /// `schema` is that of the files.
    pub(super) fn new(request: &WriteRequest, schema: &StructType) -> Result<Self, SparkError> {
        let configured = request
            .configuration
            .get_or("spark.sql.parquet.compression.codec", "snappy");
        let asked = request
            .options
            .get("compression")
            .or(request.options.get("parquet.compression"))
            .unwrap_or(&configured)
            .to_ascii_lowercase();
        let (codec, compression) = match asked.as_str() {
            "none" | "uncompressed" => ("", Compression::UNCOMPRESSED),
            "snappy" => (".snappy", Compression::SNAPPY),
            "gzip" => (".gz", Compression::GZIP(GzipLevel::default())),
            "zstd" => (".zstd", Compression::ZSTD(ZstdLevel::default())),
            "lz4" | "lz4_raw" => (".lz4raw", Compression::LZ4_RAW),
            _ => {
                return Err(SparkError::unsupported_option(
                    "parquet",
                    "compression",
                    &asked,
                ));
            }
        };
        let schema = to_json(&DataType::Struct(schema.clone()));
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_created_by(format!("fleuve {}", env!("CARGO_PKG_VERSION")))
            .set_key_value_metadata(Some(vec![KeyValue::new(
                SPARK_SCHEMA_KEY.to_owned(),
                schema,
            )]))
            .build();
        Ok(Self { codec, properties })
    }

    /// The end of a file's name.
    pub(super) fn extension(&self) -> String {
        format!("{}.parquet", self.codec)
    }

    pub(super) fn writer(
        &self,
        output: Output,
        schema: &SchemaRef,
    ) -> Result<ParquetFile, StreamError> {
        let options = ArrowWriterOptions::new()
            .with_properties(self.properties.clone())
            .with_skip_arrow_metadata(true);
        ArrowWriter::try_new_with_options(output, Arc::clone(schema), options)
            .map(|writer| ParquetFile { writer })
            .map_err(|error| failed(&error))
    }
}

/// A parquet file being written.
pub(super) struct ParquetFile {
    writer: ArrowWriter<Output>,
}

impl ParquetFile {
    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<(), StreamError> {
        self.writer.write(rows).map_err(|error| failed(&error))
    }

    pub(super) fn finish(self) -> Result<Output, StreamError> {
        self.writer.into_inner().map_err(|error| failed(&error))
    }
}

fn failed(error: &ParquetError) -> StreamError {
    StreamError::Sink {
        sink: "parquet".to_owned(),
        reason: error.to_string(),
    }
}
