//! Whether a value suits its key.

use std::str::FromStr;

use chrono_tz::Tz;

use super::{MAP_KEY_POLICY, TIME_ZONE};
use crate::error::{Result, SparkError};

/// Keys whose values are one of a few words.
const WORDS: &[(&str, &[&str])] = &[
    (MAP_KEY_POLICY, &["EXCEPTION", "LAST_WIN"]),
    (
        "spark.sql.timestampType",
        &["TIMESTAMP_LTZ", "TIMESTAMP_NTZ"],
    ),
    (
        "spark.sql.storeAssignmentPolicy",
        &["ANSI", "LEGACY", "STRICT"],
    ),
    (
        "spark.sql.sources.partitionOverwriteMode",
        &["STATIC", "DYNAMIC"],
    ),
    (
        "spark.sql.streaming.multipleWatermarkPolicy",
        &["MIN", "MAX"],
    ),
    (
        "spark.sql.legacy.timeParserPolicy",
        &["EXCEPTION", "CORRECTED", "LEGACY"],
    ),
    (
        "spark.sql.parquet.compression.codec",
        &[
            "NONE",
            "UNCOMPRESSED",
            "SNAPPY",
            "GZIP",
            "LZO",
            "BROTLI",
            "LZ4",
            "LZ4_RAW",
            "ZSTD",
        ],
    ),
];

/// Checks a value by the type that its key's default shows.
pub(super) fn check(key: &str, value: &str, default: Option<&str>) -> Result<()> {
    if key == TIME_ZONE {
        return check_time_zone(key, value);
    }
    if let Some((_, words)) = WORDS.iter().find(|(name, _)| *name == key) {
        let requirement = format!("It must be one of {}.", words.join(", "));
        return match words
            .iter()
            .any(|word| word.eq_ignore_ascii_case(value.trim()))
        {
            true => Ok(()),
            false => Err(SparkError::configuration_out_of_range(
                key,
                value,
                &requirement,
            )),
        };
    }
    match default {
        Some("true" | "false") if !is_boolean(value) => Err(
            SparkError::invalid_configuration_value(key, value, "boolean"),
        ),
        Some(default) if default.parse::<i64>().is_ok() && value.trim().parse::<i64>().is_err() => {
            Err(SparkError::invalid_configuration_value(key, value, "int"))
        }
        _ if key == super::SHUFFLE_PARTITIONS
            && !value.trim().parse::<i64>().is_ok_and(|n| n > 0) =>
        {
            Err(SparkError::configuration_out_of_range(
                key,
                value,
                "The value of spark.sql.shuffle.partitions must be positive",
            ))
        }
        _ => Ok(()),
    }
}

fn is_boolean(value: &str) -> bool {
    let value = value.trim();
    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}

fn check_time_zone(key: &str, value: &str) -> Result<()> {
    match parse_time_zone(value) {
        Some(_) => Ok(()),
        None => Err(SparkError::invalid_time_zone(key, value)),
    }
}

/// A region, `UTC`, `GMT+3`, or an offset such as `+01:00`.
fn parse_time_zone(value: &str) -> Option<()> {
    if crate::time::TimeZone::parse(value).is_some() || Tz::from_str(value).is_ok() {
        Some(())
    } else {
        None
    }
}
