//! Arrays: searching, changing, joining and ordering them.
//!
//! Always true: equal elements are found by Spark's order, in which NaN equals NaN and zero has no sign; sets of
//! elements treat one null as equal to another. Start at [`FUNCTIONS`]; arguments are read, and results made, with
//! [`Lists`] and [`Selection`].

mod insertion;
mod search;
mod sequence;
mod set;
mod sort;
mod zip;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int32Type;

use insertion::{add, insert};
use search::{contains, extreme, position, remove};
use zip::zip;

use super::lists::{Lists, Selection, element_type};
use super::{Arg, Function, FunctionCall, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::DataType;

pub(super) use set::encoded;
pub(super) use sort::sorted;

pub(super) const FUNCTIONS: &[Function] = &[
    custom("array_append", |call| add(call, false)),
    custom("array_prepend", |call| add(call, true)),
    custom("array_compact", compact),
    custom("array_contains", contains),
    custom("array_position", position),
    custom("array_remove", remove),
    custom("array_insert", insert),
    custom("array_size", size),
    custom("array_max", |call| extreme(call, true)),
    custom("array_min", |call| extreme(call, false)),
    custom("array_distinct", set::distinct),
    custom("array_union", |call| {
        set::combine(call, set::Operation::Union)
    }),
    custom("array_intersect", |call| {
        set::combine(call, set::Operation::Intersect)
    }),
    custom("array_except", |call| {
        set::combine(call, set::Operation::Except)
    }),
    custom("arrays_overlap", set::overlap),
    custom("arrays_zip", zip),
    custom("flatten", flatten),
    custom("slice", slice),
    custom("shuffle", sort::shuffle),
    custom("sort_array", sort::sort_array),
    custom("sequence", sequence::sequence),
    custom("$reverse_array", reverse),
];

fn compact(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let (element, _) = element_type(call, 0)?;
    let nullable = call.any_nullable();
    Ok(call.call(
        "array_compact",
        DataType::array(element, false),
        nullable,
        |inv| {
            let lists = Lists::of(inv, 0)?;
            let mut selection = Selection::new();
            for row in 0..inv.rows {
                let kept = lists.range(row).map(|range| {
                    range
                        .filter(|i| lists.values().is_valid(*i))
                        .map(|i| i as u32)
                });
                selection.push(kept);
            }
            selection.build(inv, lists.values())
        },
    ))
}

fn size(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    element_type(call, 0)?;
    let nullable = call.any_nullable();
    Ok(call.call("array_size", DataType::Integer, nullable, |inv| {
        let lists = Lists::of(inv, 0)?;
        inv.build::<Int32Type>(|row| Ok(lists.range(row).map(|range| range.len() as i32)))
    }))
}

/// The elements of an array's arrays; null if one of them is.
fn flatten(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let (inner, contains_null) = element_type(call, 0)?;
    if !matches!(inner, DataType::Array { .. }) {
        return Err(call.unexpected_type(0, "\"ARRAY\" of \"ARRAY\""));
    }
    let nullable = call.any_nullable() || contains_null;
    Ok(call.call("flatten", inner, nullable, |inv| {
        let lists = Lists::of(inv, 0)?;
        let inner = Lists {
            array: lists.values().as_list::<i32>().clone(),
        };
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            let parts: Option<Vec<_>> = lists
                .range(row)
                .and_then(|range| range.map(|i| inner.range(i)).collect());
            selection.push(parts.map(|parts| parts.into_iter().flatten().map(|i| i as u32)));
        }
        selection.build(inv, inner.values())
    }))
}

fn slice(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(3, 3)?;
    let text = call.text();
    element_type(call, 0)?;
    call.convert(1, Arg::Int)?;
    call.convert(2, Arg::Int)?;
    let (result, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let value = call.call("slice", result, nullable, |inv| {
        let (lists, starts, lengths) = (Lists::of(inv, 0)?, inv.ints(1)?, inv.ints(2)?);
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            let (Some(range), Some(start), Some(length)) =
                (lists.range(row), starts.get(row), lengths.get(row))
            else {
                selection.push(None::<std::ops::Range<u32>>);
                continue;
            };
            if start == 0 {
                return Err(SparkError::slice_start_zero());
            }
            if length < 0 {
                return Err(SparkError::slice_length_negative(length));
            }
            let count = range.len() as i64;
            let first = if start > 0 {
                i64::from(start) - 1
            } else {
                count + i64::from(start)
            };
            let part = if first < 0 || first >= count {
                0..0
            } else {
                let end = (first + i64::from(length)).min(count);
                (range.start as i64 + first) as u32..(range.start as i64 + end) as u32
            };
            selection.push(Some(part));
        }
        selection.build(inv, lists.values())
    });
    Ok(value.with_name(text))
}

fn reverse(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let (result, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    Ok(call.call("reverse", result, nullable, |inv| {
        let lists = Lists::of(inv, 0)?;
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            selection.push(lists.range(row).map(|range| range.rev().map(|i| i as u32)));
        }
        selection.build(inv, lists.values())
    }))
}
