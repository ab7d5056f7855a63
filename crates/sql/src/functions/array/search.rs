//! Elements found in an array: whether and where, all but those, the greatest and the least.
//!
//! Always true: no element is equal to null.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::Int64Type;

use crate::analyzer::TypedExpr;
use crate::compare::Comparator;
use crate::error::{Result, SparkError};
use crate::functions::lists::{Lists, Selection, comparable, element_type, unify_with_element};
use crate::functions::{FunctionCall, Invocation};
use crate::ir::DataType;

/// The values of an array beside one value a row, compared.
fn found<'a>(
    lists: &'a Lists,
    sought: &'a ArrayRef,
    element: &DataType,
) -> Result<impl Fn(usize, usize) -> bool + 'a> {
    let comparator = Comparator::new(lists.values(), sought, element)?;
    Ok(move |index: usize, row: usize| {
        lists.values().is_valid(index) && comparator.compare(index, row).is_eq()
    })
}

/// Nothing is equal to a null that has no type.
fn refuse_bare_null(call: &FunctionCall<'_>) -> Result<()> {
    if call.arguments.iter().any(|a| a.data_type == DataType::Null) {
        return Err(SparkError::mismatch(
            "NULL_TYPE",
            &call.text(),
            format!(
                "Null typed values cannot be used as arguments of `{}`.",
                call.name
            ),
        ));
    }
    Ok(())
}

pub(super) fn contains(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    refuse_bare_null(call)?;
    let (element, contains_null) = unify_with_element(call, 0, 1)?;
    comparable(call, &element)?;
    let nullable = call.any_nullable() || contains_null;
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (lists, sought) = (Lists::of(inv, 0)?, inv.expanded(1)?);
        let is_found = found(&lists, &sought, &element)?;
        inv.build_booleans(|row| {
            let Some(mut range) = lists.range(row).filter(|_| sought.is_valid(row)) else {
                return Ok(None);
            };
            let has_null = range.clone().any(|i| lists.values().is_null(i));
            let found = range.any(|i| is_found(i, row));
            Ok((found || !has_null).then_some(found))
        })
    });
    Ok(call
        .call_keyed("array_contains", "", DataType::Boolean, nullable, kernel)
        .with_name(text))
}

pub(super) fn position(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    refuse_bare_null(call)?;
    let (element, _) = unify_with_element(call, 0, 1)?;
    comparable(call, &element)?;
    let nullable = call.any_nullable();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (lists, sought) = (Lists::of(inv, 0)?, inv.expanded(1)?);
        let is_found = found(&lists, &sought, &element)?;
        inv.build::<Int64Type>(|row| {
            let range = lists.range(row).filter(|_| sought.is_valid(row));
            Ok(range.map(|mut r| {
                r.position(|i| is_found(i, row))
                    .map_or(0, |at| at as i64 + 1)
            }))
        })
    });
    Ok(call
        .call_keyed("array_position", "", DataType::Long, nullable, kernel)
        .with_name(text))
}

pub(super) fn remove(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    refuse_bare_null(call)?;
    let (element, _) = unify_with_element(call, 0, 1)?;
    comparable(call, &element)?;
    let (result, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (lists, sought) = (Lists::of(inv, 0)?, inv.expanded(1)?);
        let is_found = found(&lists, &sought, &element)?;
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            let range = lists.range(row).filter(|_| sought.is_valid(row));
            selection.push(range.map(|r| {
                r.filter(|i| !is_found(*i, row))
                    .map(|i| i as u32)
                    .collect::<Vec<_>>()
            }));
        }
        selection.build(inv, lists.values())
    });
    Ok(call
        .call_keyed("array_remove", "", result, nullable, kernel)
        .with_name(text))
}

pub(super) fn extreme(call: &mut FunctionCall<'_>, greatest: bool) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let (element, _) = element_type(call, 0)?;
    comparable(call, &element)?;
    let inner = element.clone();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let lists = Lists::of(inv, 0)?;
        let values = lists.values();
        let comparator = Comparator::new(values, values, &inner)?;
        let better = |a: usize, b: usize| {
            let order = comparator.compare(a, b);
            if greatest {
                order.is_gt()
            } else {
                order.is_lt()
            }
        };
        let best = |range: std::ops::Range<usize>| {
            let present = range.filter(|i| values.is_valid(*i));
            present.reduce(|best, next| if better(next, best) { next } else { best })
        };
        let places: UInt32Array = (0..inv.rows)
            .map(|row| lists.range(row).and_then(best).map(|i| i as u32))
            .collect();
        Ok(take(values, &places, None)?)
    });
    let key = greatest.to_string();
    Ok(call.call_keyed("array_extreme", &key, element, true, kernel))
}
