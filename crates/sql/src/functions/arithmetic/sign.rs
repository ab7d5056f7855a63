//! Signs: `+x`, `-x` and `abs`.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::kernels::numeric;
use arrow::datatypes::{
    Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow::error::ArrowError;

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall, Invocation, time_arithmetic};
use crate::ir::DataType;

pub(super) fn positive(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = format!("(+ {})", call.arguments[0].name);
    if !call.arguments[0].data_type.is_interval() {
        call.convert(0, Arg::Numeric)?;
    }
    Ok(TypedExpr {
        attribute: None,
        ..call.arguments[0].clone()
    }
    .with_name(text))
}

pub(super) fn negative(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = if call.name == "negative" {
        format!("negative({})", call.arguments[0].name)
    } else {
        format!("(- {})", call.arguments[0].name)
    };
    if call.arguments[0].data_type.is_interval() {
        return Ok(time_arithmetic::negate(call)?.with_name(text));
    }
    call.convert(0, Arg::Numeric)?;
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

pub(super) fn absolute(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    if !call.arguments[0].data_type.is_interval() {
        call.convert(0, Arg::Numeric)?;
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
