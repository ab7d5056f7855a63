//! What is computed from all values of a group: percentiles and modes.

use std::sync::Arc;

use super::collect::gathered;
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::{DataType, Literal};

/// A value computed from the doubles of a group.
pub(super) fn over_doubles(
    call: &mut FunctionCall<'_>,
    key: &str,
    compute: impl Fn(&mut Vec<f64>) -> Option<f64> + Send + Sync + 'static,
) -> Result<TypedExpr> {
    use arrow::array::AsArray;
    let text = call.aggregate_text();
    call.convert(0, Arg::Double)?;
    let values = gathered(call, &call.arguments[0].clone());
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let lists = inv.lists(0)?;
        inv.build::<arrow::datatypes::Float64Type>(|row| {
            let Some(list) = lists.get(row) else {
                return Ok(None);
            };
            let list = list.as_primitive::<arrow::datatypes::Float64Type>();
            if list.is_empty() {
                return Ok(None);
            }
            let mut values: Vec<f64> = list.values().to_vec();
            Ok(compute(&mut values))
        })
    });
    let expr = call.maker().call(
        "over_doubles",
        key,
        kernel,
        &[values],
        DataType::Double,
        true,
    );
    Ok(TypedExpr::new(expr, DataType::Double, true, text))
}

pub(super) fn percentile(call: &mut FunctionCall<'_>, approximate: bool) -> Result<TypedExpr> {
    use arrow::array::{Array, ArrayRef, AsArray};
    call.arity(2, 3)?;
    let text = if call.name == "approx_percentile"
        || call.name == "percentile_approx"
        || call.name == "percentile"
    {
        if approximate && call.arguments.len() == 2 {
            format!(
                "{}({}, {}, 10000)",
                call.name, call.arguments[0].name, call.arguments[1].name
            )
        } else if !approximate && call.arguments.len() == 2 {
            format!(
                "{}({}, {}, 1)",
                call.name, call.arguments[0].name, call.arguments[1].name
            )
        } else {
            call.aggregate_text()
        }
    } else {
        call.aggregate_text()
    };
    let original = call.arguments[0].data_type.clone();
    if !original.is_numeric() && !original.is_string() && original != DataType::Null {
        return Err(call.unexpected_type(0, "\"NUMERIC\""));
    }
    let fractions = call.analyzer.evaluate(&call.arguments[1])?;
    let is_array = matches!(call.arguments[1].data_type, DataType::Array { .. });
    let fractions: ArrayRef = fractions.to_array()?;
    let fractions = if is_array {
        fractions.as_list::<i32>().value(0)
    } else {
        fractions
    };
    let fractions = arrow::compute::cast(&fractions, &arrow::datatypes::DataType::Float64)?;
    let fractions: Vec<f64> = fractions
        .as_primitive::<arrow::datatypes::Float64Type>()
        .values()
        .to_vec();
    if fractions.iter().any(|f| !(0.0..=1.0).contains(f)) {
        return Err(SparkError::mismatch(
            "VALUE_OUT_OF_RANGE",
            &text,
            "the percentage must be between [0.0, 1.0].",
        ));
    }
    let element = if approximate && original.is_numeric() {
        original
    } else {
        DataType::Double
    };
    call.convert(0, Arg::Double)?;
    let values = gathered(call, &call.arguments[0].clone());
    let doubles = DataType::array(DataType::Double, false);
    let key = format!("{approximate} {fractions:?}");
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let lists = inv.lists(0)?;
        let mut builder = arrow::array::ListBuilder::new(arrow::array::Float64Builder::new());
        for row in 0..inv.rows {
            let list = lists.get(row).filter(|l| !l.is_empty());
            match list {
                None => builder.append_null(),
                Some(list) => {
                    let mut values = list
                        .as_primitive::<arrow::datatypes::Float64Type>()
                        .values()
                        .to_vec();
                    values.sort_by(|a, b| crate::compare::double(*a, *b));
                    for fraction in &fractions {
                        builder
                            .values()
                            .append_value(quantile(&values, *fraction, approximate));
                    }
                    builder.append(true);
                }
            }
        }
        Ok(Arc::new(builder.finish()) as ArrayRef)
    });
    let expr = call
        .maker()
        .call("percentiles", key, kernel, &[values], doubles.clone(), true);
    let all = TypedExpr::new(expr, doubles, true, text.clone());
    let result = if is_array {
        call.analyzer
            .cast_implicitly(all, &DataType::array(element, false))?
    } else {
        let zero = call.analyzer.literal(&Literal::Integer(0))?;
        let one = call.apply("get", vec![all, zero])?;
        call.analyzer.cast_implicitly(one, &element)?
    };
    Ok(result.with_name(text))
}

/// The value at a fraction of sorted values: the least that covers it, or interpolated between two.
fn quantile(sorted: &[f64], fraction: f64, discrete: bool) -> f64 {
    let last = sorted.len() - 1;
    if discrete {
        let rank = (fraction * sorted.len() as f64).ceil() as usize;
        return sorted[rank.saturating_sub(1).min(last)];
    }
    let place = fraction * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    if low == high {
        return sorted[low];
    }
    (high as f64 - place) * sorted[low] + (place - low as f64) * sorted[high]
}

pub(super) fn median(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    over_doubles(call, "median", |values| {
        values.sort_by(|a, b| crate::compare::double(*a, *b));
        Some(quantile(values, 0.5, false))
    })
}

pub(super) fn mode(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    use arrow::array::AsArray;
    call.arity(1, 2)?;
    let name = call.arguments[0].name.clone();
    let deterministic = match call.arguments.get(1) {
        None => false,
        Some(argument) => argument.expr == datafusion::prelude::lit(true),
    };
    let text = call.filtered(match deterministic {
        true => format!("mode() WITHIN GROUP (ORDER BY {name} DESC)"),
        false => format!("mode({name})"),
    });
    let value = call.arguments[0].clone();
    let values = gathered(call, &value);
    let element = value.data_type.clone();
    let inner = element.clone();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let lists = inv.expanded(0)?;
        let lists = lists.as_list::<i32>();
        let rows =
            arrow::row::RowConverter::new(vec![arrow::row::SortField::new(lists.value_type())])?;
        let encoded = rows.convert_columns(&[lists.values().clone()])?;
        let _ = &inner;
        let chosen: arrow::array::UInt32Array = (0..inv.rows)
            .map(|row| {
                let (start, end) = (
                    lists.value_offsets()[row] as usize,
                    lists.value_offsets()[row + 1] as usize,
                );
                let mut counts: std::collections::BTreeMap<&[u8], (usize, usize)> =
                    Default::default();
                for index in start..end {
                    let count = counts
                        .entry(encoded.row(index).data())
                        .or_insert((0, index));
                    count.0 += 1;
                }
                let most = counts.values().map(|(c, _)| *c).max()?;
                counts
                    .values()
                    .find(|(c, _)| *c == most)
                    .map(|(_, index)| *index as u32)
            })
            .collect();
        Ok(arrow::compute::take(lists.values(), &chosen, None)?)
    });
    let expr = call
        .maker()
        .call("mode_of", "", kernel, &[values], element.clone(), true);
    Ok(TypedExpr::new(expr, element, true, text))
}
