//! CSV files: their records, without headers and comments, and the schema these have.

use super::listing::DataFile;
use super::read::contents;
use crate::error::{Result, SparkError};
use crate::functions::{CsvOptions, CsvReader, csv_record, csv_schema};
use crate::ir::{DataType, StructType};
use crate::source::ReadRequest;
use crate::time::TimeZone;

fn options(request: &ReadRequest, zone: TimeZone) -> Result<CsvOptions> {
    let options = request.options.iter();
    let options = options.map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned()));
    CsvOptions::new(&options.collect(), zone)
}

pub(super) fn reader(
    request: &ReadRequest,
    schema: StructType,
    zone: TimeZone,
) -> Result<CsvReader> {
    Ok(CsvReader::new(schema, options(request, zone)?))
}

/// The records of a file that hold data.
pub(super) fn records(
    request: &ReadRequest,
    file: &DataFile,
    zone: TimeZone,
) -> Result<Vec<String>> {
    let options = options(request, zone)?;
    let mut records = all_records(request, file, &options)?;
    if options.header && !records.is_empty() {
        records.remove(0);
    }
    Ok(records)
}

fn all_records(
    request: &ReadRequest,
    file: &DataFile,
    options: &CsvOptions,
) -> Result<Vec<String>> {
    let text = contents(file)?;
    let records: Vec<String> = if request.options.flag("multiLine", false)? {
        csv_record::records(&text, options)
    } else if let Some(separator) = request.options.get("lineSep") {
        text.split(separator).map(str::to_owned).collect()
    } else {
        text.lines().map(str::to_owned).collect()
    };
    let is_data = |record: &String| {
        let is_comment = options.comment.is_some_and(|c| record.starts_with(c));
        !record.trim().is_empty() && !is_comment
    };
    Ok(records.into_iter().filter(is_data).collect())
}

/// Names from the first record if it is a header, types from all records if they are to be inferred.
pub(super) fn infer(
    request: &ReadRequest,
    files: &[DataFile],
    zone: TimeZone,
) -> Result<StructType> {
    let options = options(request, zone)?;
    let mut names: Option<Vec<String>> = None;
    let mut types: Vec<DataType> = Vec::new();
    for file in files {
        let mut records = all_records(request, file, &options)?.into_iter();
        if names.is_none()
            && let Some(first) = records.as_slice().first()
        {
            let cells = csv_record::split(first, &options);
            types = vec![DataType::Null; cells.len()];
            names = Some(cells.into_iter().map(|cell| cell.text).collect());
        }
        if options.header {
            records.next();
        }
        if options.infer_schema {
            for record in records {
                csv_schema::widen(&mut types, &csv_record::split(&record, &options), &options);
            }
        }
    }
    let found = names.ok_or_else(|| SparkError::unable_to_infer_schema("CSV"))?;
    let names: Vec<String> = found
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            if options.header && !name.is_empty() {
                name
            } else {
                format!("_c{index}")
            }
        })
        .collect();
    Ok(csv_schema::named(&names, types))
}
