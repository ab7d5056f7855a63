//! The names that Spark gives to types, in each of its styles.

use std::fmt::Write;

use crate::ir::{
    DataType, DayTimeField, StringConstraint, StructField, StructType, YearMonthField,
};

/// The type as it is written in SQL, as `ARRAY<BIGINT>`.
pub fn sql_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "VOID".to_owned(),
        DataType::Byte => "TINYINT".to_owned(),
        DataType::Short => "SMALLINT".to_owned(),
        DataType::Integer => "INT".to_owned(),
        DataType::Long => "BIGINT".to_owned(),
        DataType::CalendarInterval => "INTERVAL".to_owned(),
        DataType::Array { element, .. } => format!("ARRAY<{}>", sql_name(element)),
        DataType::Map { key, value, .. } => format!("MAP<{}, {}>", sql_name(key), sql_name(value)),
        DataType::Struct(fields) => {
            let fields = fields.fields.iter().map(|field| {
                let not_null = if field.nullable { "" } else { " NOT NULL" };
                format!(
                    "{}: {}{not_null}",
                    quote_if_needed(&field.name),
                    sql_name(&field.data_type)
                )
            });
            format!("STRUCT<{}>", fields.collect::<Vec<_>>().join(", "))
        }
        DataType::String(StringConstraint::Collation(name)) if name != "UTF8_BINARY" => {
            format!("STRING COLLATE {name}")
        }
        DataType::UserDefined { sql_type, .. } => sql_name(sql_type),
        other => simple_string(other).to_uppercase(),
    }
}

/// The type as `printSchema` names an atomic one and as `simpleString` shows it: `array<bigint>`.
pub fn simple_string(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "void".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Byte => "tinyint".to_owned(),
        DataType::Short => "smallint".to_owned(),
        DataType::Integer => "int".to_owned(),
        DataType::Long => "bigint".to_owned(),
        DataType::Float => "float".to_owned(),
        DataType::Double => "double".to_owned(),
        DataType::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        DataType::String(StringConstraint::Char(length)) => format!("char({length})"),
        DataType::String(StringConstraint::Varchar(length)) => format!("varchar({length})"),
        DataType::String(StringConstraint::Collation(name)) if name != "UTF8_BINARY" => {
            format!("string collate {name}")
        }
        DataType::String(_) => "string".to_owned(),
        DataType::Binary => "binary".to_owned(),
        DataType::Date => "date".to_owned(),
        DataType::Timestamp => "timestamp".to_owned(),
        DataType::TimestampNtz => "timestamp_ntz".to_owned(),
        DataType::Time { precision } => format!("time({precision})"),
        DataType::CalendarInterval => "interval".to_owned(),
        DataType::YearMonthInterval { start, end } => year_month_name(*start, *end),
        DataType::DayTimeInterval { start, end } => day_time_name(*start, *end),
        DataType::Array { element, .. } => format!("array<{}>", simple_string(element)),
        DataType::Map { key, value, .. } => {
            format!("map<{},{}>", simple_string(key), simple_string(value))
        }
        DataType::Struct(fields) => struct_string(fields, &simple_string),
        DataType::Variant => "variant".to_owned(),
        DataType::UserDefined { sql_type, .. } => simple_string(sql_type),
    }
}

/// [`simple_string`] without any shortening.
pub fn catalog_string(data_type: &DataType) -> String {
    simple_string(data_type)
}

fn struct_string(fields: &StructType, name: &dyn Fn(&DataType) -> String) -> String {
    let fields = fields
        .fields
        .iter()
        .map(|field| format!("{}:{}", field.name, name(&field.data_type)));
    format!("struct<{}>", fields.collect::<Vec<_>>().join(","))
}

fn year_month_name(start: YearMonthField, end: YearMonthField) -> String {
    let name = |field| match field {
        YearMonthField::Year => "year",
        YearMonthField::Month => "month",
    };
    if start == end {
        format!("interval {}", name(start))
    } else {
        format!("interval {} to {}", name(start), name(end))
    }
}

fn day_time_name(start: DayTimeField, end: DayTimeField) -> String {
    let name = |field| match field {
        DayTimeField::Day => "day",
        DayTimeField::Hour => "hour",
        DayTimeField::Minute => "minute",
        DayTimeField::Second => "second",
    };
    if start == end {
        format!("interval {}", name(start))
    } else {
        format!("interval {} to {}", name(start), name(end))
    }
}

/// A name in backticks if it is not a plain word.
pub(crate) fn quote_if_needed(name: &str) -> String {
    let plain = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.chars().all(|c| c.is_ascii_digit());
    if plain {
        name.to_owned()
    } else {
        format!("`{}`", name.replace('`', "``"))
    }
}

/// A schema as the list of columns of a `CREATE TABLE`.
pub fn struct_ddl(schema: &StructType) -> String {
    let columns = schema.fields.iter().map(|field| {
        let not_null = if field.nullable { "" } else { " NOT NULL" };
        format!(
            "{} {}{not_null}",
            quote_if_needed(&field.name),
            sql_name(&field.data_type)
        )
    });
    columns.collect::<Vec<_>>().join(",")
}

/// What `printSchema` prints, down to `level` levels if one is given.
pub fn tree_string(schema: &StructType, level: Option<i32>) -> String {
    let depth = level.filter(|level| *level > 0).unwrap_or(i32::MAX);
    let mut text = String::from("root\n");
    schema
        .fields
        .iter()
        .for_each(|field| write_field(field, " |", depth, &mut text));
    text
}

fn write_field(field: &StructField, prefix: &str, depth: i32, text: &mut String) {
    let name = tree_type_name(&field.data_type);
    let _ = writeln!(
        text,
        "{prefix}-- {}: {name} (nullable = {})",
        field.name, field.nullable
    );
    write_children(&field.data_type, &format!("{prefix}    |"), depth - 1, text);
}

fn write_children(data_type: &DataType, prefix: &str, depth: i32, text: &mut String) {
    if depth <= 0 {
        return;
    }
    let below = format!("{prefix}    |");
    match data_type {
        DataType::Array {
            element,
            contains_null,
        } => {
            let name = tree_type_name(element);
            let _ = writeln!(
                text,
                "{prefix}-- element: {name} (containsNull = {contains_null})"
            );
            write_children(element, &below, depth - 1, text);
        }
        DataType::Map {
            key,
            value,
            value_contains_null,
        } => {
            let _ = writeln!(text, "{prefix}-- key: {}", tree_type_name(key));
            write_children(key, &below, depth - 1, text);
            let name = tree_type_name(value);
            let _ = writeln!(
                text,
                "{prefix}-- value: {name} (valueContainsNull = {value_contains_null})"
            );
            write_children(value, &below, depth - 1, text);
        }
        DataType::Struct(fields) => {
            fields
                .fields
                .iter()
                .for_each(|field| write_field(field, prefix, depth, text));
        }
        _ => {}
    }
}

/// `typeName`: containers without their contents.
fn tree_type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Array { .. } => "array".to_owned(),
        DataType::Map { .. } => "map".to_owned(),
        DataType::Struct(_) => "struct".to_owned(),
        DataType::Byte => "byte".to_owned(),
        DataType::Short => "short".to_owned(),
        DataType::Integer => "integer".to_owned(),
        DataType::Long => "long".to_owned(),
        other => simple_string(other),
    }
}
