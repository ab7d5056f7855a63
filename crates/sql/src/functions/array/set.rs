//! Arrays as sets: each value once, in the order in which values first come.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Float64Array};
use arrow::datatypes::{DataType as ArrowType, Float32Type, Float64Type};
use arrow::row::{RowConverter, Rows, SortField};

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::lists::{Lists, Selection, comparable, element_type};
use crate::functions::{FunctionCall, Invocation};
use crate::ir::DataType;
use crate::types::{coercion, sql_name};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Union,
    Intersect,
    Except,
}

/// Values as bytes that are equal if and only if the values are.
pub(in crate::functions) fn encoded(values: &ArrayRef) -> Result<Rows> {
    let values = normalized(values);
    let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
    Ok(converter.convert_columns(&[values])?)
}

/// One zero and one NaN.
fn normalized(values: &ArrayRef) -> ArrayRef {
    match values.data_type() {
        ArrowType::Float64 => {
            let normal = |v: f64| {
                if v == 0.0 {
                    0.0
                } else if v.is_nan() {
                    f64::NAN
                } else {
                    v
                }
            };
            let values = values.as_primitive::<Float64Type>().iter();
            Arc::new(values.map(|v| v.map(normal)).collect::<Float64Array>())
        }
        ArrowType::Float32 => {
            let normal = |v: f32| {
                if v == 0.0 {
                    0.0
                } else if v.is_nan() {
                    f32::NAN
                } else {
                    v
                }
            };
            let values = values.as_primitive::<Float32Type>().iter();
            Arc::new(values.map(|v| v.map(normal)).collect::<Float32Array>())
        }
        _ => values.clone(),
    }
}

pub(super) fn distinct(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let (element, _) = element_type(call, 0)?;
    comparable(call, &element)?;
    let (result, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    Ok(call.call("array_distinct", result, nullable, |inv| {
        let lists = Lists::of(inv, 0)?;
        let rows = encoded(lists.values())?;
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            let mut seen = BTreeSet::new();
            selection.push(lists.range(row).map(|range| {
                range
                    .filter(|i| seen.insert(rows.row(*i).data()))
                    .map(|i| i as u32)
                    .collect::<Vec<_>>()
            }));
        }
        selection.build(inv, lists.values())
    }))
}

/// Brings two arrays to one type; gives their element type and whether each may hold nulls.
fn unify(call: &mut FunctionCall<'_>) -> Result<(DataType, bool, bool)> {
    call.arity(2, 2)?;
    let ((a, a_nulls), (b, b_nulls)) = (element_type(call, 0)?, element_type(call, 1)?);
    let common = coercion::common_type(&a, &b).ok_or_else(|| {
        let types = [0, 1].map(|i| sql_name(&call.arguments[i].data_type));
        SparkError::mismatch(
            "BINARY_ARRAY_DIFF_TYPES",
            &call.text(),
            format!("Input to function `{}` should have been two \"ARRAY\" with same element type, but it's [\"{}\", \"{}\"].", call.name, types[0], types[1]),
        )
    })?;
    comparable(call, &common)?;
    for (index, nulls) in [(0, a_nulls), (1, b_nulls)] {
        call.cast_argument(index, &DataType::array(common.clone(), nulls))?;
    }
    Ok((common, a_nulls, b_nulls))
}

pub(super) fn combine(call: &mut FunctionCall<'_>, operation: Operation) -> Result<TypedExpr> {
    let text = call.text();
    let (element, a_nulls, b_nulls) = unify(call)?;
    let contains_null = match operation {
        Operation::Union => a_nulls || b_nulls,
        Operation::Intersect => a_nulls && b_nulls,
        Operation::Except => a_nulls,
    };
    let nullable = call.any_nullable();
    let result = DataType::array(element, contains_null);
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (a, b) = (Lists::of(inv, 0)?, Lists::of(inv, 1)?);
        let (a_rows, b_rows) = (encoded(a.values())?, encoded(b.values())?);
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            selection.push(a.range(row).zip(b.range(row)).map(|(own, other)| {
                let others: BTreeSet<&[u8]> = other.clone().map(|i| b_rows.row(i).data()).collect();
                let mut seen = BTreeSet::new();
                let mut kept: Vec<(usize, usize)> = own
                    .filter(|i| {
                        let data = a_rows.row(*i).data();
                        let wanted = match operation {
                            Operation::Union => true,
                            Operation::Intersect => others.contains(data),
                            Operation::Except => !others.contains(data),
                        };
                        wanted && seen.insert(data)
                    })
                    .map(|i| (0, i))
                    .collect();
                if operation == Operation::Union {
                    kept.extend(
                        other
                            .filter(|i| seen.insert(b_rows.row(*i).data()))
                            .map(|i| (1, i)),
                    );
                }
                kept
            }));
        }
        selection.build(inv, &[a.values().as_ref(), b.values().as_ref()])
    });
    let key = format!("{operation:?}");
    Ok(call
        .call_keyed("array_set", &key, result, nullable, kernel)
        .with_name(text))
}

/// True for a common value; unknown if there is none but a null on either side that might have been one.
pub(super) fn overlap(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let text = call.text();
    let (_, a_nulls, b_nulls) = unify(call)?;
    let nullable = call.any_nullable() || a_nulls || b_nulls;
    let value = call.call("arrays_overlap", DataType::Boolean, nullable, |inv| {
        let (a, b) = (Lists::of(inv, 0)?, Lists::of(inv, 1)?);
        let (a_rows, b_rows) = (encoded(a.values())?, encoded(b.values())?);
        inv.build_booleans(|row| {
            let Some((own, other)) = a.range(row).zip(b.range(row)) else {
                return Ok(None);
            };
            let present = |values: &ArrayRef, i: &usize| values.is_valid(*i);
            let others: BTreeSet<&[u8]> = other
                .clone()
                .filter(|i| present(b.values(), i))
                .map(|i| b_rows.row(i).data())
                .collect();
            let common = own
                .clone()
                .filter(|i| present(a.values(), i))
                .any(|i| others.contains(a_rows.row(i).data()));
            let open = !own.is_empty()
                && !other.is_empty()
                && (own.clone().any(|i| a.values().is_null(i))
                    || other.clone().any(|i| b.values().is_null(i)));
            Ok((common || !open).then_some(common))
        })
    });
    Ok(value.with_name(text))
}
