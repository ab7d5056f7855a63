//! Integers: whole columns where overflow can be told afterwards, row by row where it cannot.

use arrow::array::{Array, ArrayRef, Datum, Scalar};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{ArrowNativeTypeOp, Int32Type, Int64Type};
use arrow::error::ArrowError;

use super::{Operation, Overflow, overflowed, zero_divisor};
use crate::error::{Result, SparkError};
use crate::functions::Invocation;
use crate::ir::DataType;

/// Whole columns at once; a batch that overflows is done again row by row if overflow means null.
pub(super) fn fast(
    inv: &Invocation<'_>,
    operation: Operation,
    overflow: Overflow,
) -> Result<ArrayRef> {
    let datum = |index: usize| -> Result<Box<dyn Datum>> {
        let argument = inv.argument(index)?;
        Ok(if argument.is_constant {
            Box::new(Scalar::new(argument.array.clone()))
        } else {
            Box::new(argument.array.clone())
        })
    };
    let (left, right) = (datum(0)?, datum(1)?);
    let (left, right) = (left.as_ref(), right.as_ref());
    let long = inv.types[0] == DataType::Long;
    let result = match (operation, overflow) {
        (Operation::Add, Overflow::Legacy) => numeric::add_wrapping(left, right),
        (Operation::Subtract, Overflow::Legacy) => numeric::sub_wrapping(left, right),
        (_, Overflow::Legacy) => numeric::mul_wrapping(left, right),
        (Operation::Add, _) => numeric::add(left, right),
        (Operation::Subtract, _) => numeric::sub(left, right),
        _ => numeric::mul(left, right),
    };
    match result {
        Ok(array) => Ok(array),
        Err(ArrowError::ArithmeticOverflow(_)) if long => {
            integers::<Int64Type>(inv, operation, overflow, "long")
        }
        Err(ArrowError::ArithmeticOverflow(_)) => {
            integers::<Int32Type>(inv, operation, overflow, "integer")
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn integers<T>(
    inv: &Invocation<'_>,
    operation: Operation,
    overflow: Overflow,
    kind: &str,
) -> Result<ArrayRef>
where
    T: arrow::datatypes::ArrowPrimitiveType,
    T::Native: ArrowNativeTypeOp + TryFrom<i128> + Into<i64>,
{
    let column = |index: usize| -> Result<_> {
        use arrow::array::AsArray;
        let argument = inv.argument(index)?;
        Ok((argument.array.as_primitive::<T>(), argument.is_constant))
    };
    let ((left, left_constant), (right, right_constant)) = (column(0)?, column(1)?);
    inv.build::<T>(|row| {
        let (i, j) = (
            if left_constant { 0 } else { row },
            if right_constant { 0 } else { row },
        );
        if left.is_null(i) || right.is_null(j) {
            return Ok(None);
        }
        let (a, b): (i64, i64) = (left.value(i).into(), right.value(j).into());
        let (a, b) = (i128::from(a), i128::from(b));
        let exact = match operation {
            Operation::Add => a + b,
            Operation::Subtract => a - b,
            Operation::Multiply => a * b,
            _ if b == 0 => {
                return if overflow == Overflow::Error {
                    Err(zero_divisor(operation))
                } else {
                    Ok(None)
                };
            }
            Operation::Remainder => a % b,
            Operation::PositiveRemainder => {
                let r = a % b;
                if r < 0 { (r + b) % b } else { r }
            }
            _ => a / b,
        };
        match T::Native::try_from(exact) {
            Ok(value) => Ok(Some(value)),
            Err(_) => match overflow {
                Overflow::Error if matches!(kind, "byte" | "short") => {
                    Err(small_overflowed(kind, operation, a, b))
                }
                Overflow::Error => Err(overflowed(kind, operation)),
                Overflow::Null => Ok(None),
                Overflow::Legacy => {
                    let bits = T::Native::ZERO;
                    let wrapped = wrap::<T>(exact);
                    Ok(Some(wrapped.unwrap_or(bits)))
                }
            },
        }
    })
}

fn wrap<T>(value: i128) -> Option<T::Native>
where
    T: arrow::datatypes::ArrowPrimitiveType,
    T::Native: TryFrom<i128>,
{
    let bits = size_of::<T::Native>() * 8;
    let shifted = value << (128 - bits) >> (128 - bits);
    T::Native::try_from(shifted).ok()
}

/// Numbers of one and two bytes have an error of their own, with the operands in it.
fn small_overflowed(kind: &str, operation: Operation, a: i128, b: i128) -> SparkError {
    let suffix = if kind == "byte" { "Y" } else { "S" };
    let alternative = match operation {
        Operation::Add => "try_add",
        Operation::Subtract => "try_subtract",
        Operation::Multiply => "try_multiply",
        _ => "try_divide",
    };
    SparkError::binary_arithmetic_overflow(
        &format!("{a}{suffix}"),
        operation.symbol(),
        &format!("{b}{suffix}"),
        alternative,
    )
}
