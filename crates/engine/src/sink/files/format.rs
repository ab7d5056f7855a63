//! What a file of the sink is made of: parquet, or lines of text.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use fleuve_sql::error::SparkError;
use fleuve_sql::formats::{LineFormat, LineWriter, file_schema};
use fleuve_sql::source::WriteRequest;
use fleuve_sql::types::{INTERNAL_TIME_ZONE, to_arrow_schema};

use super::parquet::{ParquetFile, ParquetSettings};
use crate::error::StreamError;
use crate::file_system::OutputFile;

/// How the files of one query are written.
#[derive(Debug)]
pub(super) enum FileFormat {
    Parquet {
        settings: Box<ParquetSettings>,
        schema: SchemaRef,
    },
    Lines(Arc<LineFormat>),
}

impl FileFormat {
    pub(super) fn new(request: &WriteRequest) -> Result<Self, SparkError> {
        if request.format != "parquet" {
            return Ok(Self::Lines(Arc::new(LineFormat::new(request)?)));
        }
        let schema = file_schema(request);
        Ok(Self::Parquet {
            settings: Box::new(ParquetSettings::new(request, &schema)?),
            schema: to_arrow_schema(&schema, INTERNAL_TIME_ZONE),
        })
    }

    /// The end of a file's name.
    pub(super) fn extension(&self) -> String {
        match self {
            Self::Parquet { settings, .. } => settings.extension(),
            Self::Lines(format) => format!(".{}", format.extension()),
        }
    }

    pub(super) fn writer(&self, file: Box<dyn OutputFile>) -> Result<FileWriter, StreamError> {
        let output = Output(file);
        Ok(match self {
            Self::Parquet { settings, schema } => {
                FileWriter::Parquet(Box::new(settings.writer(output, schema)?))
            }
            Self::Lines(format) => FileWriter::Lines(format.writer(output)),
        })
    }
}

/// One file being written.
pub(super) enum FileWriter {
    Parquet(Box<ParquetFile>),
    Lines(LineWriter<Output>),
}

impl FileWriter {
    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<(), StreamError> {
        match self {
            Self::Parquet(file) => file.write(rows),
            Self::Lines(file) => Ok(file.write(rows)?),
        }
    }

    /// Ends the file, makes it durable, and says how many bytes it has.
    pub(super) fn finish(self, path: &Path) -> Result<u64, StreamError> {
        let output = match self {
            Self::Parquet(file) => file.finish()?,
            Self::Lines(file) => file
                .finish()
                .map_err(|error| StreamError::file(path, &error))?,
        };
        output
            .0
            .finish()
            .map_err(|error| StreamError::file(path, &error))
    }
}

/// The file below a writer.
pub(super) struct Output(Box<dyn OutputFile>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
