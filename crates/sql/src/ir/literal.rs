//! Literal values, each with exactly one Spark type.

use super::{DataType, StructType};

/// A constant. [`Literal::data_type`] gives its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A null of the given type.
    Null(DataType),
    Boolean(bool),
    Byte(i8),
    Short(i16),
    Integer(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    /// `unscaled` × 10^-`scale`.
    Decimal {
        unscaled: i128,
        precision: u8,
        scale: i8,
    },
    String(String),
    Binary(Vec<u8>),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01 UTC.
    Timestamp(i64),
    /// Microseconds since 1970-01-01 in no time zone.
    TimestampNtz(i64),
    /// Nanoseconds since midnight.
    Time {
        nanoseconds: i64,
        precision: u8,
    },
    CalendarInterval {
        months: i32,
        days: i32,
        microseconds: i64,
    },
    /// A year-month interval in months, with its fields as type.
    YearMonthInterval {
        months: i32,
        data_type: DataType,
    },
    /// A day-time interval in microseconds, with its fields as type.
    DayTimeInterval {
        microseconds: i64,
        data_type: DataType,
    },
    Array {
        element: DataType,
        values: Vec<Literal>,
    },
    Map {
        key: DataType,
        value: DataType,
        entries: Vec<(Literal, Literal)>,
    },
    Struct {
        struct_type: StructType,
        values: Vec<Literal>,
    },
}

impl Literal {
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Null(data_type) => data_type.clone(),
            Self::Boolean(_) => DataType::Boolean,
            Self::Byte(_) => DataType::Byte,
            Self::Short(_) => DataType::Short,
            Self::Integer(_) => DataType::Integer,
            Self::Long(_) => DataType::Long,
            Self::Float(_) => DataType::Float,
            Self::Double(_) => DataType::Double,
            Self::Decimal {
                precision, scale, ..
            } => DataType::Decimal {
                precision: *precision,
                scale: *scale,
            },
            Self::String(_) => DataType::STRING,
            Self::Binary(_) => DataType::Binary,
            Self::Date(_) => DataType::Date,
            Self::Timestamp(_) => DataType::Timestamp,
            Self::TimestampNtz(_) => DataType::TimestampNtz,
            Self::Time { precision, .. } => DataType::Time {
                precision: *precision,
            },
            Self::CalendarInterval { .. } => DataType::CalendarInterval,
            Self::YearMonthInterval { data_type, .. } | Self::DayTimeInterval { data_type, .. } => {
                data_type.clone()
            }
            Self::Array { element, values } => {
                DataType::array(element.clone(), values.iter().any(Literal::is_null))
            }
            Self::Map {
                key,
                value,
                entries,
            } => DataType::map(
                key.clone(),
                value.clone(),
                entries.iter().any(|(_, value)| value.is_null()),
            ),
            Self::Struct { struct_type, .. } => DataType::Struct(struct_type.clone()),
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }
}
