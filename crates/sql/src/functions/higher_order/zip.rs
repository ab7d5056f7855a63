//! `zip_with(a, b, lambda)`.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;

use super::{captured, plain_arguments, text_with};
use crate::analyzer::{LambdaBody, TypedExpr};
use crate::error::Result;
use crate::functions::collection::build_list;
use crate::functions::lists::{Lists, element_type};
use crate::functions::{FunctionCall, Invocation};
use crate::ir::DataType;

pub(super) fn zip_with(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    if call.raw.len() != 3 {
        return Err(crate::error::SparkError::wrong_number_of_arguments(
            "zip_with",
            "3",
            call.raw.len(),
        ));
    }
    plain_arguments(call, 2, 3)?;
    let parameters = [
        (element_type(call, 0)?.0, true),
        (element_type(call, 1)?.0, true),
    ];
    let body = call
        .analyzer
        .lambda(call.scope, &call.raw[2], &parameters)?;
    let text = text_with(call, &[&body]);
    let result = DataType::array(body.data_type.clone(), body.nullable);
    let nullable = call.any_nullable();
    let key = body.key.clone();
    call.arguments.extend(body.captured.iter().cloned());
    let kernel = Arc::new(move |i: &Invocation<'_>| evaluate(i, &body));
    Ok(call
        .call_keyed("zip_with", &key, result, nullable, kernel)
        .with_name(text))
}

/// The shorter array goes on with nulls.
fn evaluate(i: &Invocation<'_>, body: &LambdaBody) -> Result<ArrayRef> {
    let lists = [Lists::of(i, 0)?, Lists::of(i, 1)?];
    let mut places: [Vec<Option<u32>>; 2] = Default::default();
    let (mut rows, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..i.rows {
        let pair = lists[0].range(row).zip(lists[1].range(row));
        valid.push(pair.is_some());
        let (a, b) = pair.unwrap_or_default();
        let length = a.len().max(b.len());
        for (places, range) in places.iter_mut().zip([a, b]) {
            places
                .extend((0..length).map(|n| (n < range.len()).then_some((range.start + n) as u32)));
        }
        rows.extend(std::iter::repeat_n(row as u32, length));
        lengths.push(length);
    }
    let rows = UInt32Array::from(rows);
    let mut columns = Vec::new();
    for (list, places) in lists.iter().zip(places).take(body.parameters) {
        columns.push(take(list.values(), &UInt32Array::from(places), None)?);
    }
    columns.extend(captured(i, 2, body, &rows)?);
    let values = body.evaluate(columns, rows.len())?;
    build_list(i, values, lengths, valid)
}
