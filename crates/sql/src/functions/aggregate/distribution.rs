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

/// How percentiles are taken.
struct Percentiles {
    fractions: Vec<f64>,
    is_array: bool,
    /// A value that is there, not one between two.
    discrete: bool,
    descending: bool,
}

/// `percentile(value, fraction [, frequency])` and `percentile_approx(value, fraction [, accuracy])`.
pub(super) fn percentile(call: &mut FunctionCall<'_>, approximate: bool) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let text = match call.arguments.len() {
        2 => {
            let default = if approximate { 10_000 } else { 1 };
            let [value, fraction] = [0, 1].map(|i| &call.arguments[i].name);
            call.filtered(format!("{}({value}, {fraction}, {default})", call.name))
        }
        _ => call.aggregate_text(),
    };
    let original = call.arguments[0].data_type.clone();
    check_value(call, 0)?;
    let (fractions, is_array) = fractions(call, 1, &text)?;
    let element = if approximate && original.is_numeric() {
        original
    } else {
        DataType::Double
    };
    call.convert(0, Arg::Double)?;
    let value = call.arguments[0].clone();
    let values = match call.arguments.get(2).cloned() {
        Some(accuracy) if approximate => {
            if accuracy.constant_integer().is_some_and(|a| a <= 0) {
                return Err(SparkError::mismatch(
                    "VALUE_OUT_OF_RANGE",
                    &text,
                    "the accuracy must be positive.",
                ));
            }
            gathered(call, &value)
        }
        Some(frequency) => {
            let repeated = call.apply("array_repeat", vec![value, frequency])?;
            let lists = gathered(call, &repeated);
            call.apply("flatten", vec![lists])?
        }
        None => gathered(call, &value),
    };
    let how = Percentiles {
        fractions,
        is_array,
        discrete: approximate,
        descending: false,
    };
    percentiles(call, values, how, element, text)
}

/// `percentile_cont(fraction) WITHIN GROUP (ORDER BY value)`, and the same of values that are there.
pub(super) fn percentile_of_order(
    call: &mut FunctionCall<'_>,
    discrete: bool,
) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let order = call.order.pop().filter(|_| call.order.is_empty());
    let order = order.ok_or_else(|| SparkError::within_group_missing(&call.name))?;
    let direction = if order.ascending { "" } else { " DESC" };
    let text = call.filtered(format!(
        "{} WITHIN GROUP (ORDER BY {}{direction})",
        call.text(),
        order.typed.name
    ));
    call.arguments.insert(0, order.typed);
    check_value(call, 0)?;
    let (fractions, is_array) = fractions(call, 1, &text)?;
    call.convert(0, Arg::Double)?;
    let values = gathered(call, &call.arguments[0].clone());
    let how = Percentiles {
        fractions,
        is_array,
        discrete,
        descending: !order.ascending,
    };
    percentiles(call, values, how, DataType::Double, text)
}

fn check_value(call: &FunctionCall<'_>, index: usize) -> Result<()> {
    let data_type = &call.arguments[index].data_type;
    match data_type.is_numeric() || data_type.is_string() || *data_type == DataType::Null {
        true => Ok(()),
        false => Err(call.unexpected_type(index, "\"NUMERIC\"")),
    }
}

/// The constant fractions of an argument, and whether they came as an array.
fn fractions(call: &mut FunctionCall<'_>, index: usize, text: &str) -> Result<(Vec<f64>, bool)> {
    use arrow::array::{ArrayRef, AsArray};
    let fractions = call.analyzer.evaluate(&call.arguments[index])?;
    let is_array = matches!(call.arguments[index].data_type, DataType::Array { .. });
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
            text,
            "the percentage must be between [0.0, 1.0].",
        ));
    }
    Ok((fractions, is_array))
}

fn percentiles(
    call: &mut FunctionCall<'_>,
    values: TypedExpr,
    how: Percentiles,
    element: DataType,
    text: String,
) -> Result<TypedExpr> {
    use arrow::array::{Array, ArrayRef, AsArray};
    let is_array = how.is_array;
    let doubles = DataType::array(DataType::Double, false);
    let key = format!("{} {} {:?}", how.discrete, how.descending, how.fractions);
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let lists = inv.lists(0)?;
        let mut builder = arrow::array::ListBuilder::new(arrow::array::Float64Builder::new());
        for row in 0..inv.rows {
            let Some(list) = lists.get(row).filter(|l| !l.is_empty()) else {
                builder.append_null();
                continue;
            };
            let list = list.as_primitive::<arrow::datatypes::Float64Type>();
            let mut values = list.values().to_vec();
            values.sort_by(|a, b| crate::compare::double(*a, *b));
            if how.descending {
                values.reverse();
            }
            for fraction in &how.fractions {
                let value = quantile(&values, *fraction, how.discrete);
                builder.values().append_value(value);
            }
            builder.append(true);
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

/// `mode(value [, deterministic])`, `mode() WITHIN GROUP (ORDER BY value)`: the first in that order of those that
/// are there most.
pub(super) fn mode(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    use arrow::array::AsArray;
    let order = call.order.pop();
    let greatest = order.as_ref().is_some_and(|o| !o.ascending);
    let deterministic = match &order {
        Some(order) => {
            call.arity(0, 0)?;
            call.arguments.push(order.typed.clone());
            true
        }
        None => {
            call.arity(1, 2)?;
            let argument = call.arguments.get(1);
            argument.is_some_and(|a| a.expr == datafusion::prelude::lit(true))
        }
    };
    let name = call.arguments[0].name.clone();
    // Spark shows the order of its own bookkeeping, which is the other way round.
    let text = call.filtered(match (deterministic, greatest) {
        (true, false) => format!("mode() WITHIN GROUP (ORDER BY {name} DESC)"),
        (true, true) => format!("mode() WITHIN GROUP (ORDER BY {name})"),
        (false, _) => format!("mode({name})"),
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
                let mut most_common = counts.values().filter(|(c, _)| *c == most);
                let chosen = match greatest {
                    true => most_common.next_back(),
                    false => most_common.next(),
                };
                chosen.map(|(_, index)| *index as u32)
            })
            .collect();
        Ok(arrow::compute::take(lists.values(), &chosen, None)?)
    });
    let expr = call.maker().call(
        "mode_of",
        greatest.to_string(),
        kernel,
        &[values],
        element.clone(),
        true,
    );
    Ok(TypedExpr::new(expr, element, true, text))
}
