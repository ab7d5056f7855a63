//! Functions of lambdas: a body for each element of an array.

mod fold;
mod maps;
mod sort;
mod zip;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take;
use arrow::datatypes::DataType as ArrowType;

use super::{Function, FunctionCall, Invocation, higher_order};
use crate::analyzer::{LambdaBody, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::DataType;

pub(super) const FUNCTIONS: &[Function] = &[
    higher_order("transform", |call| over_elements(call, Use::Transform)),
    higher_order("filter", |call| over_elements(call, Use::Filter)),
    higher_order("exists", |call| over_elements(call, Use::Exists)),
    higher_order("forall", |call| over_elements(call, Use::ForAll)),
    higher_order("aggregate", fold::fold).or(&["reduce"]),
    higher_order("zip_with", zip::zip_with),
    higher_order("array_sort", sort::array_sort),
    higher_order("map_filter", |call| {
        maps::over_entries(call, maps::Use::Filter)
    }),
    higher_order("transform_keys", |call| {
        maps::over_entries(call, maps::Use::Keys)
    }),
    higher_order("transform_values", |call| {
        maps::over_entries(call, maps::Use::Values)
    }),
    higher_order("map_zip_with", maps::zip_with),
];

/// Resolves the plain arguments, the first `count`, and makes the columns around known to lambdas.
fn plain_arguments(call: &mut FunctionCall<'_>, count: usize, most: usize) -> Result<()> {
    if !(count..=most).contains(&call.raw.len()) {
        let expected = if count == most {
            count.to_string()
        } else {
            format!("[{count}, {most}]")
        };
        return Err(SparkError::wrong_number_of_arguments(
            &call.name,
            &expected,
            call.raw.len(),
        ));
    }
    call.analyzer.lambda_columns = call
        .scope
        .columns
        .iter()
        .chain(&call.scope.hidden)
        .cloned()
        .collect();
    let raw = call.raw;
    call.arguments = raw[..count.min(raw.len())]
        .iter()
        .map(|argument| call.analyzer.expression(call.scope, argument))
        .collect::<Result<_>>()?;
    Ok(())
}

/// `name(arguments, lambdas)`.
fn text_with(call: &FunctionCall<'_>, lambdas: &[&LambdaBody]) -> String {
    let arguments = call.arguments.iter().map(|a| a.name.as_str());
    let lambdas = lambdas.iter().map(|l| l.name.as_str());
    let all: Vec<&str> = arguments.chain(lambdas).collect();
    format!("{}({})", call.name, all.join(", "))
}

/// The captured columns of a lambda, whose arguments begin at `first`, for the given rows.
fn captured(
    i: &Invocation<'_>,
    first: usize,
    body: &LambdaBody,
    rows: &UInt32Array,
) -> Result<Vec<ArrayRef>> {
    (first..first + body.captured.len())
        .map(|index| Ok(take(&i.expanded(index)?, rows, None)?))
        .collect()
}

/// What the body's values are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Transform,
    Filter,
    Exists,
    ForAll,
}

fn over_elements(call: &mut FunctionCall<'_>, purpose: Use) -> Result<TypedExpr> {
    if call.raw.len() != 2 {
        return Err(SparkError::wrong_number_of_arguments(
            &call.name,
            "2",
            call.raw.len(),
        ));
    }
    call.analyzer.lambda_columns = call
        .scope
        .columns
        .iter()
        .chain(&call.scope.hidden)
        .cloned()
        .collect();
    let array = call.analyzer.expression(call.scope, &call.raw[0])?;
    let DataType::Array {
        element,
        contains_null,
    } = array.data_type.clone()
    else {
        call.arguments = vec![array];
        return Err(call.unexpected_type(0, "\"ARRAY\""));
    };
    let parameters = [
        ((*element).clone(), contains_null),
        (DataType::Integer, false),
    ];
    let parameters = match purpose {
        Use::Transform | Use::Filter => &parameters[..],
        Use::Exists | Use::ForAll => &parameters[..1],
    };
    let body = call.analyzer.lambda(call.scope, &call.raw[1], parameters)?;
    if purpose != Use::Transform && body.data_type != DataType::Boolean {
        return Err(SparkError::unexpected_input_type(
            &format!("{}({}, {})", call.name, array.name, body.name),
            "second",
            "\"BOOLEAN\"",
            &body.name,
            &crate::types::sql_name(&body.data_type),
        ));
    }
    let result = match purpose {
        Use::Transform => DataType::array(body.data_type.clone(), body.nullable),
        Use::Filter => array.data_type.clone(),
        Use::Exists | Use::ForAll => DataType::Boolean,
    };
    let text = format!("{}({}, {})", call.name, array.name, body.name);
    let nullable =
        array.nullable || (body.nullable && matches!(purpose, Use::Exists | Use::ForAll));
    let name = call.name.clone();
    let key = body.key.clone();
    call.arguments = std::iter::once(array)
        .chain(body.captured.iter().cloned())
        .collect();
    let kernel = move |i: &Invocation<'_>| evaluate(i, &body, purpose);
    let value = call.call_keyed(&name, &key, result, nullable, Arc::new(kernel));
    Ok(value.with_name(text))
}

fn evaluate(i: &Invocation<'_>, body: &LambdaBody, purpose: Use) -> Result<ArrayRef> {
    let array = i.expanded(0)?;
    let list = array.as_list::<i32>();
    let elements = Elements::of(list);
    let mut columns: Vec<ArrayRef> = vec![take(list.values(), &elements.places, None)?];
    if body.parameters == 2 {
        columns.push(Arc::new(elements.indices()));
    }
    for index in 1..i.count() {
        columns.push(take(&i.expanded(index)?, &elements.rows, None)?);
    }
    let values = body.evaluate(columns, elements.places.len())?;
    match purpose {
        Use::Transform => elements.list_of(values, i.return_type),
        Use::Filter => elements.kept(list, values.as_boolean(), i.return_type),
        Use::Exists => elements.any(i, values.as_boolean(), true),
        Use::ForAll => elements.any(i, values.as_boolean(), false),
    }
}

/// The elements of all rows, one after the other.
struct Elements {
    /// Where each element stands among the list's values.
    places: UInt32Array,
    /// Which row each element is of.
    rows: UInt32Array,
    lengths: Vec<usize>,
    nulls: Option<NullBuffer>,
}

impl Elements {
    fn of(list: &ListArray) -> Self {
        let (mut places, mut rows, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..list.len() {
            let length = if list.is_valid(row) {
                list.value_length(row) as usize
            } else {
                0
            };
            let start = list.value_offsets()[row] as u32;
            places.extend(start..start + length as u32);
            rows.extend(std::iter::repeat_n(row as u32, length));
            lengths.push(length);
        }
        Self {
            places: places.into(),
            rows: rows.into(),
            lengths,
            nulls: list.nulls().cloned(),
        }
    }

    /// The place of each element in its own array, from 0.
    fn indices(&self) -> arrow::array::Int32Array {
        self.lengths
            .iter()
            .flat_map(|length| 0..*length as i32)
            .collect::<Vec<_>>()
            .into()
    }

    fn list_of(&self, values: ArrayRef, wanted: &ArrowType) -> Result<ArrayRef> {
        let ArrowType::List(field) = wanted else {
            return Err(SparkError::internal("an array is a list"));
        };
        let offsets = OffsetBuffer::from_lengths(self.lengths.iter().copied());
        let values = crate::execution::reshape(&values, field.data_type())?;
        Ok(Arc::new(ListArray::new(
            field.clone(),
            offsets,
            values,
            self.nulls.clone(),
        )))
    }

    /// The elements for which the body is true.
    fn kept(
        &self,
        list: &ListArray,
        wanted: &BooleanArray,
        result: &ArrowType,
    ) -> Result<ArrayRef> {
        let mut places = Vec::new();
        let mut lengths = Vec::with_capacity(self.lengths.len());
        let mut next = 0;
        for length in &self.lengths {
            let before = places.len();
            for element in next..next + length {
                if wanted.is_valid(element) && wanted.value(element) {
                    places.push(self.places.value(element));
                }
            }
            next += length;
            lengths.push(places.len() - before);
        }
        let values = take(list.values(), &UInt32Array::from(places), None)?;
        let kept = Self {
            places: UInt32Array::from(Vec::<u32>::new()),
            rows: UInt32Array::from(Vec::<u32>::new()),
            lengths,
            nulls: self.nulls.clone(),
        };
        kept.list_of(values, result)
    }

    /// Whether the body is `sought` for some element: then the answer is `sought`; a null leaves it open.
    fn any(&self, i: &Invocation<'_>, values: &BooleanArray, sought: bool) -> Result<ArrayRef> {
        let mut next = 0;
        i.build_booleans(|row| {
            let range = next..next + self.lengths[row];
            next = range.end;
            if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                return Ok(None);
            }
            let mut open = false;
            for element in range {
                if values.is_null(element) {
                    open = true;
                } else if values.value(element) == sought {
                    return Ok(Some(sought));
                }
            }
            Ok((!open).then_some(!sought))
        })
    }
}
