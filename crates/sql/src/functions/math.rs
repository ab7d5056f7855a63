//! Mathematics: functions of doubles, rounding, number bases, random numbers.

mod base;
mod random;
mod rounding;
mod strict;

pub(super) use base::{hex_bytes, hex_text};

use arrow::array::ArrayRef;
use arrow::datatypes::{Float64Type, Int64Type};

use super::{Arg, Function, FunctionCall, Invocation, Nulls, Returns, custom, scalar};
use crate::analyzer::TypedExpr;
use crate::error::Result;
use crate::ir::{DataType, Literal};

pub(super) const FUNCTIONS: &[Function] = &[
    double("acos", "ACOS", |i| map(i, f64::acos)),
    double("acosh", "ACOSH", |i| {
        map(i, |x| strict::ln(x + (x * x - 1.0).sqrt()))
    }),
    double("asin", "ASIN", |i| map(i, f64::asin)),
    double("asinh", "ASINH", |i| map(i, inverse_hyperbolic_sine)),
    double("atan", "ATAN", |i| map(i, f64::atan)),
    double("atanh", "ATANH", |i| {
        map(i, |x| 0.5 * (x.ln_1p() - (-x).ln_1p()))
    }),
    double("cbrt", "CBRT", |i| map(i, f64::cbrt)),
    double("cos", "COS", |i| map(i, f64::cos)),
    double("cosh", "COSH", |i| map(i, strict::cosh)),
    double("cot", "COT", |i| map(i, |x| 1.0 / x.tan())),
    double("csc", "CSC", |i| map(i, |x| 1.0 / x.sin())),
    double("degrees", "DEGREES", |i| map(i, |x| x * DEGREES_PER_RADIAN)),
    double("exp", "EXP", |i| map(i, strict::exp)),
    double("expm1", "EXPM1", |i| map(i, f64::exp_m1)),
    double("radians", "RADIANS", |i| map(i, |x| x / DEGREES_PER_RADIAN)),
    double("rint", "rint", |i| map(i, f64::round_ties_even)),
    double("sec", "SEC", |i| map(i, |x| 1.0 / x.cos())),
    double("sin", "SIN", |i| map(i, f64::sin)),
    double("sinh", "SINH", |i| map(i, f64::sinh)),
    double("sqrt", "SQRT", |i| map(i, f64::sqrt)),
    double("tan", "TAN", |i| map(i, f64::tan)),
    double("tanh", "TANH", |i| map(i, f64::tanh)),
    custom("sign", sign).nulls(Nulls::Always),
    custom("signum", sign).shown("SIGNUM").nulls(Nulls::Always),
    double("ln", "ln", |i| above(i, 0.0, strict::ln)),
    double("log10", "LOG10", |i| above(i, 0.0, f64::log10)),
    double("log2", "LOG2", |i| above(i, 0.0, f64::log2)),
    double("log1p", "LOG1P", |i| above(i, -1.0, f64::ln_1p)),
    custom("log", log),
    pair("atan2", "ATAN2", |i| map_two(i, f64::atan2)),
    pair("hypot", "HYPOT", |i| map_two(i, f64::hypot)),
    pair("pow", "POWER", |i| map_two(i, f64::powf)).or(&["power"]),
    custom("pi", |call| constant(call, std::f64::consts::PI)).shown("PI"),
    custom("e", |call| constant(call, std::f64::consts::E)).shown("E"),
    scalar("factorial", &[Arg::Int], Returns::Long, factorial).nulls(Nulls::Always),
    custom("ceil", |call| {
        rounding::whole(call, rounding::Mode::Ceiling, "CEIL")
    })
    .nulls(Nulls::Always),
    custom("ceiling", |call| {
        rounding::whole(call, rounding::Mode::Ceiling, "ceiling")
    })
    .nulls(Nulls::Always),
    custom("floor", |call| {
        rounding::whole(call, rounding::Mode::Floor, "FLOOR")
    })
    .nulls(Nulls::Always),
    custom("round", |call| {
        rounding::round(call, rounding::Mode::HalfUp)
    })
    .nulls(Nulls::Always),
    custom("bround", |call| {
        rounding::round(call, rounding::Mode::HalfEven)
    })
    .nulls(Nulls::Always),
    scalar("bin", &[Arg::Long], Returns::Str, base::binary),
    custom("hex", base::hex),
    scalar("unhex", &[Arg::Str], Returns::Binary, base::unhex).nulls(Nulls::Always),
    scalar(
        "conv",
        &[Arg::Str, Arg::Int, Arg::Int],
        Returns::Str,
        base::convert,
    )
    .nulls(Nulls::Always),
    scalar(
        "width_bucket",
        &[Arg::Double, Arg::Double, Arg::Double, Arg::Long],
        Returns::Long,
        width_bucket,
    )
    .nulls(Nulls::Always),
    custom("rand", random::uniform_double).or(&["random"]),
    custom("randn", random::normal),
    custom("uniform", random::between),
    custom("randstr", random::string),
];

const DEGREES_PER_RADIAN: f64 = 180.0 / std::f64::consts::PI;

type Kernel = fn(&Invocation<'_>) -> Result<ArrayRef>;

const fn double(name: &'static str, title: &'static str, kernel: Kernel) -> Function {
    scalar(name, &[Arg::Double], Returns::Double, kernel)
        .shown(title)
        .nulls(Nulls::Always)
}

const fn pair(name: &'static str, title: &'static str, kernel: Kernel) -> Function {
    scalar(name, &[Arg::Double, Arg::Double], Returns::Double, kernel).shown(title)
}

fn map(inv: &Invocation<'_>, f: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    let values = inv.doubles(0)?;
    inv.build::<Float64Type>(|row| Ok(values.get(row).map(&f)))
}

fn map_two(inv: &Invocation<'_>, f: impl Fn(f64, f64) -> f64) -> Result<ArrayRef> {
    let (a, b) = (inv.doubles(0)?, inv.doubles(1)?);
    inv.build::<Float64Type>(|row| Ok(a.get(row).zip(b.get(row)).map(|(a, b)| f(a, b))))
}

/// Nothing at or below the `asymptote`.
fn above(inv: &Invocation<'_>, asymptote: f64, f: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    let values = inv.doubles(0)?;
    let defined = |x: &f64| x.is_nan() || *x > asymptote;
    inv.build::<Float64Type>(|row| Ok(values.get(row).filter(defined).map(&f)))
}

fn inverse_hyperbolic_sine(x: f64) -> f64 {
    x.asinh()
}

fn sign(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.text();
    if call.arguments[0].data_type.is_interval() {
        call.cast_argument(0, &DataType::DECIMAL_DEFAULT)?;
    }
    call.convert(0, Arg::Double)?;
    let nullable = call.any_nullable();
    let value = call.call("sign", DataType::Double, nullable, |i| {
        map(i, |x| {
            if x == 0.0 || x.is_nan() {
                x
            } else {
                x.signum()
            }
        })
    });
    Ok(value.with_name(text))
}

/// The natural logarithm, or one to a base that stands first.
fn log(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    if call.arguments.len() == 1 {
        let value = call.arguments.remove(0);
        let text = format!("LOG(E(), {})", value.name);
        return Ok(call.apply("ln", vec![value])?.with_name(text));
    }
    let text = format!(
        "LOG({}, {})",
        call.arguments[0].name, call.arguments[1].name
    );
    call.convert(0, Arg::Double)?;
    call.convert(1, Arg::Double)?;
    let value = call.call("log", DataType::Double, true, |i| {
        let (bases, values) = (i.doubles(0)?, i.doubles(1)?);
        i.build::<Float64Type>(|row| {
            let pair = bases.get(row).zip(values.get(row));
            let defined = |(base, x): &(f64, f64)| !(*base <= 0.0 || *x <= 0.0);
            Ok(pair
                .filter(defined)
                .map(|(base, x)| strict::ln(x) / strict::ln(base)))
        })
    });
    Ok(value.with_name(text))
}

fn constant(call: &mut FunctionCall<'_>, value: f64) -> Result<TypedExpr> {
    call.arity(0, 0)?;
    let text = call.text();
    Ok(call
        .analyzer
        .literal(&Literal::Double(value))?
        .with_name(text))
}

fn factorial(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let values = inv.ints(0)?;
    inv.build::<Int64Type>(|row| {
        let known = values.get(row).filter(|n| (0..=20).contains(n));
        Ok(known.map(|n| (1..=i64::from(n)).product()))
    })
}

/// Which of `count` equal parts of a range a value falls into: 0 below it, `count + 1` above it.
fn width_bucket(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (values, lows, highs, counts) = (
        inv.doubles(0)?,
        inv.doubles(1)?,
        inv.doubles(2)?,
        inv.longs(3)?,
    );
    inv.build::<Int64Type>(|row| {
        let (Some(value), Some(low), Some(high), Some(count)) = (
            values.get(row),
            lows.get(row),
            highs.get(row),
            counts.get(row),
        ) else {
            return Ok(None);
        };
        let senseless = count <= 0
            || count == i64::MAX
            || value.is_nan()
            || low == high
            || !low.is_finite()
            || !high.is_finite();
        if senseless {
            return Ok(None);
        }
        let (lower, upper) = (low.min(high), low.max(high));
        Ok(Some(if low < high {
            if value < lower {
                0
            } else if value >= upper {
                count + 1
            } else {
                ((count as f64 * (value - lower) / (upper - lower)) as i64) + 1
            }
        } else if value > upper {
            0
        } else if value <= lower {
            count + 1
        } else {
            ((count as f64 * (upper - value) / (upper - lower)) as i64) + 1
        }))
    })
}
