//! Aggregate functions.
//!
//! What the engine below computes as Spark does is called as it is; the rest is made of it (a decimal's average of a sum
//! and a count), of all values of a group (`collect`), or of accumulators of our own (`moments`, `summary`). Start at
//! [`FUNCTIONS`].

mod bitmap;
mod collect;
mod count;
mod distribution;
mod interval;
mod moments;
mod selected;
mod statistics;
mod sum;
mod summary;

use std::sync::Arc;

use datafusion::functions_aggregate as engine;
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment, Sort};
use datafusion::logical_expr::{AggregateUDF, Expr};

use collect::{collect, collect_union, string_agg};
use count::{approx_count_distinct, count, count_if};
use distribution::{median, mode, percentile, percentile_of_order};
use moments::Statistic;
use selected::{by, extreme, positional};
use statistics::{moment, regression, shape};
use sum::{average, sum};
use summary::Summary;

use super::{Arg, Function, FunctionCall, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::DataType;

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
    custom("percentile", |call| percentile(call, false)),
    custom("percentile_cont", |call| percentile_of_order(call, false)),
    custom("percentile_disc", |call| percentile_of_order(call, true)),
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

/// Which set of a rollup, cube or grouping sets a row belongs to; the analyzer puts the set's bits in its place.
fn grouping(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let data_type = if call.name == "grouping" {
        DataType::Byte
    } else {
        DataType::Long
    };
    let name = call.name.clone();
    let value = call.call(&name, data_type, false, |_| {
        Err(SparkError::unsupported_grouping_expression())
    });
    Ok(value)
}
