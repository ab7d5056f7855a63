//! Random numbers: the same rows for a seed as Spark's first partition gives.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::ArrayRef;
use arrow::datatypes::Float64Type;
use datafusion::logical_expr::Volatility;

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::{FunctionCall, Invocation};
use crate::ir::{DataType, Literal};
use crate::random::XorShift;

/// A generator that goes on from batch to batch.
type Shared = Arc<Mutex<XorShift>>;

fn shared(seed: i64) -> Shared {
    Arc::new(Mutex::new(XorShift::new(seed)))
}

/// The seed at `index`, or one by chance; the argument shows it either way.
fn seed(call: &mut FunctionCall<'_>, index: usize) -> Result<i64> {
    if index >= call.arguments.len() {
        let seed = uuid::Uuid::new_v4().as_u64_pair().0 as i64;
        let shown = call.analyzer.literal(&Literal::Long(seed))?;
        call.arguments.push(shown);
    }
    let argument = call.arguments[index].clone();
    if argument.data_type == DataType::Null {
        return Ok(0);
    }
    if !argument.data_type.is_integral() {
        return Err(call.unexpected_type(index, "(\"INT\" or \"BIGINT\")"));
    }
    call.analyzer
        .fold(argument)
        .constant_integer()
        .ok_or_else(|| {
            SparkError::not_foldable(&call.name, "seed", "BIGINT", &call.arguments[index].name)
        })
}

fn volatile(
    call: &FunctionCall<'_>,
    arguments: &[TypedExpr],
    result: DataType,
    kernel: impl Fn(&Invocation<'_>) -> Result<ArrayRef> + Send + Sync + 'static,
) -> TypedExpr {
    let key = uuid::Uuid::new_v4().to_string();
    let expr = call.maker().call_with(
        &call.name,
        key,
        Arc::new(kernel),
        arguments,
        result.clone(),
        false,
        Volatility::Volatile,
    );
    TypedExpr::new(expr, result, false, call.text())
}

fn doubles(call: &FunctionCall<'_>, seed: i64, draw: fn(&mut XorShift) -> f64) -> TypedExpr {
    let generator = shared(seed);
    volatile(call, &[], DataType::Double, move |inv| {
        let mut generator = generator.lock().unwrap_or_else(PoisonError::into_inner);
        inv.build::<Float64Type>(|_| Ok(Some(draw(&mut generator))))
    })
}

pub(super) fn uniform_double(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(0, 1)?;
    let seed = seed(call, 0)?;
    Ok(doubles(call, seed, XorShift::uniform))
}

pub(super) fn normal(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(0, 1)?;
    let seed = seed(call, 0)?;
    Ok(doubles(call, seed, XorShift::gaussian))
}

/// `uniform(low, high)`: whole numbers between whole numbers.
pub(super) fn between(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let seed = seed(call, 2)?;
    let text = call.text();
    let types = [0, 1].map(|i| call.arguments[i].data_type.clone());
    let result = crate::types::coercion::common_type(&types[0], &types[1])
        .filter(DataType::is_numeric)
        .ok_or_else(|| call.unexpected_type(0, "integer or floating-point"))?;
    for index in 0..2 {
        if !call.arguments[index].is_foldable() {
            let name = ["min", "max"][index];
            let argument = &call.arguments[index];
            return Err(SparkError::not_foldable(
                &call.name,
                name,
                "integer or floating-point",
                &argument.name,
            ));
        }
        call.cast_argument(index, &DataType::Double)?;
    }
    let random = doubles(call, seed, XorShift::uniform);
    let [low, high] = [0, 1].map(|i| call.arguments[i].clone());
    let width = call.apply("-", vec![high, low.clone()])?;
    let part = call.apply("*", vec![width, random])?;
    let sum = call.apply("+", vec![low, part])?;
    let value = call.analyzer.cast_implicitly(sum, &result)?;
    Ok(TypedExpr {
        nullable: false,
        ..value.with_name(text)
    })
}

/// Texts of digits and letters.
pub(super) fn string(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let seed = seed(call, 1)?;
    let length = call.constant_integer(0, "length")?;
    let length = usize::try_from(length).map_err(|_| {
        SparkError::invalid_parameter_value(
            "LENGTH",
            "randstr",
            "length",
            format!("Expects `length` greater than or equal to 0, but got {length}."),
        )
    })?;
    let generator = shared(seed);
    Ok(volatile(call, &[], DataType::STRING, move |inv| {
        let mut generator = generator.lock().unwrap_or_else(PoisonError::into_inner);
        inv.build_strings(|_| {
            let letters = (0..length).map(|_| letter(generator.integer()));
            Ok(Some(letters.collect::<String>()))
        })
    }))
}

fn letter(random: i32) -> char {
    let value = (random % 62).unsigned_abs() as u8;
    char::from(match value {
        0..=9 => b'0' + value,
        10..=35 => b'a' + value - 10,
        _ => b'A' + value - 36,
    })
}
