//! `+`, `-`, `*`, `/`, `%` and their kin, with ANSI overflow checks.
//!
//! A call settles what the operands are converted to (`operand_types`) and takes the kernel of that kind of number, from
//! `integers`, `floats` or `decimals`. Start at [`compute`].

mod decimals;
mod floats;
mod integers;
mod operand_types;
mod sign;

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};

use decimals::decimals;
use floats::floats;
use integers::{fast, integers};
use operand_types::operand_types;
use sign::{absolute, negative, positive};

use super::{Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::DataType;
use crate::types::sql_name;

pub(super) use decimals::divide;
pub(super) use operand_types::literal_decimal;

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
    call.arity(2, 2)?;
    if let Some(value) = super::time_arithmetic::arithmetic(call, operation, false)? {
        return Ok(match operation {
            Operation::Add | Operation::Subtract => value,
            _ => value.with_name(text),
        });
    }
    Ok(compute(call, operation, overflow, &text)?.with_name(text))
}

fn trying(call: &mut FunctionCall<'_>, operation: Operation) -> Result<TypedExpr> {
    let text = call.text();
    call.arity(2, 2)?;
    if let Some(value) = super::time_arithmetic::arithmetic(call, operation, true)? {
        return Ok(TypedExpr {
            nullable: true,
            ..value.with_name(text)
        });
    }
    Ok(compute(call, operation, Overflow::Null, &text)?.with_name(text))
}

fn compute(
    call: &mut FunctionCall<'_>,
    operation: Operation,
    overflow: Overflow,
    text: &str,
) -> Result<TypedExpr> {
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

fn zero_divisor(operation: Operation) -> SparkError {
    match operation {
        Operation::Remainder | Operation::PositiveRemainder => SparkError::remainder_by_zero(),
        _ => SparkError::divide_by_zero(),
    }
}
