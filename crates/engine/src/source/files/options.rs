//! The options of a folder that is read as a stream.
//!
//! Start at [`FileOptions::new`].

use std::path::PathBuf;

use fleuve_sql::error::SparkError;
use fleuve_sql::source::SourceOptions;

use crate::error::StreamError;
use crate::query::local_path;

/// Files older than the newest by more than this are not looked at.
const MAX_FILE_AGE_DEFAULT_MS: i64 = 7 * 86_400_000;

/// What becomes of files whose rows are committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cleaning {
    Off,
    Delete,
    Archive(PathBuf),
}

#[derive(Debug)]
pub(super) struct FileOptions {
    pub(super) files_max: Option<usize>,
    pub(super) bytes_max: Option<u64>,
    pub(super) latest_first: bool,
    pub(super) max_age_ms: i64,
    name_only: bool,
    pub(super) cleaning: Cleaning,
}

impl FileOptions {
    pub(super) fn new(options: &SourceOptions) -> Result<Self, StreamError> {
        let positive = |key: &str| -> Result<Option<u64>, StreamError> {
            match options.number::<i64>(key)? {
                Some(number) if number <= 0 => Err(SparkError::invalid_data_source_option(
                    key,
                    &number.to_string(),
                    "a positive number",
                )
                .into()),
                number => Ok(number.map(i64::unsigned_abs)),
            }
        };
        let cleaning = match options
            .get_or("cleanSource", "off")
            .to_ascii_lowercase()
            .as_str()
        {
            "off" => Cleaning::Off,
            "delete" => Cleaning::Delete,
            "archive" => {
                let folder = options.get("sourceArchiveDir").ok_or_else(|| {
                    SparkError::invalid_data_source_option(
                        "sourceArchiveDir",
                        "",
                        "a folder, when cleanSource is archive",
                    )
                })?;
                Cleaning::Archive(local_path(folder))
            }
            other => {
                return Err(SparkError::invalid_data_source_option(
                    "cleanSource",
                    other,
                    "archive, delete or off",
                )
                .into());
            }
        };
        let files_max = positive("maxFilesPerTrigger")?.map(|count| count as usize);
        let latest_first = options.flag("latestFirst", false)?;
        let max_age = options.get_or("maxFileAge", "7d");
        let max_age_ms = match options.get("maxFileAge") {
            None => MAX_FILE_AGE_DEFAULT_MS,
            Some(text) => age_ms(text).ok_or_else(|| {
                SparkError::invalid_data_source_option("maxFileAge", max_age, "a duration")
            })?,
        };
        Ok(Self {
            files_max,
            bytes_max: positive("maxBytesPerTrigger")?,
            latest_first,
            // The newest first means that the old ones come late: age says nothing then.
            max_age_ms: if latest_first && files_max.is_some() {
                i64::MAX
            } else {
                max_age_ms
            },
            name_only: options.flag("fileNameOnly", false)?,
            cleaning,
        })
    }

    /// What two mentions of one file have in common.
    pub(super) fn identity(&self, path: &str) -> String {
        match self.name_only {
            true => path.rsplit('/').next().unwrap_or(path).to_owned(),
            false => path.to_owned(),
        }
    }
}

fn age_ms(text: &str) -> Option<i64> {
    let units = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    units.iter().find_map(|(unit, unit_ms)| {
        text.trim()
            .strip_suffix(unit)?
            .trim()
            .parse::<i64>()
            .ok()
            .map(|amount| amount * unit_ms)
    })
}
