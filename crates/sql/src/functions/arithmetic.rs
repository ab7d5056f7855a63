//! `+`, `-`, `*`, `/`, `%` and their kin, with ANSI overflow checks.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Datum, Scalar};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{
    ArrowNativeTypeOp, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type,
};
use arrow::error::ArrowError;

use super::{Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::cast::rescale;
use crate::error::{Result, SparkError};
use crate::ir::DataType;
use crate::types::coercion::{adjusted_decimal, decimal_for, wider_decimal};
use crate::types::{coercion, sql_name};

pub(super) const FUNCTIONS: &[Function] = &[
    custom("+", |call| binary(call, Operation::Add)),
    custom("-", minus),
    custom("*", |call| binary(call, Operation::Multiply)),
    custom("/", |call| binary(call, Operation::Divide)),
    custom("%", |call| binary(call, Operation::Remainder)).or(&["mod"]),
    custom("pmod", |call| binary(call, Operation::PositiveRemainder)),
    custom("div", |call| binary(call, Operation::IntegralDivide)),
    custom("try_add", |call| trying(call, Operation::Add)),
    custom("try_subtract", |call| trying(call, Operation::Subtract)),
    custom("try_multiply", |call| trying(call, Operation::Multiply)),
    custom("try_divide", |call| trying(call, Operation::Divide)),
    custom("try_mod", |call| trying(call, Operation::Remainder)),
    custom("negative", negative),
    custom("positive", positive),
    custom("abs", absolute),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    PositiveRemainder,
    IntegralDivide,
}

impl Operation {
    fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::PositiveRemainder => "pmod",
            Self::IntegralDivide => "div",
        }
    }

    fn text(self, left: &str, right: &str) -> String {
        match self {
            Self::PositiveRemainder => format!("pmod({left}, {right})"),
            _ => format!("({left} {} {right})", self.symbol()),
        }
    }
}

/// What happens to a result that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overflow {
    Error,
    Null,
    /// Integers wrap around, anything else is null.
    Legacy,
}

fn minus(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    if call.arguments.len() == 1 {
        negative(call)
    } else {
        binary(call, Operation::Subtract)
    }
}

fn binary(call: &mut FunctionCall<'_>, operation: Operation) -> Result<TypedExpr> {
    if call.arguments.len() == 1 && operation == Operation::Add {
        return positive(call);
    }
    let overflow = if call.analyzer.context.ansi {
        Overflow::Error
    } else {
        Overflow::Legacy
    };
    let text = match call.arguments.as_slice() {
        [left, right] if call.name == "mod" => format!("mod({}, {})", left.name, right.name),
        [left, right] => operation.text(&left.name, &right.name),
        _ => call.text(),
    };
    Ok(compute(call, operation, overflow, &text)?.with_name(text))
}

fn trying(call: &mut FunctionCall<'_>, operation: Operation) -> Result<TypedExpr> {
    let text = call.text();
    Ok(compute(call, operation, Overflow::Null, &text)?.with_name(text))
}

fn compute(
    call: &mut FunctionCall<'_>,
    operation: Operation,
    overflow: Overflow,
    text: &str,
) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    if let Some(value) =
        super::time_arithmetic::arithmetic(call, operation, overflow == Overflow::Null)?
    {
        return Ok(value);
    }
    let (left, right, result) = operand_types(call, operation, text)?;
    let [a, b] = [call.arguments[0].clone(), call.arguments[1].clone()];
    let a = call.analyzer.cast_implicitly(a, &left)?;
    let b = call.analyzer.cast_implicitly(b, &right)?;
    let fails_to_null = overflow != Overflow::Error
        && (matches!(result, DataType::Decimal { .. })
            || overflow == Overflow::Null
            || !matches!(
                operation,
                Operation::Add | Operation::Subtract | Operation::Multiply
            ));
    let divides = !vectorized(operation);
    let nullable = a.nullable || b.nullable || divides || fails_to_null;
    let kernel = Arc::new(move |inv: &Invocation<'_>| evaluate(inv, operation, overflow));
    let key = format!("{operation:?} {overflow:?}");
    let expr = call.maker().call(
        operation.symbol(),
        key,
        kernel,
        &[a, b],
        result.clone(),
        nullable,
    );
    Ok(TypedExpr::new(expr, result, nullable, text))
}

/// The types that the operands are converted to, and the result's.
fn operand_types(
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
pub(super) fn literal_decimal(argument: &TypedExpr) -> Option<(u8, i8)> {
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

fn evaluate(inv: &Invocation<'_>, operation: Operation, overflow: Overflow) -> Result<ArrayRef> {
    match (&inv.types[0], inv.result) {
        (DataType::Decimal { .. }, _) => decimals(inv, operation, overflow),
        (DataType::Float, _) => floats::<Float32Type>(inv, operation, overflow),
        (DataType::Double, _) => floats::<Float64Type>(inv, operation, overflow),
        (DataType::Long, _) if vectorized(operation) => fast(inv, operation, overflow),
        (DataType::Integer, _) if vectorized(operation) => fast(inv, operation, overflow),
        (DataType::Byte, _) => integers::<Int8Type>(inv, operation, overflow, "byte"),
        (DataType::Short, _) => integers::<Int16Type>(inv, operation, overflow, "short"),
        (DataType::Integer, _) => integers::<Int32Type>(inv, operation, overflow, "integer"),
        (DataType::Long, _) => integers::<Int64Type>(inv, operation, overflow, "long"),
        (other, _) => Err(SparkError::internal(format!(
            "arithmetic on {}",
            sql_name(other)
        ))),
    }
}

fn vectorized(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Add | Operation::Subtract | Operation::Multiply
    )
}

/// Whole columns at once; a batch that overflows is done again row by row if overflow means null.
fn fast(inv: &Invocation<'_>, operation: Operation, overflow: Overflow) -> Result<ArrayRef> {
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

fn overflowed(kind: &str, operation: Operation) -> SparkError {
    let alternative = match operation {
        Operation::Add => Some("try_add"),
        Operation::Subtract => Some("try_subtract"),
        Operation::Multiply => Some("try_multiply"),
        Operation::IntegralDivide => Some("try_divide"),
        _ => None,
    };
    SparkError::arithmetic_overflow(&format!("{kind} overflow"), alternative)
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

fn zero_divisor(operation: Operation) -> SparkError {
    match operation {
        Operation::Remainder | Operation::PositiveRemainder => SparkError::remainder_by_zero(),
        _ => SparkError::divide_by_zero(),
    }
}

fn integers<T>(
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

fn floats<T>(inv: &Invocation<'_>, operation: Operation, overflow: Overflow) -> Result<ArrayRef>
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

fn decimals(inv: &Invocation<'_>, operation: Operation, overflow: Overflow) -> Result<ArrayRef> {
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
pub(super) fn divide(a: (i128, i8), b: (i128, i8), scale: i8) -> Option<i128> {
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

fn positive(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = format!("(+ {})", call.arguments[0].name);
    if !call.arguments[0].data_type.is_interval() {
        call.convert(0, super::Arg::Numeric)?;
    }
    Ok(TypedExpr {
        attribute: None,
        ..call.arguments[0].clone()
    }
    .with_name(text))
}

fn negative(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = if call.name == "negative" {
        format!("negative({})", call.arguments[0].name)
    } else {
        format!("(- {})", call.arguments[0].name)
    };
    if call.arguments[0].data_type.is_interval() {
        return Ok(super::time_arithmetic::negate(call)?.with_name(text));
    }
    call.convert(0, super::Arg::Numeric)?;
    let argument = call.arguments[0].clone();
    let (data_type, nullable) = (argument.data_type.clone(), argument.nullable);
    let ansi = call.analyzer.context.ansi;
    let kernel = Arc::new(move |inv: &Invocation<'_>| negate_array(inv, ansi));
    let expr = call.maker().call(
        "negative",
        ansi.to_string(),
        kernel,
        &[argument],
        data_type.clone(),
        nullable,
    );
    Ok(TypedExpr::new(expr, data_type, nullable, text))
}

fn negate_array(inv: &Invocation<'_>, ansi: bool) -> Result<ArrayRef> {
    let array = inv.argument(0)?.array.clone();
    let result = if ansi {
        numeric::neg(&array)
    } else {
        numeric::neg_wrapping(&array)
    };
    result.map_err(|error| match error {
        ArrowError::ArithmeticOverflow(_) => {
            let kind = match inv.types[0] {
                DataType::Byte => "byte",
                DataType::Short => "short",
                DataType::Integer => "integer",
                _ => "long",
            };
            SparkError::arithmetic_overflow(&format!("{kind} overflow"), None)
        }
        other => other.into(),
    })
}

fn absolute(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    if !call.arguments[0].data_type.is_interval() {
        call.convert(0, super::Arg::Numeric)?;
    }
    let argument = call.arguments[0].clone();
    let ansi = call.analyzer.context.ansi;
    let kernel = Arc::new(move |inv: &Invocation<'_>| absolute_array(inv, ansi));
    let (data_type, nullable) = (argument.data_type.clone(), argument.nullable);
    Ok(call.call_keyed("abs", &ansi.to_string(), data_type, nullable, kernel))
}

fn absolute_array(inv: &Invocation<'_>, ansi: bool) -> Result<ArrayRef> {
    let failed = |kind: &str| SparkError::arithmetic_overflow(&format!("{kind} overflow"), None);
    macro_rules! integer {
        ($column:ident, $arrow:ty, $kind:literal) => {{
            let values = inv.$column(0)?;
            inv.build::<$arrow>(|row| match values.get(row) {
                None => Ok(None),
                Some(v) => match v.checked_abs() {
                    Some(v) => Ok(Some(v)),
                    None if ansi => Err(failed($kind)),
                    None => Ok(Some(v)),
                },
            })
        }};
    }
    match &inv.types[0] {
        DataType::Byte => integer!(bytes8, Int8Type, "byte"),
        DataType::Short => integer!(shorts, Int16Type, "short"),
        DataType::Integer => integer!(ints, Int32Type, "integer"),
        DataType::Long => integer!(longs, Int64Type, "long"),
        DataType::DayTimeInterval { .. } => {
            let values = inv.day_times(0)?;
            inv.build::<arrow::datatypes::DurationMicrosecondType>(|row| {
                Ok(values.get(row).map(i64::abs))
            })
        }
        DataType::YearMonthInterval { .. } => {
            let values = inv.year_months(0)?;
            inv.build::<arrow::datatypes::IntervalYearMonthType>(|row| {
                Ok(values.get(row).map(i32::abs))
            })
        }
        DataType::Float => {
            let values = inv.floats(0)?;
            inv.build::<Float32Type>(|row| Ok(values.get(row).map(f32::abs)))
        }
        DataType::Double => {
            let values = inv.doubles(0)?;
            inv.build::<Float64Type>(|row| Ok(values.get(row).map(f64::abs)))
        }
        _ => {
            let values = inv.decimals(0)?;
            inv.build::<Decimal128Type>(|row| Ok(values.get(row).map(i128::abs)))
        }
    }
}
