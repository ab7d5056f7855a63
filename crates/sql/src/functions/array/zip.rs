//! `arrays_zip`: arrays of structs, made of the elements that stand at the same place.

use std::sync::Arc;

use arrow::array::UInt32Array;
use arrow::compute::take;

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::collection::build_list;
use crate::functions::lists::{Lists, element_type};
use crate::functions::{FunctionCall, Invocation};
use crate::ir::{DataType, StructField};

/// The n-th elements of all arrays as structs; shorter arrays are filled with nulls.
pub(super) fn zip(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
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
