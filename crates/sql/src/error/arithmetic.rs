//! Numbers that do not fit, and division by zero.

use super::{Exception, SparkError};

const ANSI_CONFIGURATION: &str = "\"spark.sql.ansi.enabled\"";

impl SparkError {
    /// A date has no time that an interval's could be added to.
    pub fn date_plus_time() -> Self {
        Self::new(
            Exception::IllegalArgument,
            "INVALID_INTERVAL_WITH_MICROSECONDS_ADDITION",
            "22006",
            "Cannot add hours, minutes or seconds, milliseconds, microseconds to a date",
        )
    }

    pub fn divide_by_zero() -> Self {
        Self::new(
            Exception::Arithmetic,
            "DIVIDE_BY_ZERO",
            "22012",
            format!(
                "Division by zero. Use `try_divide` to get NULL for a zero divisor, or set {ANSI_CONFIGURATION} to \"false\"."
            ),
        )
        .with("config", ANSI_CONFIGURATION)
    }

    pub fn remainder_by_zero() -> Self {
        Self::new(
            Exception::Arithmetic,
            "REMAINDER_BY_ZERO",
            "22012",
            format!(
                "Remainder by zero. Use `try_mod` to get NULL for a zero divisor, or set {ANSI_CONFIGURATION} to \"false\"."
            ),
        )
        .with("config", ANSI_CONFIGURATION)
    }

    /// `what` as `integer overflow`; `alternative` is the function that yields null instead, if there is one.
    pub fn arithmetic_overflow(what: &str, alternative: Option<&str>) -> Self {
        let hint = alternative
            .map(|name| format!(" Use '{name}' to get NULL instead."))
            .unwrap_or_default();
        let (class, text) = match alternative {
            Some(_) => (
                "ARITHMETIC_OVERFLOW.WITH_SUGGESTION",
                format!("{what}.{hint}"),
            ),
            None => ("ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", format!("{what}.")),
        };
        let _ = class;
        Self::new(
            Exception::Arithmetic,
            "ARITHMETIC_OVERFLOW",
            "22003",
            format!("{text} If necessary set {ANSI_CONFIGURATION} to \"false\" to get around it."),
        )
        .with("message", what)
        .with("alternative", hint)
        .with("config", ANSI_CONFIGURATION)
    }

    /// Two operands whose result does not fit their type of one or two bytes.
    pub fn binary_arithmetic_overflow(
        left: &str,
        symbol: &str,
        right: &str,
        alternative: &str,
    ) -> Self {
        Self::new(
            Exception::Arithmetic,
            "BINARY_ARITHMETIC_OVERFLOW",
            "22003",
            format!("{left} {symbol} {right} caused an overflow. Use `{alternative}` to get NULL instead."),
        )
        .with("value1", left)
        .with("symbol", symbol)
        .with("value2", right)
        .with("functionName", format!("`{alternative}`"))
    }

    /// `arithmetic` as `Interval arithmetic`.
    pub fn interval_overflow(what: &str) -> Self {
        Self::new(
            Exception::Arithmetic,
            "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION",
            "22015",
            format!("{what} overflows an interval."),
        )
    }

    pub fn interval_divided_by_zero() -> Self {
        Self::new(
            Exception::Arithmetic,
            "INTERVAL_DIVIDED_BY_ZERO",
            "22012",
            "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.",
        )
    }

    pub fn numeric_value_out_of_range(value: &str, precision: u8, scale: i8) -> Self {
        Self::new(
            Exception::Arithmetic,
            "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
            "22003",
            format!(
                "{value} does not fit Decimal({precision}, {scale}). If necessary set {ANSI_CONFIGURATION} to \"false\" and get NULL."
            ),
        )
        .with("value", value)
        .with("precision", precision.to_string())
        .with("scale", scale.to_string())
        .with("config", ANSI_CONFIGURATION)
    }

    pub fn array_index_out_of_bounds(index: i64, elements: usize) -> Self {
        Self::new(
            Exception::ArrayIndexOutOfBounds,
            "INVALID_ARRAY_INDEX",
            "22003",
            format!(
                "Index {index} is outside of an array of {elements} elements. Use the SQL function `get()` to get NULL instead, or set {ANSI_CONFIGURATION} to \"false\"."
            ),
        )
        .with("indexValue", index.to_string())
        .with("arraySize", elements.to_string())
        .with("ansiConfig", ANSI_CONFIGURATION)
    }

    pub fn element_at_out_of_bounds(index: i64, elements: usize) -> Self {
        Self::new(
            Exception::ArrayIndexOutOfBounds,
            "INVALID_ARRAY_INDEX_IN_ELEMENT_AT",
            "22003",
            format!(
                "Index {index} is outside of an array of {elements} elements. Use `try_element_at` to get NULL instead, or set {ANSI_CONFIGURATION} to \"false\"."
            ),
        )
        .with("indexValue", index.to_string())
        .with("arraySize", elements.to_string())
        .with("ansiConfig", ANSI_CONFIGURATION)
    }

    pub fn index_of_zero() -> Self {
        Self::new(
            Exception::Runtime,
            "INVALID_INDEX_OF_ZERO",
            "22003",
            "Index 0 is invalid: positions count from 1, or from -1 at the end.",
        )
    }
}
