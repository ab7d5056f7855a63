//! The options of JSON, and what happens to records that do not fit.

use std::collections::BTreeMap;

use super::parse::Syntax;
use crate::datetime_pattern::Pattern;
use crate::error::{Result, SparkError};
use crate::time::TimeZone;

/// What happens to records that do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParseMode {
    Permissive,
    FailFast,
}

/// The options of JSON reading.
#[derive(Clone, Debug)]
pub(crate) struct JsonOptions {
    pub(crate) mode: ParseMode,
    pub(crate) syntax: Syntax,
    pub(crate) time_zone: TimeZone,
    pub(crate) primitives_as_string: bool,
    pub(crate) prefers_decimal: bool,
    pub(crate) infer_timestamp: bool,
    pub(crate) corrupt_column: String,
    pub(super) date_format: Option<Pattern>,
    pub(super) timestamp_format: Option<Pattern>,
}

impl JsonOptions {
    /// Keys in lower case.
    pub(crate) fn new(options: &BTreeMap<String, String>, time_zone: TimeZone) -> Result<Self> {
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
        let format = |key: &str| options.get(key).map(|f| Pattern::parse(f)).transpose();
        let mode = match options
            .get("mode")
            .map(|m| m.to_ascii_uppercase())
            .as_deref()
        {
            None | Some("PERMISSIVE") => ParseMode::Permissive,
            Some("DROPMALFORMED") => {
                return Err(SparkError::unsupported_parse_mode(
                    "from_json",
                    "DROPMALFORMED",
                ));
            }
            Some("FAILFAST") => ParseMode::FailFast,
            Some(_) => ParseMode::Permissive,
        };
        let zone = options.get("timezone");
        let time_zone = match zone {
            Some(zone) => TimeZone::parse(zone).ok_or_else(|| {
                SparkError::invalid_data_source_option("timeZone", zone, "it is no time zone")
            })?,
            None => time_zone,
        };
        Ok(Self {
            mode,
            time_zone,
            syntax: Syntax {
                single_quotes: flag("allowsinglequotes", true)?,
                unquoted_names: flag("allowunquotedfieldnames", false)?,
                leading_zeros: flag("allownumericleadingzeros", false)?,
                comments: flag("allowcomments", false)?,
                control_characters: flag("allowunquotedcontrolchars", false)?,
                backslash_any: flag("allowbackslashescapinganycharacter", false)?,
                non_numeric: flag("allownonnumericnumbers", true)?,
            },
            primitives_as_string: flag("primitivesasstring", false)?,
            prefers_decimal: flag("prefersdecimal", false)?,
            infer_timestamp: flag("infertimestamp", false)?,
            corrupt_column: options
                .get("columnnameofcorruptrecord")
                .cloned()
                .unwrap_or_else(|| "_corrupt_record".to_owned()),
            date_format: format("dateformat")?,
            timestamp_format: format("timestampformat")?,
        })
    }
}
