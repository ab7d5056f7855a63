//! Several texts, binaries or arrays: joined to one, or one of them chosen.

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall, collection};
use crate::ir::{DataType, Literal};

pub(super) fn concat(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let text = call.text();
    if call.arguments.is_empty() {
        return Ok(call
            .analyzer
            .literal(&Literal::String(String::new()))?
            .with_name(text));
    }
    if call
        .arguments
        .iter()
        .any(|a| matches!(a.data_type, DataType::Array { .. }))
    {
        let common = call.unify(0)?;
        let nullable = call.any_nullable();
        return Ok(call
            .call("concat", common, nullable, collection::concat_arrays)
            .with_name(text));
    }
    if call
        .arguments
        .iter()
        .all(|a| a.data_type == DataType::Binary)
    {
        let nullable = call.any_nullable();
        return Ok(call
            .call("concat", DataType::Binary, nullable, |inv| {
                let columns = (0..inv.count())
                    .map(|i| inv.binaries(i))
                    .collect::<Result<Vec<_>>>()?;
                inv.build_binaries(|row| {
                    let parts: Option<Vec<&[u8]>> = columns.iter().map(|c| c.get(row)).collect();
                    Ok(parts.map(|p| p.concat()))
                })
            })
            .with_name(text));
    }
    for index in 0..call.arguments.len() {
        call.convert(index, Arg::Str)?;
    }
    let nullable = call.any_nullable();
    Ok(call
        .call("concat", DataType::STRING, nullable, |inv| {
            let columns = (0..inv.count())
                .map(|i| inv.strings(i))
                .collect::<Result<Vec<_>>>()?;
            inv.build_strings(|row| {
                let parts: Option<Vec<&str>> = columns.iter().map(|c| c.get(row)).collect();
                Ok(parts.map(|p| p.concat()))
            })
        })
        .with_name(text))
}

pub(super) fn concat_ws(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    use arrow::array::AsArray;
    call.arity(1, usize::MAX)?;
    let text = call.text();
    for index in 0..call.arguments.len() {
        if matches!(call.arguments[index].data_type, DataType::Array { .. }) {
            call.convert_to(index, &DataType::array(DataType::STRING, true))?;
        } else {
            call.convert(index, Arg::Str)?;
        }
    }
    let nullable = call.arguments[0].nullable;
    Ok(call
        .call("concat_ws", DataType::STRING, nullable, |inv| {
            let separators = inv.strings(0)?;
            let columns = (1..inv.count())
                .map(|i| inv.expanded(i))
                .collect::<Result<Vec<_>>>()?;
            inv.build_strings(|row| {
                let Some(separator) = separators.get(row) else {
                    return Ok(None);
                };
                let mut parts: Vec<String> = Vec::new();
                for column in columns.iter().filter(|c| !c.is_null(row)) {
                    match column.as_list_opt::<i32>() {
                        Some(list) => {
                            let values = list.value(row);
                            parts.extend(
                                values
                                    .as_string::<i32>()
                                    .iter()
                                    .flatten()
                                    .map(str::to_owned),
                            );
                        }
                        None => parts.push(column.as_string::<i32>().value(row).to_owned()),
                    }
                }
                Ok(Some(parts.join(separator)))
            })
        })
        .with_name(text))
}

/// The argument that the first one counts to.
pub(super) fn elt(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, usize::MAX)?;
    let text = call.text();
    call.convert(0, Arg::Int)?;
    let binary = call.arguments[1..]
        .iter()
        .all(|a| a.data_type == DataType::Binary);
    let target = if binary {
        DataType::Binary
    } else {
        DataType::STRING
    };
    for index in 1..call.arguments.len() {
        call.convert_to(index, &target)?;
    }
    let value = call.call("elt", target, true, |inv| {
        let places = inv.ints(0)?;
        let columns = (1..inv.count())
            .map(|i| inv.expanded(i))
            .collect::<Result<Vec<_>>>()?;
        let nulls = arrow::array::new_null_array(inv.return_type, 1);
        let mut refs: Vec<&dyn arrow::array::Array> = columns.iter().map(AsRef::as_ref).collect();
        refs.push(nulls.as_ref());
        let absent = (columns.len(), 0);
        let mut order = Vec::with_capacity(inv.rows);
        for row in 0..inv.rows {
            order.push(match places.get(row) {
                None => absent,
                Some(place) if (1..=columns.len() as i32).contains(&place) => {
                    (place as usize - 1, row)
                }
                Some(place) if inv.context.ansi => {
                    return Err(SparkError::array_index_out_of_bounds(
                        i64::from(place),
                        columns.len(),
                    ));
                }
                Some(_) => absent,
            });
        }
        Ok(arrow::compute::interleave(&refs, &order)?)
    });
    Ok(value.with_name(text))
}
