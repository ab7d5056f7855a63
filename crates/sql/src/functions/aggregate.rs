//! Aggregate functions.

mod bitmap;
mod distribution;
mod interval;
mod moments;
mod summary;

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::functions_aggregate as engine;
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment, Sort};
use datafusion::logical_expr::{AggregateUDF, Expr};

use distribution::{median, mode, over_doubles, percentile};
use moments::Statistic;
use summary::{Precision, Summary};

use super::{Arg, Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Literal};
use crate::types::coercion::bounded_decimal;
use crate::types::{coercion, sql_name};

pub(super) const FUNCTIONS: &[Function] = &[
    custom("count", count),
    custom("count_if", count_if),
    custom("sum", |call| sum(call, false)),
    custom("try_sum", |call| sum(call, true)),
    custom("avg", average).or(&["mean", "try_avg"]),
    custom("min", |call| extreme(call, engine::min_max::min_udaf())),
    custom("max", |call| extreme(call, engine::min_max::max_udaf())),
    custom("min_by", |call| by(call, true)),
    custom("max_by", |call| by(call, false)),
    custom("first", |call| positional(call, true)).or(&["first_value", "any_value"]),
    custom("last", |call| positional(call, false)).or(&["last_value"]),
    custom("collect_list", |call| collect(call, false)).or(&["array_agg"]),
    custom("collect_set", |call| collect(call, true)),
    custom("stddev", |call| {
        let statistic = Statistic::Deviation { sample: true };
        moment(call, "stddev", statistic, engine::stddev::stddev_udaf())
    })
    .or(&["std", "stddev_samp"]),
    custom("stddev_pop", |call| {
        let statistic = Statistic::Deviation { sample: false };
        moment(
            call,
            "stddev_pop",
            statistic,
            engine::stddev::stddev_pop_udaf(),
        )
    }),
    custom("variance", |call| {
        let statistic = Statistic::Variance { sample: true };
        moment(call, "var", statistic, engine::variance::var_samp_udaf())
    })
    .or(&["var_samp"]),
    custom("var_pop", |call| {
        let statistic = Statistic::Variance { sample: false };
        moment(call, "var_pop", statistic, engine::variance::var_pop_udaf())
    }),
    custom("corr", |call| {
        let statistic = Statistic::Correlation;
        moment(call, "corr", statistic, engine::correlation::corr_udaf())
    }),
    custom("covar_samp", |call| {
        let statistic = Statistic::Covariance { sample: true };
        moment(
            call,
            "covar_samp",
            statistic,
            engine::covariance::covar_samp_udaf(),
        )
    }),
    custom("covar_pop", |call| {
        let statistic = Statistic::Covariance { sample: false };
        moment(
            call,
            "covar_pop",
            statistic,
            engine::covariance::covar_pop_udaf(),
        )
    }),
    custom("regr_count", |call| {
        regression(call, engine::regr::regr_count_udaf(), DataType::Long)
    }),
    custom("regr_avgx", |call| {
        regression(call, engine::regr::regr_avgx_udaf(), DataType::Double)
    }),
    custom("regr_avgy", |call| {
        regression(call, engine::regr::regr_avgy_udaf(), DataType::Double)
    }),
    custom("regr_sxx", |call| {
        regression(call, engine::regr::regr_sxx_udaf(), DataType::Double)
    }),
    custom("regr_sxy", |call| {
        regression(call, engine::regr::regr_sxy_udaf(), DataType::Double)
    }),
    custom("regr_syy", |call| {
        regression(call, engine::regr::regr_syy_udaf(), DataType::Double)
    }),
    custom("regr_slope", |call| {
        regression(call, engine::regr::regr_slope_udaf(), DataType::Double)
    }),
    custom("regr_intercept", |call| {
        regression(call, engine::regr::regr_intercept_udaf(), DataType::Double)
    }),
    custom("regr_r2", |call| {
        let statistic = Statistic::Determination;
        moment(call, "regr_r2", statistic, engine::regr::regr_r2_udaf())
    }),
    custom("bool_and", |call| {
        boolean(call, engine::bool_and_or::bool_and_udaf())
    })
    .or(&["every"]),
    custom("bool_or", |call| {
        boolean(call, engine::bool_and_or::bool_or_udaf())
    })
    .or(&["some", "any"]),
    custom("bit_and", |call| {
        bits(call, engine::bit_and_or_xor::bit_and_udaf())
    }),
    custom("bit_or", |call| {
        bits(call, engine::bit_and_or_xor::bit_or_udaf())
    }),
    custom("bit_xor", |call| {
        bits(call, engine::bit_and_or_xor::bit_xor_udaf())
    }),
    custom("collect_union", collect_union),
    custom("bitmap_construct_agg", |call| {
        bitmap::aggregate(call, bitmap::Use::Construct)
    }),
    custom("bitmap_or_agg", |call| {
        bitmap::aggregate(call, bitmap::Use::Or)
    }),
    custom("bitmap_and_agg", |call| {
        bitmap::aggregate(call, bitmap::Use::And)
    }),
    custom("approx_count_distinct", approx_count_distinct),
    custom("percentile_approx", |call| percentile(call, true)).or(&["approx_percentile"]),
    custom("percentile", |call| percentile(call, false)).or(&["percentile_cont"]),
    custom("median", median),
    custom("mode", mode),
    custom("skewness", |call| shape(call, Summary::Skewness)),
    custom("kurtosis", |call| shape(call, Summary::Kurtosis)),
    custom("product", |call| shape(call, Summary::Product)),
    custom("string_agg", string_agg).or(&["listagg"]),
    custom("grouping", grouping),
    custom("grouping_id", grouping),
];

impl FunctionCall<'_> {
    /// An aggregate of DataFusion's over the arguments as they are.
    fn aggregate(&self, function: Arc<AggregateUDF>, arguments: Vec<Expr>) -> Expr {
        self.aggregate_ordered(function, arguments, Vec::new(), None)
    }

    fn aggregate_ordered(
        &self,
        function: Arc<AggregateUDF>,
        arguments: Vec<Expr>,
        order: Vec<Sort>,
        nulls: Option<NullTreatment>,
    ) -> Expr {
        let filter = self.filter.as_ref().map(|f| Box::new(f.expr.clone()));
        Expr::AggregateFunction(AggregateFunction::new_udf(
            function,
            arguments,
            self.distinct,
            filter,
            order,
            nulls,
        ))
    }

    /// The call's text, a filter included.
    fn aggregate_text(&self) -> String {
        self.filtered(self.text())
    }

    fn filtered(&self, text: String) -> String {
        match &self.filter {
            Some(filter) => format!("{text} FILTER (WHERE {})", filter.name),
            None => text,
        }
    }

    fn aggregate_value(&self, expr: Expr, data_type: DataType, nullable: bool) -> TypedExpr {
        TypedExpr::new(expr, data_type, nullable, self.aggregate_text())
    }
}

fn count(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, usize::MAX)?;
    let text = call.aggregate_text();
    let arguments = if call.arguments.len() == 1 {
        let only = call.arguments[0].clone();
        if only.constant().is_some_and(|v| !v.is_null()) {
            vec![datafusion::prelude::lit(1i64)]
        } else {
            vec![only.expr]
        }
    } else {
        // A row counts if none of its values is null.
        let mut conditions = Vec::new();
        for argument in call.arguments.clone() {
            conditions.push(call.apply("isnotnull", vec![argument])?);
        }
        let mut all = conditions.remove(0);
        for condition in conditions {
            all = call.apply("and", vec![all, condition])?;
        }
        let value = if call.distinct {
            let arguments = call.arguments.clone();
            call.apply("struct", arguments)?
        } else {
            call.analyzer.literal(&Literal::Long(1))?
        };
        vec![call.apply("when", vec![all, value])?.expr]
    };
    let expr = call.aggregate(engine::count::count_udaf(), arguments);
    Ok(TypedExpr::new(expr, DataType::Long, false, text))
}

fn count_if(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    call.convert(0, Arg::Boolean)?;
    let text = call.aggregate_text();
    let condition = call.arguments[0].clone();
    let one = call.analyzer.literal(&Literal::Long(1))?;
    let value = call.apply("when", vec![condition, one])?;
    let expr = call.aggregate(engine::count::count_udaf(), vec![value.expr]);
    Ok(TypedExpr::new(expr, DataType::Long, false, text))
}

fn sum(call: &mut FunctionCall<'_>, trying: bool) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    if is_ansi_interval(&call.arguments[0].data_type) {
        return interval::sum(call);
    }
    let text = call.aggregate_text();
    let (operand, result) = match &call.arguments[0].data_type {
        t if t.is_integral() => (DataType::Long, DataType::Long),
        DataType::Decimal { precision, scale } => {
            let result = bounded_decimal(i32::from(*precision) + 10, i32::from(*scale));
            (call.arguments[0].data_type.clone(), result)
        }
        DataType::Float | DataType::Double | DataType::String(_) | DataType::Null => {
            (DataType::Double, DataType::Double)
        }
        _ => return Err(call.unexpected_type(0, "\"NUMERIC\" or \"ANSI INTERVAL\"")),
    };
    let argument = call
        .analyzer
        .cast_implicitly(call.arguments[0].clone(), &operand)?;
    if operand != DataType::Long {
        let expr = call.aggregate(engine::sum::sum_udaf(), vec![argument.expr]);
        return Ok(TypedExpr::new(expr, result, true, text));
    }
    // Long sums are made of decimals, so that an overflow is seen at the end.
    let wide = DataType::Decimal {
        precision: 20,
        scale: 0,
    };
    let small = matches!(
        call.arguments[0].data_type,
        DataType::Byte | DataType::Short | DataType::Integer
    );
    if small {
        let expr = call.aggregate(engine::sum::sum_udaf(), vec![argument.expr]);
        return Ok(TypedExpr::new(expr, result, true, text));
    }
    let argument = call.analyzer.cast_implicitly(argument, &wide)?;
    let total = call.aggregate(engine::sum::sum_udaf(), vec![argument.expr]);
    let total = TypedExpr::new(total, bounded_decimal(30, 0), true, text.clone());
    let ansi = call.analyzer.context.ansi;
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let totals = inv.decimals(0)?;
        inv.build::<arrow::datatypes::Int64Type>(|row| match totals.get(row) {
            None => Ok(None),
            Some(total) => match i64::try_from(total) {
                Ok(total) => Ok(Some(total)),
                Err(_) if trying => Ok(None),
                Err(_) if ansi => Err(SparkError::arithmetic_overflow(
                    "long overflow",
                    Some("try_sum"),
                )),
                Err(_) => Ok(Some(total as i64)),
            },
        })
    });
    let expr = call.maker().call(
        "checked_sum",
        format!("{trying}"),
        kernel,
        &[total],
        DataType::Long,
        true,
    );
    Ok(TypedExpr::new(expr, result, true, text))
}

fn average(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    if is_ansi_interval(&call.arguments[0].data_type) {
        return interval::average(call);
    }
    let text = call.aggregate_text();
    let (operand, result) = match &call.arguments[0].data_type {
        DataType::Decimal { precision, scale } => {
            let result = bounded_decimal(i32::from(*precision) + 4, i32::from(*scale) + 4);
            (call.arguments[0].data_type.clone(), result)
        }
        t if t.is_numeric() || t.is_string() || *t == DataType::Null => {
            (DataType::Double, DataType::Double)
        }
        _ => return Err(call.unexpected_type(0, "\"NUMERIC\" or \"ANSI INTERVAL\"")),
    };
    let argument = call
        .analyzer
        .cast_implicitly(call.arguments[0].clone(), &operand)?;
    if let DataType::Decimal { .. } = operand {
        return Ok(average_of_decimals(call, argument, result).with_name(text));
    }
    let expr = call.aggregate(engine::average::avg_udaf(), vec![argument.expr]);
    Ok(TypedExpr::new(expr, result, true, text))
}

/// A sum divided by a count: the engine's own average cuts the last digit off instead of rounding it.
fn average_of_decimals(call: &FunctionCall<'_>, value: TypedExpr, result: DataType) -> TypedExpr {
    let DataType::Decimal { precision, scale } = value.data_type else {
        return value;
    };
    let total = call.aggregate(engine::sum::sum_udaf(), vec![value.expr.clone()]);
    let wide = bounded_decimal(i32::from(precision) + 10, i32::from(scale));
    let total = TypedExpr::new(total, wide, true, "sum");
    let count = call.aggregate(engine::count::count_udaf(), vec![value.expr]);
    let count = TypedExpr::new(count, DataType::Long, false, "count");
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (totals, counts) = (inv.decimals(0)?, inv.longs(1)?);
        let DataType::Decimal { scale: kept, .. } = *inv.result else {
            return Err(SparkError::internal("an average of decimals is a decimal"));
        };
        inv.build::<arrow::datatypes::Decimal128Type>(|row| {
            let pair = totals.get(row).zip(counts.get(row).filter(|n| *n > 0));
            Ok(pair.and_then(|(total, count)| {
                super::arithmetic::divide((total, scale), (i128::from(count), 0), kept)
            }))
        })
    });
    let arguments = [total, count];
    let expr = call.maker().call(
        "average_of_decimals",
        scale.to_string(),
        kernel,
        &arguments,
        result.clone(),
        true,
    );
    TypedExpr::new(expr, result, true, "")
}

fn is_ansi_interval(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::DayTimeInterval { .. } | DataType::YearMonthInterval { .. }
    )
}

fn extreme(call: &mut FunctionCall<'_>, function: Arc<AggregateUDF>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let argument = call.arguments[0].clone();
    if !coercion::is_orderable(&argument.data_type) {
        return Err(SparkError::invalid_ordering_type(
            &call.text(),
            &call.name,
            &sql_name(&argument.data_type),
        ));
    }
    if argument.data_type == DataType::Null {
        let text = call.aggregate_text();
        return Ok(call
            .analyzer
            .literal(&Literal::Null(DataType::Null))?
            .with_name(text));
    }
    call.distinct = false;
    let expr = call.aggregate(function, vec![argument.expr]);
    Ok(call.aggregate_value(expr, argument.data_type, true))
}

/// The value beside the least or greatest key.
fn by(call: &mut FunctionCall<'_>, least: bool) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    if call.arguments.len() == 3 {
        return several_by(call, least);
    }
    let [value, key] = [0, 1].map(|i| call.arguments[i].clone());
    if !coercion::is_orderable(&key.data_type) {
        return Err(SparkError::invalid_ordering_type(
            &call.text(),
            &call.name,
            &sql_name(&key.data_type),
        ));
    }
    let order = vec![Sort::new(key.expr, least, false)];
    let expr = call.aggregate_ordered(
        engine::first_last::first_value_udaf(),
        vec![value.expr],
        order,
        None,
    );
    Ok(call.aggregate_value(expr, value.data_type, true))
}

/// The values beside the `k` least or greatest keys, nearest first.
fn several_by(call: &mut FunctionCall<'_>, least: bool) -> Result<TypedExpr> {
    let text = call.aggregate_text();
    let [value, key] = [0, 1].map(|i| call.arguments[i].clone());
    let count = call.constant_integer(2, "k")?;
    let sort = Sort::new(key.expr.clone(), least, false);
    let present = Expr::IsNotNull(Box::new(key.expr));
    let filter = match &call.filter {
        Some(filter) => filter.expr.clone().and(present),
        None => present,
    };
    let expr = Expr::AggregateFunction(AggregateFunction::new_udf(
        engine::array_agg::array_agg_udaf(),
        vec![value.expr],
        false,
        Some(Box::new(filter)),
        vec![sort],
        None,
    ));
    let all = DataType::array(value.data_type, true);
    let all = TypedExpr::new(expr, all, true, text.clone());
    let one = call.analyzer.literal(&Literal::Integer(1))?;
    let count = call.analyzer.literal(&Literal::Integer(count as i32))?;
    Ok(call.apply("slice", vec![all, one, count])?.with_name(text))
}

fn positional(call: &mut FunctionCall<'_>, first: bool) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let ignore = call
        .arguments
        .get(1)
        .is_some_and(|a| a.expr == datafusion::prelude::lit(true));
    let value = call.arguments[0].clone();
    let text = call.filtered(format!("{}({})", call.name, value.name));
    let function = if first {
        engine::first_last::first_value_udaf()
    } else {
        engine::first_last::last_value_udaf()
    };
    let nulls = Some(if ignore {
        NullTreatment::IgnoreNulls
    } else {
        NullTreatment::RespectNulls
    });
    call.distinct = false;
    let expr = call.aggregate_ordered(function, vec![value.expr], Vec::new(), nulls);
    Ok(TypedExpr::new(expr, value.data_type, true, text))
}

fn collect(call: &mut FunctionCall<'_>, set: bool) -> Result<TypedExpr> {
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
fn collect_union(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.aggregate_text();
    if !matches!(call.arguments[0].data_type, DataType::Array { .. }) {
        return Err(call.unexpected_type(0, "\"ARRAY\""));
    }
    let all = collect(call, false)?;
    let flat = call.apply("flatten", vec![all])?;
    Ok(call.apply("array_distinct", vec![flat])?.with_name(text))
}

fn moment(
    call: &mut FunctionCall<'_>,
    name: &'static str,
    statistic: Statistic,
    distinct: Arc<AggregateUDF>,
) -> Result<TypedExpr> {
    let function = moments::function(name, statistic, distinct);
    if statistic.arguments() == 2 {
        return regression(call, function, DataType::Double);
    }
    call.arity(1, 1)?;
    let text = call.aggregate_text();
    call.convert(0, Arg::Double)?;
    let argument = call.arguments[0].expr.clone();
    let expr = call.aggregate(function, vec![argument]);
    Ok(TypedExpr::new(expr, DataType::Double, true, text))
}

fn regression(
    call: &mut FunctionCall<'_>,
    function: Arc<AggregateUDF>,
    result: DataType,
) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.aggregate_text();
    call.convert(0, Arg::Double)?;
    call.convert(1, Arg::Double)?;
    let arguments = call.arguments.iter().map(|a| a.expr.clone()).collect();
    let expr = call.aggregate(function, arguments);
    let nullable = result != DataType::Long;
    let expr = if nullable {
        expr
    } else {
        datafusion::logical_expr::cast(expr, arrow::datatypes::DataType::Int64)
    };
    Ok(TypedExpr::new(expr, result, nullable, text))
}

fn boolean(call: &mut FunctionCall<'_>, function: Arc<AggregateUDF>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.aggregate_text();
    if !matches!(
        call.arguments[0].data_type,
        DataType::Boolean | DataType::Null
    ) {
        return Err(call.unexpected_type(0, "\"BOOLEAN\""));
    }
    call.convert(0, Arg::Boolean)?;
    let argument = call.arguments[0].expr.clone();
    let expr = call.aggregate(function, vec![argument]);
    Ok(TypedExpr::new(expr, DataType::Boolean, true, text))
}

fn bits(call: &mut FunctionCall<'_>, function: Arc<AggregateUDF>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.aggregate_text();
    call.convert(0, Arg::Integral)?;
    let argument = call.arguments[0].clone();
    let expr = call.aggregate(function, vec![argument.expr]);
    Ok(TypedExpr::new(expr, argument.data_type, true, text))
}

/// A double that is computed from a summary of the group's doubles.
fn shape(call: &mut FunctionCall<'_>, summary: Summary) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    if call.distinct {
        // A summary cannot tell what it has seen.
        return over_doubles(call, &format!("{summary:?}"), move |values| {
            summary.of_doubles(values)
        });
    }
    let text = call.aggregate_text();
    call.convert(0, Arg::Double)?;
    let argument = call.arguments[0].expr.clone();
    let expr = call.aggregate(summary.function(), vec![argument]);
    Ok(TypedExpr::new(expr, DataType::Double, true, text))
}

fn approx_count_distinct(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let name = call.arguments[0].name.clone();
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let text = call.filtered(format!("{}({distinct}{name})", call.name));
    let precision = precision(call)?;
    // What is seen twice makes no difference.
    call.distinct = false;
    let value = call.arguments[0].clone();
    let hash = call.apply("xxhash64", vec![value.clone()])?;
    let present = Expr::IsNotNull(Box::new(value.expr));
    let present = match &call.filter {
        Some(filter) => filter.expr.clone().and(present),
        None => present,
    };
    call.filter = Some(TypedExpr::new(present, DataType::Boolean, false, name));
    let function = Summary::DistinctEstimate(precision).function();
    let expr = call.aggregate(function, vec![hash.expr]);
    Ok(TypedExpr::new(expr, DataType::Long, false, text))
}

/// How exact an estimate is asked for, by its relative standard deviation.
fn precision(call: &FunctionCall<'_>) -> Result<Precision> {
    const DEVIATION_DEFAULT: f64 = 0.05;
    let deviation = match call.arguments.get(1) {
        None => DEVIATION_DEFAULT,
        Some(argument) => {
            let value = call.analyzer.evaluate(argument)?;
            let value = value.cast_to(&arrow::datatypes::DataType::Float64)?;
            let ScalarValue::Float64(Some(deviation)) = value else {
                return Err(call.unexpected_type(1, "\"DOUBLE\""));
            };
            deviation
        }
    };
    Precision::of_deviation(deviation).ok_or_else(|| {
        SparkError::mismatch(
            "VALUE_OUT_OF_RANGE",
            &call.text(),
            "HLL++ requires at least 4 bits for addressing. Use a lower error, at most 27%.",
        )
    })
}

/// All values of a group: what percentiles and modes are computed from.
fn gathered(call: &FunctionCall<'_>, value: &TypedExpr) -> TypedExpr {
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
        vec![],
        None,
    ));
    TypedExpr::new(
        expr,
        DataType::array(value.data_type.clone(), false),
        true,
        value.name.clone(),
    )
}

fn string_agg(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let name = call.name.clone();
    let delimiter = match call.arguments.get(1) {
        Some(delimiter) => delimiter.clone(),
        None => call.analyzer.literal(&Literal::String(String::new()))?,
    };
    let text = call.filtered(if call.arguments.len() == 1 {
        format!("{name}({}, NULL)", call.arguments[0].name)
    } else {
        call.text()
    });
    call.arguments.truncate(1);
    let is_binary = call.arguments[0].data_type == DataType::Binary;
    if !is_binary {
        call.convert(0, Arg::Str)?;
    }
    let value = call.arguments[0].clone();
    let values = gathered(call, &value);
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

/// Which set of a rollup, cube or grouping sets a row belongs to; the analyzer puts the set's bits in its place.
fn grouping(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let data_type = if call.name == "grouping" {
        DataType::Byte
    } else {
        DataType::Long
    };
    let name = call.name.clone();
    let value = call.call(&name, data_type, false, |_| {
        Err(SparkError::mismatch(
            "UNSUPPORTED_GROUPING_EXPRESSION",
            "grouping",
            "grouping()/grouping_id() can only be used with GroupingSets/Cube/Rollup.",
        ))
    });
    Ok(value)
}
