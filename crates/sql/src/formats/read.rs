//! Reading files: their schema, and their rows one partition a file.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream::{self, StreamExt};

use super::Format;
use super::csv;
use super::listing::{DataFile, files};
use crate::cast::{CastMode, cast_array};
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::functions::{CsvReader, JsonOptions, JsonReader, json_schema};
use crate::ir::{DataType, StructField, StructType};
use crate::source::ReadRequest;
use crate::time::TimeZone;
use crate::types::{INTERNAL_TIME_ZONE, from_arrow, from_arrow_schema, to_arrow_schema};

/// Lines of one batch.
const BATCH_LINES: usize = 8192;

fn session_zone(request: &ReadRequest) -> TimeZone {
    TimeZone::parse(&request.configuration.time_zone()).unwrap_or(TimeZone::UTC)
}

fn json_options(request: &ReadRequest) -> Result<JsonOptions> {
    let options = request
        .options
        .iter()
        .map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned()))
        .collect();
    JsonOptions::new(&options, session_zone(request))
}

pub(super) fn schema(format: Format, request: &ReadRequest) -> Result<StructType> {
    let files = files(&request.paths)?;
    let partitions = partition_fields(&files);
    let data = match &request.schema {
        Some(schema) => schema.clone(),
        None => infer(format, request, &files)?,
    };
    let mut fields: Vec<StructField> = data
        .fields
        .iter()
        .filter(|f| {
            !partitions
                .iter()
                .any(|p| p.name.eq_ignore_ascii_case(&f.name))
        })
        .map(|f| StructField {
            nullable: true,
            ..f.clone()
        })
        .collect();
    for partition in partitions {
        let declared = data
            .fields
            .iter()
            .find(|f| f.name.eq_ignore_ascii_case(&partition.name));
        fields.push(declared.cloned().unwrap_or(partition));
    }
    Ok(StructType::new(fields))
}

fn infer(format: Format, request: &ReadRequest, files: &[DataFile]) -> Result<StructType> {
    match format {
        Format::Text => Ok(StructType::new(vec![StructField::new(
            "value",
            DataType::STRING,
            true,
        )])),
        Format::Parquet => {
            let first = files
                .first()
                .ok_or_else(|| SparkError::unable_to_infer_schema("Parquet"))?;
            let reader = open_parquet(first)?;
            from_arrow_schema(reader.schema())
                .map(nullable)
                .ok_or_else(|| SparkError::unable_to_infer_schema("Parquet"))
        }
        Format::Csv => csv::infer(request, files, session_zone(request)),
        Format::Json => {
            let options = json_options(request)?;
            let mut merged = DataType::Null;
            let mut corrupt = false;
            for file in files {
                for line in records(request, file)? {
                    match crate::functions::json_parse(&line, &options.syntax) {
                        Some(value) => match json_schema::infer(&value, &options) {
                            DataType::Array { element, .. } => {
                                merged = json_schema::merge(&merged, &element)
                            }
                            DataType::Struct(fields) => {
                                merged = json_schema::merge(&merged, &DataType::Struct(fields));
                            }
                            _ => corrupt = true,
                        },
                        None => corrupt = true,
                    }
                }
            }
            let mut fields = match json_schema::finished(merged) {
                Some(DataType::Struct(fields)) => fields.fields.to_vec(),
                _ if corrupt => Vec::new(),
                _ => return Err(SparkError::unable_to_infer_schema("JSON")),
            };
            if corrupt {
                fields.push(StructField::new(
                    options.corrupt_column,
                    DataType::STRING,
                    true,
                ));
                fields.sort_by(|a, b| a.name.cmp(&b.name));
            }
            Ok(StructType::new(fields))
        }
    }
}

fn nullable(schema: StructType) -> StructType {
    match crate::types::coercion::as_nullable(&DataType::Struct(schema)) {
        DataType::Struct(schema) => schema,
        _ => StructType::default(),
    }
}

/// Partition columns by the names of folders, with the narrowest type that holds their values.
fn partition_fields(files: &[DataFile]) -> Vec<StructField> {
    let Some(first) = files.first() else {
        return Vec::new();
    };
    let column = |index: usize| -> StructField {
        let values: Vec<&str> = files
            .iter()
            .filter_map(|f| f.partitions.get(index).and_then(|(_, v)| v.as_deref()))
            .collect();
        let all =
            |test: &dyn Fn(&str) -> bool| !values.is_empty() && values.iter().all(|v| test(v));
        let data_type = if all(&|v| v.parse::<i32>().is_ok()) {
            DataType::Integer
        } else if all(&|v| v.parse::<i64>().is_ok()) {
            DataType::Long
        } else if all(&|v| v.len() == 10 && crate::cast::parse_date(v).is_some()) {
            DataType::Date
        } else if all(&|v| v.parse::<f64>().is_ok()) {
            DataType::Double
        } else {
            DataType::STRING
        };
        StructField::new(first.partitions[index].0.clone(), data_type, true)
    };
    (0..first.partitions.len()).map(column).collect()
}

pub(super) fn scan(
    format: Format,
    request: &ReadRequest,
    schema: &StructType,
) -> Result<Arc<dyn TableProvider>> {
    let arrow = to_arrow_schema(&nullable(schema.clone()), INTERNAL_TIME_ZONE);
    let partitions: Vec<Arc<dyn PartitionStream>> = files(&request.paths)?
        .into_iter()
        .map(|file| {
            let part = FilePartition {
                format,
                file,
                request: request.clone(),
                schema: schema.clone(),
                arrow: arrow.clone(),
            };
            Arc::new(part) as Arc<dyn PartitionStream>
        })
        .collect();
    if partitions.is_empty() {
        return Ok(Arc::new(datafusion::datasource::MemTable::try_new(
            arrow,
            vec![vec![]],
        )?));
    }
    Ok(Arc::new(StreamingTable::try_new(arrow, partitions)?))
}

struct FilePartition {
    format: Format,
    file: DataFile,
    request: ReadRequest,
    schema: StructType,
    arrow: SchemaRef,
}

impl fmt::Debug for FilePartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.format, self.file.path.display())
    }
}

impl PartitionStream for FilePartition {
    fn schema(&self) -> &SchemaRef {
        &self.arrow
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = match self.open() {
            Ok(batches) => stream::iter(batches.map(|b| b.map_err(Into::into))).boxed(),
            Err(error) => stream::iter([Err(error.into())]).boxed(),
        };
        Box::pin(RecordBatchStreamAdapter::new(self.arrow.clone(), batches))
    }
}

/// What makes columns of a file's records.
enum Reader {
    Json(JsonReader),
    Csv(CsvReader),
    Text,
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

impl FilePartition {
    fn open(&self) -> Result<Batches> {
        let (schema, arrow, file) = (self.schema.clone(), self.arrow.clone(), self.file.clone());
        let zone = session_zone(&self.request);
        match self.format {
            Format::Parquet => {
                let builder = open_parquet(&file)?;
                let wanted: Vec<usize> = (0..builder.schema().fields().len())
                    .filter(|i| schema.index_of(builder.schema().field(*i).name()).is_some())
                    .collect();
                let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
                let reader = builder
                    .with_projection(mask)
                    .with_batch_size(BATCH_LINES)
                    .build();
                let reader = reader.map_err(|e| unreadable(&file, &e.to_string()))?;
                Ok(Box::new(reader.map(move |batch| {
                    let batch = batch.map_err(|e| unreadable(&file, &e.to_string()))?;
                    aligned(&batch, &schema, &arrow, &file, zone)
                })))
            }
            Format::Json | Format::Csv | Format::Text => {
                let lines = match self.format {
                    Format::Csv => csv::records(&self.request, &file, zone)?,
                    _ => records(&self.request, &file)?,
                };
                let data: Vec<StructField> = schema
                    .fields
                    .iter()
                    .filter(|f| {
                        !file
                            .partitions
                            .iter()
                            .any(|(p, _)| p.eq_ignore_ascii_case(&f.name))
                    })
                    .cloned()
                    .collect();
                let data = nullable(StructType::new(data));
                let reader = match self.format {
                    Format::Json => Reader::Json(JsonReader::new(
                        DataType::Struct(data.clone()),
                        json_options(&self.request)?,
                    )),
                    Format::Csv => Reader::Csv(csv::reader(&self.request, data.clone(), zone)?),
                    _ => Reader::Text,
                };
                let data_arrow = to_arrow_schema(&data, INTERNAL_TIME_ZONE);
                let chunks: Vec<Vec<String>> =
                    lines.chunks(BATCH_LINES).map(<[String]>::to_vec).collect();
                Ok(Box::new(chunks.into_iter().map(move |chunk| {
                    let texts = StringArray::from(chunk);
                    let lines = texts.len();
                    let columns: Vec<ArrayRef> = match &reader {
                        Reader::Json(reader) => {
                            reader.column(&texts, None)?.as_struct().columns().to_vec()
                        }
                        Reader::Csv(reader) => reader.columns(&texts)?,
                        Reader::Text => vec![Arc::new(texts)],
                    };
                    let rows = columns.first().map_or(lines, |c| c.len());
                    let options =
                        arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
                    let batch =
                        RecordBatch::try_new_with_options(data_arrow.clone(), columns, &options)?;
                    aligned(&batch, &schema, &arrow, &file, zone)
                })))
            }
        }
    }
}

fn unreadable(file: &DataFile, reason: &str) -> SparkError {
    SparkError::cannot_read_file(&format!("file://{}", file.path.display()), reason)
}

fn open_parquet(file: &DataFile) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let opened = File::open(&file.path).map_err(|e| unreadable(file, &e.to_string()))?;
    ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|e| unreadable(file, &e.to_string()))
}

/// The batch with the columns of the schema: by name, partition values from the path, missing ones null.
fn aligned(
    batch: &RecordBatch,
    schema: &StructType,
    arrow: &SchemaRef,
    file: &DataFile,
    time_zone: TimeZone,
) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let mode = CastMode {
        strict: true,
        ansi: true,
        time_zone,
    };
    let columns = schema.fields.iter().map(|field| {
        let target = crate::types::coercion::as_nullable(&field.data_type);
        if let Some((_, value)) = file
            .partitions
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(&field.name))
        {
            let texts: ArrayRef = Arc::new(StringArray::from(vec![value.clone(); rows]));
            return cast_array(&texts, &DataType::STRING, &target, mode);
        }
        let found = batch
            .schema()
            .fields()
            .iter()
            .position(|f| f.name().eq_ignore_ascii_case(&field.name));
        let Some(index) = found else {
            return Ok(arrow::array::new_null_array(&internal_arrow(&target), rows));
        };
        let from = from_arrow(batch.column(index).data_type())
            .ok_or_else(|| unreadable(file, "a column has a type that Spark has not"))?;
        let from = crate::types::coercion::as_nullable(&from);
        let column = crate::execution::reshape(batch.column(index), &internal_arrow(&from))?;
        cast_array(&column, &from, &target, mode)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let columns = columns
        .iter()
        .zip(arrow.fields())
        .map(|(c, f)| crate::execution::reshape(c, f.data_type()));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(
        arrow.clone(),
        columns,
        &options,
    )?)
}

/// The whole of a text file, unpacked.
pub(super) fn contents(file: &DataFile) -> Result<String> {
    let mut bytes = Vec::new();
    let opened = File::open(&file.path).map_err(|e| unreadable(file, &e.to_string()))?;
    let gzipped = file.path.extension().is_some_and(|e| e == "gz");
    let read = if gzipped {
        flate2::read::MultiGzDecoder::new(opened).read_to_end(&mut bytes)
    } else {
        let mut opened = opened;
        opened.read_to_end(&mut bytes)
    };
    read.map_err(|e| unreadable(file, &e.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The records of a text file: its lines, or the whole of it.
fn records(request: &ReadRequest, file: &DataFile) -> Result<Vec<String>> {
    let text = contents(file)?;
    let whole =
        request.options.flag("multiLine", false)? || request.options.flag("wholetext", false)?;
    if whole {
        return Ok(vec![text]);
    }
    let is_json = request.format.eq_ignore_ascii_case("json");
    let lines = match request.options.get("lineSep") {
        Some(separator) => text
            .strip_suffix(separator)
            .unwrap_or(&text)
            .split(separator)
            .map(str::to_owned)
            .collect(),
        None => text
            .lines()
            .map(|l| l.trim_end_matches('\r').to_owned())
            .collect::<Vec<_>>(),
    };
    Ok(lines
        .into_iter()
        .filter(|l| !is_json || !l.trim().is_empty())
        .collect())
}
