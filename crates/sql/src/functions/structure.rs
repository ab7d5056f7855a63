//! Structs and arrays made of values: `struct`, `named_struct`, `array`.
//!
//! Getting at their parts is in `extraction`, changing a field in `field_update`. Start at [`FUNCTIONS`].

mod extraction;
mod field_update;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, StructArray};
use arrow::datatypes::DataType as ArrowType;

use super::{Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Literal, StructField};

pub(super) const FUNCTIONS: &[Function] = &[
    custom("struct", structure),
    custom("named_struct", named_struct),
    custom("array", array),
];

/// The name of a struct's field made from this argument.
fn field_name(argument: &TypedExpr, index: usize) -> String {
    let extracted = || {
        let is_field = argument.automatic.is_some() && !argument.name.starts_with("CAST(");
        is_field.then(|| argument.automatic.clone()).flatten()
    };
    argument
        .named
        .clone()
        .or_else(extracted)
        .unwrap_or_else(|| format!("col{}", index + 1))
}

fn structure(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(0, usize::MAX)?;
    let names: Vec<String> = call
        .arguments
        .iter()
        .enumerate()
        .map(|(i, a)| field_name(a, i))
        .collect();
    let text = call.text();
    build(call, names, text)
}

fn named_struct(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    if call.arguments.is_empty() || !call.arguments.len().is_multiple_of(2) {
        return Err(SparkError::wrong_number_of_arguments(
            "named_struct",
            "2n (n > 0)",
            call.arguments.len(),
        ));
    }
    let text = call.text();
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (index, argument) in std::mem::take(&mut call.arguments).into_iter().enumerate() {
        if index % 2 == 0 {
            let name = argument.constant_string().map(str::to_owned);
            names.push(name.ok_or_else(|| {
                let detail = "CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING";
                let told =
                    "only foldable `STRING` expressions are allowed to appear at odd position";
                SparkError::mismatch(detail, &text, told)
            })?);
        } else {
            values.push(argument);
        }
    }
    call.arguments = values;
    build(call, names, text)
}

fn build(call: &mut FunctionCall<'_>, names: Vec<String>, text: String) -> Result<TypedExpr> {
    let fields = names
        .iter()
        .zip(&call.arguments)
        .map(|(name, a)| StructField {
            metadata: a.metadata.clone(),
            ..StructField::new(name.clone(), a.data_type.clone(), a.nullable)
        });
    let data_type = DataType::structure(fields.collect());
    let key = names.join("\u{1}");
    let value = call.call_keyed("struct", &key, data_type, false, Arc::new(build_struct));
    Ok(value.with_name(text))
}

fn build_struct(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let ArrowType::Struct(fields) = inv.return_type else {
        return Err(SparkError::internal("not a struct"));
    };
    if fields.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(inv.rows, None)));
    }
    let columns = (0..inv.count())
        .zip(fields)
        .map(|(i, f)| Ok(crate::execution::reshape(&inv.expanded(i)?, f.data_type())?));
    Ok(Arc::new(StructArray::try_new(
        fields.clone(),
        columns.collect::<Result<Vec<_>>>()?,
        None,
    )?))
}

fn array(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let text = call.text();
    let contains_null = call.any_nullable();
    let null_elements = call.arguments.iter().map(|a| a.nullable).collect();
    let element = if call.arguments.is_empty() {
        DataType::Null
    } else {
        call.unify(0)?
    };
    let data_type = DataType::array(element, contains_null);
    if call.arguments.is_empty() {
        let empty = Literal::Array {
            element: DataType::Null,
            values: Vec::new(),
        };
        return Ok(call.analyzer.literal(&empty)?.with_name(text));
    }
    let value = call.call("array", data_type, false, |inv| {
        let ArrowType::List(field) = inv.return_type else {
            return Err(SparkError::internal("not an array"));
        };
        let columns = (0..inv.count())
            .map(|i| inv.expanded(i))
            .collect::<Result<Vec<_>>>()?;
        let refs: Vec<&dyn Array> = columns.iter().map(AsRef::as_ref).collect();
        let order: Vec<(usize, usize)> = (0..inv.rows)
            .flat_map(|row| (0..refs.len()).map(move |column| (column, row)))
            .collect();
        let values = arrow::compute::interleave(&refs, &order)?;
        let values = crate::execution::reshape(&values, field.data_type())?;
        let offsets =
            arrow::buffer::OffsetBuffer::from_lengths(std::iter::repeat_n(refs.len(), inv.rows));
        Ok(Arc::new(ListArray::try_new(
            field.clone(),
            offsets,
            values,
            None,
        )?))
    });
    Ok(TypedExpr {
        null_elements: Some(null_elements),
        ..value.with_name(text)
    })
}
