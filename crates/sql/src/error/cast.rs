//! Values that cannot be converted.

use super::{Exception, SparkError};

impl SparkError {
    /// `value` as an SQL literal, types as Spark prints them in SQL (`"STRING"` without the quotes).
    pub fn cast_invalid_input(value: &str, from: &str, to: &str) -> Self {
        let exception = match to {
            "DATE" | "TIMESTAMP" | "TIMESTAMP_NTZ" | "TIME" => Exception::DateTime,
            "BOOLEAN" => Exception::Runtime,
            _ => Exception::NumberFormat,
        };
        Self::new(
            exception,
            "CAST_INVALID_INPUT",
            "22018",
            format!(
                "The value {value} of the type \"{from}\" cannot be cast to \"{to}\" because it is malformed. Correct the value, or use `try_cast` to get NULL instead."
            ),
        )
        .with("expression", value)
        .with("sourceType", format!("\"{from}\""))
        .with("targetType", format!("\"{to}\""))
    }

    pub fn cast_overflow(value: &str, from: &str, to: &str) -> Self {
        Self::new(
            Exception::Arithmetic,
            "CAST_OVERFLOW",
            "22003",
            format!(
                "The value {value} of the type \"{from}\" cannot be cast to \"{to}\" because it overflows. Use `try_cast` to get NULL instead."
            ),
        )
        .with("value", value)
        .with("sourceType", format!("\"{from}\""))
        .with("targetType", format!("\"{to}\""))
    }

    /// A value that a date or time function could not read.
    pub fn cannot_parse_timestamp(message: &str, function: &str) -> Self {
        Self::new(
            Exception::DateTime,
            "CANNOT_PARSE_TIMESTAMP",
            "22007",
            format!("{message}. Use {function} to get NULL instead."),
        )
        .with("message", message)
        .with("func", function)
    }

    pub fn conversion_invalid_input(
        value: &str,
        format: &str,
        target: &str,
        suggestion: &str,
    ) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "CONVERSION_INVALID_INPUT",
            "22018",
            format!("The value {value} ({format}) cannot be converted to \"{target}\" because it is malformed. Use {suggestion} to get NULL instead."),
        )
        .with("str", value)
        .with("fmt", format)
        .with("targetType", format!("\"{target}\""))
        .with("suggestion", suggestion)
    }

    /// Characters that a character set has no bytes for, or bytes that mean no characters in it.
    pub fn malformed_character_coding(function: &str, charset: &str) -> Self {
        Self::new(
            Exception::Runtime,
            "MALFORMED_CHARACTER_CODING",
            "22000",
            format!("Invalid value found when performing `{function}` with {charset}"),
        )
        .with("function", format!("`{function}`"))
        .with("charset", charset)
    }

    pub fn datetime_field_out_of_bounds(message: &str) -> Self {
        Self::new(
            Exception::DateTime,
            "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
            "22023",
            format!("{message}. If necessary set \"spark.sql.ansi.enabled\" to \"false\"."),
        )
        .with("rangeMessage", message)
        .with("ansiConfig", "\"spark.sql.ansi.enabled\"")
    }

    pub fn illegal_day_of_week(name: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "ILLEGAL_DAY_OF_WEEK",
            "22009",
            format!("Illegal input for day of week: {name}."),
        )
        .with("string", name)
    }

    pub fn datetime_overflow(operation: &str) -> Self {
        Self::new(
            Exception::Arithmetic,
            "DATETIME_OVERFLOW",
            "22008",
            format!("Datetime operation overflow: {operation}."),
        )
        .with("operation", operation)
    }

    pub fn invalid_fraction_of_second(seconds: &str) -> Self {
        Self::new(
            Exception::DateTime,
            "INVALID_FRACTION_OF_SECOND",
            "22023",
            format!("Valid range for seconds is [0, 60] (inclusive), but the provided value is {seconds}. To avoid this error, use `try_make_timestamp`, which returns NULL on error."),
        )
        .with("secAndMicros", seconds)
        .with("funcName", "`try_make_timestamp`")
    }

    pub fn invalid_extract_field(field: &str, source: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_EXTRACT_FIELD",
            "42601",
            format!("Cannot extract `{field}` from \"{source}\"."),
        )
        .with("field", format!("`{field}`"))
        .with("expr", format!("\"{source}\""))
    }

    pub fn invalid_datetime_pattern(pattern: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER",
            "22007",
            format!("Unrecognized datetime pattern: {pattern}."),
        )
        .with("pattern", pattern)
    }

    pub fn inconsistent_behavior_datetime_pattern(pattern: &str) -> Self {
        Self::new(
            Exception::Upgrade,
            "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
            "42K0B",
            format!("The datetime pattern '{pattern}' was understood before Spark 3.0 but is not valid now."),
        )
        .with("pattern", format!("'{pattern}'"))
        .with("config", "\"spark.sql.legacy.timeParserPolicy\"")
    }

    pub fn malformed_record(record: &str, mode: &str) -> Self {
        Self::new(
            Exception::Spark,
            "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
            "22023",
            format!("Malformed records are detected in record parsing: {record}. Parse Mode: {mode}. To process malformed records as null result, try setting the option 'mode' as 'PERMISSIVE'."),
        )
        .with("badRecord", record)
        .with("failFastMode", mode)
    }
}
