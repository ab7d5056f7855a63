//! Literals in messages, as observed metrics carry them.

use fleuve_sql::ir::Literal;

use super::data_type::{data_type, struct_type};
use crate::messages::Nested;
use crate::messages::expression::{self, literal::LiteralType};

pub(crate) fn literal(value: &Literal) -> expression::Literal {
    let mut declared = None;
    let literal_type = match value {
        Literal::Null(of) => LiteralType::Null(Nested::new(data_type(of))),
        Literal::Boolean(value) => LiteralType::Boolean(*value),
        Literal::Byte(value) => LiteralType::Byte(i32::from(*value)),
        Literal::Short(value) => LiteralType::Short(i32::from(*value)),
        Literal::Integer(value) => LiteralType::Integer(*value),
        Literal::Long(value) => LiteralType::Long(*value),
        Literal::Float(value) => LiteralType::Float(*value),
        Literal::Double(value) => LiteralType::Double(*value),
        Literal::Decimal {
            unscaled,
            precision,
            scale,
        } => LiteralType::Decimal(expression::literal::Decimal {
            value: decimal_text(*unscaled, *scale),
            precision: Some(i32::from(*precision)),
            scale: Some(i32::from(*scale)),
        }),
        Literal::String(value) => LiteralType::String(value.clone()),
        Literal::Binary(value) => LiteralType::Binary(value.clone().into()),
        Literal::Date(days) => LiteralType::Date(*days),
        Literal::Timestamp(microseconds) => LiteralType::Timestamp(*microseconds),
        Literal::TimestampNtz(microseconds) => LiteralType::TimestampNtz(*microseconds),
        Literal::Time {
            nanoseconds,
            precision,
        } => LiteralType::Time(expression::literal::Time {
            nano: *nanoseconds,
            precision: Some(i32::from(*precision)),
        }),
        Literal::CalendarInterval {
            months,
            days,
            microseconds,
        } => LiteralType::CalendarInterval(expression::literal::CalendarInterval {
            months: *months,
            days: *days,
            microseconds: *microseconds,
        }),
        Literal::YearMonthInterval {
            months,
            data_type: of,
        } => {
            declared = Some(Nested::new(data_type(of)));
            LiteralType::YearMonthInterval(*months)
        }
        Literal::DayTimeInterval {
            microseconds,
            data_type: of,
        } => {
            declared = Some(Nested::new(data_type(of)));
            LiteralType::DayTimeInterval(*microseconds)
        }
        Literal::Array { element, values } => LiteralType::Array(expression::literal::Array {
            element_type: Some(Nested::new(data_type(element))),
            elements: values.iter().map(nested).collect(),
        }),
        Literal::Map {
            key,
            value,
            entries,
        } => LiteralType::Map(expression::literal::Map {
            key_type: Some(Nested::new(data_type(key))),
            value_type: Some(Nested::new(data_type(value))),
            keys: entries.iter().map(|(key, _)| nested(key)).collect(),
            values: entries.iter().map(|(_, value)| nested(value)).collect(),
        }),
        Literal::Struct {
            struct_type: of,
            values,
        } => LiteralType::Struct(expression::literal::Struct {
            struct_type: Some(Nested::new(struct_type(of))),
            elements: values.iter().map(nested).collect(),
        }),
    };
    expression::Literal {
        literal_type: Some(literal_type),
        data_type: declared,
    }
}

fn nested(value: &Literal) -> Nested<expression::Literal> {
    Nested::new(literal(value))
}

/// `unscaled` × 10^-`scale` without an exponent.
fn decimal_text(unscaled: i128, scale: i8) -> String {
    let digits = unscaled.unsigned_abs().to_string();
    let sign = if unscaled < 0 { "-" } else { "" };
    match usize::try_from(scale) {
        Err(_) => format!(
            "{sign}{digits}{}",
            "0".repeat(usize::from(scale.unsigned_abs()))
        ),
        Ok(0) => format!("{sign}{digits}"),
        Ok(scale) => {
            let padded = format!("{digits:0>width$}", width = scale + 1);
            let (whole, fraction) = padded.split_at(padded.len() - scale);
            format!("{sign}{whole}.{fraction}")
        }
    }
}
