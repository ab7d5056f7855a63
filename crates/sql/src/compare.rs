//! The order of values as Spark sees it: NaN is the largest double and equals itself, zero has no sign, containers
//! compare element by element with nulls first.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::{Float32Type, Float64Type};

use crate::error::Result;
use crate::ir::DataType;

type CompareRows = Box<dyn Fn(usize, usize) -> Ordering + Send + Sync>;

/// Compares rows of one array with rows of another of the same type.
pub(crate) struct Comparator {
    compare: CompareRows,
}

impl Comparator {
    pub(crate) fn new(left: &ArrayRef, right: &ArrayRef, data_type: &DataType) -> Result<Self> {
        Ok(Self {
            compare: comparator(left, right, data_type)?,
        })
    }

    /// The order of two values that are not null.
    pub(crate) fn compare(&self, left: usize, right: usize) -> Ordering {
        (self.compare)(left, right)
    }
}

fn comparator(left: &ArrayRef, right: &ArrayRef, data_type: &DataType) -> Result<CompareRows> {
    Ok(match data_type {
        DataType::Null => Box::new(|_, _| Ordering::Equal),
        DataType::Double => {
            let (a, b) = (
                left.as_primitive::<Float64Type>().clone(),
                right.as_primitive::<Float64Type>().clone(),
            );
            Box::new(move |i, j| double(a.value(i), b.value(j)))
        }
        DataType::Float => {
            let (a, b) = (
                left.as_primitive::<Float32Type>().clone(),
                right.as_primitive::<Float32Type>().clone(),
            );
            Box::new(move |i, j| double(f64::from(a.value(i)), f64::from(b.value(j))))
        }
        DataType::Array { element, .. } => {
            let (a, b) = (
                left.as_list::<i32>().clone(),
                right.as_list::<i32>().clone(),
            );
            let inner = nullable(a.values(), b.values(), element)?;
            Box::new(move |i, j| {
                let (x, y) = (bounds(a.value_offsets(), i), bounds(b.value_offsets(), j));
                let pairs = x.clone().zip(y.clone());
                let first = pairs
                    .map(|(m, n)| inner(m, n))
                    .find(|o| *o != Ordering::Equal);
                first.unwrap_or_else(|| x.len().cmp(&y.len()))
            })
        }
        DataType::Struct(fields) => {
            let (a, b) = (left.as_struct().clone(), right.as_struct().clone());
            let columns = fields
                .fields
                .iter()
                .zip(a.columns().iter().zip(b.columns()));
            let columns = columns.map(|(field, (x, y))| nullable(x, y, &field.data_type));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Box::new(move |i, j| {
                let first = columns
                    .iter()
                    .map(|c| c(i, j))
                    .find(|o| *o != Ordering::Equal);
                first.unwrap_or(Ordering::Equal)
            })
        }
        DataType::UserDefined { sql_type, .. } => comparator(left, right, sql_type)?,
        _ => Box::new(make_comparator(
            left.as_ref(),
            right.as_ref(),
            SortOptions::default(),
        )?),
    })
}

fn bounds(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    offsets[row] as usize..offsets[row + 1] as usize
}

/// Nulls before everything else.
fn nullable(left: &ArrayRef, right: &ArrayRef, data_type: &DataType) -> Result<CompareRows> {
    let inner = comparator(left, right, data_type)?;
    let (a, b) = (left.clone(), right.clone());
    Ok(Box::new(move |i, j| match (a.is_null(i), b.is_null(j)) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => inner(i, j),
    }))
}

/// NaN last, both zeros equal.
pub(crate) fn double(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}
