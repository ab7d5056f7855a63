//! All values of a group: as an array, as one text.
//!
//! Always true: nulls are left out. What percentiles, modes and bitmaps are computed from is [`gathered`].

use std::sync::Arc;

use datafusion::functions_aggregate as engine;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::AggregateFunction;

use crate::analyzer::{Ordering, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::{DataType, Literal};

pub(super) fn collect(call: &mut FunctionCall<'_>, set: bool) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = if call.name == "array_agg" {
        call.filtered(format!(
            "collect_list({}{})",
            if call.distinct { "DISTINCT " } else { "" },
            call.arguments[0].name
        ))
    } else {
        call.aggregate_text()
    };
    let value = call.arguments[0].clone();
    if set {
        call.distinct = true;
    }
    let present = Expr::IsNotNull(Box::new(value.expr.clone()));
    let filter = match &call.filter {
        Some(filter) => filter.expr.clone().and(present),
        None => present,
    };
    let expr = Expr::AggregateFunction(AggregateFunction::new_udf(
        engine::array_agg::array_agg_udaf(),
        vec![value.expr],
        call.distinct,
        Some(Box::new(filter)),
        vec![],
        None,
    ));
    let data_type = DataType::array(value.data_type, false);
    let collected = TypedExpr::new(expr, data_type.clone(), true, text.clone());
    // No rows make an empty array and not null.
    let kernel = Arc::new(|inv: &Invocation<'_>| {
        use arrow::array::{Array, AsArray, ListArray};
        let list = inv.expanded(0)?;
        let list = list.as_list::<i32>();
        if list.null_count() == 0 {
            return inv.expanded(0);
        }
        let lengths = (0..list.len()).map(|i| {
            if list.is_null(i) {
                0
            } else {
                list.value_length(i) as usize
            }
        });
        let offsets = arrow::buffer::OffsetBuffer::from_lengths(lengths);
        let parts: Vec<arrow::array::ArrayRef> = (0..list.len())
            .filter(|i| list.is_valid(*i))
            .map(|i| list.value(i))
            .collect();
        let refs: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        let values = if refs.is_empty() {
            arrow::array::new_empty_array(&list.value_type())
        } else {
            arrow::compute::concat(&refs)?
        };
        let arrow::datatypes::DataType::List(field) = list.data_type().clone() else {
            return Err(SparkError::internal("not a list"));
        };
        Ok(Arc::new(ListArray::try_new(field, offsets, values, None)?) as arrow::array::ArrayRef)
    });
    let expr = call.maker().call(
        "collected",
        "",
        kernel,
        &[collected],
        data_type.clone(),
        false,
    );
    Ok(TypedExpr::new(expr, data_type, false, text))
}

/// The elements of all arrays, each once.
pub(super) fn collect_union(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.aggregate_text();
    if !matches!(call.arguments[0].data_type, DataType::Array { .. }) {
        return Err(call.unexpected_type(0, "\"ARRAY\""));
    }
    let all = collect(call, false)?;
    let flat = call.apply("flatten", vec![all])?;
    Ok(call.apply("array_distinct", vec![flat])?.with_name(text))
}

/// All values of a group: what percentiles and modes are computed from.
pub(super) fn gathered(call: &FunctionCall<'_>, value: &TypedExpr) -> TypedExpr {
    let present = Expr::IsNotNull(Box::new(value.expr.clone()));
    let filter = match &call.filter {
        Some(filter) => filter.expr.clone().and(present),
        None => present,
    };
    let expr = Expr::AggregateFunction(AggregateFunction::new_udf(
        engine::array_agg::array_agg_udaf(),
        vec![value.expr.clone()],
        call.distinct,
        Some(Box::new(filter)),
        call.order.iter().map(Ordering::sort).collect(),
        None,
    ));
    TypedExpr::new(
        expr,
        DataType::array(value.data_type.clone(), false),
        true,
        value.name.clone(),
    )
}

pub(super) fn string_agg(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let name = call.name.clone();
    let delimiter = match call.arguments.get(1) {
        Some(delimiter) => delimiter.clone(),
        None => call.analyzer.literal(&Literal::String(String::new()))?,
    };
    let mut text = if call.arguments.len() == 1 {
        format!("{name}({}, NULL)", call.arguments[0].name)
    } else {
        call.text()
    };
    if !call.order.is_empty() {
        let orders: Vec<String> = call.order.iter().map(Ordering::text).collect();
        text = format!("{text} WITHIN GROUP (ORDER BY {})", orders.join(", "));
    }
    let text = call.filtered(text);
    call.arguments.truncate(1);
    let is_binary = call.arguments[0].data_type == DataType::Binary;
    if !is_binary {
        call.convert(0, Arg::Str)?;
    }
    let value = call.arguments[0].clone();
    let mut values = gathered(call, &value);
    if let (true, [order]) = (call.distinct, call.order.as_slice()) {
        // The engine forgets the order of values that it keeps once; they can be ordered by themselves only.
        let ascending = call.analyzer.literal(&Literal::Boolean(order.ascending))?;
        values = call.apply("sort_array", vec![values, ascending])?;
    }
    let joined = if is_binary {
        join_binaries(call, values.clone(), delimiter)?
    } else {
        call.apply("array_join", vec![values.clone(), delimiter])?
    };
    let size = call.apply("size", vec![values])?;
    let zero = call.analyzer.literal(&Literal::Integer(0))?;
    let some = call.apply(">", vec![size, zero])?;
    Ok(call.apply("when", vec![some, joined])?.with_name(text))
}

fn join_binaries(
    call: &mut FunctionCall<'_>,
    values: TypedExpr,
    delimiter: TypedExpr,
) -> Result<TypedExpr> {
    use arrow::array::AsArray;
    let delimiter = call
        .analyzer
        .cast_implicitly(delimiter, &DataType::Binary)?;
    let kernel = Arc::new(|inv: &Invocation<'_>| {
        let (lists, delimiters) = (inv.lists(0)?, inv.binaries(1)?);
        inv.build_binaries(|row| {
            Ok(lists.get(row).map(|list| {
                let parts: Vec<&[u8]> = list.as_binary::<i32>().iter().flatten().collect();
                parts.join(delimiters.get(row).unwrap_or_default())
            }))
        })
    });
    let expr = call.maker().call(
        "join_binaries",
        "",
        kernel,
        &[values, delimiter],
        DataType::Binary,
        true,
    );
    Ok(TypedExpr::new(expr, DataType::Binary, true, ""))
}
