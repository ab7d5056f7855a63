//! `round`, `bround`, `ceil` and `floor`, with or without a number of digits.
//!
//! Doubles are rounded in their decimal text, as Java does: 2.675 to two digits is 2.68, whatever its bits say.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{
    ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type,
};

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::DataType;
use crate::types::coercion::{bounded_decimal, decimal_for};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    HalfUp,
    HalfEven,
    Ceiling,
    Floor,
}

impl Mode {
    /// `value` without its last `digits` digits.
    fn divide(self, value: i128, digits: u32) -> i128 {
        let Some(unit) = 10i128.checked_pow(digits) else {
            return 0;
        };
        let (quotient, remainder) = (value.div_euclid(unit), value.rem_euclid(unit));
        let up = match self {
            Self::Floor => false,
            Self::Ceiling => remainder > 0,
            Self::HalfUp if value < 0 => remainder * 2 > unit,
            Self::HalfUp => remainder * 2 >= unit,
            Self::HalfEven => {
                remainder * 2 > unit || (remainder * 2 == unit && quotient.rem_euclid(2) == 1)
            }
        };
        quotient + i128::from(up)
    }

    fn double(self, value: f64, scale: i32) -> f64 {
        let text = format!("{value:e}");
        let Some((mantissa, exponent)) = text.split_once('e') else {
            return value;
        };
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let fraction = mantissa.split_once('.').map_or(0, |(_, f)| f.len() as i32);
        let digits: i128 = mantissa.replace('.', "").parse().unwrap_or(0);
        let places = fraction - exponent;
        if places <= scale {
            return value;
        }
        let rounded = self.divide(digits, (places - scale) as u32);
        format!("{rounded}e{}", -scale).parse().unwrap_or(value)
    }
}

/// A whole number: `bigint` of a double, a decimal without a scale of a decimal; to some digits with a second argument.
pub(super) fn whole(
    call: &mut FunctionCall<'_>,
    mode: Mode,
    title: &'static str,
) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    if call.arguments.len() == 2 {
        return to_digits(call, mode);
    }
    let text = format!("{title}({})", call.arguments[0].name);
    let nullable = call.any_nullable();
    if let DataType::Decimal { precision, scale } = call.arguments[0].data_type {
        let result = bounded_decimal(i32::from(precision) - i32::from(scale) + 1, 0);
        let key = format!("{mode:?} {scale}");
        let kernel = Arc::new(move |inv: &Invocation<'_>| {
            let values = inv.decimals(0)?;
            inv.build::<Decimal128Type>(|row| {
                Ok(values.get(row).map(|v| mode.divide(v, scale.max(0) as u32)))
            })
        });
        return Ok(call
            .call_keyed(title, &key, result, nullable, kernel)
            .with_name(text));
    }
    if call.arguments[0].data_type.is_integral() {
        call.convert(0, Arg::Long)?;
        let value = call.arguments[0].clone();
        return Ok(value
            .replaced(value.expr.clone(), DataType::Long, nullable)
            .with_name(text));
    }
    call.convert(0, Arg::Double)?;
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let values = inv.doubles(0)?;
        let whole = |v: f64| {
            if mode == Mode::Ceiling {
                v.ceil()
            } else {
                v.floor()
            }
        };
        inv.build::<Int64Type>(|row| Ok(values.get(row).map(|v| whole(v) as i64)))
    });
    Ok(call
        .call_keyed(title, "", DataType::Long, nullable, kernel)
        .with_name(text))
}

/// `ceil` and `floor` to digits are of decimals only.
fn to_digits(call: &mut FunctionCall<'_>, mode: Mode) -> Result<TypedExpr> {
    let text = call.text();
    let target = match &call.arguments[0].data_type {
        DataType::Double | DataType::String(_) | DataType::Null => DataType::Decimal {
            precision: 30,
            scale: 15,
        },
        DataType::Float => DataType::Decimal {
            precision: 14,
            scale: 7,
        },
        other => match decimal_for(other) {
            Some((precision, scale)) => DataType::Decimal { precision, scale },
            None => return Err(call.unexpected_type(0, "\"DECIMAL\"")),
        },
    };
    call.cast_argument(0, &target)?;
    Ok(round(call, mode)?.with_name(text))
}

pub(super) fn round(call: &mut FunctionCall<'_>, mode: Mode) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    call.convert(0, Arg::Numeric)?;
    call.convert(1, Arg::Int)?;
    if !call.arguments[1].is_foldable() {
        let argument = &call.arguments[1];
        return Err(SparkError::not_foldable(
            &call.name,
            "scale",
            "INT",
            &argument.name,
        ));
    }
    // A text that is no number is an error, and not an unknown scale.
    call.analyzer.evaluate(&call.arguments[1])?;
    let scale = call
        .analyzer
        .fold(call.arguments[1].clone())
        .constant_integer();
    let Some(scale) = scale else {
        let null = crate::ir::Literal::Null(call.arguments[0].data_type.clone());
        return Ok(call.analyzer.literal(&null)?.with_name(text));
    };
    call.arguments.truncate(1);
    let scale = scale as i32;
    let input = call.arguments[0].data_type.clone();
    let result = match input {
        DataType::Decimal {
            precision,
            scale: own,
        } => rounded_decimal(precision, own, scale),
        other => other,
    };
    let ansi = call.analyzer.context.ansi;
    let nullable = call.any_nullable() || matches!(result, DataType::Decimal { .. });
    let kernel = Arc::new(move |inv: &Invocation<'_>| rounded(inv, mode, scale, ansi));
    let key = format!("{mode:?} {scale} {ansi}");
    Ok(call
        .call_keyed("round", &key, result, nullable, kernel)
        .with_name(text))
}

/// One more digit in front of the point, for 9.9 becomes 10.
fn rounded_decimal(precision: u8, own: i8, scale: i32) -> DataType {
    let whole = i32::from(precision) - i32::from(own) + 1;
    if scale < 0 {
        return bounded_decimal(whole.max(1 - scale), 0);
    }
    let kept = i32::from(own).min(scale);
    bounded_decimal(whole + kept, kept)
}

fn rounded(inv: &Invocation<'_>, mode: Mode, scale: i32, ansi: bool) -> Result<ArrayRef> {
    match &inv.types[0] {
        DataType::Byte => integers::<Int8Type>(inv, &inv.bytes8(0)?, mode, scale, ansi),
        DataType::Short => integers::<Int16Type>(inv, &inv.shorts(0)?, mode, scale, ansi),
        DataType::Integer => integers::<Int32Type>(inv, &inv.ints(0)?, mode, scale, ansi),
        DataType::Long => integers::<Int64Type>(inv, &inv.longs(0)?, mode, scale, ansi),
        DataType::Float => {
            let values = inv.floats(0)?;
            let round = |v: f32| -> f32 {
                let text = format!("{v}");
                let exact: f64 = text.parse().unwrap_or(f64::from(v));
                if v.is_finite() {
                    mode.double(exact, scale) as f32
                } else {
                    v
                }
            };
            inv.build::<Float32Type>(|row| Ok(values.get(row).map(round)))
        }
        DataType::Double => {
            let values = inv.doubles(0)?;
            let round = |v: f64| {
                if v.is_finite() {
                    mode.double(v, scale)
                } else {
                    v
                }
            };
            inv.build::<Float64Type>(|row| Ok(values.get(row).map(round)))
        }
        DataType::Decimal { scale: own, .. } => {
            let values = inv.decimals(0)?;
            let (own, DataType::Decimal { scale: kept, .. }) = (i32::from(*own), inv.result) else {
                return Err(SparkError::internal("a rounded decimal is a decimal"));
            };
            let kept = i32::from(*kept);
            inv.build::<Decimal128Type>(|row| {
                Ok(values.get(row).map(|v| {
                    let cut = (own - scale).max(0) as u32;
                    let restored = (kept - scale.min(own)).max(0) as u32;
                    mode.divide(v, cut) * 10i128.saturating_pow(restored)
                }))
            })
        }
        other => Err(SparkError::internal(format!("{other:?} is not rounded"))),
    }
}

fn integers<T>(
    inv: &Invocation<'_>,
    values: &crate::functions::invocation::Column<&arrow::array::PrimitiveArray<T>>,
    mode: Mode,
    scale: i32,
    ansi: bool,
) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i64> + TryFrom<i128>,
{
    inv.build::<T>(|row| {
        let Some(value) = values.get(row) else {
            return Ok(None);
        };
        if scale >= 0 {
            return Ok(Some(value));
        }
        let digits = scale.unsigned_abs();
        let exact: i64 = value.into();
        let rounded = mode
            .divide(i128::from(exact), digits)
            .saturating_mul(10i128.checked_pow(digits).unwrap_or(0));
        match T::Native::try_from(rounded) {
            Ok(value) => Ok(Some(value)),
            Err(_) if ansi => Err(SparkError::arithmetic_overflow("Overflow", None)),
            Err(_) => Ok(None),
        }
    })
}
