//! Types, as a client describes them.

use std::sync::Arc;

use fleuve_sql::ir::{
    DataType, DayTimeField, StringConstraint, StructField, StructType, YearMonthField,
};

use super::{Result, required};
use crate::failure::Failure;
use crate::language;
use crate::messages::{self, Nested, data_type::Kind};

const TIME_PRECISION_DEFAULT: i32 = 6;
const DECIMAL_PRECISION_DEFAULT: i32 = 10;

pub(super) fn data_type(message: messages::DataType) -> Result<DataType> {
    let kind = required(message.kind, "DataType", "kind")?;
    Ok(match kind {
        Kind::Null(_) => DataType::Null,
        Kind::Binary(_) => DataType::Binary,
        Kind::Boolean(_) => DataType::Boolean,
        Kind::Byte(_) => DataType::Byte,
        Kind::Short(_) => DataType::Short,
        Kind::Integer(_) => DataType::Integer,
        Kind::Long(_) => DataType::Long,
        Kind::Float(_) => DataType::Float,
        Kind::Double(_) => DataType::Double,
        Kind::Decimal(decimal) => decimal_type(&decimal)?,
        Kind::String(string) => DataType::String(collation(string.collation)),
        Kind::Char(char) => DataType::String(StringConstraint::Char(length(char.length)?)),
        Kind::VarChar(varchar) => {
            DataType::String(StringConstraint::Varchar(length(varchar.length)?))
        }
        Kind::Date(_) => DataType::Date,
        Kind::Timestamp(_) => DataType::Timestamp,
        Kind::TimestampNtz(_) => DataType::TimestampNtz,
        Kind::Time(time) => time_type(time.precision)?,
        Kind::CalendarInterval(_) => DataType::CalendarInterval,
        Kind::YearMonthInterval(interval) => DataType::YearMonthInterval {
            start: year_month_field(interval.start_field.unwrap_or(0))?,
            end: year_month_field(interval.end_field.or(interval.start_field).unwrap_or(1))?,
        },
        Kind::DayTimeInterval(interval) => DataType::DayTimeInterval {
            start: day_time_field(interval.start_field.unwrap_or(0))?,
            end: day_time_field(interval.end_field.or(interval.start_field).unwrap_or(3))?,
        },
        Kind::Array(array) => DataType::Array {
            element: Arc::new(nested(
                array.element_type,
                "DataType.Array",
                "element_type",
            )?),
            contains_null: array.contains_null,
        },
        Kind::Map(map) => DataType::Map {
            key: Arc::new(nested(map.key_type, "DataType.Map", "key_type")?),
            value: Arc::new(nested(map.value_type, "DataType.Map", "value_type")?),
            value_contains_null: map.value_contains_null,
        },
        Kind::Struct(structure) => DataType::Struct(struct_type(structure)?),
        Kind::Variant(_) => DataType::Variant,
        Kind::Udt(udt) => user_defined(udt)?,
        Kind::Unparsed(unparsed) => language::parse_data_type(&unparsed.data_type_string)?,
        Kind::Geometry(_) => return Err(unsupported("GEOMETRY")),
        Kind::Geography(_) => return Err(unsupported("GEOGRAPHY")),
        Kind::TimestampNtzNanos(_) => return Err(unsupported("TIMESTAMP_NTZ_NANOS")),
        Kind::TimestampLtzNanos(_) => return Err(unsupported("TIMESTAMP_LTZ_NANOS")),
    })
}

/// A type that must be a struct, as schemas are.
pub(super) fn schema(message: messages::DataType) -> Result<StructType> {
    match data_type(message)? {
        DataType::Struct(structure) => Ok(structure),
        other => Err(Failure::of(
            "CONNECT_INVALID_PLAN.ASSERTION_FAILURE",
            &[(
                "message",
                &format!("A schema must be a struct type, but got {other:?}."),
            )],
        )),
    }
}

pub(super) fn nested(
    message: Option<Nested<messages::DataType>>,
    of: &str,
    field: &str,
) -> Result<DataType> {
    data_type(required(message, of, field)?.into_inner())
}

pub(super) fn time_type(precision: Option<i32>) -> Result<DataType> {
    match precision.unwrap_or(TIME_PRECISION_DEFAULT) {
        precision @ 0..=6 => Ok(DataType::Time {
            precision: precision as u8,
        }),
        precision => Err(unsupported(&format!("TIME({precision})"))),
    }
}

fn decimal_type(decimal: &messages::data_type::Decimal) -> Result<DataType> {
    let precision = decimal.precision.unwrap_or(DECIMAL_PRECISION_DEFAULT);
    let scale = decimal.scale.unwrap_or(0);
    match (precision, scale) {
        (1..=38, -38..=38) if scale <= precision => Ok(DataType::Decimal {
            precision: precision as u8,
            scale: scale as i8,
        }),
        _ => Err(unsupported(&format!("DECIMAL({precision},{scale})"))),
    }
}

fn collation(name: String) -> StringConstraint {
    match name.as_str() {
        "" | "UTF8_BINARY" => StringConstraint::None,
        _ => StringConstraint::Collation(name),
    }
}

fn length(length: i32) -> Result<u32> {
    u32::try_from(length).map_err(|_| unsupported(&format!("CHAR({length})")))
}

fn year_month_field(field: i32) -> Result<YearMonthField> {
    match field {
        0 => Ok(YearMonthField::Year),
        1 => Ok(YearMonthField::Month),
        other => Err(Failure::invalid_enum(
            "spark.connect.DataType.YearMonthInterval",
            other,
        )),
    }
}

fn day_time_field(field: i32) -> Result<DayTimeField> {
    match field {
        0 => Ok(DayTimeField::Day),
        1 => Ok(DayTimeField::Hour),
        2 => Ok(DayTimeField::Minute),
        3 => Ok(DayTimeField::Second),
        other => Err(Failure::invalid_enum(
            "spark.connect.DataType.DayTimeInterval",
            other,
        )),
    }
}

fn struct_type(structure: messages::data_type::Struct) -> Result<StructType> {
    let fields = structure
        .fields
        .into_iter()
        .map(struct_field)
        .collect::<Result<Vec<_>>>()?;
    Ok(StructType::new(fields))
}

fn struct_field(field: messages::data_type::StructField) -> Result<StructField> {
    Ok(StructField {
        data_type: nested(field.data_type, "DataType.StructField", "data_type")?,
        name: field.name,
        nullable: field.nullable,
        metadata: field.metadata.filter(|metadata| metadata != "{}"),
    })
}

fn user_defined(udt: messages::data_type::Udt) -> Result<DataType> {
    Ok(DataType::UserDefined {
        sql_type: Arc::new(nested(udt.sql_type, "DataType.UDT", "sql_type")?),
        jvm_class: udt.jvm_class,
        python_class: udt.python_class,
        serialized_python_class: udt.serialized_python_class,
    })
}

fn unsupported(kind: &str) -> Failure {
    Failure::of(
        "CONNECT_INVALID_PLAN.DATA_TYPE_UNSUPPORTED_PROTO_TO_CATALYST",
        &[("kindCase", kind)],
    )
}
