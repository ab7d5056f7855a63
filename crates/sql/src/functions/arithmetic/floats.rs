//! Floats and doubles, which do not overflow but may be divided by zero.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{ArrowNativeTypeOp, Int64Type};

use super::{Operation, Overflow, vectorized, zero_divisor};
use crate::error::Result;
use crate::functions::Invocation;

pub(super) fn floats<T>(
    inv: &Invocation<'_>,
    operation: Operation,
    overflow: Overflow,
) -> Result<ArrayRef>
where
    T: arrow::datatypes::ArrowPrimitiveType,
    T::Native: ArrowNativeTypeOp + Into<f64>,
{
    use arrow::array::AsArray;
    let (a, b) = (inv.argument(0)?, inv.argument(1)?);
    let (left, right) = (a.array.as_primitive::<T>(), b.array.as_primitive::<T>());
    let pair = |row: usize| {
        let (i, j) = (
            if a.is_constant { 0 } else { row },
            if b.is_constant { 0 } else { row },
        );
        (!left.is_null(i) && !right.is_null(j)).then(|| (left.value(i), right.value(j)))
    };
    if operation == Operation::IntegralDivide {
        return inv.build::<Int64Type>(|row| {
            let Some((x, y)) = pair(row) else {
                return Ok(None);
            };
            let (x, y): (f64, f64) = (x.into(), y.into());
            if y == 0.0 {
                return if overflow == Overflow::Error {
                    Err(zero_divisor(operation))
                } else {
                    Ok(None)
                };
            }
            Ok(Some((x / y) as i64))
        });
    }
    inv.build::<T>(|row| {
        let Some((x, y)) = pair(row) else {
            return Ok(None);
        };
        let divides = !vectorized(operation);
        if divides && (y.is_eq(T::Native::ZERO) || Into::<f64>::into(y) == 0.0) {
            return if overflow == Overflow::Error {
                Err(zero_divisor(operation))
            } else {
                Ok(None)
            };
        }
        Ok(Some(match operation {
            Operation::Add => x.add_wrapping(y),
            Operation::Subtract => x.sub_wrapping(y),
            Operation::Multiply => x.mul_wrapping(y),
            Operation::Divide => x.div_wrapping(y),
            Operation::Remainder => x.mod_wrapping(y),
            _ => {
                let r = x.mod_wrapping(y);
                if Into::<f64>::into(r) < 0.0 {
                    r.add_wrapping(y).mod_wrapping(y)
                } else {
                    r
                }
            }
        }))
    })
}
