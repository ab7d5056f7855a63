//! What a function takes and what comes out, as data.

use crate::analyzer::TypedExpr;
use crate::error::SparkError;
use crate::ir::DataType;
use crate::types::sql_name;

/// The type that an argument must have or be converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arg {
    Str,
    StrOrBinary,
    Binary,
    Boolean,
    Int,
    Long,
    Double,
    Integral,
    Numeric,
    Date,
    Timestamp,
}

/// The type of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returns {
    Str,
    Binary,
    Boolean,
    Int,
    Long,
    Double,
    Date,
    Timestamp,
    StrArray,
}

/// When a result may be null, as Spark declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// If some argument may be; a function that builds its own expression says it there.
    InOut,
    /// If some argument may be, and always with ANSI off.
    Lenient,
    Always,
}

const ORDINALS: [&str; 10] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
];

impl Arg {
    /// The type to convert an argument to, or nothing if its type will not do.
    pub(super) fn target(self, from: &DataType) -> Option<DataType> {
        let fixed = match self {
            Self::Str => DataType::STRING,
            Self::Binary => DataType::Binary,
            Self::Boolean => DataType::Boolean,
            Self::Int => DataType::Integer,
            Self::Long => DataType::Long,
            Self::Double => DataType::Double,
            Self::Date => DataType::Date,
            Self::Timestamp => DataType::Timestamp,
            Self::StrOrBinary if matches!(from, DataType::Binary) => return Some(from.clone()),
            Self::StrOrBinary => DataType::STRING,
            Self::Integral if from.is_integral() => return Some(from.clone()),
            Self::Integral => DataType::Long,
            Self::Numeric if from.is_numeric() => return Some(from.clone()),
            Self::Numeric => DataType::Double,
        };
        implicitly_castable(from, &fixed).then_some(fixed)
    }

    fn required(self) -> &'static str {
        match self {
            Self::Str => "\"STRING\"",
            Self::StrOrBinary => "(\"STRING\" or \"BINARY\")",
            Self::Binary => "\"BINARY\"",
            Self::Boolean => "\"BOOLEAN\"",
            Self::Int => "\"INT\"",
            Self::Long => "\"BIGINT\"",
            Self::Double => "\"DOUBLE\"",
            Self::Integral => "\"INTEGRAL\"",
            Self::Numeric => "\"NUMERIC\"",
            Self::Date => "\"DATE\"",
            Self::Timestamp => "\"TIMESTAMP\"",
        }
    }

    pub(super) fn mismatch(self, index: usize, argument: &TypedExpr, call: &str) -> SparkError {
        SparkError::unexpected_input_type(
            call,
            ordinal(index),
            self.required(),
            &argument.name,
            &sql_name(&argument.data_type),
        )
    }
}

/// `first`, `second` and so on.
pub(crate) fn ordinal(index: usize) -> &'static str {
    ORDINALS.get(index).copied().unwrap_or("last")
}

/// True if a function that wants `to` takes a `from`: what a column of that type would take, and texts.
pub(crate) fn implicitly_castable(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (a, b) if a == b => true,
        (T::Null, _) => true,
        (T::String(_), T::String(_)) => true,
        (T::String(_), t) => t.is_atomic(),
        (f, T::String(_)) => f.is_atomic() && !matches!(f, T::Variant),
        (f, t) if f.is_numeric() && t.is_numeric() => true,
        (f, t) if f.is_datetime() && t.is_datetime() => true,
        _ => false,
    }
}

impl Returns {
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Str => DataType::STRING,
            Self::Binary => DataType::Binary,
            Self::Boolean => DataType::Boolean,
            Self::Int => DataType::Integer,
            Self::Long => DataType::Long,
            Self::Double => DataType::Double,
            Self::Date => DataType::Date,
            Self::Timestamp => DataType::Timestamp,
            Self::StrArray => DataType::array(DataType::STRING, false),
        }
    }
}

/// True if a column of type `to` takes a `from` when rows are stored (ANSI's store assignment).
pub(crate) fn storable(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (a, b) if a == b => true,
        (DataType::Null, _) => true,
        (f, DataType::String(_)) => f.is_atomic(),
        (f, t) if f.is_numeric() && t.is_numeric() => true,
        (f, t) if f.is_datetime() && t.is_datetime() => true,
        _ => implicitly_castable(from, to) && !from.is_string(),
    }
}
