//! A function call at run time: its arguments as typed columns, and builders for its result.
//!
//! Always true: an argument that is a constant is read once and never copied into a column, so a kernel may compile
//! a pattern or open a time zone once for a whole batch.

use std::sync::Arc;

use arrow::array::PrimitiveArray;
use arrow::array::{
    Array, ArrayAccessor, ArrayRef, AsArray, BinaryArray, BinaryBuilder, BooleanArray, Date32Array,
    Decimal128Array, DurationMicrosecondArray, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, IntervalMonthDayNanoArray, IntervalYearMonthArray, ListArray,
    StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType as ArrowType, Date32Type, DurationMicrosecondType, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType,
    IntervalYearMonthType, TimestampMicrosecondType,
};

use crate::context::Context;
use crate::error::{Result, SparkError};
use crate::ir::DataType;

/// One argument: an array with one value per row, or a single value for all rows.
#[derive(Clone)]
pub(crate) struct Argument {
    pub(crate) array: ArrayRef,
    pub(crate) is_constant: bool,
}

/// A call for one batch.
pub(crate) struct Invocation<'a> {
    pub(crate) arguments: Vec<Argument>,
    pub(crate) rows: usize,
    /// The Spark types of the arguments.
    pub(crate) types: &'a [DataType],
    /// The Spark type of the result.
    pub(crate) result: &'a DataType,
    pub(crate) return_type: &'a ArrowType,
    pub(crate) context: &'a Context,
}

/// A typed view of an argument.
pub(crate) struct Column<A> {
    array: A,
    is_constant: bool,
}

impl<A: ArrayAccessor> Column<A> {
    pub(crate) fn get(&self, row: usize) -> Option<A::Item> {
        let index = if self.is_constant { 0 } else { row };
        if self.array.is_null(index) {
            None
        } else {
            Some(self.array.value(index))
        }
    }

    /// The value of a constant argument.
    pub(crate) fn constant(&self) -> Option<A::Item> {
        if self.is_constant { self.get(0) } else { None }
    }
}

macro_rules! columns {
    ($($method:ident => $array:ty, $primitive:ty;)*) => {
        $(
            pub(crate) fn $method(&self, index: usize) -> Result<Column<&$array>> {
                let argument = self.argument(index)?;
                let array = argument.array.as_primitive_opt::<$primitive>().ok_or_else(|| self.wrong_type(index))?;
                Ok(Column { array, is_constant: argument.is_constant })
            }
        )*
    };
}

impl<'a> Invocation<'a> {
    columns! {
        bytes8 => Int8Array, Int8Type;
        shorts => Int16Array, Int16Type;
        ints => Int32Array, Int32Type;
        longs => Int64Array, Int64Type;
        floats => Float32Array, Float32Type;
        doubles => Float64Array, Float64Type;
        dates => Date32Array, Date32Type;
        timestamps => TimestampMicrosecondArray, TimestampMicrosecondType;
        day_times => DurationMicrosecondArray, DurationMicrosecondType;
        year_months => IntervalYearMonthArray, IntervalYearMonthType;
        calendar_intervals => IntervalMonthDayNanoArray, IntervalMonthDayNanoType;
        decimals => Decimal128Array, arrow::datatypes::Decimal128Type;
    }

    pub(crate) fn argument(&self, index: usize) -> Result<&Argument> {
        self.arguments
            .get(index)
            .ok_or_else(|| SparkError::internal(format!("argument {index} is missing")))
    }

    pub(crate) fn count(&self) -> usize {
        self.arguments.len()
    }

    fn wrong_type(&self, index: usize) -> SparkError {
        let found = self.arguments[index].array.data_type();
        SparkError::internal(format!("argument {index} arrived as {found}"))
    }

    pub(crate) fn strings(&self, index: usize) -> Result<Column<&StringArray>> {
        let argument = self.argument(index)?;
        let array = argument
            .array
            .as_string_opt::<i32>()
            .ok_or_else(|| self.wrong_type(index))?;
        Ok(Column {
            array,
            is_constant: argument.is_constant,
        })
    }

    pub(crate) fn binaries(&self, index: usize) -> Result<Column<&BinaryArray>> {
        let argument = self.argument(index)?;
        let array = argument
            .array
            .as_binary_opt::<i32>()
            .ok_or_else(|| self.wrong_type(index))?;
        Ok(Column {
            array,
            is_constant: argument.is_constant,
        })
    }

    pub(crate) fn booleans(&self, index: usize) -> Result<Column<&BooleanArray>> {
        let argument = self.argument(index)?;
        let array = argument
            .array
            .as_boolean_opt()
            .ok_or_else(|| self.wrong_type(index))?;
        Ok(Column {
            array,
            is_constant: argument.is_constant,
        })
    }

    pub(crate) fn lists(&self, index: usize) -> Result<Column<&ListArray>> {
        let argument = self.argument(index)?;
        let array = argument
            .array
            .as_list_opt::<i32>()
            .ok_or_else(|| self.wrong_type(index))?;
        Ok(Column {
            array,
            is_constant: argument.is_constant,
        })
    }

    /// Argument `index` if it was given, read by `read`.
    pub(crate) fn optional<'s, C>(
        &'s self,
        index: usize,
        read: impl FnOnce(&'s Self, usize) -> Result<C>,
    ) -> Result<Option<C>> {
        (index < self.count())
            .then(|| read(self, index))
            .transpose()
    }

    /// The argument with one value for every row.
    pub(crate) fn expanded(&self, index: usize) -> Result<ArrayRef> {
        let argument = self.argument(index)?;
        if !argument.is_constant || argument.array.len() == self.rows {
            return Ok(argument.array.clone());
        }
        let zeros = arrow::array::UInt32Array::from_value(0, self.rows);
        Ok(arrow::compute::take(&argument.array, &zeros, None)?)
    }

    pub(crate) fn build_strings<S: AsRef<str>>(
        &self,
        mut value: impl FnMut(usize) -> Result<Option<S>>,
    ) -> Result<ArrayRef> {
        let mut builder = StringBuilder::with_capacity(self.rows, self.rows * 8);
        for row in 0..self.rows {
            builder.append_option(value(row)?);
        }
        Ok(Arc::new(builder.finish()))
    }

    pub(crate) fn build_binaries<B: AsRef<[u8]>>(
        &self,
        mut value: impl FnMut(usize) -> Result<Option<B>>,
    ) -> Result<ArrayRef> {
        let mut builder = BinaryBuilder::with_capacity(self.rows, self.rows * 8);
        for row in 0..self.rows {
            builder.append_option(value(row)?);
        }
        Ok(Arc::new(builder.finish()))
    }

    pub(crate) fn build_booleans(
        &self,
        value: impl FnMut(usize) -> Result<Option<bool>>,
    ) -> Result<ArrayRef> {
        let values = (0..self.rows)
            .map(value)
            .collect::<Result<BooleanArray>>()?;
        Ok(Arc::new(values))
    }

    /// A primitive result in the declared return type (time zone, precision and scale included).
    pub(crate) fn build<T: ArrowPrimitiveType>(
        &self,
        value: impl FnMut(usize) -> Result<Option<T::Native>>,
    ) -> Result<ArrayRef> {
        let values = (0..self.rows)
            .map(value)
            .collect::<Result<PrimitiveArray<T>>>()?;
        Ok(Arc::new(values.with_data_type(self.return_type.clone())))
    }
}
