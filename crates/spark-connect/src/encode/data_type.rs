//! Types in messages.

use fleuve_sql::ir::{
    DataType, DayTimeField, StringConstraint, StructField, StructType, YearMonthField,
};

use crate::messages::data_type::{self, Kind};
use crate::messages::{self, Nested};

/// A schema, as responses carry it.
pub(crate) fn struct_type(structure: &StructType) -> messages::DataType {
    messages::DataType {
        kind: Some(Kind::Struct(structure_message(structure))),
    }
}

pub(crate) fn data_type(of: &DataType) -> messages::DataType {
    let kind = match of {
        DataType::Null => Kind::Null(data_type::Null::default()),
        DataType::Boolean => Kind::Boolean(data_type::Boolean::default()),
        DataType::Byte => Kind::Byte(data_type::Byte::default()),
        DataType::Short => Kind::Short(data_type::Short::default()),
        DataType::Integer => Kind::Integer(data_type::Integer::default()),
        DataType::Long => Kind::Long(data_type::Long::default()),
        DataType::Float => Kind::Float(data_type::Float::default()),
        DataType::Double => Kind::Double(data_type::Double::default()),
        DataType::Decimal { precision, scale } => Kind::Decimal(data_type::Decimal {
            precision: Some(i32::from(*precision)),
            scale: Some(i32::from(*scale)),
            ..Default::default()
        }),
        DataType::String(constraint) => string(constraint),
        DataType::Binary => Kind::Binary(data_type::Binary::default()),
        DataType::Date => Kind::Date(data_type::Date::default()),
        DataType::Timestamp => Kind::Timestamp(data_type::Timestamp::default()),
        DataType::TimestampNtz => Kind::TimestampNtz(data_type::TimestampNtz::default()),
        DataType::Time { precision } => Kind::Time(data_type::Time {
            precision: Some(i32::from(*precision)),
            ..Default::default()
        }),
        DataType::CalendarInterval => {
            Kind::CalendarInterval(data_type::CalendarInterval::default())
        }
        DataType::YearMonthInterval { start, end } => {
            Kind::YearMonthInterval(data_type::YearMonthInterval {
                start_field: Some(year_month_field(*start)),
                end_field: Some(year_month_field(*end)),
                ..Default::default()
            })
        }
        DataType::DayTimeInterval { start, end } => {
            Kind::DayTimeInterval(data_type::DayTimeInterval {
                start_field: Some(day_time_field(*start)),
                end_field: Some(day_time_field(*end)),
                ..Default::default()
            })
        }
        DataType::Array {
            element,
            contains_null,
        } => Kind::Array(data_type::Array {
            element_type: Some(Nested::new(data_type(element))),
            contains_null: *contains_null,
            ..Default::default()
        }),
        DataType::Map {
            key,
            value,
            value_contains_null,
        } => Kind::Map(data_type::Map {
            key_type: Some(Nested::new(data_type(key))),
            value_type: Some(Nested::new(data_type(value))),
            value_contains_null: *value_contains_null,
            ..Default::default()
        }),
        DataType::Struct(structure) => Kind::Struct(structure_message(structure)),
        DataType::Variant => Kind::Variant(data_type::Variant::default()),
        DataType::UserDefined {
            sql_type,
            jvm_class,
            python_class,
            serialized_python_class,
        } => Kind::Udt(data_type::Udt {
            r#type: "udt".to_owned(),
            jvm_class: jvm_class.clone(),
            python_class: python_class.clone(),
            serialized_python_class: serialized_python_class.clone(),
            sql_type: Some(Nested::new(data_type(sql_type))),
        }),
    };
    messages::DataType { kind: Some(kind) }
}

fn string(constraint: &StringConstraint) -> Kind {
    match constraint {
        StringConstraint::None => Kind::String(data_type::Text::default()),
        StringConstraint::Collation(name) => Kind::String(data_type::Text {
            collation: name.clone(),
            ..Default::default()
        }),
        StringConstraint::Char(length) => Kind::Char(data_type::Char {
            length: *length as i32,
            ..Default::default()
        }),
        StringConstraint::Varchar(length) => Kind::VarChar(data_type::VarChar {
            length: *length as i32,
            ..Default::default()
        }),
    }
}

fn structure_message(structure: &StructType) -> data_type::Struct {
    data_type::Struct {
        fields: structure.fields.iter().map(field).collect(),
        ..Default::default()
    }
}

fn field(field: &StructField) -> data_type::StructField {
    data_type::StructField {
        name: field.name.clone(),
        data_type: Some(Nested::new(data_type(&field.data_type))),
        nullable: field.nullable,
        metadata: field.metadata.clone(),
    }
}

fn year_month_field(field: YearMonthField) -> i32 {
    match field {
        YearMonthField::Year => 0,
        YearMonthField::Month => 1,
    }
}

fn day_time_field(field: DayTimeField) -> i32 {
    match field {
        DayTimeField::Day => 0,
        DayTimeField::Hour => 1,
        DayTimeField::Minute => 2,
        DayTimeField::Second => 3,
    }
}
