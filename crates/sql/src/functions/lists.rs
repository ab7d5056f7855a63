//! Array arguments row by row, the arrays made of their elements, and the types that elements have.
//!
//! Start at [`Lists`].

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::compute::{interleave, take};

use super::collection::build_list;
use super::{FunctionCall, Invocation};
use crate::error::{Result, SparkError};
use crate::ir::DataType;
use crate::types::{coercion, sql_name};

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
pub(super) fn unify_with_element(
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

pub(super) fn comparable(call: &FunctionCall<'_>, element: &DataType) -> Result<()> {
    if coercion::is_orderable(element) {
        return Ok(());
    }
    Err(SparkError::invalid_ordering_type(
        &call.text(),
        &call.name,
        &sql_name(element),
    ))
}
