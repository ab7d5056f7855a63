//! Arrays in order, and out of it.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::Array;
use datafusion::logical_expr::Volatility;

use crate::analyzer::TypedExpr;
use crate::compare::Comparator;
use crate::error::{Result, SparkError};
use crate::functions::lists::{Lists, Selection, comparable, element_type};
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::DataType;
use crate::random::XorShift;

/// Ascending with nulls first, or descending with nulls last.
pub(super) fn sort_array(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    let (element, _) = element_type(call, 0)?;
    comparable(call, &element)?;
    call.convert(1, Arg::Boolean)?;
    let ascending = call.analyzer.fold(call.arguments[1].clone());
    let ascending = match ascending.constant() {
        Some(datafusion::common::ScalarValue::Boolean(Some(ascending))) => *ascending,
        _ => {
            let argument = &call.arguments[1];
            return Err(SparkError::not_foldable(
                &call.name,
                "ascendingOrder",
                "BOOLEAN",
                &argument.name,
            ));
        }
    };
    call.arguments.truncate(1);
    let value = sorted(call, &element, ascending, ascending);
    Ok(value.with_name(text))
}

/// The array of the call's first argument in order.
pub(in crate::functions) fn sorted(
    call: &FunctionCall<'_>,
    element: &DataType,
    ascending: bool,
    nulls_first: bool,
) -> TypedExpr {
    let (result, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let element = element.clone();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let lists = Lists::of(inv, 0)?;
        let values = lists.values();
        let comparator = Comparator::new(values, values, &element)?;
        let order = |a: &u32, b: &u32| {
            let (a, b) = (*a as usize, *b as usize);
            match (values.is_null(a), values.is_null(b)) {
                (true, true) => Ordering::Equal,
                (true, false) if nulls_first => Ordering::Less,
                (true, false) => Ordering::Greater,
                (false, true) if nulls_first => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) if ascending => comparator.compare(a, b),
                (false, false) => comparator.compare(b, a),
            }
        };
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            selection.push(lists.range(row).map(|range| {
                let mut places: Vec<u32> = range.map(|i| i as u32).collect();
                places.sort_by(order);
                places
            }));
        }
        selection.build(inv, values)
    });
    let key = format!("{ascending} {nulls_first}");
    call.call_keyed("sort_array", &key, result, nullable, kernel)
}

/// The elements in an order by chance, or by a seed.
pub(super) fn shuffle(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let text = call.text();
    element_type(call, 0)?;
    let seed = match call.arguments.get(1) {
        Some(_) => call.constant_integer(1, "seed")?,
        None => uuid::Uuid::new_v4().as_u64_pair().0 as i64,
    };
    call.arguments.truncate(1);
    let (result, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let generator = Arc::new(std::sync::Mutex::new(XorShift::new(seed)));
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let mut generator = generator
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let lists = Lists::of(inv, 0)?;
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            selection.push(lists.range(row).map(|range| {
                let mut places: Vec<u32> = range.map(|i| i as u32).collect();
                for end in (1..places.len()).rev() {
                    let chosen = (generator.uniform() * (end + 1) as f64) as usize;
                    places.swap(end, chosen);
                }
                places
            }));
        }
        selection.build(inv, lists.values())
    });
    let arguments = call.arguments.clone();
    let key = uuid::Uuid::new_v4().to_string();
    let expr = call.maker().call_with(
        "shuffle",
        key,
        kernel,
        &arguments,
        result.clone(),
        nullable,
        Volatility::Volatile,
    );
    Ok(TypedExpr::new(expr, result, nullable, text))
}
