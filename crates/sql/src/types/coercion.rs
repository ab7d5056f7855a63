//! Which type two types meet in, and which may stand in for which (Spark's ANSI rules).

use crate::ir::{DataType, StringConstraint, StructField, StructType};

/// Digits in the largest decimal.
const DECIMAL_PRECISION_MAX: u8 = 38;
/// Fraction digits that survive when a result must be shortened.
const DECIMAL_MINIMUM_ADJUSTED_SCALE: i32 = 6;

/// The decimal that holds every value of an integral type.
pub(crate) fn decimal_for(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        DataType::Byte => Some((3, 0)),
        DataType::Short => Some((5, 0)),
        DataType::Integer => Some((10, 0)),
        DataType::Long => Some((20, 0)),
        DataType::Decimal { precision, scale } => Some((*precision, *scale)),
        _ => None,
    }
}

/// A decimal of at most 38 digits, giving up fraction digits before digits left of the point.
pub(crate) fn adjusted_decimal(precision: i32, scale: i32) -> DataType {
    let maximum = i32::from(DECIMAL_PRECISION_MAX);
    if precision <= maximum {
        return DataType::Decimal {
            precision: precision as u8,
            scale: scale as i8,
        };
    }
    let whole = precision - scale;
    let minimum = scale.min(DECIMAL_MINIMUM_ADJUSTED_SCALE);
    let scale = (maximum - whole).max(minimum);
    DataType::Decimal {
        precision: DECIMAL_PRECISION_MAX,
        scale: scale as i8,
    }
}

/// A decimal cut at 38 digits.
pub(crate) fn bounded_decimal(precision: i32, scale: i32) -> DataType {
    let maximum = i32::from(DECIMAL_PRECISION_MAX);
    DataType::Decimal {
        precision: precision.clamp(1, maximum) as u8,
        scale: scale.min(maximum) as i8,
    }
}

/// The decimal that holds all values of two decimals.
pub(crate) fn wider_decimal(left: (u8, i8), right: (u8, i8)) -> DataType {
    let scale = i32::from(left.1.max(right.1));
    let whole =
        (i32::from(left.0) - i32::from(left.1)).max(i32::from(right.0) - i32::from(right.1));
    bounded_decimal(whole + scale, scale)
}

fn precedence(data_type: &DataType) -> Option<u8> {
    Some(match data_type {
        DataType::Byte => 0,
        DataType::Short => 1,
        DataType::Integer => 2,
        DataType::Long => 3,
        DataType::Float => 4,
        DataType::Double => 5,
        _ => return None,
    })
}

/// The type that holds both without loss, strings not converted.
pub(crate) fn tightest_common_type(left: &DataType, right: &DataType) -> Option<DataType> {
    if left == right {
        return Some(left.clone());
    }
    match (left, right) {
        (DataType::Null, other) | (other, DataType::Null) => Some(other.clone()),
        (DataType::String(a), DataType::String(b)) => Some(DataType::String(common_string(a, b))),
        (DataType::Date, DataType::Timestamp) | (DataType::Timestamp, DataType::Date) => {
            Some(DataType::Timestamp)
        }
        (DataType::Date, DataType::TimestampNtz) | (DataType::TimestampNtz, DataType::Date) => {
            Some(DataType::TimestampNtz)
        }
        (DataType::TimestampNtz, DataType::Timestamp)
        | (DataType::Timestamp, DataType::TimestampNtz) => Some(DataType::Timestamp),
        (DataType::Time { precision: a }, DataType::Time { precision: b }) => {
            Some(DataType::Time {
                precision: *a.max(b),
            })
        }
        (
            DataType::YearMonthInterval { start: s1, end: e1 },
            DataType::YearMonthInterval { start: s2, end: e2 },
        ) => Some(DataType::YearMonthInterval {
            start: *s1.min(s2),
            end: *e1.max(e2),
        }),
        (
            DataType::DayTimeInterval { start: s1, end: e1 },
            DataType::DayTimeInterval { start: s2, end: e2 },
        ) => Some(DataType::DayTimeInterval {
            start: *s1.min(s2),
            end: *e1.max(e2),
        }),
        _ if left.is_numeric() && right.is_numeric() => common_numeric(left, right),
        _ => common_container(left, right, &tightest_common_type),
    }
}

fn common_string(a: &StringConstraint, b: &StringConstraint) -> StringConstraint {
    match (a, b) {
        (StringConstraint::Collation(name), _) | (_, StringConstraint::Collation(name)) => {
            StringConstraint::Collation(name.clone())
        }
        _ => StringConstraint::None,
    }
}

fn common_numeric(left: &DataType, right: &DataType) -> Option<DataType> {
    let is_decimal = |t: &DataType| matches!(t, DataType::Decimal { .. });
    if is_decimal(left) || is_decimal(right) {
        return match (decimal_for(left), decimal_for(right)) {
            (Some(left), Some(right)) => Some(wider_decimal(left, right)),
            _ => Some(DataType::Double),
        };
    }
    let wider = if precedence(left)? > precedence(right)? {
        left
    } else {
        right
    };
    Some(match wider {
        DataType::Float => DataType::Double,
        other => other.clone(),
    })
}

fn common_container(
    left: &DataType,
    right: &DataType,
    common: &dyn Fn(&DataType, &DataType) -> Option<DataType>,
) -> Option<DataType> {
    match (left, right) {
        (
            DataType::Array {
                element: a,
                contains_null: n1,
            },
            DataType::Array {
                element: b,
                contains_null: n2,
            },
        ) => Some(DataType::array(
            common(a, b)?,
            *n1 || *n2 || casts_to_null(a, b),
        )),
        (
            DataType::Map {
                key: k1,
                value: v1,
                value_contains_null: n1,
            },
            DataType::Map {
                key: k2,
                value: v2,
                value_contains_null: n2,
            },
        ) => Some(DataType::map(
            common(k1, k2)?,
            common(v1, v2)?,
            *n1 || *n2 || casts_to_null(v1, v2),
        )),
        (DataType::Struct(a), DataType::Struct(b)) if a.len() == b.len() => {
            let fields = a.fields.iter().zip(b.fields.iter()).map(|(x, y)| {
                let same_name = x.name.eq_ignore_ascii_case(&y.name);
                let data_type = common(&x.data_type, &y.data_type)?;
                same_name
                    .then(|| StructField::new(x.name.clone(), data_type, x.nullable || y.nullable))
            });
            Some(DataType::Struct(StructType::new(
                fields.collect::<Option<Vec<_>>>()?,
            )))
        }
        _ => None,
    }
}

fn casts_to_null(a: &DataType, b: &DataType) -> bool {
    (*a == DataType::Null) != (*b == DataType::Null)
}

/// The type that two operands of a comparison or branch meet in: as [`tightest_common_type`], and strings become
/// what they meet.
pub(crate) fn common_type(left: &DataType, right: &DataType) -> Option<DataType> {
    if let Some(found) = tightest_common_type(left, right) {
        return Some(found);
    }
    match (left, right) {
        (DataType::String(_), other) | (other, DataType::String(_)) => type_of_string_with(other),
        _ => common_container(left, right, &common_type),
    }
}

/// What a string becomes beside `other`.
fn type_of_string_with(other: &DataType) -> Option<DataType> {
    match other {
        t if t.is_integral() => Some(DataType::Long),
        t if t.is_fractional() => Some(DataType::Double),
        DataType::Boolean
        | DataType::Binary
        | DataType::Date
        | DataType::Timestamp
        | DataType::TimestampNtz
        | DataType::Time { .. } => Some(other.clone()),
        t if t.is_interval() => Some(other.clone()),
        _ => None,
    }
}

pub(crate) fn common_type_of<'a>(
    mut types: impl Iterator<Item = &'a DataType>,
) -> Option<DataType> {
    let first = types.next()?.clone();
    types.try_fold(first, |common, next| common_type(&common, next))
}

/// The same data with every container allowed to hold nulls.
pub(crate) fn as_nullable(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Array { element, .. } => DataType::array(as_nullable(element), true),
        DataType::Map { key, value, .. } => {
            DataType::map(as_nullable(key), as_nullable(value), true)
        }
        DataType::Struct(fields) => DataType::structure(
            fields
                .fields
                .iter()
                .map(|f| StructField {
                    data_type: as_nullable(&f.data_type),
                    nullable: true,
                    ..f.clone()
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// True if the types differ at most in names, nullability and string constraints.
pub(crate) fn same_shape(left: &DataType, right: &DataType) -> bool {
    match (left, right) {
        (DataType::String(_), DataType::String(_)) => true,
        (DataType::Array { element: a, .. }, DataType::Array { element: b, .. }) => {
            same_shape(a, b)
        }
        (
            DataType::Map {
                key: k1, value: v1, ..
            },
            DataType::Map {
                key: k2, value: v2, ..
            },
        ) => same_shape(k1, k2) && same_shape(v1, v2),
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len()
                && a.fields
                    .iter()
                    .zip(b.fields.iter())
                    .all(|(x, y)| same_shape(&x.data_type, &y.data_type))
        }
        _ => left == right,
    }
}

/// True if Spark can compare and order values of the type.
pub(crate) fn is_orderable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map { .. } | DataType::Variant | DataType::CalendarInterval => false,
        DataType::Array { element, .. } => is_orderable(element),
        DataType::Struct(fields) => fields.fields.iter().all(|f| is_orderable(&f.data_type)),
        _ => true,
    }
}
