//! Elements put in: at the ends, and at a place counted from either of them.

use std::sync::Arc;

use arrow::array::Array;

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::lists::{Lists, Selection, unify_with_element};
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::DataType;

pub(super) fn add(call: &mut FunctionCall<'_>, front: bool) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    let (element, contains_null) = unify_with_element(call, 0, 1)?;
    let result = DataType::array(element, contains_null || call.arguments[1].nullable);
    let nullable = call.arguments[0].nullable;
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (lists, added) = (Lists::of(inv, 0)?, inv.expanded(1)?);
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            selection.push(lists.range(row).map(|range| {
                let own = range.map(|i| (0, i));
                let new = std::iter::once((1, row));
                if front {
                    new.chain(own).collect()
                } else {
                    own.chain(new).collect::<Vec<_>>()
                }
            }));
        }
        selection.build(inv, &[lists.values().as_ref(), added.as_ref()])
    });
    let key = front.to_string();
    Ok(call
        .call_keyed("array_add", &key, result, nullable, kernel)
        .with_name(text))
}

/// Longer than this no array may grow.
const LENGTH_MAX: i64 = i32::MAX as i64 - 15;

/// A value at a position counted from one or from the end; nulls fill what is missing in between.
pub(super) fn insert(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(3, 3)?;
    let text = call.text();
    call.convert(1, Arg::Int)?;
    let (element, _) = unify_with_element(call, 0, 2)?;
    let nullable = call.arguments[0].nullable || call.arguments[1].nullable;
    let result = DataType::array(element, true);
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (lists, places, added) = (Lists::of(inv, 0)?, inv.ints(1)?, inv.expanded(2)?);
        let null = arrow::array::new_null_array(added.data_type(), 1);
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            let Some((range, place)) = lists.range(row).zip(places.get(row)) else {
                selection.push(None::<Vec<(usize, usize)>>);
                continue;
            };
            selection.push(Some(inserted(range, place, row)?));
        }
        selection.build(
            inv,
            &[lists.values().as_ref(), added.as_ref(), null.as_ref()],
        )
    });
    Ok(call
        .call_keyed("array_insert", "", result, nullable, kernel)
        .with_name(text))
}

fn inserted(range: std::ops::Range<usize>, place: i32, row: usize) -> Result<Vec<(usize, usize)>> {
    const NULL: (usize, usize) = (2, 0);
    let length = range.len() as i64;
    let place = i64::from(place);
    let mut elements: Vec<(usize, usize)> = range.map(|i| (0, i)).collect();
    match place {
        0 => return Err(SparkError::index_of_zero()),
        place if place.abs() > LENGTH_MAX => {
            return Err(SparkError::collection_size_limit_exceeded(
                "array_insert",
                place.abs(),
                LENGTH_MAX,
            ));
        }
        place if place > 0 => {
            while (elements.len() as i64) < place - 1 {
                elements.push(NULL);
            }
            elements.insert(place as usize - 1, (1, row));
        }
        place if -place <= length + 1 => elements.insert((length + 1 + place) as usize, (1, row)),
        place => {
            let missing = (-place - length - 1) as usize;
            let mut all = vec![(1, row)];
            all.extend(std::iter::repeat_n(NULL, missing));
            all.extend(elements);
            elements = all;
        }
    }
    Ok(elements)
}
