//! Literals: a value, and the type that it says or implies.

use fleuve_sql::ir::{DataType, DayTimeField, Literal, StructField, StructType, YearMonthField};

use super::data_type::{data_type, nested, time_type};
use super::{Result, required};
use crate::failure::Failure;
use crate::messages::expression::{
    self, literal::LiteralType, literal::specialized_array::ValueType,
};
use crate::messages::{self, Nested};

const YEAR_TO_MONTH: DataType = DataType::YearMonthInterval {
    start: YearMonthField::Year,
    end: YearMonthField::Month,
};
const DAY_TO_SECOND: DataType = DataType::DayTimeInterval {
    start: DayTimeField::Day,
    end: DayTimeField::Second,
};

pub(super) fn literals(messages: Vec<Nested<expression::Literal>>) -> Result<Vec<Literal>> {
    messages
        .into_iter()
        .map(|message| literal(message.into_inner()))
        .collect()
}

pub(super) fn literal(message: expression::Literal) -> Result<Literal> {
    let declared = message
        .data_type
        .map(|declared| data_type(declared.into_inner()))
        .transpose()?;
    Ok(
        match required(message.literal_type, "Expression.Literal", "literal_type")? {
            LiteralType::Null(of) => Literal::Null(match declared {
                Some(declared) => declared,
                None => data_type(of.into_inner())?,
            }),
            LiteralType::Binary(value) => Literal::Binary(value.to_vec()),
            LiteralType::Boolean(value) => Literal::Boolean(value),
            LiteralType::Byte(value) => Literal::Byte(in_range(value, "BYTE")?),
            LiteralType::Short(value) => Literal::Short(in_range(value, "SHORT")?),
            LiteralType::Integer(value) => Literal::Integer(value),
            LiteralType::Long(value) => Literal::Long(value),
            LiteralType::Float(value) => Literal::Float(value),
            LiteralType::Double(value) => Literal::Double(value),
            LiteralType::Decimal(value) => decimal(&value)?,
            LiteralType::String(value) => Literal::String(value),
            LiteralType::Date(days) => Literal::Date(days),
            LiteralType::Timestamp(microseconds) => Literal::Timestamp(microseconds),
            LiteralType::TimestampNtz(microseconds) => Literal::TimestampNtz(microseconds),
            LiteralType::Time(time) => time_literal(&time)?,
            LiteralType::CalendarInterval(interval) => Literal::CalendarInterval {
                months: interval.months,
                days: interval.days,
                microseconds: interval.microseconds,
            },
            LiteralType::YearMonthInterval(months) => Literal::YearMonthInterval {
                months,
                data_type: declared.unwrap_or(YEAR_TO_MONTH),
            },
            LiteralType::DayTimeInterval(microseconds) => Literal::DayTimeInterval {
                microseconds,
                data_type: declared.unwrap_or(DAY_TO_SECOND),
            },
            LiteralType::Array(array) => array_literal(array, declared)?,
            LiteralType::Map(map) => map_literal(map, declared)?,
            LiteralType::Struct(structure) => struct_literal(structure, declared)?,
            LiteralType::SpecializedArray(array) => specialized_array(array, declared)?,
            LiteralType::TimestampNtzNanos(_) => return Err(unsupported("TIMESTAMP_NTZ_NANOS")),
            LiteralType::TimestampLtzNanos(_) => return Err(unsupported("TIMESTAMP_LTZ_NANOS")),
        },
    )
}

fn in_range<T: TryFrom<i32>>(value: i32, type_name: &str) -> Result<T> {
    T::try_from(value).map_err(|_| unsupported(&format!("{type_name}({value})")))
}

fn unsupported(type_info: &str) -> Failure {
    Failure::of(
        "CONNECT_INVALID_PLAN.UNSUPPORTED_LITERAL_TYPE",
        &[("typeInfo", type_info)],
    )
}

fn time_literal(time: &expression::literal::Time) -> Result<Literal> {
    match time_type(time.precision)? {
        DataType::Time { precision } => Ok(Literal::Time {
            nanoseconds: time.nano,
            precision,
        }),
        _ => Err(unsupported("TIME")),
    }
}

/// A decimal in text, such as `-12.50` or `1E+3`; precision and scale are those of the digits unless given.
fn decimal(message: &expression::literal::Decimal) -> Result<Literal> {
    let invalid = || unsupported(&format!("DECIMAL({})", message.value));
    let (mantissa, exponent) = match message.value.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| invalid())?),
        None => (message.value.as_str(), 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut unscaled: i128 = format!("{whole}{fraction}")
        .parse()
        .map_err(|_| invalid())?;
    let mut scale = (fraction.len() as i32)
        .checked_sub(exponent)
        .ok_or_else(invalid)?;
    let wanted = message.scale.unwrap_or_else(|| scale.max(0));
    while scale < wanted {
        unscaled = unscaled.checked_mul(10).ok_or_else(invalid)?;
        scale += 1;
    }
    while scale > wanted && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    if scale != wanted || !(-38..=38).contains(&scale) {
        return Err(invalid());
    }
    let digits = unscaled
        .unsigned_abs()
        .checked_ilog10()
        .map_or(1, |log| log as i32 + 1);
    let precision = message.precision.unwrap_or_else(|| digits.max(scale));
    if !(1..=38).contains(&precision) || digits > precision {
        return Err(invalid());
    }
    Ok(Literal::Decimal {
        unscaled,
        precision: precision as u8,
        scale: scale as i8,
    })
}

fn array_literal(array: expression::literal::Array, declared: Option<DataType>) -> Result<Literal> {
    let values = literals(array.elements)?;
    let element = match (declared, array.element_type) {
        (Some(DataType::Array { element, .. }), _) => element.as_ref().clone(),
        (_, element @ Some(_)) => nested(element, "Expression.Literal.Array", "element_type")?,
        _ => common_type(&values),
    };
    Ok(Literal::Array { element, values })
}

fn map_literal(map: expression::literal::Map, declared: Option<DataType>) -> Result<Literal> {
    let keys = literals(map.keys)?;
    let values = literals(map.values)?;
    if keys.len() != values.len() {
        return Err(unsupported("MAP with different numbers of keys and values"));
    }
    let (key, value) = match (declared, map.key_type, map.value_type) {
        (Some(DataType::Map { key, value, .. }), _, _) => {
            (key.as_ref().clone(), value.as_ref().clone())
        }
        (_, key @ Some(_), value @ Some(_)) => (
            nested(key, "Expression.Literal.Map", "key_type")?,
            nested(value, "Expression.Literal.Map", "value_type")?,
        ),
        _ => (common_type(&keys), common_type(&values)),
    };
    Ok(Literal::Map {
        key,
        value,
        entries: keys.into_iter().zip(values).collect(),
    })
}

fn struct_literal(
    structure: expression::literal::Struct,
    declared: Option<DataType>,
) -> Result<Literal> {
    let values = literals(structure.elements)?;
    let described = match (declared, structure.struct_type) {
        (Some(declared), _) => Some(declared),
        (None, Some(message)) => Some(data_type(message.into_inner())?),
        (None, None) => None,
    };
    let struct_type = match described {
        Some(DataType::Struct(struct_type)) => struct_type,
        Some(other) => return Err(unsupported(&format!("struct of type {other:?}"))),
        None => implied_struct(&values),
    };
    if struct_type.len() != values.len() {
        return Err(unsupported(
            "STRUCT with different numbers of fields and values",
        ));
    }
    Ok(Literal::Struct {
        struct_type,
        values,
    })
}

fn implied_struct(values: &[Literal]) -> StructType {
    let field = |(index, value): (usize, &Literal)| {
        StructField::new(
            format!("col{}", index + 1),
            value.data_type(),
            value.is_null(),
        )
    };
    StructType::new(values.iter().enumerate().map(field).collect())
}

/// The type of the first value that is not a bare null.
fn common_type(values: &[Literal]) -> DataType {
    values
        .iter()
        .map(Literal::data_type)
        .find(|of| *of != DataType::Null)
        .unwrap_or(DataType::Null)
}

fn specialized_array(
    array: expression::literal::SpecializedArray,
    declared: Option<DataType>,
) -> Result<Literal> {
    let declared = match declared {
        Some(DataType::Array { element, .. }) => Some(element.as_ref().clone()),
        _ => None,
    };
    let values: Vec<Literal> = match required(
        array.value_type,
        "Expression.Literal.SpecializedArray",
        "value_type",
    )? {
        ValueType::Bools(bools) => bools.values.into_iter().map(Literal::Boolean).collect(),
        ValueType::Ints(ints) => ints
            .values
            .into_iter()
            .map(|value| integral(value, declared.as_ref()))
            .collect::<Result<_>>()?,
        ValueType::Longs(longs) => longs.values.into_iter().map(Literal::Long).collect(),
        ValueType::Floats(floats) => floats.values.into_iter().map(Literal::Float).collect(),
        ValueType::Doubles(doubles) => doubles.values.into_iter().map(Literal::Double).collect(),
        ValueType::Strings(strings) => strings.values.into_iter().map(Literal::String).collect(),
    };
    let element = declared.unwrap_or_else(|| common_type(&values));
    Ok(Literal::Array { element, values })
}

fn integral(value: i32, declared: Option<&DataType>) -> Result<Literal> {
    Ok(match declared {
        Some(DataType::Byte) => Literal::Byte(in_range(value, "BYTE")?),
        Some(DataType::Short) => Literal::Short(in_range(value, "SHORT")?),
        Some(DataType::Date) => Literal::Date(value),
        _ => Literal::Integer(value),
    })
}

/// The literal of an expression that must be one.
pub(super) fn required_literal(
    message: Option<Nested<messages::expression::Literal>>,
    of: &str,
    field: &str,
) -> Result<Literal> {
    literal(required(message, of, field)?.into_inner())
}
