//! `aggregate(array, zero, merge[, finish])`.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::{interleave, take};

use super::{captured, plain_arguments, text_with};
use crate::analyzer::{LambdaBody, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::lists::{Lists, element_type};
use crate::functions::{FunctionCall, Invocation};
use crate::types::{coercion, sql_name};

pub(super) fn fold(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    if call.raw.len() < 3 || call.raw.len() > 4 {
        return Err(SparkError::wrong_number_of_arguments(
            &call.name,
            "[3, 4]",
            call.raw.len(),
        ));
    }
    plain_arguments(call, 2, 4)?;
    let (element, contains_null) = element_type(call, 0)?;
    let zero = coercion::as_nullable(&call.arguments[1].data_type);
    let parameters = [(zero.clone(), true), (element, contains_null)];
    let merge = call
        .analyzer
        .lambda(call.scope, &call.raw[2], &parameters)?;
    let finish = match call.raw.get(3) {
        Some(raw) => Some(call.analyzer.lambda(call.scope, raw, &parameters[..1])?),
        None => None,
    };
    let lambdas: Vec<&LambdaBody> = std::iter::once(&merge).chain(&finish).collect();
    let mut text = text_with(call, &lambdas);
    if finish.is_none() {
        // The finish that nobody wrote gives back what it is given.
        text.pop();
        text.push_str(", lambdafunction(namedlambdavariable(), namedlambdavariable()))");
    }
    if !coercion::same_shape(&merge.data_type, &zero) && zero != crate::ir::DataType::Null {
        return Err(SparkError::unexpected_input_type(
            &text,
            "third",
            &format!("\"{}\"", sql_name(&zero)),
            &merge.name,
            &sql_name(&merge.data_type),
        ));
    }
    let result = finish.as_ref().map_or(&merge, |f| f).data_type.clone();
    let key = format!("{} {:?}", merge.key, finish.as_ref().map(|f| &f.key));
    for body in [Some(&merge), finish.as_ref()].into_iter().flatten() {
        call.arguments.extend(body.captured.iter().cloned());
    }
    let kernel = Arc::new(move |i: &Invocation<'_>| evaluate(i, &merge, finish.as_ref()));
    Ok(call
        .call_keyed("aggregate", &key, result, true, kernel)
        .with_name(text))
}

/// All rows take their n-th element at the same time.
fn evaluate(
    i: &Invocation<'_>,
    merge: &LambdaBody,
    finish: Option<&LambdaBody>,
) -> Result<ArrayRef> {
    let lists = Lists::of(i, 0)?;
    let mut totals = i.expanded(1)?;
    let longest = (0..i.rows)
        .filter_map(|row| lists.range(row))
        .map(|r| r.len())
        .max();
    for step in 0..longest.unwrap_or(0) {
        let (mut rows, mut places) = (Vec::new(), Vec::new());
        for row in 0..i.rows {
            if let Some(range) = lists.range(row).filter(|r| r.len() > step) {
                rows.push(row as u32);
                places.push((range.start + step) as u32);
            }
        }
        let rows = UInt32Array::from(rows);
        let mut columns = vec![take(&totals, &rows, None)?];
        if merge.parameters == 2 {
            columns.push(take(lists.values(), &UInt32Array::from(places), None)?);
        }
        columns.extend(captured(i, 2, merge, &rows)?);
        let merged = merge.evaluate(columns, rows.len())?;
        let merged = crate::execution::reshape(&merged, totals.data_type())?;
        let mut next = rows.values().iter().enumerate().peekable();
        let order: Vec<(usize, usize)> = (0..i.rows)
            .map(
                |row| match next.next_if(|(_, changed)| **changed as usize == row) {
                    Some((place, _)) => (1, place),
                    None => (0, row),
                },
            )
            .collect();
        totals = interleave(&[totals.as_ref(), merged.as_ref()], &order)?;
    }
    // A null array has no total.
    let order: Vec<Option<u32>> = (0..i.rows)
        .map(|row| lists.range(row).map(|_| row as u32))
        .collect();
    let totals = take(&totals, &UInt32Array::from(order), None)?;
    let Some(finish) = finish else {
        return Ok(totals);
    };
    let rows = UInt32Array::from_iter_values(0..i.rows as u32);
    let mut columns = vec![totals];
    columns.extend(captured(i, 2 + merge.captured.len(), finish, &rows)?);
    let finished = finish.evaluate(columns, i.rows)?;
    let order: Vec<Option<u32>> = (0..i.rows)
        .map(|row| lists.range(row).map(|_| row as u32))
        .collect();
    Ok(take(&finished, &UInt32Array::from(order), None)?)
}
