//! Spark's data types, with nullability inside containers.

use std::sync::Arc;

/// A Spark SQL type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DataType {
    /// `void`: the type of a bare `NULL`.
    Null,
    Boolean,
    /// 8 bits.
    Byte,
    /// 16 bits.
    Short,
    Integer,
    Long,
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: i8,
    },
    String(StringConstraint),
    Binary,
    Date,
    /// A point in time, shown in the session's time zone.
    Timestamp,
    /// A date and time without time zone.
    TimestampNtz,
    /// A time of day with a precision of 0 to 6 digits.
    Time {
        precision: u8,
    },
    CalendarInterval,
    YearMonthInterval {
        start: YearMonthField,
        end: YearMonthField,
    },
    DayTimeInterval {
        start: DayTimeField,
        end: DayTimeField,
    },
    Array {
        element: Arc<DataType>,
        contains_null: bool,
    },
    Map {
        key: Arc<DataType>,
        value: Arc<DataType>,
        value_contains_null: bool,
    },
    Struct(StructType),
    Variant,
    /// A user-defined type: its storage type and what the client needs to rebuild it.
    UserDefined {
        sql_type: Arc<DataType>,
        jvm_class: Option<String>,
        python_class: Option<String>,
        serialized_python_class: Option<String>,
    },
}

/// How a string column was declared: the checks of `char` and `varchar` apply on write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StringConstraint {
    #[default]
    None,
    Collation(String),
    Char(u32),
    Varchar(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum YearMonthField {
    Year,
    Month,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DayTimeField {
    Day,
    Hour,
    Minute,
    Second,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StructType {
    pub fields: Arc<[StructField]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StructField {
    pub name: String,
    pub data_type: DataType,
    pub nullable: bool,
    /// The field's metadata as a JSON object, if it has any.
    pub metadata: Option<String>,
}

impl StructField {
    pub fn new(name: impl Into<String>, data_type: DataType, nullable: bool) -> Self {
        Self {
            name: name.into(),
            data_type,
            nullable,
            metadata: None,
        }
    }
}

impl StructType {
    pub fn new(fields: Vec<StructField>) -> Self {
        Self {
            fields: fields.into(),
        }
    }

    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The position of the first field of this name, compared without regard to case.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields
            .iter()
            .position(|field| field.name.eq_ignore_ascii_case(name))
    }
}

impl DataType {
    pub const STRING: Self = Self::String(StringConstraint::None);
    /// The decimal that a bare `DECIMAL` means.
    pub const DECIMAL_DEFAULT: Self = Self::Decimal {
        precision: 10,
        scale: 0,
    };

    pub fn array(element: DataType, contains_null: bool) -> Self {
        Self::Array {
            element: Arc::new(element),
            contains_null,
        }
    }

    pub fn map(key: DataType, value: DataType, value_contains_null: bool) -> Self {
        Self::Map {
            key: Arc::new(key),
            value: Arc::new(value),
            value_contains_null,
        }
    }

    pub fn structure(fields: Vec<StructField>) -> Self {
        Self::Struct(StructType::new(fields))
    }

    pub fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    pub fn is_integral(&self) -> bool {
        matches!(self, Self::Byte | Self::Short | Self::Integer | Self::Long)
    }

    pub fn is_fractional(&self) -> bool {
        matches!(self, Self::Float | Self::Double | Self::Decimal { .. })
    }

    pub fn is_numeric(&self) -> bool {
        self.is_integral() || self.is_fractional()
    }

    pub fn is_datetime(&self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::TimestampNtz)
    }

    pub fn is_interval(&self) -> bool {
        matches!(
            self,
            Self::CalendarInterval | Self::YearMonthInterval { .. } | Self::DayTimeInterval { .. }
        )
    }

    /// True of everything that is neither container nor user-defined.
    pub fn is_atomic(&self) -> bool {
        !matches!(
            self,
            Self::Array { .. }
                | Self::Map { .. }
                | Self::Struct(_)
                | Self::UserDefined { .. }
                | Self::Null
        )
    }
}
