//! Between numbers, booleans and timestamps.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BooleanArray, PrimitiveArray,
};
use arrow::datatypes::{
    Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};

use super::{CastMode, double_text, unexpected};
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::DataType;
use crate::time::MICROS_PER_SECOND;
use crate::types::sql_name;

/// A number of any type, as it is on its way to another.
#[derive(Clone, Copy, Debug)]
enum Number {
    Integer(i64),
    Double(f64),
    Decimal(i128, i8),
}

/// Casts between numbers, booleans and timestamps.
pub(super) fn cast_numbers(
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
    mode: CastMode,
) -> Result<ArrayRef> {
    let number = |row: usize| number_at(array, from, row);
    match to {
        DataType::Boolean => {
            let values = (0..array.len()).map(|row| number(row).map(|n| n.map(is_not_zero)));
            Ok(Arc::new(values.collect::<Result<BooleanArray>>()?))
        }
        DataType::Byte => collect::<Int8Type>(array, from, to, mode, |n| {
            integer_in(n, mode, -128, 127).map(|v| v as i8)
        }),
        DataType::Short => collect::<Int16Type>(array, from, to, mode, |n| {
            integer_in(n, mode, -32_768, 32_767).map(|v| v as i16)
        }),
        DataType::Integer => collect::<Int32Type>(array, from, to, mode, |n| {
            integer_in(n, mode, i64::from(i32::MIN), i64::from(i32::MAX)).map(|v| v as i32)
        }),
        DataType::Long => collect::<Int64Type>(array, from, to, mode, |n| {
            integer_in(n, mode, i64::MIN, i64::MAX)
        }),
        DataType::Float => collect::<Float32Type>(array, from, to, mode, |n| {
            Some(match n {
                Number::Integer(v) => v as f32,
                Number::Double(v) => v as f32,
                Number::Decimal(v, scale) => decimal_to_double(v, scale) as f32,
            })
        }),
        DataType::Double => collect::<Float64Type>(array, from, to, mode, |n| Some(to_double(n))),
        DataType::Decimal { precision, scale } => {
            cast_to_decimal(array, from, (*precision, *scale), mode)
        }
        DataType::Timestamp => {
            collect::<TimestampMicrosecondType>(array, from, to, mode, |n| match n {
                Number::Integer(v) => Some(v.saturating_mul(MICROS_PER_SECOND)),
                Number::Double(v) if v.is_finite() => Some((v * MICROS_PER_SECOND as f64) as i64),
                Number::Double(_) => None,
                Number::Decimal(v, scale) => i64::try_from(rescale(v, scale, 6)?).ok(),
            })
        }
        DataType::Time { .. } => Ok(array.clone()),
        _ => Err(unexpected(from, to)),
    }
}

fn number_at(array: &ArrayRef, from: &DataType, row: usize) -> Result<Option<Number>> {
    if array.is_null(row) {
        return Ok(None);
    }
    Ok(Some(match from {
        DataType::Boolean => Number::Integer(i64::from(array.as_boolean().value(row))),
        DataType::Byte => Number::Integer(i64::from(array.as_primitive::<Int8Type>().value(row))),
        DataType::Short => Number::Integer(i64::from(array.as_primitive::<Int16Type>().value(row))),
        DataType::Integer => {
            Number::Integer(i64::from(array.as_primitive::<Int32Type>().value(row)))
        }
        DataType::Long => Number::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float => {
            Number::Double(f64::from(array.as_primitive::<Float32Type>().value(row)))
        }
        DataType::Double => Number::Double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal { scale, .. } => {
            Number::Decimal(array.as_primitive::<Decimal128Type>().value(row), *scale)
        }
        DataType::Timestamp => Number::Decimal(
            i128::from(array.as_primitive::<TimestampMicrosecondType>().value(row)),
            6,
        ),
        other => {
            return Err(SparkError::internal(format!(
                "{} is not a number",
                sql_name(other)
            )));
        }
    }))
}

fn is_not_zero(number: Number) -> bool {
    match number {
        Number::Integer(v) => v != 0,
        Number::Double(v) => v != 0.0,
        Number::Decimal(v, _) => v != 0,
    }
}

fn collect<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
    mode: CastMode,
    convert: impl Fn(Number) -> Option<T::Native>,
) -> Result<ArrayRef> {
    let values = (0..array.len()).map(|row| {
        let Some(number) = number_at(array, from, row)? else {
            return Ok(None);
        };
        match convert(number) {
            Some(value) => Ok(Some(value)),
            None if mode.strict => Err(overflow(array, from, to, row)),
            None => Ok(None),
        }
    });
    let values: PrimitiveArray<T> = values.collect::<Result<_>>()?;
    Ok(Arc::new(values.with_data_type(internal_arrow(to))))
}

fn overflow(array: &ArrayRef, from: &DataType, to: &DataType, row: usize) -> SparkError {
    let suffix = match from {
        DataType::Byte => "Y",
        DataType::Short => "S",
        DataType::Long => "L",
        DataType::Double => "D",
        DataType::Decimal { .. } => "BD",
        _ => "",
    };
    let text = match number_at(array, from, row) {
        Ok(Some(Number::Integer(v))) => v.to_string(),
        Ok(Some(Number::Double(v))) => double_text(v),
        Ok(Some(Number::Decimal(v, scale))) => decimal_text(v, scale),
        _ => String::new(),
    };
    SparkError::cast_overflow(&format!("{text}{suffix}"), &sql_name(from), &sql_name(to))
}

/// The whole part of a number, if it lies in the range; wrapped around if ANSI is off.
fn integer_in(number: Number, mode: CastMode, low: i64, high: i64) -> Option<i64> {
    let whole = match number {
        Number::Integer(v) => i128::from(v),
        Number::Double(v) => return double_to_integer(v, mode, low, high),
        Number::Decimal(v, scale) => floor_towards_zero(v, scale),
    };
    if (i128::from(low)..=i128::from(high)).contains(&whole) {
        return Some(whole as i64);
    }
    if mode.ansi {
        None
    } else {
        Some(wrap(whole as i64, low))
    }
}

fn double_to_integer(value: f64, mode: CastMode, low: i64, high: i64) -> Option<i64> {
    if mode.ansi {
        let fits = value.is_finite() && value.floor() <= high as f64 && value.ceil() >= low as f64;
        let inside = high != i64::MAX || value < 9_223_372_036_854_775_808.0;
        return (fits && inside).then_some(value as i64);
    }
    // Java narrows to int or long first, saturating, then cuts off bits.
    if high == i64::MAX {
        return Some(value as i64);
    }
    Some(wrap(i64::from(value as i32), low))
}

fn wrap(value: i64, low: i64) -> i64 {
    match low {
        -128 => i64::from(value as i8),
        -32_768 => i64::from(value as i16),
        low if low == i64::from(i32::MIN) => i64::from(value as i32),
        _ => value,
    }
}

fn floor_towards_zero(value: i128, scale: i8) -> i128 {
    match scale {
        s if s > 0 => value / 10i128.pow(s as u32),
        s => value * 10i128.pow(-s as u32),
    }
}

fn to_double(number: Number) -> f64 {
    match number {
        Number::Integer(v) => v as f64,
        Number::Double(v) => v,
        Number::Decimal(v, scale) => decimal_to_double(v, scale),
    }
}

fn decimal_to_double(value: i128, scale: i8) -> f64 {
    decimal_text(value, scale).parse().unwrap_or(f64::NAN)
}

fn cast_to_decimal(
    array: &ArrayRef,
    from: &DataType,
    to: (u8, i8),
    mode: CastMode,
) -> Result<ArrayRef> {
    let (precision, scale) = to;
    let target = DataType::Decimal { precision, scale };
    let values = (0..array.len()).map(|row| {
        let Some(number) = number_at(array, from, row)? else {
            return Ok(None);
        };
        match to_decimal(number, from, scale).filter(|v| fits(*v, precision)) {
            Some(value) => Ok(Some(value)),
            None if mode.strict => {
                let text = match number {
                    Number::Integer(v) => v.to_string(),
                    Number::Double(v) => double_text(v),
                    Number::Decimal(v, s) => decimal_text(v, s),
                };
                Err(SparkError::numeric_value_out_of_range(
                    &text, precision, scale,
                ))
            }
            None => Ok(None),
        }
    });
    let values: PrimitiveArray<Decimal128Type> = values.collect::<Result<_>>()?;
    Ok(Arc::new(values.with_data_type(internal_arrow(&target))))
}

fn to_decimal(number: Number, from: &DataType, scale: i8) -> Option<i128> {
    match number {
        Number::Integer(v) => rescale(i128::from(v), 0, scale),
        Number::Decimal(v, from_scale) => rescale(v, from_scale, scale),
        Number::Double(v) if v.is_finite() => {
            let text = if *from == DataType::Float {
                super::float_text(v as f32)
            } else {
                double_text(v)
            };
            super::parse_decimal(&text, scale)
        }
        Number::Double(_) => None,
    }
}

fn fits(value: i128, precision: u8) -> bool {
    value.unsigned_abs() < 10u128.pow(u32::from(precision))
}

/// `value` × 10^-`from` with `to` digits after the point, halves rounded up (away from zero).
pub(crate) fn rescale(value: i128, from: i8, to: i8) -> Option<i128> {
    if to >= from {
        return value.checked_mul(10i128.checked_pow(u32::from((to - from) as u8))?);
    }
    let divisor = 10i128.checked_pow(u32::from((from - to) as u8))?;
    let (quotient, remainder) = (value / divisor, value % divisor);
    let away = i128::from(remainder.unsigned_abs() * 2 >= divisor.unsigned_abs());
    Some(quotient + away * value.signum())
}

/// A decimal as plain digits.
pub(crate) fn decimal_text(value: i128, scale: i8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs().to_string();
    if scale <= 0 {
        let zeros = if value == 0 {
            0
        } else {
            usize::from(scale.unsigned_abs())
        };
        return format!("{sign}{digits}{}", "0".repeat(zeros));
    }
    let scale = scale as usize;
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// Integers as big-endian bytes.
pub(super) fn to_binary(array: &ArrayRef) -> ArrayRef {
    let bytes = |row: usize| -> Option<Vec<u8>> {
        if array.is_null(row) {
            return None;
        }
        Some(match array.data_type() {
            arrow::datatypes::DataType::Int8 => array
                .as_primitive::<Int8Type>()
                .value(row)
                .to_be_bytes()
                .to_vec(),
            arrow::datatypes::DataType::Int16 => array
                .as_primitive::<Int16Type>()
                .value(row)
                .to_be_bytes()
                .to_vec(),
            arrow::datatypes::DataType::Int32 => array
                .as_primitive::<Int32Type>()
                .value(row)
                .to_be_bytes()
                .to_vec(),
            _ => array
                .as_primitive::<Int64Type>()
                .value(row)
                .to_be_bytes()
                .to_vec(),
        })
    };
    Arc::new((0..array.len()).map(bytes).collect::<BinaryArray>())
}
