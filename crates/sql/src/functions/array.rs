//! Arrays: searching, changing, joining and ordering them.
//!
//! Always true: equal elements are found by Spark's order, in which NaN equals NaN and zero has no sign; sets of
//! elements treat one null as equal to another. Start at [`Lists`].

mod sequence;
mod set;
mod sort;

pub(super) use set::encoded;
pub(super) use sort::sorted;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::compute::{interleave, take};
use arrow::datatypes::{Int32Type, Int64Type};

use super::collection::build_list;
use super::{Arg, Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::compare::Comparator;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, StructField};
use crate::types::{coercion, sql_name};

pub(super) const FUNCTIONS: &[Function] = &[
    custom("array_append", |call| add(call, false)),
    custom("array_prepend", |call| add(call, true)),
    custom("array_compact", compact),
    custom("array_contains", contains),
    custom("array_position", position),
    custom("array_remove", remove),
    custom("array_insert", insert),
    custom("array_size", size),
    custom("array_max", |call| extreme(call, true)),
    custom("array_min", |call| extreme(call, false)),
    custom("array_distinct", set::distinct),
    custom("array_union", |call| {
        set::combine(call, set::Operation::Union)
    }),
    custom("array_intersect", |call| {
        set::combine(call, set::Operation::Intersect)
    }),
    custom("array_except", |call| {
        set::combine(call, set::Operation::Except)
    }),
    custom("arrays_overlap", set::overlap),
    custom("arrays_zip", zip),
    custom("flatten", flatten),
    custom("slice", slice),
    custom("shuffle", sort::shuffle),
    custom("sort_array", sort::sort_array),
    custom("sequence", sequence::sequence),
    custom("$reverse_array", reverse),
];

/// The lists of an argument, row by row.
pub(super) struct Lists {
    pub(super) array: ListArray,
}

impl Lists {
    pub(super) fn of(inv: &Invocation<'_>, index: usize) -> Result<Self> {
        let array = inv.expanded(index)?;
        let array = array.as_list_opt::<i32>().cloned();
        Ok(Self {
            array: array.ok_or_else(|| SparkError::internal("an array is a list"))?,
        })
    }

    /// Where the elements of a row stand among the values, or nothing if the row is null.
    pub(super) fn range(&self, row: usize) -> Option<std::ops::Range<usize>> {
        let offsets = self.array.value_offsets();
        self.array
            .is_valid(row)
            .then(|| offsets[row] as usize..offsets[row + 1] as usize)
    }

    pub(super) fn values(&self) -> &ArrayRef {
        self.array.values()
    }
}

/// Lists made of elements that stand elsewhere.
pub(super) struct Selection<P> {
    places: Vec<P>,
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl<P> Selection<P> {
    pub(super) fn new() -> Self {
        Self {
            places: Vec::new(),
            lengths: Vec::new(),
            valid: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, places: Option<impl IntoIterator<Item = P>>) {
        let before = self.places.len();
        self.valid.push(places.is_some());
        self.places.extend(places.into_iter().flatten());
        self.lengths.push(self.places.len() - before);
    }
}

impl Selection<u32> {
    pub(super) fn build(self, inv: &Invocation<'_>, values: &ArrayRef) -> Result<ArrayRef> {
        let values = take(values, &UInt32Array::from(self.places), None)?;
        build_list(inv, values, self.lengths, self.valid)
    }
}

impl Selection<(usize, usize)> {
    /// The first number of a place says which array it is in.
    pub(super) fn build(self, inv: &Invocation<'_>, arrays: &[&dyn Array]) -> Result<ArrayRef> {
        let values = interleave(arrays, &self.places)?;
        build_list(inv, values, self.lengths, self.valid)
    }
}

/// The element type of an array argument, and whether elements may be null; a bare null is an empty kind of array.
pub(super) fn element_type(call: &mut FunctionCall<'_>, index: usize) -> Result<(DataType, bool)> {
    match &call.arguments[index].data_type {
        DataType::Array {
            element,
            contains_null,
        } => Ok((element.as_ref().clone(), *contains_null)),
        DataType::Null => {
            call.cast_argument(index, &DataType::array(DataType::Null, true))?;
            Ok((DataType::Null, true))
        }
        _ => Err(call.unexpected_type(index, "\"ARRAY\"")),
    }
}

/// The type that holds both without a conversion between decimals and other numbers, or from texts.
fn element_and_value(element: &DataType, value: &DataType) -> Option<DataType> {
    let is_decimal = |t: &DataType| matches!(t, DataType::Decimal { .. });
    let mixed = is_decimal(element) != is_decimal(value);
    let numbers = element.is_numeric() && value.is_numeric();
    if mixed && numbers {
        return None;
    }
    coercion::tightest_common_type(element, value)
}

/// Brings an array and a value to one element type.
fn unify_with_element(
    call: &mut FunctionCall<'_>,
    array: usize,
    value: usize,
) -> Result<(DataType, bool)> {
    let (element, contains_null) = element_type(call, array)?;
    let other = call.arguments[value].data_type.clone();
    let common = element_and_value(&element, &other).ok_or_else(|| {
        let types = [&call.arguments[array].data_type, &other].map(sql_name);
        SparkError::mismatch(
            "ARRAY_FUNCTION_DIFF_TYPES",
            &call.text(),
            format!("Input to `{}` should have been \"ARRAY\" followed by a value with same element type, but it's [\"{}\", \"{}\"].", call.name, types[0], types[1]),
        )
    })?;
    call.cast_argument(array, &DataType::array(common.clone(), contains_null))?;
    call.cast_argument(value, &common)?;
    Ok((common, contains_null))
}

fn add(call: &mut FunctionCall<'_>, front: bool) -> Result<TypedExpr> {
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

fn compact(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let (element, _) = element_type(call, 0)?;
    let nullable = call.any_nullable();
    Ok(call.call(
        "array_compact",
        DataType::array(element, false),
        nullable,
        |inv| {
            let lists = Lists::of(inv, 0)?;
            let mut selection = Selection::new();
            for row in 0..inv.rows {
                let kept = lists.range(row).map(|range| {
                    range
                        .filter(|i| lists.values().is_valid(*i))
                        .map(|i| i as u32)
                });
                selection.push(kept);
            }
            selection.build(inv, lists.values())
        },
    ))
}

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

fn comparable(call: &FunctionCall<'_>, element: &DataType) -> Result<()> {
    if coercion::is_orderable(element) {
        return Ok(());
    }
    Err(SparkError::invalid_ordering_type(
        &call.text(),
        &call.name,
        &sql_name(element),
    ))
}

fn contains(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
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

fn position(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
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

fn remove(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
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

/// Longer than this no array may grow.
const LENGTH_MAX: i64 = i32::MAX as i64 - 15;

/// A value at a position counted from one or from the end; nulls fill what is missing in between.
fn insert(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
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

fn size(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    element_type(call, 0)?;
    let nullable = call.any_nullable();
    Ok(call.call("array_size", DataType::Integer, nullable, |inv| {
        let lists = Lists::of(inv, 0)?;
        inv.build::<Int32Type>(|row| Ok(lists.range(row).map(|range| range.len() as i32)))
    }))
}

fn extreme(call: &mut FunctionCall<'_>, greatest: bool) -> Result<TypedExpr> {
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

/// The n-th elements of all arrays as structs; shorter arrays are filled with nulls.
fn zip(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let text = call.text();
    let mut fields = Vec::new();
    for index in 0..call.arguments.len() {
        let (element, _) = element_type(call, index)?;
        let argument = &call.arguments[index];
        let name = argument
            .named
            .clone()
            .or_else(|| argument.automatic.clone());
        fields.push(StructField::new(
            name.unwrap_or_else(|| index.to_string()),
            element,
            true,
        ));
    }
    let nullable = call.any_nullable();
    let names: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
    let key = names.join("\u{1}");
    let result = DataType::array(DataType::structure(fields), false);
    let kernel =
        Arc::new(|inv: &Invocation<'_>| {
            let lists = (0..inv.count())
                .map(|i| Lists::of(inv, i))
                .collect::<Result<Vec<_>>>()?;
            let mut columns: Vec<Vec<Option<u32>>> = vec![Vec::new(); lists.len()];
            let (mut lengths, mut valid) = (Vec::new(), Vec::new());
            for row in 0..inv.rows {
                let ranges: Option<Vec<_>> = lists.iter().map(|list| list.range(row)).collect();
                valid.push(ranges.is_some());
                let ranges = ranges.unwrap_or_default();
                let longest = ranges.iter().map(|r| r.len()).max().unwrap_or(0);
                for (column, range) in columns.iter_mut().zip(&ranges) {
                    column.extend(
                        (0..longest).map(|i| (i < range.len()).then_some((range.start + i) as u32)),
                    );
                }
                lengths.push(longest);
            }
            let total: usize = lengths.iter().sum();
            let arrow::datatypes::DataType::List(field) = inv.return_type else {
                return Err(SparkError::internal("an array is a list"));
            };
            let arrow::datatypes::DataType::Struct(fields) = field.data_type() else {
                return Err(SparkError::internal("not a struct"));
            };
            let structure =
                if fields.is_empty() {
                    arrow::array::StructArray::new_empty_fields(total, None)
                } else {
                    let columns = columns.into_iter().zip(&lists).zip(fields).map(
                        |((places, list), field)| {
                            let values = take(list.values(), &UInt32Array::from(places), None)?;
                            Ok(crate::execution::reshape(&values, field.data_type())?)
                        },
                    );
                    arrow::array::StructArray::try_new(
                        fields.clone(),
                        columns.collect::<Result<Vec<_>>>()?,
                        None,
                    )?
                };
            build_list(inv, Arc::new(structure), lengths, valid)
        });
    Ok(call
        .call_keyed("arrays_zip", &key, result, nullable, kernel)
        .with_name(text))
}

/// The elements of an array's arrays; null if one of them is.
fn flatten(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let (inner, contains_null) = element_type(call, 0)?;
    if !matches!(inner, DataType::Array { .. }) {
        return Err(call.unexpected_type(0, "\"ARRAY\" of \"ARRAY\""));
    }
    let nullable = call.any_nullable() || contains_null;
    Ok(call.call("flatten", inner, nullable, |inv| {
        let lists = Lists::of(inv, 0)?;
        let inner = Lists {
            array: lists.values().as_list::<i32>().clone(),
        };
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            let parts: Option<Vec<_>> = lists
                .range(row)
                .and_then(|range| range.map(|i| inner.range(i)).collect());
            selection.push(parts.map(|parts| parts.into_iter().flatten().map(|i| i as u32)));
        }
        selection.build(inv, inner.values())
    }))
}

fn slice(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(3, 3)?;
    let text = call.text();
    element_type(call, 0)?;
    call.convert(1, Arg::Int)?;
    call.convert(2, Arg::Int)?;
    let (result, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    let value = call.call("slice", result, nullable, |inv| {
        let (lists, starts, lengths) = (Lists::of(inv, 0)?, inv.ints(1)?, inv.ints(2)?);
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            let (Some(range), Some(start), Some(length)) =
                (lists.range(row), starts.get(row), lengths.get(row))
            else {
                selection.push(None::<std::ops::Range<u32>>);
                continue;
            };
            if start == 0 {
                return Err(SparkError::slice_start_zero());
            }
            if length < 0 {
                return Err(SparkError::slice_length_negative(length));
            }
            let count = range.len() as i64;
            let first = if start > 0 {
                i64::from(start) - 1
            } else {
                count + i64::from(start)
            };
            let part = if first < 0 || first >= count {
                0..0
            } else {
                let end = (first + i64::from(length)).min(count);
                (range.start as i64 + first) as u32..(range.start as i64 + end) as u32
            };
            selection.push(Some(part));
        }
        selection.build(inv, lists.values())
    });
    Ok(value.with_name(text))
}

fn reverse(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let (result, nullable) = (call.arguments[0].data_type.clone(), call.any_nullable());
    Ok(call.call("reverse", result, nullable, |inv| {
        let lists = Lists::of(inv, 0)?;
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            selection.push(lists.range(row).map(|range| range.rev().map(|i| i as u32)));
        }
        selection.build(inv, lists.values())
    }))
}
