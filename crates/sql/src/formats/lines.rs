//! Rows as lines of text: the writer of one file of json, csv or text.
//!
//! Start at [`LineFormat`], which is what a write asks for, checked once for all its files.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::datatypes::SchemaRef;
use flate2::write::GzEncoder;

use super::write::{check, codec, data_schema};
use super::{Format, write};
use crate::error::{Result, SparkError};
use crate::functions::{CsvOptions, CsvWriter, JsonWriter};
use crate::ir::{DataType, StructType};
use crate::source::WriteRequest;
use crate::time::TimeZone;
use crate::types::{INTERNAL_TIME_ZONE, to_arrow_schema};
use datafusion::parquet::basic::Compression;

/// How the files of one write are laid out.
pub struct LineFormat {
    kind: Kind,
    /// The columns that go into files, without those that name folders.
    schema: StructType,
    data_type: DataType,
    arrow_schema: SchemaRef,
    gzip: bool,
    extension: String,
}

enum Kind {
    Json(Box<JsonWriter>),
    Csv {
        writer: Box<CsvWriter>,
        /// The line that each file begins with.
        header: Option<String>,
    },
    Text,
}

impl std::fmt::Debug for LineFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LineFormat")
            .field("extension", &self.extension)
            .finish_non_exhaustive()
    }
}

impl LineFormat {
    /// Checks everything about a write that can be checked before its rows come.
    pub fn new(request: &WriteRequest) -> Result<Self> {
        let format = match request.format.to_ascii_lowercase().as_str() {
            "json" => Format::Json,
            "csv" => Format::Csv,
            "text" => Format::Text,
            other => return Err(SparkError::data_source_not_found(other)),
        };
        check(format, request)?;
        Self::of(format, request)
    }

    pub(super) fn of(format: Format, request: &WriteRequest) -> Result<Self> {
        let (compression, extension) = codec(format, request)?;
        let schema = data_schema(request);
        let kind = match format {
            Format::Json => {
                let (options, zone) = settings(request);
                Kind::Json(Box::new(JsonWriter::new(&options, zone)?))
            }
            Format::Csv => {
                let (options, zone) = settings(request);
                let options = CsvOptions::new(&options, zone)?;
                let has_header = options.header;
                let writer = Box::new(CsvWriter::new(options));
                let header = has_header.then(|| writer.header(&schema));
                Kind::Csv { writer, header }
            }
            _ => Kind::Text,
        };
        Ok(Self {
            kind,
            arrow_schema: to_arrow_schema(&schema, INTERNAL_TIME_ZONE),
            data_type: DataType::Struct(schema.clone()),
            schema,
            gzip: matches!(compression, Compression::GZIP(_)),
            extension,
        })
    }

    /// The end of a file's name, without the dot in front.
    pub fn extension(&self) -> &str {
        &self.extension
    }

    /// Begins a file on `out`.
    pub fn writer<W: Write>(self: &Arc<Self>, out: W) -> LineWriter<W> {
        let out = match self.gzip {
            true => Encoded::Gzip(Box::new(GzEncoder::new(
                out,
                flate2::Compression::default(),
            ))),
            false => Encoded::Plain(out),
        };
        let mut lines = Vec::new();
        if let Kind::Csv {
            header: Some(header),
            ..
        } = &self.kind
        {
            push_line(&mut lines, header);
        }
        LineWriter {
            format: Arc::clone(self),
            out,
            lines,
        }
    }
}

/// The options, keys in lower case, and the time zone of a write.
fn settings(request: &WriteRequest) -> (BTreeMap<String, String>, TimeZone) {
    let options = request
        .options
        .iter()
        .map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let zone = TimeZone::parse(&request.configuration.time_zone()).unwrap_or(TimeZone::UTC);
    (options, zone)
}

fn push_line(lines: &mut Vec<u8>, line: &str) {
    lines.extend_from_slice(line.as_bytes());
    lines.push(b'\n');
}

/// The rows of `batch` by the folder they belong to, without the columns that name the folders.
pub fn rows_by_folder(
    request: &WriteRequest,
    batch: &RecordBatch,
) -> Result<Vec<(String, RecordBatch)>> {
    write::by_folder(request, batch)
}

/// The columns that go into the files of a write.
pub fn file_schema(request: &WriteRequest) -> StructType {
    data_schema(request)
}

/// One file being written.
pub struct LineWriter<W: Write> {
    format: Arc<LineFormat>,
    out: Encoded<W>,
    /// Lines that are not written yet.
    lines: Vec<u8>,
}

enum Encoded<W: Write> {
    Plain(W),
    Gzip(Box<GzEncoder<W>>),
}

impl<W: Write> LineWriter<W> {
    /// Adds rows with the columns of the file.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let rows = crate::execution::conform(rows, &self.format.arrow_schema)?;
        match &self.format.kind {
            Kind::Json(json) => {
                let records: ArrayRef = Arc::new(StructArray::from(rows));
                for row in 0..records.len() {
                    let line = json.text(&records, &self.format.data_type, row)?;
                    push_line(&mut self.lines, &line.unwrap_or_default());
                }
            }
            Kind::Csv { writer, .. } => {
                for row in 0..rows.num_rows() {
                    let line = writer.line(rows.columns(), &self.format.schema, row)?;
                    push_line(&mut self.lines, &line);
                }
            }
            Kind::Text => {
                for line in rows.column(0).as_string::<i32>() {
                    push_line(&mut self.lines, line.unwrap_or_default());
                }
            }
        }
        self.write_lines()
            .map_err(|error| SparkError::cannot_write(&self.format.extension, &error.to_string()))
    }

    fn write_lines(&mut self) -> io::Result<()> {
        match &mut self.out {
            Encoded::Plain(out) => out.write_all(&self.lines)?,
            Encoded::Gzip(out) => out.write_all(&self.lines)?,
        }
        self.lines.clear();
        Ok(())
    }

    /// Ends the file and gives back what it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        // The header of a file without rows.
        self.write_lines()?;
        match self.out {
            Encoded::Plain(out) => Ok(out),
            Encoded::Gzip(out) => out.finish(),
        }
    }
}
