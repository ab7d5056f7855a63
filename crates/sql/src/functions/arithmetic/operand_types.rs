//! What operands are converted to, and what type the result has.
//!
//! Start at [`operand_types`].

use super::Operation;
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::FunctionCall;
use crate::ir::DataType;
use crate::types::coercion::{self, adjusted_decimal, decimal_for, wider_decimal};
use crate::types::sql_name;

/// The types that the operands are converted to, and the result's.
pub(super) fn operand_types(
    call: &FunctionCall<'_>,
    operation: Operation,
    text: &str,
) -> Result<(DataType, DataType, DataType)> {
    let [left, right] = [&call.arguments[0].data_type, &call.arguments[1].data_type];
    let wrong =
        |t: &DataType| SparkError::binary_operator_wrong_type(text, "\"NUMERIC\"", &sql_name(t));
    let numeric = |this: &DataType, other: &DataType| -> Result<DataType> {
        match this {
            t if t.is_numeric() => Ok(t.clone()),
            DataType::Null if other.is_numeric() => Ok(other.clone()),
            DataType::Null => Ok(DataType::Double),
            DataType::String(_) => Ok(match (operation, other) {
                (Operation::Divide, _) => DataType::Double,
                (_, t) if t.is_integral() => DataType::Long,
                _ => DataType::Double,
            }),
            other => Err(wrong(other)),
        }
    };
    let differ =
        || SparkError::binary_operator_different_types(text, &sql_name(left), &sql_name(right));
    // Two strings do not say what number they are.
    let says_nothing = |t: &DataType| t.is_string() || *t == DataType::Null;
    let is_text = left.is_string() || right.is_string();
    if call.analyzer.context.ansi && is_text && says_nothing(left) && says_nothing(right) {
        return Err(wrong(&DataType::STRING));
    }
    let acceptable = |t: &DataType| t.is_numeric() || t.is_string() || *t == DataType::Null;
    if acceptable(left) != acceptable(right) {
        return Err(differ());
    }
    let (left, right) = (numeric(left, right)?, numeric(right, left)?);
    if let (Some(a), Some(b), true) = (
        decimal_for(&left),
        decimal_for(&right),
        has_decimal(&left, &right),
    ) {
        let a = literal_decimal(&call.arguments[0]).unwrap_or(a);
        let b = literal_decimal(&call.arguments[1]).unwrap_or(b);
        let result = decimal_result(operation, a, b);
        return Ok((decimal(a), decimal(b), result));
    }
    if operation == Operation::Divide {
        return Ok((DataType::Double, DataType::Double, DataType::Double));
    }
    let common = coercion::tightest_common_type(&left, &right).ok_or_else(differ)?;
    if operation == Operation::IntegralDivide {
        let operand = if common.is_integral() {
            DataType::Long
        } else {
            common
        };
        return Ok((operand.clone(), operand, DataType::Long));
    }
    Ok((common.clone(), common.clone(), common))
}

fn has_decimal(left: &DataType, right: &DataType) -> bool {
    matches!(left, DataType::Decimal { .. }) || matches!(right, DataType::Decimal { .. })
}

fn decimal((precision, scale): (u8, i8)) -> DataType {
    DataType::Decimal { precision, scale }
}

/// The narrowest decimal that holds an integer literal: what the literal is beside a decimal.
pub(in crate::functions) fn literal_decimal(argument: &TypedExpr) -> Option<(u8, i8)> {
    if !argument.data_type.is_integral() {
        return None;
    }
    let digits = argument
        .constant_integer()?
        .unsigned_abs()
        .to_string()
        .len();
    Some((digits as u8, 0))
}

/// The decimal that a decimal operation yields.
fn decimal_result(operation: Operation, left: (u8, i8), right: (u8, i8)) -> DataType {
    let (p1, s1) = (i32::from(left.0), i32::from(left.1));
    let (p2, s2) = (i32::from(right.0), i32::from(right.1));
    match operation {
        Operation::Add | Operation::Subtract => {
            let scale = s1.max(s2);
            adjusted_decimal((p1 - s1).max(p2 - s2) + scale + 1, scale)
        }
        Operation::Multiply => adjusted_decimal(p1 + p2 + 1, s1 + s2),
        Operation::Divide => {
            let scale = (s1 + p2 + 1).max(6);
            adjusted_decimal(p1 - s1 + s2 + scale, scale)
        }
        Operation::Remainder => {
            let scale = s1.max(s2);
            adjusted_decimal((p1 - s1).min(p2 - s2) + scale, scale)
        }
        Operation::PositiveRemainder => wider_decimal(left, right),
        Operation::IntegralDivide => DataType::Long,
    }
}
