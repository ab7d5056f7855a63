//! Between Spark's types and Arrow's.

use std::sync::Arc;

use arrow::datatypes::{
    DataType as ArrowType, Field, FieldRef, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit,
};

use crate::ir::{DataType, DayTimeField, StructField, StructType, YearMonthField};

/// The time zone of every timestamp column inside the engine.
pub const INTERNAL_TIME_ZONE: &str = "UTC";
/// Where Spark keeps a column's metadata in an Arrow field.
const METADATA_KEY: &str = "SPARK::metadata::json";

/// The Arrow type that holds values of `data_type`; timestamps carry `time_zone`.
pub fn to_arrow(data_type: &DataType, time_zone: &str) -> ArrowType {
    match data_type {
        DataType::Null => ArrowType::Null,
        DataType::Boolean => ArrowType::Boolean,
        DataType::Byte => ArrowType::Int8,
        DataType::Short => ArrowType::Int16,
        DataType::Integer => ArrowType::Int32,
        DataType::Long => ArrowType::Int64,
        DataType::Float => ArrowType::Float32,
        DataType::Double => ArrowType::Float64,
        DataType::Decimal { precision, scale } => ArrowType::Decimal128(*precision, *scale),
        DataType::String(_) => ArrowType::Utf8,
        DataType::Binary | DataType::Variant => ArrowType::Binary,
        DataType::Date => ArrowType::Date32,
        DataType::Timestamp => ArrowType::Timestamp(TimeUnit::Microsecond, Some(time_zone.into())),
        DataType::TimestampNtz => ArrowType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Time { .. } => ArrowType::Time64(TimeUnit::Nanosecond),
        DataType::CalendarInterval => ArrowType::Interval(IntervalUnit::MonthDayNano),
        DataType::YearMonthInterval { .. } => ArrowType::Interval(IntervalUnit::YearMonth),
        DataType::DayTimeInterval { .. } => ArrowType::Duration(TimeUnit::Microsecond),
        DataType::Array {
            element,
            contains_null,
        } => ArrowType::List(child("element", element, *contains_null, time_zone)),
        DataType::Map {
            key,
            value,
            value_contains_null,
        } => {
            let entries = vec![
                child("key", key, false, time_zone),
                child("value", value, *value_contains_null, time_zone),
            ];
            let entries = Field::new("entries", ArrowType::Struct(entries.into()), false);
            ArrowType::Map(Arc::new(entries), false)
        }
        DataType::Struct(struct_type) => ArrowType::Struct(fields(struct_type, time_zone)),
        DataType::UserDefined { sql_type, .. } => to_arrow(sql_type, time_zone),
    }
}

fn child(name: &str, data_type: &DataType, nullable: bool, time_zone: &str) -> FieldRef {
    Arc::new(Field::new(name, to_arrow(data_type, time_zone), nullable))
}

fn fields(struct_type: &StructType, time_zone: &str) -> Fields {
    struct_type
        .fields
        .iter()
        .map(|field| Arc::new(to_arrow_field(field, time_zone)))
        .collect()
}

pub fn to_arrow_field(field: &StructField, time_zone: &str) -> Field {
    let arrow = Field::new(
        &field.name,
        to_arrow(&field.data_type, time_zone),
        field.nullable,
    );
    match &field.metadata {
        Some(metadata) => arrow.with_metadata(
            [(METADATA_KEY.to_owned(), metadata.clone())]
                .into_iter()
                .collect(),
        ),
        None => arrow,
    }
}

pub fn to_arrow_schema(struct_type: &StructType, time_zone: &str) -> SchemaRef {
    Arc::new(Schema::new(fields(struct_type, time_zone)))
}

/// The Spark type of an Arrow column, or nothing if Spark has no such type.
pub fn from_arrow(arrow: &ArrowType) -> Option<DataType> {
    Some(match arrow {
        ArrowType::Null => DataType::Null,
        ArrowType::Boolean => DataType::Boolean,
        ArrowType::Int8 => DataType::Byte,
        ArrowType::Int16 | ArrowType::UInt8 => DataType::Short,
        ArrowType::Int32 | ArrowType::UInt16 => DataType::Integer,
        ArrowType::Int64 | ArrowType::UInt32 => DataType::Long,
        ArrowType::UInt64 => DataType::Decimal {
            precision: 20,
            scale: 0,
        },
        ArrowType::Float16 | ArrowType::Float32 => DataType::Float,
        ArrowType::Float64 => DataType::Double,
        ArrowType::Decimal32(precision, scale)
        | ArrowType::Decimal64(precision, scale)
        | ArrowType::Decimal128(precision, scale) => DataType::Decimal {
            precision: *precision,
            scale: *scale,
        },
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => DataType::STRING,
        ArrowType::Binary
        | ArrowType::LargeBinary
        | ArrowType::BinaryView
        | ArrowType::FixedSizeBinary(_) => DataType::Binary,
        ArrowType::Date32 | ArrowType::Date64 => DataType::Date,
        ArrowType::Timestamp(_, Some(_)) => DataType::Timestamp,
        ArrowType::Timestamp(_, None) => DataType::TimestampNtz,
        ArrowType::Time32(_) | ArrowType::Time64(_) => DataType::Time { precision: 6 },
        ArrowType::Interval(IntervalUnit::YearMonth) => DataType::YearMonthInterval {
            start: YearMonthField::Year,
            end: YearMonthField::Month,
        },
        ArrowType::Interval(_) => DataType::CalendarInterval,
        ArrowType::Duration(_) => DataType::DayTimeInterval {
            start: DayTimeField::Day,
            end: DayTimeField::Second,
        },
        ArrowType::List(element)
        | ArrowType::LargeList(element)
        | ArrowType::ListView(element)
        | ArrowType::LargeListView(element)
        | ArrowType::FixedSizeList(element, _) => {
            DataType::array(from_arrow(element.data_type())?, element.is_nullable())
        }
        ArrowType::Map(entries, _) => {
            let ArrowType::Struct(fields) = entries.data_type() else {
                return None;
            };
            let [key, value] = fields.as_ref() else {
                return None;
            };
            DataType::map(
                from_arrow(key.data_type())?,
                from_arrow(value.data_type())?,
                value.is_nullable(),
            )
        }
        ArrowType::Struct(fields) => DataType::Struct(from_arrow_fields(fields)?),
        ArrowType::Dictionary(_, values) => from_arrow(values)?,
        ArrowType::RunEndEncoded(_, values) => from_arrow(values.data_type())?,
        _ => return None,
    })
}

fn from_arrow_fields(fields: &Fields) -> Option<StructType> {
    let fields = fields.iter().map(|field| {
        Some(StructField {
            name: field.name().clone(),
            data_type: from_arrow(field.data_type())?,
            nullable: field.is_nullable(),
            metadata: field.metadata().get(METADATA_KEY).cloned(),
        })
    });
    Some(StructType {
        fields: fields.collect::<Option<Vec<_>>>()?.into(),
    })
}

pub fn from_arrow_schema(schema: &Schema) -> Option<StructType> {
    from_arrow_fields(schema.fields())
}
