//! Arrays and maps: their elements, sizes and combinations.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::compute::take;

use super::{Arg, Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::compare::Comparator;
use crate::error::{Result, SparkError};
use crate::ir::DataType;
use crate::types::sql_name;

pub(super) const FUNCTIONS: &[Function] = &[
    custom("size", size).or(&["cardinality"]),
    custom("get", |call| item(call, Access::ZeroOrNull)),
    custom("get_array_item", |call| item(call, Access::Zero)),
    custom("get_map_value", map_value),
    custom("element_at", |call| element_at(call, false)),
    custom("try_element_at", |call| element_at(call, true)),
    custom("array_repeat", array_repeat),
    custom("array_join", array_join),
];

fn size(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    if !matches!(
        call.arguments[0].data_type,
        DataType::Array { .. } | DataType::Map { .. } | DataType::Null
    ) {
        return Err(call.unexpected_type(0, "(\"ARRAY\" or \"MAP\")"));
    }
    let nullable = call.arguments[0].nullable;
    let legacy = !call.analyzer.context.ansi;
    let key = legacy.to_string();
    Ok(call.call_keyed(
        "size",
        &key,
        DataType::Integer,
        nullable && !legacy,
        Arc::new(move |inv| {
            let array = inv.expanded(0)?;
            inv.build::<arrow::datatypes::Int32Type>(|row| {
                if array.is_null(row) || inv.types[0] == DataType::Null {
                    return Ok(legacy.then_some(-1));
                }
                Ok(Some(match &inv.types[0] {
                    DataType::Map { .. } => array.as_map().value_length(row),
                    _ => array.as_list::<i32>().value_length(row),
                }))
            })
        }),
    ))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Access {
    /// Counts from zero; outside is null.
    ZeroOrNull,
    /// Counts from zero; outside is an error if ANSI is on.
    Zero,
    /// Counts from one, or from the end; outside is an error if ANSI is on.
    One,
    /// Counts from one, or from the end; outside is null.
    OneOrNull,
}

fn item(call: &mut FunctionCall<'_>, access: Access) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let DataType::Array { element, .. } = call.arguments[0].data_type.clone() else {
        return Err(call.unexpected_type(0, "\"ARRAY\""));
    };
    if !call.arguments[1].data_type.is_integral() {
        return Err(call.unexpected_type(1, "\"INTEGRAL\""));
    }
    let index = call
        .analyzer
        .cast_implicitly(call.arguments[1].clone(), &DataType::Long)?;
    call.arguments[1] = index;
    let strict = call.analyzer.context.ansi && matches!(access, Access::Zero | Access::One);
    let nullable = call.any_nullable() || element_may_be_null(call, access, strict);
    let key = format!("{access:?} {strict}");
    let text = match access {
        Access::Zero => format!("{}[{}]", call.arguments[0].name, call.arguments[1].name),
        _ => call.text(),
    };
    let value = call.call_keyed(
        "item",
        &key,
        element.as_ref().clone(),
        nullable,
        Arc::new(move |inv| item_of(inv, access, strict)),
    );
    Ok(value.with_name(text))
}

/// True unless the elements are known, since a call of `array` lists them, and the one at the index is not null.
fn element_may_be_null(call: &FunctionCall<'_>, access: Access, strict: bool) -> bool {
    let index = call.analyzer.fold(call.arguments[1].clone());
    let Some(index) = index.constant_integer() else {
        let array = &call.arguments[0].data_type;
        let holds_nulls = matches!(
            array,
            DataType::Array {
                contains_null: true,
                ..
            }
        );
        return !strict || holds_nulls;
    };
    let Some(elements) = &call.arguments[0].null_elements else {
        return true;
    };
    let place = match (access, index) {
        (Access::Zero | Access::ZeroOrNull, index) => Some(index),
        (_, index) if index < 0 => Some(elements.len() as i64 + index),
        (_, index) => index.checked_sub(1),
    };
    let found = place
        .and_then(|place| usize::try_from(place).ok())
        .and_then(|place| elements.get(place));
    found.copied().unwrap_or(!strict)
}

fn item_of(inv: &Invocation<'_>, access: Access, strict: bool) -> Result<ArrayRef> {
    let list = inv.expanded(0)?;
    let list = list.as_list::<i32>();
    let indexes = inv.longs(1)?;
    let mut places: Vec<Option<u32>> = Vec::with_capacity(inv.rows);
    for row in 0..inv.rows {
        let Some(index) = indexes.get(row).filter(|_| list.is_valid(row)) else {
            places.push(None);
            continue;
        };
        let length = i64::from(list.value_length(row));
        let counted_from_one = matches!(access, Access::One | Access::OneOrNull);
        let offset = match (counted_from_one, index) {
            (false, index) => index,
            (true, 0) => return Err(SparkError::index_of_zero()),
            (true, index) if index < 0 => length + index,
            (true, index) => index - 1,
        };
        if (0..length).contains(&offset) {
            places.push(Some((i64::from(list.value_offsets()[row]) + offset) as u32));
        } else if strict && counted_from_one {
            return Err(SparkError::element_at_out_of_bounds(index, length as usize));
        } else if strict {
            return Err(SparkError::array_index_out_of_bounds(
                index,
                length as usize,
            ));
        } else {
            places.push(None);
        }
    }
    Ok(take(list.values(), &UInt32Array::from(places), None)?)
}

fn element_at(call: &mut FunctionCall<'_>, trying: bool) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    match call.arguments[0].data_type.clone() {
        DataType::Map { key, .. } => {
            call.convert_to(1, &key)?;
            Ok(map_value(call)?.with_name(text))
        }
        DataType::Array { .. } => {
            let access = if trying {
                Access::OneOrNull
            } else {
                Access::One
            };
            Ok(item(call, access)?.with_name(text))
        }
        _ => Err(call.unexpected_type(0, "(\"ARRAY\" or \"MAP\")")),
    }
}

fn map_value(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let DataType::Map { key, value, .. } = call.arguments[0].data_type.clone() else {
        return Err(call.unexpected_type(0, "\"MAP\""));
    };
    Ok(call.call_keyed(
        "map_value",
        "",
        value.as_ref().clone(),
        true,
        Arc::new(move |inv| {
            let map = inv.expanded(0)?;
            let map = map.as_map();
            let wanted = inv.expanded(1)?;
            let comparator = Comparator::new(map.keys(), &wanted, &key)?;
            let places: UInt32Array = (0..inv.rows)
                .map(|row| {
                    if map.is_null(row) || wanted.is_null(row) {
                        return None;
                    }
                    let (start, end) = (
                        map.value_offsets()[row] as usize,
                        map.value_offsets()[row + 1] as usize,
                    );
                    (start..end)
                        .find(|i| comparator.compare(*i, row).is_eq())
                        .map(|i| i as u32)
                })
                .collect();
            Ok(take(map.values(), &places, None)?)
        }),
    ))
}

fn array_repeat(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    call.convert(1, Arg::Int)?;
    let element = call.arguments[0].clone();
    let data_type = DataType::array(element.data_type, element.nullable);
    let nullable = call.arguments[1].nullable;
    Ok(call.call("array_repeat", data_type, nullable, |inv| {
        let values = inv.expanded(0)?;
        let counts = inv.ints(1)?;
        let mut places = Vec::new();
        let mut lengths = Vec::new();
        let mut valid = Vec::new();
        for row in 0..inv.rows {
            let count = counts.get(row);
            let length = count.unwrap_or(0).max(0) as usize;
            places.extend(std::iter::repeat_n(row as u32, length));
            lengths.push(length);
            valid.push(count.is_some());
        }
        build_list(
            inv,
            take(&values, &UInt32Array::from(places), None)?,
            lengths,
            valid,
        )
    }))
}

/// A list of the declared type.
pub(super) fn build_list(
    inv: &Invocation<'_>,
    values: ArrayRef,
    lengths: Vec<usize>,
    valid: Vec<bool>,
) -> Result<ArrayRef> {
    let arrow::datatypes::DataType::List(field) = inv.return_type else {
        return Err(SparkError::internal(format!(
            "{} is no array",
            sql_name(inv.result)
        )));
    };
    let values = crate::execution::reshape(&values, field.data_type())?;
    let offsets = arrow::buffer::OffsetBuffer::from_lengths(lengths);
    let nulls = arrow::buffer::NullBuffer::from(valid);
    Ok(Arc::new(ListArray::try_new(
        field.clone(),
        offsets,
        values,
        Some(nulls),
    )?))
}

fn array_join(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let text = call.text();
    call.convert_to(0, &DataType::array(DataType::STRING, true))?;
    for index in 1..call.arguments.len() {
        call.convert(index, Arg::Str)?;
    }
    let nullable = call.any_nullable();
    let value = call.call("array_join", DataType::STRING, nullable, |inv| {
        let lists = inv.lists(0)?;
        let delimiters = inv.strings(1)?;
        let fillers = if inv.count() > 2 {
            Some(inv.strings(2)?)
        } else {
            None
        };
        inv.build_strings(|row| {
            let (Some(list), Some(delimiter)) = (lists.get(row), delimiters.get(row)) else {
                return Ok(None);
            };
            let filler = match &fillers {
                Some(fillers) => match fillers.get(row) {
                    Some(filler) => Some(filler),
                    None => return Ok(None),
                },
                None => None,
            };
            let list = list.as_string::<i32>();
            let parts: Vec<&str> = list.iter().filter_map(|value| value.or(filler)).collect();
            Ok(Some(parts.join(delimiter)))
        })
    });
    Ok(value.with_name(text))
}

/// Arrays one after the other.
pub(super) fn concat_arrays(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let columns = (0..inv.count())
        .map(|i| inv.expanded(i))
        .collect::<Result<Vec<_>>>()?;
    let lists: Vec<&ListArray> = columns.iter().map(|c| c.as_list::<i32>()).collect();
    let values: Vec<&dyn Array> = lists.iter().map(|l| l.values().as_ref()).collect();
    let (mut order, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..inv.rows {
        let present = lists.iter().all(|l| l.is_valid(row));
        let before = order.len();
        if present {
            for (index, list) in lists.iter().enumerate() {
                let (start, end) = (
                    list.value_offsets()[row] as usize,
                    list.value_offsets()[row + 1] as usize,
                );
                order.extend((start..end).map(|i| (index, i)));
            }
        }
        lengths.push(order.len() - before);
        valid.push(present);
    }
    let values = arrow::compute::interleave(&values, &order)?;
    build_list(inv, values, lengths, valid)
}
