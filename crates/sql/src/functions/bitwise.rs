//! Bits of whole numbers, and positions in bitmaps.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::kernels::bitwise;
use arrow::datatypes::{ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type};

use super::{Arg, Function, FunctionCall, Invocation, Returns, custom, scalar};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::DataType;

pub(super) const FUNCTIONS: &[Function] = &[
    custom("&", |call| binary(call, Operator::And)),
    custom("|", |call| binary(call, Operator::Or)),
    custom("^", |call| binary(call, Operator::Xor)),
    custom("~", complement).or(&["bitwise_not"]),
    custom("shiftleft", |call| shift(call, Shift::Left)),
    custom("shiftright", |call| shift(call, Shift::Right)),
    custom("shiftrightunsigned", |call| {
        shift(call, Shift::RightUnsigned)
    }),
    custom("<<", |call| shift(call, Shift::Left)),
    custom(">>", |call| shift(call, Shift::Right)),
    custom(">>>", |call| shift(call, Shift::RightUnsigned)),
    custom("bit_count", bit_count),
    custom("bit_get", bit_get).or(&["getbit"]),
    scalar("bitmap_bit_position", &[Arg::Long], Returns::Long, |i| {
        map_longs(i, |v| {
            if v > 0 {
                (v - 1) % BITS_PER_BITMAP
            } else {
                v.wrapping_neg() % BITS_PER_BITMAP
            }
        })
    }),
    scalar("bitmap_bucket_number", &[Arg::Long], Returns::Long, |i| {
        map_longs(i, |v| {
            if v > 0 {
                1 + (v - 1) / BITS_PER_BITMAP
            } else {
                v / BITS_PER_BITMAP
            }
        })
    }),
    scalar("bitmap_count", &[Arg::Binary], Returns::Long, |i| {
        let maps = i.binaries(0)?;
        let ones = |bytes: &[u8]| bytes.iter().map(|b| i64::from(b.count_ones())).sum();
        i.build::<Int64Type>(|row| Ok(maps.get(row).map(ones)))
    }),
];

/// A bitmap has 4 KiB.
pub(super) const BITMAP_BYTES: usize = 4096;
const BITS_PER_BITMAP: i64 = 8 * BITMAP_BYTES as i64;

#[derive(Clone, Copy, Debug)]
enum Operator {
    And,
    Or,
    Xor,
}

fn binary(call: &mut FunctionCall<'_>, operator: Operator) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = format!(
        "({} {} {})",
        call.arguments[0].name, call.name, call.arguments[1].name
    );
    let types = [0, 1].map(|i| call.arguments[i].data_type.clone());
    let common = crate::types::coercion::common_type(&types[0], &types[1]).map(|t| {
        if t == DataType::Null {
            DataType::Integer
        } else {
            t
        }
    });
    let Some(common) = common.filter(DataType::is_integral) else {
        let names = types.each_ref().map(crate::types::sql_name);
        return Err(if types[0] == types[1] {
            SparkError::binary_operator_wrong_type(&text, "\"INTEGRAL\"", &names[0])
        } else {
            SparkError::binary_operator_different_types(&text, &names[0], &names[1])
        });
    };
    call.cast_argument(0, &common)?;
    call.cast_argument(1, &common)?;
    let nullable = call.any_nullable();
    let kernel = Arc::new(move |inv: &Invocation<'_>| match &inv.types[0] {
        DataType::Byte => combine::<Int8Type>(inv, operator),
        DataType::Short => combine::<Int16Type>(inv, operator),
        DataType::Integer => combine::<Int32Type>(inv, operator),
        _ => combine::<Int64Type>(inv, operator),
    });
    Ok(call
        .call_keyed(&call.name, "", common, nullable, kernel)
        .with_name(text))
}

fn combine<T>(inv: &Invocation<'_>, operator: Operator) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: std::ops::BitAnd<Output = T::Native>
        + std::ops::BitOr<Output = T::Native>
        + std::ops::BitXor<Output = T::Native>,
{
    let (a, b) = (inv.expanded(0)?, inv.expanded(1)?);
    let (a, b) = (a.as_primitive::<T>(), b.as_primitive::<T>());
    Ok(match operator {
        Operator::And => Arc::new(bitwise::bitwise_and(a, b)?),
        Operator::Or => Arc::new(bitwise::bitwise_or(a, b)?),
        Operator::Xor => Arc::new(bitwise::bitwise_xor(a, b)?),
    })
}

fn complement(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = format!("~{}", call.arguments[0].name);
    call.convert(0, Arg::Integral)?;
    let (data_type, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let value = call.call("~", data_type, nullable, |inv| {
        let array = inv.expanded(0)?;
        Ok(match &inv.types[0] {
            DataType::Byte => Arc::new(bitwise::bitwise_not(array.as_primitive::<Int8Type>())?),
            DataType::Short => Arc::new(bitwise::bitwise_not(array.as_primitive::<Int16Type>())?),
            DataType::Integer => Arc::new(bitwise::bitwise_not(array.as_primitive::<Int32Type>())?),
            _ => Arc::new(bitwise::bitwise_not(array.as_primitive::<Int64Type>())?),
        })
    });
    Ok(value.with_name(text))
}

#[derive(Clone, Copy, Debug)]
enum Shift {
    Left,
    Right,
    RightUnsigned,
}

/// The distance counts modulo the width, as on the processor.
fn shift(call: &mut FunctionCall<'_>, direction: Shift) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = if call.name.starts_with(['<', '>']) {
        format!(
            "({} {} {})",
            call.arguments[0].name, call.name, call.arguments[1].name
        )
    } else {
        call.text()
    };
    if call.arguments[0].data_type != DataType::Long {
        call.convert(0, Arg::Int)?;
    }
    call.convert(1, Arg::Int)?;
    let (data_type, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let distances = inv.ints(1)?;
        if inv.types[0] == DataType::Integer {
            let values = inv.ints(0)?;
            return inv.build::<Int32Type>(|row| {
                let pair = values.get(row).zip(distances.get(row));
                Ok(pair.map(|(v, by)| match direction {
                    Shift::Left => v.wrapping_shl(by as u32),
                    Shift::Right => v.wrapping_shr(by as u32),
                    Shift::RightUnsigned => (v as u32).wrapping_shr(by as u32) as i32,
                }))
            });
        }
        let values = inv.longs(0)?;
        inv.build::<Int64Type>(|row| {
            let pair = values.get(row).zip(distances.get(row));
            Ok(pair.map(|(v, by)| match direction {
                Shift::Left => v.wrapping_shl(by as u32),
                Shift::Right => v.wrapping_shr(by as u32),
                Shift::RightUnsigned => (v as u64).wrapping_shr(by as u32) as i64,
            }))
        })
    });
    let key = format!("{direction:?}");
    Ok(call
        .call_keyed("shift", &key, data_type, nullable, kernel)
        .with_name(text))
}

fn bit_count(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.text();
    match &call.arguments[0].data_type {
        DataType::Boolean => call.cast_argument(0, &DataType::Integer)?,
        t if t.is_integral() || *t == DataType::Null => {}
        _ => return Err(call.unexpected_type(0, "(\"INTEGRAL\" or \"BOOLEAN\")")),
    }
    call.cast_argument(0, &DataType::Long)?;
    let nullable = call.any_nullable();
    let value = call.call("bit_count", DataType::Integer, nullable, |inv| {
        let values = inv.longs(0)?;
        inv.build::<Int32Type>(|row| Ok(values.get(row).map(|v| v.count_ones() as i32)))
    });
    Ok(value.with_name(text))
}

fn bit_get(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    call.convert(0, Arg::Integral)?;
    call.convert(1, Arg::Int)?;
    let bits = match &call.arguments[0].data_type {
        DataType::Byte => 8,
        DataType::Short => 16,
        DataType::Integer => 32,
        _ => 64,
    };
    call.cast_argument(0, &DataType::Long)?;
    let nullable = call.any_nullable();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (values, places) = (inv.longs(0)?, inv.ints(1)?);
        inv.build::<Int8Type>(|row| {
            let Some((value, place)) = values.get(row).zip(places.get(row)) else {
                return Ok(None);
            };
            if (0..bits).contains(&place) {
                return Ok(Some((value >> place & 1) as i8));
            }
            let bounds = if place < 0 { "LOWER" } else { "UPPER" };
            Err(SparkError::invalid_parameter_value(
                "BIT_POSITION_RANGE",
                "bit_get",
                "pos",
                format!("Expects an integer value in [0, {bits}), but got {place} ({bounds})."),
            ))
        })
    });
    Ok(call
        .call_keyed(
            "bit_get",
            &bits.to_string(),
            DataType::Byte,
            nullable,
            kernel,
        )
        .with_name(text))
}

fn map_longs(inv: &Invocation<'_>, f: impl Fn(i64) -> i64) -> Result<ArrayRef> {
    let values = inv.longs(0)?;
    inv.build::<Int64Type>(|row| Ok(values.get(row).map(&f)))
}
