//! Conversions between types, as Spark's `CAST` does them.
//!
//! Always true: with ANSI on, a value that does not fit is an error that names it; with ANSI off or for `try_cast` it
//! is null. Start at [`can_cast`] and [`cast_array`].

mod from_string;
mod interval;
mod numeric;
mod to_string;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Date32Array, ListArray, MapArray, StringArray,
    StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType as ArrowType, Date32Type, TimestampMicrosecondType};

use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, StringConstraint};
use crate::time::{MICROS_PER_DAY, TimeZone};
use crate::types::sql_name;

pub(crate) use from_string::{parse_date, parse_decimal, parse_time, parse_timestamp, trim_all};
pub(crate) use interval::{
    calendar_interval_text, day_time_text, interval_from_text, parse_day_time, parse_year_month,
    year_month_text,
};
pub(crate) use numeric::{decimal_text, rescale};
pub(crate) use to_string::{
    Style, ValueWriter, date_text, double_text, float_text, timestamp_ntz_text, timestamp_text,
};

/// How a cast behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CastMode {
    /// Values that do not fit are errors.
    pub(crate) strict: bool,
    /// Only ANSI's rules of what fits, which `try_cast` shares.
    pub(crate) ansi: bool,
    pub(crate) time_zone: TimeZone,
}

/// True if values of `from` may be cast to `to` explicitly.
pub(crate) fn can_cast(from: &DataType, to: &DataType, ansi: bool) -> bool {
    use DataType as T;
    match (from, to) {
        (a, b) if a == b => true,
        (T::Null, _) => true,
        (T::UserDefined { sql_type, .. }, to) => can_cast(sql_type, to, ansi),
        (_, T::String(_)) => !matches!(from, T::Variant),
        (T::String(_), t) => t.is_atomic(),
        (T::Binary, t) => !ansi && t.is_integral(),
        (t, T::Binary) => !ansi && t.is_integral(),
        (T::Boolean, t) | (t, T::Boolean) if t.is_numeric() => true,
        (a, b) if a.is_numeric() && b.is_numeric() => true,
        (a, T::Timestamp) if a.is_numeric() => true,
        (T::Timestamp, b) if b.is_numeric() => true,
        (T::Boolean, T::Timestamp) | (T::Timestamp, T::Boolean) => !ansi,
        (a, b) if a.is_datetime() && b.is_datetime() => true,
        (T::TimestampNtz | T::Timestamp, T::Time { .. }) | (T::Time { .. }, T::Time { .. }) => true,
        (T::YearMonthInterval { .. }, T::YearMonthInterval { .. }) => true,
        (T::DayTimeInterval { .. }, T::DayTimeInterval { .. }) => true,
        (T::YearMonthInterval { .. } | T::DayTimeInterval { .. }, b) => {
            b.is_integral() || matches!(b, T::Decimal { .. })
        }
        (a, T::YearMonthInterval { .. } | T::DayTimeInterval { .. }) => {
            a.is_integral() || matches!(a, T::Decimal { .. })
        }
        (T::Array { element: a, .. }, T::Array { element: b, .. }) => can_cast(a, b, ansi),
        (
            T::Map {
                key: k1, value: v1, ..
            },
            T::Map {
                key: k2, value: v2, ..
            },
        ) => can_cast(k1, k2, ansi) && can_cast(v1, v2, ansi),
        (T::Struct(a), T::Struct(b)) => {
            a.len() == b.len()
                && a.fields
                    .iter()
                    .zip(b.fields.iter())
                    .all(|(x, y)| can_cast(&x.data_type, &y.data_type, ansi))
        }
        _ => false,
    }
}

/// True if Spark calls the cast of a value that is not null nullable: where a value may be lost, even if it is an error
/// then.
pub(crate) fn may_give_null(from: &DataType, to: &DataType, mode: CastMode) -> bool {
    use DataType as T;
    if !mode.strict && can_fail(from, to) {
        return true;
    }
    match (from, to) {
        (a, b) if a == b => false,
        (T::Null, _) => false,
        (T::Variant, _) => true,
        (T::String(_), T::Binary | T::String(_)) => false,
        (T::String(_), _) => true,
        (_, T::String(_)) => false,
        (T::Timestamp, T::Byte | T::Short | T::Integer) => true,
        (T::Float | T::Double, T::Timestamp) => true,
        (T::Timestamp, T::Date) => false,
        (_, T::Date) => true,
        (T::Date, T::Timestamp) => false,
        (T::Date, _) => true,
        (_, T::CalendarInterval) => true,
        (a, T::Decimal { precision, scale }) => !fits_decimal(a, *precision, *scale),
        (a, b) => a.is_fractional() && b.is_integral(),
    }
}

/// True if every value of `from` has a place in such a decimal.
fn fits_decimal(from: &DataType, precision: u8, scale: i8) -> bool {
    let whole = i16::from(precision) - i16::from(scale);
    match (from, crate::types::coercion::decimal_for(from)) {
        (DataType::Boolean, _) => whole >= 1,
        (DataType::Decimal { .. }, Some((p, s))) => {
            let own = i16::from(p) - i16::from(s);
            whole > own || (whole >= own && scale >= s)
        }
        (_, Some((p, _))) => whole >= i16::from(p),
        _ => false,
    }
}

/// True if some value of `from` has no counterpart in `to`.
pub(crate) fn can_fail(from: &DataType, to: &DataType) -> bool {
    use crate::types::coercion::{decimal_for, same_shape};
    match (from, to) {
        (a, b) if same_shape(a, b) => false,
        (_, DataType::String(_)) | (DataType::Null, _) => false,
        (DataType::Boolean, b) => !b.is_numeric(),
        (_, DataType::Boolean) => from.is_string(),
        (a, DataType::Decimal { precision, scale }) => match decimal_for(a) {
            Some((p, s)) => {
                (i16::from(p) - i16::from(s)) > (i16::from(*precision) - i16::from(*scale))
            }
            None => true,
        },
        (a, b) if a.is_numeric() && b.is_numeric() => {
            let order = [
                DataType::Byte,
                DataType::Short,
                DataType::Integer,
                DataType::Long,
            ];
            let place = |t: &DataType| order.iter().position(|o| o == t);
            match (place(a), place(b)) {
                (Some(a), Some(b)) => a > b,
                (Some(_), None) => false,
                _ => b.is_integral(),
            }
        }
        (a, b) if a.is_datetime() && b.is_datetime() => false,
        (DataType::Timestamp, DataType::Double | DataType::Float | DataType::Long) => false,
        (DataType::Array { element: a, .. }, DataType::Array { element: b, .. }) => can_fail(a, b),
        _ => true,
    }
}

/// Casts every value of `array`.
pub(crate) fn cast_array(
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
    mode: CastMode,
) -> Result<ArrayRef> {
    use DataType as T;
    if from == to {
        return Ok(array.clone());
    }
    let result = match (from, to) {
        (T::Null, _) => arrow::array::new_null_array(&internal_arrow(to), array.len()),
        (T::UserDefined { sql_type, .. }, _) => return cast_array(array, sql_type, to, mode),
        (_, T::UserDefined { sql_type, .. }) => return cast_array(array, from, sql_type, mode),
        (T::String(_), T::String(constraint)) => constrained(array, constraint)?,
        (_, T::String(constraint)) => {
            let text = to_string_array(array, from, mode.time_zone)?;
            constrained(&text, constraint)?
        }
        (T::String(_), _) => from_string::cast_strings(array, to, mode)?,
        (_, T::Binary) => numeric::to_binary(array),
        (T::Timestamp, T::TimestampNtz) => {
            map_timestamps(array, |t| Some(mode.time_zone.to_local(t)))?
        }
        (T::TimestampNtz, T::Timestamp) => {
            map_timestamps(array, |t| Some(mode.time_zone.to_utc(t)))?
        }
        (T::Date, T::Timestamp) => dates_to_timestamps(array, |t| mode.time_zone.to_utc(t)),
        (T::Date, T::TimestampNtz) => dates_to_timestamps(array, |t| t),
        (T::Timestamp, T::Date) => timestamps_to_dates(array, |t| mode.time_zone.to_local(t)),
        (T::TimestampNtz, T::Date) => timestamps_to_dates(array, |t| t),
        (T::Timestamp, T::Time { .. }) => {
            timestamps_to_times(array, |t| mode.time_zone.to_local(t))
        }
        (T::TimestampNtz, T::Time { .. }) => timestamps_to_times(array, |t| t),
        (a, b) if a.is_interval() || b.is_interval() => {
            interval::cast_interval(array, from, to, mode)?
        }
        (T::Array { element: a, .. }, T::Array { element: b, .. }) => {
            let list = array.as_list::<i32>();
            let values = cast_array(list.values(), a, b, mode)?;
            let ArrowType::List(field) = internal_arrow(to) else {
                return Err(unexpected(from, to));
            };
            let values = crate::execution::reshape(&values, field.data_type())?;
            Arc::new(ListArray::try_new(
                field,
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?)
        }
        (
            T::Map {
                key: k1, value: v1, ..
            },
            T::Map {
                key: k2, value: v2, ..
            },
        ) => {
            let map = array.as_map();
            let keys = cast_array(map.keys(), k1, k2, mode)?;
            let values = cast_array(map.values(), v1, v2, mode)?;
            let ArrowType::Map(field, sorted) = internal_arrow(to) else {
                return Err(unexpected(from, to));
            };
            let ArrowType::Struct(fields) = field.data_type() else {
                return Err(unexpected(from, to));
            };
            let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
            Arc::new(MapArray::try_new(
                field,
                map.offsets().clone(),
                entries,
                map.nulls().cloned(),
                sorted,
            )?)
        }
        (T::Struct(a), T::Struct(b)) if a.len() == b.len() => {
            let structure = array.as_struct();
            let fields = a
                .fields
                .iter()
                .zip(b.fields.iter())
                .zip(structure.columns());
            let columns =
                fields.map(|((x, y), column)| cast_array(column, &x.data_type, &y.data_type, mode));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let ArrowType::Struct(fields) = internal_arrow(to) else {
                return Err(unexpected(from, to));
            };
            if fields.is_empty() {
                array.clone()
            } else {
                let columns = columns
                    .iter()
                    .zip(&fields)
                    .map(|(c, f)| crate::execution::reshape(c, f.data_type()));
                let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
                Arc::new(StructArray::try_new(
                    fields,
                    columns,
                    structure.nulls().cloned(),
                )?)
            }
        }
        _ => numeric::cast_numbers(array, from, to, mode)?,
    };
    Ok(result)
}

pub(crate) fn unexpected(from: &DataType, to: &DataType) -> SparkError {
    SparkError::internal(format!(
        "no cast from {} to {}",
        sql_name(from),
        sql_name(to)
    ))
}

/// Every value as the text that a cast to string gives.
pub(crate) fn to_string_array(
    array: &ArrayRef,
    from: &DataType,
    time_zone: TimeZone,
) -> Result<ArrayRef> {
    if matches!(from, DataType::Binary) {
        return Ok(Arc::new(bytes_as_text(array.as_binary())));
    }
    let writer = ValueWriter::new(Style::Cast, time_zone);
    let values = (0..array.len()).map(|row| writer.text(array, from, row));
    Ok(Arc::new(values.collect::<StringArray>()))
}

/// Bytes as text, without a copy where all of them are text; what is none becomes U+FFFD.
fn bytes_as_text(array: &BinaryArray) -> StringArray {
    let offsets = array.offsets();
    let (start, end) = (offsets[0], offsets[array.len()]);
    let (offsets, values) = if start == 0 && end as usize == array.values().len() {
        (offsets.clone(), array.values().clone())
    } else {
        let shifted: Vec<i32> = offsets.iter().map(|offset| offset - start).collect();
        let values = (start as usize, (end - start) as usize);
        (
            OffsetBuffer::new(shifted.into()),
            array.values().slice_with_length(values.0, values.1),
        )
    };
    StringArray::try_new(offsets, values, array.nulls().cloned()).unwrap_or_else(|_| {
        array
            .iter()
            .map(|value| value.map(String::from_utf8_lossy))
            .collect()
    })
}

fn constrained(array: &ArrayRef, constraint: &StringConstraint) -> Result<ArrayRef> {
    let strings = array.as_string::<i32>();
    Ok(match constraint {
        StringConstraint::Char(length) => {
            let width = *length as usize;
            Arc::new(
                strings
                    .iter()
                    .map(|v| v.map(|v| fit(v, width, true)))
                    .collect::<StringArray>(),
            )
        }
        StringConstraint::Varchar(length) => {
            let width = *length as usize;
            Arc::new(
                strings
                    .iter()
                    .map(|v| v.map(|v| fit(v, width, false)))
                    .collect::<StringArray>(),
            )
        }
        _ => array.clone(),
    })
}

fn fit(value: &str, width: usize, pad: bool) -> String {
    let mut text: String = value.chars().take(width).collect();
    if pad {
        let missing = width - text.chars().count();
        text.extend(std::iter::repeat_n(' ', missing));
    }
    text
}

fn map_timestamps(array: &ArrayRef, f: impl Fn(i64) -> Option<i64>) -> Result<ArrayRef> {
    let values = array.as_primitive::<TimestampMicrosecondType>();
    let mapped: TimestampMicrosecondArray = values.iter().map(|v| v.and_then(&f)).collect();
    let zone = match array.data_type() {
        ArrowType::Timestamp(_, Some(_)) => None,
        _ => Some(crate::types::INTERNAL_TIME_ZONE.into()),
    };
    Ok(Arc::new(mapped.with_timezone_opt::<Arc<str>>(zone)))
}

fn dates_to_timestamps(array: &ArrayRef, f: impl Fn(i64) -> i64) -> ArrayRef {
    let values = array.as_primitive::<Date32Type>();
    let mapped: TimestampMicrosecondArray = values
        .iter()
        .map(|v| v.map(|v| f(i64::from(v).saturating_mul(MICROS_PER_DAY))))
        .collect();
    Arc::new(mapped)
}

fn timestamps_to_dates(array: &ArrayRef, f: impl Fn(i64) -> i64) -> ArrayRef {
    let values = array.as_primitive::<TimestampMicrosecondType>();
    let mapped: Date32Array = values
        .iter()
        .map(|v| v.map(|v| f(v).div_euclid(MICROS_PER_DAY) as i32))
        .collect();
    Arc::new(mapped)
}

fn timestamps_to_times(array: &ArrayRef, f: impl Fn(i64) -> i64) -> ArrayRef {
    let values = array.as_primitive::<TimestampMicrosecondType>();
    let mapped: arrow::array::Time64NanosecondArray = values
        .iter()
        .map(|v| v.map(|v| f(v).rem_euclid(MICROS_PER_DAY) * 1000))
        .collect();
    Arc::new(mapped)
}

/// Binary values of an array of strings.
pub(crate) fn strings_to_binary(array: &ArrayRef) -> ArrayRef {
    Arc::new(BinaryArray::from(array.as_string::<i32>().clone()))
}

/// Booleans as the text of a cast gives them.
pub(crate) fn boolean_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_the_same_text_wherever_their_array_is_cut() {
        let whole: BinaryArray = [
            Some(&b"plain"[..]),
            None,
            Some("\u{e9}t\u{e9}".as_bytes()),
            Some(b""),
            Some(b"bro\xffken"),
            // Two halves of one character are no text, though they stand side by side.
            Some(b"\xc3"),
            Some(b"\xa9"),
        ]
        .into_iter()
        .collect();
        for (start, end) in (0..=whole.len()).flat_map(|end| (0..=end).map(move |s| (s, end))) {
            let cut = whole.slice(start, end - start);
            let expected: StringArray = cut
                .iter()
                .map(|value| value.map(String::from_utf8_lossy))
                .collect();
            assert_eq!(bytes_as_text(&cut), expected, "{start}..{end}");
        }
    }
}
