//! Decimals, exact within 128 bits, through 256 where a product or quotient needs them.
//!
//! Start at [`decimals`].

use arrow::array::ArrayRef;
use arrow::datatypes::{Decimal128Type, Int64Type};

use super::{Operation, Overflow, overflowed, vectorized, zero_divisor};
use crate::cast::rescale;
use crate::error::{Result, SparkError};
use crate::functions::Invocation;
use crate::ir::DataType;

pub(super) fn decimals(
    inv: &Invocation<'_>,
    operation: Operation,
    overflow: Overflow,
) -> Result<ArrayRef> {
    let (left, right) = (inv.decimals(0)?, inv.decimals(1)?);
    let scale_of = |t: &DataType| match t {
        DataType::Decimal { scale, .. } => *scale,
        _ => 0,
    };
    let (s1, s2, result_scale) = (
        scale_of(&inv.types[0]),
        scale_of(&inv.types[1]),
        scale_of(inv.result),
    );
    let exact = |row: usize| -> Result<Option<Option<i128>>> {
        let (Some(a), Some(b)) = (left.get(row), right.get(row)) else {
            return Ok(None);
        };
        if b == 0 && !vectorized(operation) {
            return if overflow == Overflow::Error {
                Err(zero_divisor(operation))
            } else {
                Ok(None)
            };
        }
        Ok(Some(decimal_operation(
            operation,
            (a, s1),
            (b, s2),
            result_scale,
        )))
    };
    if operation == Operation::IntegralDivide {
        return inv.build::<Int64Type>(|row| match exact(row)? {
            None => Ok(None),
            Some(value) => match value.and_then(|v| i64::try_from(v).ok()) {
                Some(value) => Ok(Some(value)),
                None if overflow == Overflow::Error => Err(overflowed("long", operation)),
                None => Ok(None),
            },
        });
    }
    let DataType::Decimal { precision, scale } = *inv.result else {
        return Err(SparkError::internal(
            "a decimal operation without a decimal result",
        ));
    };
    let limit = 10u128.pow(u32::from(precision));
    inv.build::<Decimal128Type>(|row| match exact(row)? {
        None => Ok(None),
        Some(value) => match value.filter(|v| v.unsigned_abs() < limit) {
            Some(value) => Ok(Some(value)),
            None if overflow == Overflow::Error => Err(SparkError::numeric_value_out_of_range(
                "The result",
                precision,
                scale,
            )),
            None => Ok(None),
        },
    })
}

/// The result as digits with `scale` of them after the point, or nothing if it does not fit 128 bits.
fn decimal_operation(
    operation: Operation,
    a: (i128, i8),
    b: (i128, i8),
    scale: i8,
) -> Option<i128> {
    let common = a.1.max(b.1);
    let aligned = || Some((rescale(a.0, a.1, common)?, rescale(b.0, b.1, common)?));
    match operation {
        Operation::Add => {
            let (a, b) = aligned()?;
            rescale(a.checked_add(b)?, common, scale)
        }
        Operation::Subtract => {
            let (a, b) = aligned()?;
            rescale(a.checked_sub(b)?, common, scale)
        }
        Operation::Multiply => match a.0.checked_mul(b.0) {
            Some(product) => rescale(product, a.1 + b.1, scale),
            None => wide_multiply(a.0, b.0, a.1 + b.1 - scale),
        },
        Operation::Divide => divide(a, b, scale),
        Operation::Remainder => {
            let (a, b) = aligned()?;
            rescale(a % b, common, scale)
        }
        Operation::PositiveRemainder => {
            let (a, b) = aligned()?;
            let r = a % b;
            rescale(if r < 0 { (r + b) % b } else { r }, common, scale)
        }
        Operation::IntegralDivide => {
            let (a, b) = aligned()?;
            Some(a / b)
        }
    }
}

/// The product of two numbers, `cut` digits dropped from its end, through 256 bits.
fn wide_multiply(a: i128, b: i128, cut: i8) -> Option<i128> {
    use arrow::datatypes::i256;
    let product = i256::from_i128(a).checked_mul(i256::from_i128(b))?;
    wide_round(
        product,
        i256::from_i128(10).checked_pow(u32::try_from(cut).ok()?)?,
    )
}

/// A quotient with `scale` digits after the point, halves rounded away from zero.
pub(in crate::functions) fn divide(a: (i128, i8), b: (i128, i8), scale: i8) -> Option<i128> {
    use arrow::datatypes::i256;
    let shift = i32::from(scale) - i32::from(a.1) + i32::from(b.1);
    let power = |n: i32| i256::from_i128(10).checked_pow(n.unsigned_abs());
    let (mut x, mut y) = (i256::from_i128(a.0), i256::from_i128(b.0));
    if shift >= 0 {
        x = x.checked_mul(power(shift)?)?;
    } else {
        y = y.checked_mul(power(shift)?)?;
    }
    wide_round(x, y)
}

/// `x / y`, halves rounded away from zero.
fn wide_round(x: arrow::datatypes::i256, y: arrow::datatypes::i256) -> Option<i128> {
    use arrow::datatypes::i256;
    let quotient = x.checked_div(y)?;
    let remainder = x.checked_rem(y)?.checked_abs()?;
    let twice = remainder.checked_mul(i256::from_i128(2))?;
    let negative = x.is_negative() != y.is_negative();
    let step = i256::from_i128(if negative { -1 } else { 1 });
    let rounded = if twice >= y.checked_abs()? {
        quotient.checked_add(step)?
    } else {
        quotient
    };
    rounded.to_i128()
}
