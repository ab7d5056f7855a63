//! Bitmaps of 4 KiB made of positions, or joined.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use super::collect::gathered;
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::bitwise::BITMAP_BYTES;
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::DataType;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Construct,
    Or,
    And,
}

pub(super) fn aggregate(call: &mut FunctionCall<'_>, purpose: Use) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.aggregate_text();
    match purpose {
        Use::Construct => call.convert(0, Arg::Long)?,
        _ if call.arguments[0].data_type == DataType::Binary => {}
        _ => return Err(call.unexpected_type(0, "\"BINARY\"")),
    }
    let values = gathered(call, &call.arguments[0].clone());
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let lists = inv.lists(0)?;
        inv.build_binaries(|row| {
            let fill = if purpose == Use::And { 0xff } else { 0 };
            let mut bitmap = vec![fill; BITMAP_BYTES];
            let Some(list) = lists.get(row) else {
                return Ok(Some(bitmap));
            };
            if purpose == Use::Construct {
                for place in list.as_primitive::<Int64Type>().values() {
                    let bit = usize::try_from(*place)
                        .ok()
                        .filter(|p| p / 8 < BITMAP_BYTES);
                    let bit = bit.ok_or_else(|| SparkError::invalid_bitmap_position(*place))?;
                    bitmap[bit / 8] |= 1 << (bit % 8);
                }
                return Ok(Some(bitmap));
            }
            for other in list.as_binary::<i32>().iter().flatten() {
                let padded = other.iter().copied().chain(std::iter::repeat(0));
                for (byte, other) in bitmap.iter_mut().zip(padded) {
                    if purpose == Use::Or {
                        *byte |= other;
                    } else {
                        *byte &= other;
                    }
                }
            }
            Ok(Some(bitmap))
        })
    });
    let key = format!("{purpose:?}");
    let expr = call
        .maker()
        .call("bitmap", key, kernel, &[values], DataType::Binary, false);
    Ok(TypedExpr::new(expr, DataType::Binary, false, text))
}
