//! Writing files: one part a partition and a folder per partition value, made visible together at the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, GzipLevel, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Format;
use super::lines::{LineFormat, LineWriter};
use super::listing::{escape, local_path};
use crate::cast::{Style, ValueWriter};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, SaveMode, StructField, StructType};
use crate::source::{PartitionStream, WriteRequest};
use crate::time::TimeZone;
use crate::types::{INTERNAL_TIME_ZONE, to_arrow_schema};

const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";
/// Where files lie until all of them are written.
const STAGING: &str = "_temporary";

pub(super) fn check(format: Format, request: &WriteRequest) -> Result<()> {
    for column in &request.partition_columns {
        if request.schema.index_of(column).is_none() {
            let names: Vec<&str> = request
                .schema
                .fields
                .iter()
                .map(|f| f.name.as_str())
                .collect();
            return Err(SparkError::partition_column_not_found(
                column,
                &names.join(", "),
            ));
        }
    }
    if !request.partition_columns.is_empty()
        && request.partition_columns.len() >= request.schema.len()
    {
        return Err(SparkError::all_partition_columns());
    }
    let data = data_schema(request);
    if format == Format::Text && (data.len() != 1 || !data.fields[0].data_type.is_string()) {
        return Err(SparkError::text_needs_one_string_column(data.len()));
    }
    codec(format, request)?;
    path(request).map(|_| ())
}

fn path(request: &WriteRequest) -> Result<PathBuf> {
    let path = request
        .path
        .as_deref()
        .ok_or_else(|| SparkError::data_source_option_missing("path", "'path' is not specified"))?;
    Ok(local_path(path))
}

/// The columns that go into files.
pub(super) fn data_schema(request: &WriteRequest) -> StructType {
    let is_partition = |f: &StructField| {
        request
            .partition_columns
            .iter()
            .any(|p| p.eq_ignore_ascii_case(&f.name))
    };
    let kept = request.schema.fields.iter().filter(|f| !is_partition(f));
    StructType::new(
        kept.map(|f| StructField {
            nullable: true,
            ..f.clone()
        })
        .collect(),
    )
}

/// Compression and what it puts into a file's name.
pub(super) fn codec(format: Format, request: &WriteRequest) -> Result<(Compression, String)> {
    let given = request
        .options
        .get("compression")
        .map(str::to_ascii_lowercase);
    if format != Format::Parquet {
        let extension = match format {
            Format::Json => "json",
            Format::Csv => "csv",
            _ => "txt",
        };
        return match given.as_deref() {
            None | Some("none" | "uncompressed") => {
                Ok((Compression::UNCOMPRESSED, extension.to_owned()))
            }
            Some("gzip") => Ok((
                Compression::GZIP(GzipLevel::default()),
                format!("{extension}.gz"),
            )),
            Some(other) => Err(SparkError::unsupported_option(
                &request.format,
                "compression",
                other,
            )),
        };
    }
    let given = given.unwrap_or_else(|| {
        request
            .configuration
            .get_or("spark.sql.parquet.compression.codec", "snappy")
            .to_ascii_lowercase()
    });
    Ok(match given.as_str() {
        "none" | "uncompressed" => (Compression::UNCOMPRESSED, "parquet".to_owned()),
        "snappy" => (Compression::SNAPPY, "snappy.parquet".to_owned()),
        "gzip" => (
            Compression::GZIP(GzipLevel::default()),
            "gz.parquet".to_owned(),
        ),
        "zstd" => (
            Compression::ZSTD(ZstdLevel::default()),
            "zstd.parquet".to_owned(),
        ),
        "lz4_raw" => (Compression::LZ4_RAW, "lz4raw.parquet".to_owned()),
        other => {
            return Err(SparkError::unsupported_option(
                "parquet",
                "compression",
                other,
            ));
        }
    })
}

fn failed(path: &Path, error: impl std::fmt::Display) -> SparkError {
    SparkError::cannot_write(&path.display().to_string(), &error.to_string())
}

pub(super) async fn write(
    format: Format,
    request: &WriteRequest,
    partitions: Vec<PartitionStream>,
    cancellation: CancellationToken,
) -> Result<()> {
    let root = path(request)?;
    let occupied = root.is_dir() && std::fs::read_dir(&root).is_ok_and(|mut d| d.next().is_some())
        || root.is_file();
    match request.mode {
        SaveMode::ErrorIfExists if root.exists() => {
            return Err(SparkError::path_already_exists(&format!(
                "file:{}",
                root.display()
            )));
        }
        SaveMode::Ignore if root.exists() => return Ok(()),
        _ => {}
    }
    let job = Uuid::new_v4();
    let staging = root.join(STAGING).join(job.to_string());
    std::fs::create_dir_all(&staging).map_err(|e| failed(&staging, e))?;
    let written = stage(format, request, partitions, &staging, job, &cancellation).await;
    let files = match written {
        Ok(files) => files,
        Err(error) => {
            let _ = std::fs::remove_dir_all(root.join(STAGING));
            return Err(error);
        }
    };
    if request.mode == SaveMode::Overwrite && occupied {
        clear(&root)?;
    }
    publish(&root, &staging, &files)
}

/// Writes everything under `staging`; gives the paths relative to it.
async fn stage(
    format: Format,
    request: &WriteRequest,
    partitions: Vec<PartitionStream>,
    staging: &Path,
    job: Uuid,
    cancellation: &CancellationToken,
) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for (number, mut partition) in partitions.into_iter().enumerate() {
        let mut writers: BTreeMap<String, Part> = BTreeMap::new();
        while let Some(batch) = partition.next().await {
            if cancellation.is_cancelled() {
                return Err(SparkError::cancelled());
            }
            for (folder, rows) in by_folder(request, &batch?)? {
                if !writers.contains_key(&folder) {
                    let part = Part::create(format, request, staging, &folder, number, job)?;
                    writers.insert(folder.clone(), part);
                }
                if let Some(part) = writers.get_mut(&folder) {
                    part.write(&rows)?;
                }
            }
        }
        if writers.is_empty() && number == 0 && request.partition_columns.is_empty() {
            // A file that tells the schema of no rows.
            writers.insert(
                String::new(),
                Part::create(format, request, staging, "", number, job)?,
            );
        }
        for (_, part) in writers {
            files.push(part.finish()?);
        }
    }
    Ok(files)
}

fn clear(root: &Path) -> Result<()> {
    if root.is_file() {
        return std::fs::remove_file(root).map_err(|e| failed(root, e));
    }
    for entry in std::fs::read_dir(root).map_err(|e| failed(root, e))? {
        let path = entry.map_err(|e| failed(root, e))?.path();
        if path.file_name().is_some_and(|n| n == STAGING) {
            continue;
        }
        let removed = if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        removed.map_err(|e| failed(&path, e))?;
    }
    Ok(())
}

fn publish(root: &Path, staging: &Path, files: &[PathBuf]) -> Result<()> {
    for file in files {
        let target = root.join(file);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(|e| failed(parent, e))?;
        }
        std::fs::rename(staging.join(file), &target).map_err(|e| failed(&target, e))?;
    }
    std::fs::remove_dir_all(root.join(STAGING)).map_err(|e| failed(root, e))?;
    let success = root.join("_SUCCESS");
    File::create(&success)
        .and_then(|f| f.sync_all())
        .map_err(|e| failed(&success, e))
}

/// The rows of each partition folder, without the partition columns.
pub(super) fn by_folder(
    request: &WriteRequest,
    batch: &RecordBatch,
) -> Result<Vec<(String, RecordBatch)>> {
    let keys: Vec<usize> = request
        .partition_columns
        .iter()
        .filter_map(|c| request.schema.index_of(c))
        .collect();
    let kept: Vec<usize> = (0..request.schema.len())
        .filter(|i| !keys.contains(i))
        .collect();
    let data = batch.project(&kept)?;
    if keys.is_empty() {
        return Ok(vec![(String::new(), data)]);
    }
    let zone = TimeZone::parse(&request.configuration.time_zone()).unwrap_or(TimeZone::UTC);
    let writer = ValueWriter::new(Style::Cast, zone);
    let mut rows: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        let parts = keys.iter().map(|key| {
            let field = &request.schema.fields[*key];
            let value = writer
                .text(batch.column(*key), &field.data_type, row)
                .filter(|v| !v.is_empty());
            let value = value.map_or_else(|| NULL_PARTITION.to_owned(), |v| escape(&v));
            format!("{}={value}", escape(&field.name))
        });
        rows.entry(parts.collect::<Vec<_>>().join("/"))
            .or_default()
            .push(row as u32);
    }
    rows.into_iter()
        .map(|(folder, rows)| Ok((folder, take_record_batch(&data, &UInt32Array::from(rows))?)))
        .collect()
}

/// One file under construction.
struct Part {
    relative: PathBuf,
    path: PathBuf,
    schema: StructType,
    kind: Kind,
}

enum Kind {
    Parquet(Box<ArrowWriter<File>>),
    Lines(Box<LineWriter<BufWriter<File>>>),
}

impl Part {
    fn create(
        format: Format,
        request: &WriteRequest,
        staging: &Path,
        folder: &str,
        number: usize,
        job: Uuid,
    ) -> Result<Self> {
        let (compression, extension) = codec(format, request)?;
        let relative = Path::new(folder).join(format!("part-{number:05}-{job}-c000.{extension}"));
        let path = staging.join(&relative);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| failed(parent, e))?;
        }
        let file = File::create(&path).map_err(|e| failed(&path, e))?;
        let schema = data_schema(request);
        let kind = if format == Format::Parquet {
            let arrow = to_arrow_schema(&schema, INTERNAL_TIME_ZONE);
            let metadata = datafusion::parquet::file::metadata::KeyValue::new(
                "org.apache.spark.sql.parquet.row.metadata".to_owned(),
                crate::types::to_json(&DataType::Struct(schema.clone())),
            );
            let properties = WriterProperties::builder()
                .set_compression(compression)
                .set_key_value_metadata(Some(vec![metadata]))
                .build();
            let writer = ArrowWriter::try_new(file, arrow, Some(properties))
                .map_err(|e| failed(&path, e))?;
            Kind::Parquet(Box::new(writer))
        } else {
            let format = Arc::new(LineFormat::of(format, request)?);
            Kind::Lines(Box::new(format.writer(BufWriter::new(file))))
        };
        Ok(Self {
            relative,
            path,
            schema,
            kind,
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let arrow = to_arrow_schema(&self.schema, INTERNAL_TIME_ZONE);
        let batch = crate::execution::conform(batch, &arrow)?;
        match &mut self.kind {
            Kind::Parquet(writer) => writer.write(&batch).map_err(|e| failed(&self.path, e)),
            Kind::Lines(writer) => writer.write(&batch),
        }
    }

    fn finish(self) -> Result<PathBuf> {
        match self.kind {
            Kind::Parquet(writer) => {
                writer.close().map_err(|e| failed(&self.path, e))?;
            }
            Kind::Lines(writer) => {
                let out = writer.finish().and_then(|mut out| out.flush());
                out.map_err(|e| failed(&self.path, e))?;
            }
        }
        Ok(self.relative)
    }
}
