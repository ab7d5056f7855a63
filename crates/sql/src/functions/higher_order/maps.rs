//! Lambdas over the entries of maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::{concat, take};

use super::{captured, plain_arguments, text_with};
use crate::analyzer::{LambdaBody, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::array::encoded;
use crate::functions::map::{Entries, Maps, map_type, maps};
use crate::functions::{FunctionCall, Invocation};
use crate::ir::DataType;
use crate::types::{coercion, sql_name};

/// What the body's values are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Filter,
    Keys,
    Values,
}

pub(super) fn over_entries(call: &mut FunctionCall<'_>, purpose: Use) -> Result<TypedExpr> {
    if call.raw.len() != 2 {
        return Err(SparkError::wrong_number_of_arguments(
            &call.name,
            "2",
            call.raw.len(),
        ));
    }
    plain_arguments(call, 1, 2)?;
    let map = map_type(call, 0)?;
    let parameters = [
        (map.key.clone(), false),
        (map.value.clone(), map.value_contains_null),
    ];
    let body = call
        .analyzer
        .lambda(call.scope, &call.raw[1], &parameters)?;
    let text = text_with(call, &[&body]);
    if purpose == Use::Filter && body.data_type != DataType::Boolean {
        return Err(SparkError::filter_not_boolean(
            &body.name,
            &sql_name(&body.data_type),
        ));
    }
    let result = match purpose {
        Use::Filter => call.arguments[0].data_type.clone(),
        Use::Keys => DataType::map(body.data_type.clone(), map.value, map.value_contains_null),
        Use::Values => DataType::map(map.key, body.data_type.clone(), body.nullable),
    };
    let nullable = call.any_nullable();
    let key = format!("{purpose:?} {}", body.key);
    call.arguments.extend(body.captured.iter().cloned());
    let kernel = Arc::new(move |i: &Invocation<'_>| evaluate(i, &body, purpose));
    Ok(call
        .call_keyed("over_entries", &key, result, nullable, kernel)
        .with_name(text))
}

fn evaluate(i: &Invocation<'_>, body: &LambdaBody, purpose: Use) -> Result<ArrayRef> {
    let own = Maps::of(i, 0)?;
    let (mut places, mut rows) = (Vec::new(), Vec::new());
    let ranges: Vec<Option<std::ops::Range<usize>>> =
        (0..i.rows).map(|row| own.range(row)).collect();
    for (row, range) in ranges.iter().enumerate() {
        let range = range.clone().unwrap_or_default();
        rows.extend(std::iter::repeat_n(row as u32, range.len()));
        places.extend(range.map(|i| i as u32));
    }
    let (places, rows) = (UInt32Array::from(places), UInt32Array::from(rows));
    let keys = take(own.array.keys(), &places, None)?;
    let values = take(own.array.values(), &places, None)?;
    let mut columns = vec![keys.clone(), values.clone()];
    columns.truncate(body.parameters);
    columns.extend(captured(i, 1, body, &rows)?);
    let found = body.evaluate(columns, rows.len())?;
    let mut lengths: Vec<usize> = ranges
        .iter()
        .map(|r| r.clone().map_or(0, |r| r.len()))
        .collect();
    let valid: Vec<bool> = ranges.iter().map(Option::is_some).collect();
    match purpose {
        Use::Values => maps(i.return_type, keys, found, lengths, valid),
        Use::Filter => {
            let wanted = found.as_boolean();
            let mut next = 0;
            for length in &mut lengths {
                let all = next..next + *length;
                next = all.end;
                *length = all
                    .filter(|n| wanted.is_valid(*n) && wanted.value(*n))
                    .count();
            }
            let keys = arrow::compute::filter(&keys, wanted)?;
            let values = arrow::compute::filter(&values, wanted)?;
            maps(i.return_type, keys, values, lengths, valid)
        }
        Use::Keys => {
            let mut entries = Entries::default();
            let mut next = 0;
            for (length, valid) in lengths.iter().zip(&valid) {
                let all = next..next + length;
                next = all.end;
                entries.push(valid.then(|| all.map(|n| ((0, n), (0, n)))));
            }
            let DataType::Map { key, .. } = i.result else {
                return Err(SparkError::internal("a map is a map"));
            };
            entries.build(i, key, &[found.as_ref()], &[values.as_ref()])
        }
    }
}

/// The values of two maps' keys, merged; where one map lacks a key its value is null.
pub(super) fn zip_with(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    if call.raw.len() != 3 {
        return Err(SparkError::wrong_number_of_arguments(
            &call.name,
            "3",
            call.raw.len(),
        ));
    }
    plain_arguments(call, 2, 3)?;
    let (a, b) = (map_type(call, 0)?, map_type(call, 1)?);
    let key_type = coercion::common_type(&a.key, &b.key).ok_or_else(|| {
        let types = [sql_name(&a.key), sql_name(&b.key)];
        SparkError::data_types_differ("map_zip_with", "map_zip_with", &types)
    })?;
    for (index, map) in [&a, &b].into_iter().enumerate() {
        let target = DataType::map(key_type.clone(), map.value.clone(), map.value_contains_null);
        call.cast_argument(index, &target)?;
    }
    let parameters = [(key_type.clone(), false), (a.value, true), (b.value, true)];
    let body = call
        .analyzer
        .lambda(call.scope, &call.raw[2], &parameters)?;
    let text = text_with(call, &[&body]);
    let result = DataType::map(key_type, body.data_type.clone(), body.nullable);
    let nullable = call.any_nullable();
    let key = body.key.clone();
    call.arguments.extend(body.captured.iter().cloned());
    let kernel = Arc::new(move |i: &Invocation<'_>| zip(i, &body));
    Ok(call
        .call_keyed("map_zip_with", &key, result, nullable, kernel)
        .with_name(text))
}

fn zip(i: &Invocation<'_>, body: &LambdaBody) -> Result<ArrayRef> {
    let (a, b) = (Maps::of(i, 0)?, Maps::of(i, 1)?);
    let all_keys = concat(&[a.array.keys().as_ref(), b.array.keys().as_ref()])?;
    let encoded = encoded(&all_keys)?;
    let second = a.array.keys().len();
    let (mut keys, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rows, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..i.rows {
        let pair = a.range(row).zip(b.range(row));
        valid.push(pair.is_some());
        let (own, other) = pair.unwrap_or_default();
        let before = keys.len();
        let mut seen: BTreeMap<&[u8], usize> = BTreeMap::new();
        for n in own {
            seen.insert(encoded.row(n).data(), keys.len());
            keys.push(n as u32);
            left.push(Some(n as u32));
            right.push(None);
        }
        for n in other {
            match seen.get(encoded.row(second + n).data()) {
                Some(place) => right[*place] = Some(n as u32),
                None => {
                    keys.push((second + n) as u32);
                    left.push(None);
                    right.push(Some(n as u32));
                }
            }
        }
        rows.extend(std::iter::repeat_n(row as u32, keys.len() - before));
        lengths.push(keys.len() - before);
    }
    let keys = take(&all_keys, &UInt32Array::from(keys), None)?;
    let rows = UInt32Array::from(rows);
    let mut columns = vec![
        keys.clone(),
        take(a.array.values(), &UInt32Array::from(left), None)?,
        take(b.array.values(), &UInt32Array::from(right), None)?,
    ];
    columns.truncate(body.parameters);
    columns.extend(captured(i, 2, body, &rows)?);
    let values = body.evaluate(columns, rows.len())?;
    maps(i.return_type, keys, values, lengths, valid)
}
