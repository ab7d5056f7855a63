//! `array_sort(array[, comparator])`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::Int32Type;

use super::{captured, plain_arguments, text_with};
use crate::analyzer::{LambdaBody, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::array::sorted;
use crate::functions::lists::{Lists, Selection, element_type};
use crate::functions::{FunctionCall, Invocation};
use crate::ir::DataType;
use crate::types::{coercion, sql_name};

/// Up to this length all pairs of an array are compared at once.
const PAIRS_AT_ONCE_MAX: usize = 256;

pub(super) fn array_sort(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    plain_arguments(call, 1, 2)?;
    let (element, contains_null) = element_type(call, 0)?;
    let Some(raw) = call.raw.get(1) else {
        let text = format!(
            "array_sort({}, lambdafunction((IF(((namedlambdavariable() IS NULL) AND (namedlambdavariable() IS NULL)), 0, (IF((namedlambdavariable() IS NULL), 1, (IF((namedlambdavariable() IS NULL), -1, (IF((namedlambdavariable() < namedlambdavariable()), -1, (IF((namedlambdavariable() > namedlambdavariable()), 1, 0)))))))))), namedlambdavariable(), namedlambdavariable()))",
            call.arguments[0].name
        );
        if !coercion::is_orderable(&element) {
            return Err(SparkError::invalid_ordering_type(
                &text,
                "array_sort",
                &sql_name(&element),
            ));
        }
        return Ok(sorted(call, &element, true, false).with_name(text));
    };
    let parameters = [(element.clone(), contains_null), (element, contains_null)];
    let body = call.analyzer.lambda(call.scope, raw, &parameters)?;
    let text = text_with(call, &[&body]);
    if body.data_type != DataType::Integer || body.parameters != 2 {
        return Err(SparkError::unexpected_input_type(
            &text,
            "second",
            "\"INT\"",
            &body.name,
            &sql_name(&body.data_type),
        ));
    }
    let (result, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let key = body.key.clone();
    call.arguments.extend(body.captured.iter().cloned());
    let kernel = Arc::new(move |i: &Invocation<'_>| evaluate(i, &body));
    Ok(call
        .call_keyed("array_sort", &key, result, nullable, kernel)
        .with_name(text))
}

fn evaluate(i: &Invocation<'_>, body: &LambdaBody) -> Result<ArrayRef> {
    let lists = Lists::of(i, 0)?;
    let mut selection = Selection::new();
    for row in 0..i.rows {
        let places = match lists.range(row) {
            None => None,
            Some(range) => {
                let comparisons = Comparisons::new(i, body, lists.values(), row, range.clone())?;
                let order = insertion_sort(range.len(), |a, b| comparisons.compare(a, b))?;
                Some(
                    order
                        .into_iter()
                        .map(move |n| (range.start + n) as u32)
                        .collect::<Vec<_>>(),
                )
            }
        };
        selection.push(places);
    }
    selection.build(i, lists.values())
}

/// The lambda over pairs of one array's elements.
struct Comparisons<'a> {
    inv: &'a Invocation<'a>,
    body: &'a LambdaBody,
    values: &'a ArrayRef,
    row: usize,
    start: usize,
    length: usize,
    /// The answers for all pairs, if there are few.
    known: Option<arrow::array::Int32Array>,
}

impl<'a> Comparisons<'a> {
    fn new(
        inv: &'a Invocation<'a>,
        body: &'a LambdaBody,
        values: &'a ArrayRef,
        row: usize,
        range: std::ops::Range<usize>,
    ) -> Result<Self> {
        let (start, length) = (range.start, range.len());
        let mut comparisons = Self {
            inv,
            body,
            values,
            row,
            start,
            length,
            known: None,
        };
        if length <= PAIRS_AT_ONCE_MAX {
            let left = (0..length).flat_map(|a| std::iter::repeat_n(a, length));
            let right = (0..length).flat_map(|_| 0..length);
            comparisons.known = Some(comparisons.ask(left, right)?);
        }
        Ok(comparisons)
    }

    fn ask(
        &self,
        left: impl Iterator<Item = usize>,
        right: impl Iterator<Item = usize>,
    ) -> Result<arrow::array::Int32Array> {
        let places = |n: usize| (self.start + n) as u32;
        let left = UInt32Array::from_iter_values(left.map(places));
        let right = UInt32Array::from_iter_values(right.map(places));
        let count = left.len();
        let rows = UInt32Array::from_value(self.row as u32, count);
        let mut columns = vec![
            take(self.values, &left, None)?,
            take(self.values, &right, None)?,
        ];
        columns.extend(captured(self.inv, 1, self.body, &rows)?);
        let answers = self.body.evaluate(columns, count)?;
        Ok(answers.as_primitive::<Int32Type>().clone())
    }

    fn compare(&self, a: usize, b: usize) -> Result<i32> {
        let (answers, place) = match &self.known {
            Some(known) => (known.clone(), a * self.length + b),
            None => (self.ask(std::iter::once(a), std::iter::once(b))?, 0),
        };
        if answers.is_null(place) {
            return Err(SparkError::comparator_returns_null());
        }
        Ok(answers.value(place))
    }
}

/// Stable, and sane with comparators that contradict themselves: an ascending run is kept, a descending one turned
/// around, and what follows is put in its place by halves.
fn insertion_sort(
    length: usize,
    compare: impl Fn(usize, usize) -> Result<i32>,
) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = (0..length).collect();
    let mut run = length.min(1);
    if length > 1 {
        let descending = compare(1, 0)? < 0;
        run = 2;
        while run < length && (compare(run, run - 1)? < 0) == descending {
            run += 1;
        }
        if descending {
            order[..run].reverse();
        }
    }
    for next in run..length {
        let (mut low, mut high) = (0, next);
        while low < high {
            let middle = (low + high) / 2;
            if compare(next, order[middle])? < 0 {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        order[low..=next].rotate_right(1);
        order[low] = next;
    }
    Ok(order)
}
