//! Literals as constants of the engine, and their texts.

use std::sync::Arc;

use arrow::array::{ArrayRef, MapArray, StructArray, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType as ArrowType, IntervalMonthDayNano};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

use super::TypedExpr;
use crate::cast::{
    calendar_interval_text, date_text, day_time_text, decimal_text, double_text, float_text,
    timestamp_ntz_text, timestamp_text, year_month_text,
};
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, Literal};
use crate::time::TimeZone;

/// The constant of a literal.
pub(crate) fn typed_literal(literal: &Literal, time_zone: TimeZone) -> Result<TypedExpr> {
    let value = scalar_value(literal)?;
    let data_type = literal.data_type();
    let name = literal_text(literal, time_zone);
    Ok(TypedExpr::new(
        Expr::Literal(value, None),
        data_type,
        literal.is_null(),
        name,
    ))
}

/// A null of a type.
pub(crate) fn null_value(data_type: &DataType) -> Result<ScalarValue> {
    Ok(ScalarValue::try_from(&internal_arrow(data_type))?)
}

pub(crate) fn scalar_value(literal: &Literal) -> Result<ScalarValue> {
    Ok(match literal {
        Literal::Null(data_type) => null_value(data_type)?,
        Literal::Boolean(v) => ScalarValue::Boolean(Some(*v)),
        Literal::Byte(v) => ScalarValue::Int8(Some(*v)),
        Literal::Short(v) => ScalarValue::Int16(Some(*v)),
        Literal::Integer(v) => ScalarValue::Int32(Some(*v)),
        Literal::Long(v) => ScalarValue::Int64(Some(*v)),
        Literal::Float(v) => ScalarValue::Float32(Some(*v)),
        Literal::Double(v) => ScalarValue::Float64(Some(*v)),
        Literal::Decimal {
            unscaled,
            precision,
            scale,
        } => ScalarValue::Decimal128(Some(*unscaled), *precision, *scale),
        Literal::String(v) => ScalarValue::Utf8(Some(v.clone())),
        Literal::Binary(v) => ScalarValue::Binary(Some(v.clone())),
        Literal::Date(v) => ScalarValue::Date32(Some(*v)),
        Literal::Timestamp(v) => ScalarValue::TimestampMicrosecond(
            Some(*v),
            Some(crate::types::INTERNAL_TIME_ZONE.into()),
        ),
        Literal::TimestampNtz(v) => ScalarValue::TimestampMicrosecond(Some(*v), None),
        Literal::Time { nanoseconds, .. } => ScalarValue::Time64Nanosecond(Some(*nanoseconds)),
        Literal::CalendarInterval {
            months,
            days,
            microseconds,
        } => ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(
            *months,
            *days,
            microseconds.saturating_mul(1000),
        ))),
        Literal::YearMonthInterval { months, .. } => ScalarValue::IntervalYearMonth(Some(*months)),
        Literal::DayTimeInterval { microseconds, .. } => {
            ScalarValue::DurationMicrosecond(Some(*microseconds))
        }
        Literal::Array { .. } | Literal::Map { .. } | Literal::Struct { .. } => {
            ScalarValue::try_from_array(&container(literal)?, 0)?
        }
    })
}

/// Values as an array of the element type.
fn values(literals: &[Literal], data_type: &DataType) -> Result<ArrayRef> {
    let arrow = internal_arrow(data_type);
    if literals.is_empty() {
        return Ok(new_empty_array(&arrow));
    }
    let arrays = literals.iter().map(|literal| {
        let array = if literal.is_null() {
            arrow::array::new_null_array(&arrow, 1)
        } else {
            scalar_value(literal)?.to_array()?
        };
        Ok(crate::execution::reshape(&array, &arrow)?)
    });
    let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
    let arrays: Vec<&dyn arrow::array::Array> = arrays.iter().map(AsRef::as_ref).collect();
    Ok(arrow::compute::concat(&arrays)?)
}

/// An array of length one that holds a container.
fn container(literal: &Literal) -> Result<ArrayRef> {
    let data_type = literal.data_type();
    let arrow = internal_arrow(&data_type);
    match (literal, &arrow) {
        (
            Literal::Array {
                element,
                values: items,
            },
            ArrowType::List(field),
        ) => {
            let offsets = OffsetBuffer::from_lengths([items.len()]);
            let items = values(items, element)?;
            Ok(Arc::new(arrow::array::ListArray::try_new(
                field.clone(),
                offsets,
                items,
                None,
            )?))
        }
        (
            Literal::Map {
                key,
                value,
                entries,
            },
            ArrowType::Map(field, sorted),
        ) => {
            let (keys, items): (Vec<_>, Vec<_>) = entries.iter().cloned().unzip();
            let ArrowType::Struct(fields) = field.data_type() else {
                return Err(wrong(&data_type));
            };
            let columns = vec![values(&keys, key)?, values(&items, value)?];
            let structure = StructArray::try_new(fields.clone(), columns, None)?;
            let offsets = OffsetBuffer::from_lengths([entries.len()]);
            Ok(Arc::new(MapArray::try_new(
                field.clone(),
                offsets,
                structure,
                None,
                *sorted,
            )?))
        }
        (
            Literal::Struct {
                struct_type,
                values: items,
            },
            ArrowType::Struct(fields),
        ) => {
            if fields.is_empty() {
                return Ok(Arc::new(StructArray::new_empty_fields(1, None)));
            }
            let columns = struct_type.fields.iter().zip(items);
            let columns =
                columns.map(|(field, item)| values(std::slice::from_ref(item), &field.data_type));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Ok(Arc::new(StructArray::try_new(
                fields.clone(),
                columns,
                None,
            )?))
        }
        _ => Err(wrong(&data_type)),
    }
}

fn wrong(data_type: &DataType) -> SparkError {
    SparkError::internal(format!(
        "no constant of type {}",
        crate::types::sql_name(data_type)
    ))
}

/// The text of a literal in a column's name.
/// As Java writes decimals: small ones with an exponent.
fn decimal_literal_text(unscaled: i128, scale: i8) -> String {
    let digits = unscaled.unsigned_abs().to_string();
    let exponent = digits.len() as i32 - 1 - i32::from(scale);
    if exponent >= -6 {
        return decimal_text(unscaled, scale);
    }
    let sign = if unscaled < 0 { "-" } else { "" };
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}E{exponent}")
}

pub(crate) fn literal_text(literal: &Literal, time_zone: TimeZone) -> String {
    match literal {
        Literal::Null(_) => "NULL".to_owned(),
        Literal::Boolean(v) => v.to_string(),
        Literal::Byte(v) => v.to_string(),
        Literal::Short(v) => v.to_string(),
        Literal::Integer(v) => v.to_string(),
        Literal::Long(v) => v.to_string(),
        Literal::Float(v) => float_text(*v),
        Literal::Double(v) => double_text(*v),
        Literal::Decimal {
            unscaled, scale, ..
        } => decimal_literal_text(*unscaled, *scale),
        Literal::String(v) => v.clone(),
        Literal::Binary(v) => {
            let hex: String = v.iter().map(|b| format!("{b:02X}")).collect();
            format!("X'{hex}'")
        }
        Literal::Date(v) => format!("DATE '{}'", date_text(i64::from(*v))),
        Literal::Timestamp(v) => format!("TIMESTAMP '{}'", timestamp_text(*v, time_zone)),
        Literal::TimestampNtz(v) => format!("TIMESTAMP_NTZ '{}'", timestamp_ntz_text(*v)),
        Literal::Time { nanoseconds, .. } => {
            let text = timestamp_ntz_text(nanoseconds / 1000);
            format!(
                "TIME '{}'",
                text.split_once(' ').map_or("", |(_, time)| time)
            )
        }
        Literal::CalendarInterval {
            months,
            days,
            microseconds,
        } => {
            format!(
                "INTERVAL '{}'",
                calendar_interval_text(*months, *days, *microseconds)
            )
        }
        Literal::YearMonthInterval { months, data_type } => match data_type {
            DataType::YearMonthInterval { start, end } => year_month_text(*months, *start, *end),
            _ => months.to_string(),
        },
        Literal::DayTimeInterval {
            microseconds,
            data_type,
        } => match data_type {
            DataType::DayTimeInterval { start, end } => day_time_text(*microseconds, *start, *end),
            _ => microseconds.to_string(),
        },
        Literal::Array { values, .. } => {
            let values: Vec<String> = values.iter().map(|v| literal_text(v, time_zone)).collect();
            format!("ARRAY({})", values.join(", "))
        }
        Literal::Map { entries, .. } => {
            let entries = entries.iter().map(|(k, v)| {
                format!(
                    "{}, {}",
                    literal_text(k, time_zone),
                    literal_text(v, time_zone)
                )
            });
            format!("MAP({})", entries.collect::<Vec<_>>().join(", "))
        }
        Literal::Struct {
            struct_type,
            values,
        } => {
            let fields = struct_type.fields.iter().zip(values);
            let fields =
                fields.map(|(f, v)| format!("{} AS {}", literal_text(v, time_zone), f.name));
            format!("NAMED_STRUCT({})", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The literal of a value in the engine's arrays.
pub(crate) fn literal_of(value: &ScalarValue, data_type: &DataType) -> Result<Literal> {
    if value.is_null() {
        return Ok(Literal::Null(data_type.clone()));
    }
    Ok(match (value, data_type) {
        (ScalarValue::Boolean(Some(v)), _) => Literal::Boolean(*v),
        (ScalarValue::Int8(Some(v)), _) => Literal::Byte(*v),
        (ScalarValue::Int16(Some(v)), _) => Literal::Short(*v),
        (ScalarValue::Int32(Some(v)), _) => Literal::Integer(*v),
        (ScalarValue::Int64(Some(v)), _) => Literal::Long(*v),
        (ScalarValue::Float32(Some(v)), _) => Literal::Float(*v),
        (ScalarValue::Float64(Some(v)), _) => Literal::Double(*v),
        (ScalarValue::Utf8(Some(v)), _) => Literal::String(v.clone()),
        (ScalarValue::Binary(Some(v)), _) => Literal::Binary(v.clone()),
        (ScalarValue::Date32(Some(v)), _) => Literal::Date(*v),
        (ScalarValue::Decimal128(Some(v), precision, scale), _) => Literal::Decimal {
            unscaled: *v,
            precision: *precision,
            scale: *scale,
        },
        (ScalarValue::TimestampMicrosecond(Some(v), None), _) => Literal::TimestampNtz(*v),
        (ScalarValue::TimestampMicrosecond(Some(v), Some(_)), _) => Literal::Timestamp(*v),
        (_, other) => {
            return Err(SparkError::unsupported_feature(&format!(
                "observing a value of the type {}",
                crate::types::sql_name(other)
            )));
        }
    })
}
