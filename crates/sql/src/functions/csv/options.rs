//! The options of CSV.

use std::collections::BTreeMap;

use crate::datetime_pattern::Pattern;
use crate::error::{Result, SparkError};
use crate::time::TimeZone;

/// What happens to a record that does not fit the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Permissive,
    DropMalformed,
    FailFast,
}

#[derive(Clone, Debug)]
pub(crate) struct CsvOptions {
    pub(crate) mode: Mode,
    pub(crate) delimiter: String,
    pub(crate) quote: Option<char>,
    pub(crate) escape: char,
    pub(crate) comment: Option<char>,
    pub(crate) header: bool,
    pub(crate) infer_schema: bool,
    pub(crate) prefer_date: bool,
    pub(crate) trim_left: bool,
    pub(crate) trim_right: bool,
    /// The same for writing, where it is the default.
    pub(crate) write_trim_left: bool,
    pub(crate) write_trim_right: bool,
    pub(crate) null_value: String,
    pub(crate) empty_value: String,
    pub(crate) nan_value: String,
    pub(crate) positive_infinity: String,
    pub(crate) negative_infinity: String,
    pub(crate) quote_all: bool,
    pub(crate) escape_quotes: bool,
    pub(crate) corrupt_column: String,
    pub(crate) time_zone: TimeZone,
    pub(crate) date_format: Option<Pattern>,
    pub(crate) timestamp_format: Option<Pattern>,
}

impl CsvOptions {
    /// Keys in lower case.
    pub(crate) fn new(options: &BTreeMap<String, String>, time_zone: TimeZone) -> Result<Self> {
        let text = |keys: &[&str], default: &str| -> String {
            let found = keys.iter().find_map(|key| options.get(*key));
            found.cloned().unwrap_or_else(|| default.to_owned())
        };
        let flag = |key: &str, default: bool| match options.get(key) {
            None => Ok(default),
            Some(value) => value
                .trim()
                .to_ascii_lowercase()
                .parse::<bool>()
                .map_err(|_| {
                    SparkError::invalid_data_source_option(key, value, "it must be true or false")
                }),
        };
        let pattern = |key: &str| options.get(key).map(|f| Pattern::parse(f)).transpose();
        let mode = match text(&["mode"], "PERMISSIVE").to_ascii_uppercase().as_str() {
            "DROPMALFORMED" => Mode::DropMalformed,
            "FAILFAST" => Mode::FailFast,
            _ => Mode::Permissive,
        };
        let time_zone = match options.get("timezone") {
            Some(zone) => TimeZone::parse(zone).ok_or_else(|| {
                SparkError::invalid_data_source_option("timeZone", zone, "it is no time zone")
            })?,
            None => time_zone,
        };
        Ok(Self {
            mode,
            delimiter: unescaped(&text(&["sep", "delimiter"], ",")),
            quote: character(options, "quote", Some('"'))?,
            escape: character(options, "escape", Some('\\'))?.unwrap_or('\\'),
            comment: character(options, "comment", None)?,
            header: flag("header", false)?,
            infer_schema: flag("inferschema", false)?,
            prefer_date: flag("preferdate", true)?,
            trim_left: flag("ignoreleadingwhitespace", false)?,
            trim_right: flag("ignoretrailingwhitespace", false)?,
            write_trim_left: flag("ignoreleadingwhitespace", true)?,
            write_trim_right: flag("ignoretrailingwhitespace", true)?,
            null_value: text(&["nullvalue"], ""),
            empty_value: text(&["emptyvalue"], "\"\""),
            nan_value: text(&["nanvalue"], "NaN"),
            positive_infinity: text(&["positiveinf"], "Inf"),
            negative_infinity: text(&["negativeinf"], "-Inf"),
            quote_all: flag("quoteall", false)?,
            escape_quotes: flag("escapequotes", true)?,
            corrupt_column: text(&["columnnameofcorruptrecord"], "_corrupt_record"),
            time_zone,
            date_format: pattern("dateformat")?,
            timestamp_format: pattern("timestampformat")?,
        })
    }
}

/// `\t` and its kin as written in an option.
fn unescaped(text: &str) -> String {
    match text {
        "\\t" => "\t".to_owned(),
        "\\\\" => "\\".to_owned(),
        "\\n" => "\n".to_owned(),
        other => other.to_owned(),
    }
}

/// An option of one character; an empty one switches it off.
fn character(
    options: &BTreeMap<String, String>,
    key: &str,
    default: Option<char>,
) -> Result<Option<char>> {
    let Some(value) = options.get(key) else {
        return Ok(default);
    };
    let value = unescaped(value);
    let mut characters = value.chars();
    match (characters.next(), characters.next()) {
        (first, None) => Ok(first.filter(|c| *c != '\0')),
        _ => Err(SparkError::invalid_data_source_option(
            key,
            &value,
            "it must be one character",
        )),
    }
}
