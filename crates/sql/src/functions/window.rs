//! Window functions: what only `OVER` gives a meaning, and the windows of event time.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::functions_window::{cume_dist, lead_lag, nth_value, ntile, rank, row_number};
use datafusion::logical_expr::expr::{NullTreatment, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{Expr, WindowFrameBound, WindowUDF};

use super::{Arg, Function, FunctionCall, Invocation, Nulls, custom};
use crate::analyzer::{PendingWindow, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, StructField};

pub(super) const FUNCTIONS: &[Function] = &[
    custom("row_number", |call| {
        ranking(call, row_number::row_number_udwf(), DataType::Integer)
    }),
    custom("rank", |call| {
        ranking(call, rank::rank_udwf(), DataType::Integer)
    })
    .shown("RANK"),
    custom("dense_rank", |call| {
        ranking(call, rank::dense_rank_udwf(), DataType::Integer)
    })
    .shown("DENSE_RANK"),
    custom("percent_rank", |call| {
        ranking(call, rank::percent_rank_udwf(), DataType::Double)
    })
    .shown("PERCENT_RANK"),
    custom("cume_dist", |call| {
        ranking(call, cume_dist::cume_dist_udwf(), DataType::Double)
    }),
    custom("ntile", tile),
    custom("lag", |call| shifted(call, lead_lag::lag_udwf())),
    custom("lead", |call| shifted(call, lead_lag::lead_udwf())),
    custom("nth_value", nth),
    custom("window", time_window),
    custom("window_time", window_time).nulls(Nulls::Always),
];

/// True of a window function that has not been given its window: the frame that [`bare`] makes is no frame of a user.
pub(crate) fn is_bare(params: &WindowFunctionParams) -> bool {
    params.partition_by.is_empty()
        && params.order_by.is_empty()
        && matches!(
            params.window_frame.start_bound,
            WindowFrameBound::CurrentRow
        )
        && matches!(params.window_frame.end_bound, WindowFrameBound::CurrentRow)
}

/// A window function that `OVER` completes.
fn bare(function: Arc<WindowUDF>, arguments: Vec<Expr>, nulls: Option<NullTreatment>) -> Expr {
    let mut window = WindowFunction::new(function, arguments);
    window.params.null_treatment = nulls;
    window.params.window_frame = datafusion::logical_expr::WindowFrame::new_bounds(
        datafusion::logical_expr::WindowFrameUnits::Rows,
        WindowFrameBound::CurrentRow,
        WindowFrameBound::CurrentRow,
    );
    Expr::WindowFunction(Box::new(window))
}

fn ranking(
    call: &mut FunctionCall<'_>,
    function: Arc<WindowUDF>,
    data_type: DataType,
) -> Result<TypedExpr> {
    call.arity(0, 0)?;
    let expr = bare(function, Vec::new(), None);
    Ok(integers(call, expr, data_type))
}

/// Ranks are 32 bits wide in Spark.
fn integers(call: &FunctionCall<'_>, expr: Expr, data_type: DataType) -> TypedExpr {
    let expr = match data_type {
        DataType::Integer => datafusion::logical_expr::cast(expr, ArrowType::Int32),
        _ => expr,
    };
    call.value(expr, data_type, false)
}

fn tile(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    call.convert(0, Arg::Int)?;
    let count = call
        .analyzer
        .cast_implicitly(call.arguments[0].clone(), &DataType::Long)?;
    let count = call.analyzer.fold(count);
    if count.constant_integer().is_some_and(|count| count <= 0) {
        return Err(SparkError::mismatch(
            "VALUE_OUT_OF_RANGE",
            &call.text(),
            "the number of buckets must be positive.",
        ));
    }
    let expr = bare(ntile::ntile_udwf(), vec![count.expr], None);
    Ok(integers(call, expr, DataType::Integer))
}

fn shifted(call: &mut FunctionCall<'_>, function: Arc<WindowUDF>) -> Result<TypedExpr> {
    call.arity(1, 4)?;
    let text = {
        let mut names: Vec<String> = call.arguments.iter().map(|a| a.name.clone()).collect();
        if names.len() < 2 {
            names.push("1".to_owned());
        }
        if names.len() < 3 {
            names.push("NULL".to_owned());
        }
        format!("{}({})", call.name, names[..3].join(", "))
    };
    let value = call.arguments[0].clone();
    let offset = match call.arguments.get(1) {
        Some(offset) => {
            let offset = call
                .analyzer
                .cast_implicitly(offset.clone(), &DataType::Long)?;
            call.analyzer.fold(offset).expr
        }
        None => datafusion::prelude::lit(1i64),
    };
    let default = match call.arguments.get(2) {
        Some(default) => {
            let default = call
                .analyzer
                .cast_implicitly(default.clone(), &value.data_type)?;
            call.analyzer.fold(default)
        }
        None => call
            .analyzer
            .literal(&crate::ir::Literal::Null(value.data_type.clone()))?,
    };
    let ignore = call
        .arguments
        .get(3)
        .is_some_and(|a| a.expr == datafusion::prelude::lit(true));
    let nullable = value.nullable || default.nullable;
    let nulls = ignore.then_some(NullTreatment::IgnoreNulls);
    let expr = bare(
        function,
        vec![value.expr.clone(), offset, default.expr],
        nulls,
    );
    Ok(TypedExpr::new(expr, value.data_type, nullable, text))
}

fn nth(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let value = call.arguments[0].clone();
    let place = call
        .analyzer
        .cast_implicitly(call.arguments[1].clone(), &DataType::Long)?;
    let place = call.analyzer.fold(place);
    let ignore = call
        .arguments
        .get(2)
        .is_some_and(|a| a.expr == datafusion::prelude::lit(true));
    let text = format!(
        "nth_value({}, {}){}",
        value.name,
        place.name,
        if ignore { " ignore nulls" } else { "" }
    );
    let nulls = ignore.then_some(NullTreatment::IgnoreNulls);
    let expr = bare(
        nth_value::nth_value_udwf(),
        vec![value.expr.clone(), place.expr],
        nulls,
    );
    Ok(TypedExpr::new(expr, value.data_type, true, text))
}

/// `window(time, size [, slide [, start]])`.
fn time_window(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 4)?;
    let text = "window".to_owned();
    if matches!(&call.arguments[0].data_type, DataType::Struct(_)) {
        // The window of a window: its time is the last moment inside.
        let window = call.arguments[0].clone();
        call.arguments[0] = call.apply("window_time", vec![window])?;
    }
    if call.arguments[0].data_type != DataType::TimestampNtz {
        call.convert(0, Arg::Timestamp)?;
    }
    let time = call.arguments[0].clone();
    let duration = |call: &FunctionCall<'_>, index: usize| -> Result<Option<i64>> {
        match call.arguments.get(index) {
            None => Ok(None),
            Some(argument) => duration_micros(argument).map(Some),
        }
    };
    let size = duration(call, 1)?.unwrap_or_default();
    let slide = duration(call, 2)?.unwrap_or(size);
    let start = duration(call, 3)?.unwrap_or(0);
    check_window(call, size, slide, start)?;
    let fields = vec![
        StructField::new("start", time.data_type.clone(), true),
        StructField::new("end", time.data_type.clone(), true),
    ];
    let structure = DataType::structure(fields);
    let overlapping = slide != size;
    let data_type = if overlapping {
        DataType::array(structure.clone(), false)
    } else {
        structure.clone()
    };
    let kernel = Arc::new(move |inv: &Invocation<'_>| windows(inv, size, slide, start));
    let expr = call.maker().call(
        if overlapping { "windows" } else { "window" },
        format!("{size} {slide} {start}"),
        kernel,
        std::slice::from_ref(&time),
        data_type.clone(),
        false,
    );
    let value = TypedExpr::new(expr, data_type, false, text.clone());
    let mut named = TypedExpr::new(datafusion::prelude::lit(0), structure, false, text);
    named.named = Some("window".to_owned());
    let attribute = call.analyzer.new_attribute(&named);
    Ok(call.analyzer.window_column(PendingWindow {
        attribute,
        value,
        overlapping,
        time,
    }))
}

fn check_window(call: &FunctionCall<'_>, size: i64, slide: i64, start: i64) -> Result<()> {
    let text = call.text();
    if size <= 0 || slide <= 0 {
        return Err(SparkError::mismatch(
            "VALUE_OUT_OF_RANGE",
            &text,
            "the window and slide durations must be positive.",
        ));
    }
    if slide > size {
        return Err(SparkError::mismatch(
            "PARAMETER_CONSTRAINT_VIOLATION",
            &text,
            "the slide duration must not exceed the window duration.",
        ));
    }
    if start.abs() >= slide {
        return Err(SparkError::mismatch(
            "PARAMETER_CONSTRAINT_VIOLATION",
            &text,
            "the start time must be smaller than the slide duration.",
        ));
    }
    Ok(())
}

/// A constant interval in microseconds.
fn duration_micros(argument: &TypedExpr) -> Result<i64> {
    let not_constant =
        || SparkError::not_foldable("window", "windowDuration", "INTERVAL", &argument.name);
    if let Some(text) = argument.constant_string() {
        let (months, days, micros) = crate::cast::interval_from_text(text)
            .ok_or_else(|| SparkError::invalid_interval(text))?;
        if months != 0 {
            return Err(SparkError::invalid_interval(text));
        }
        return Ok(i64::from(days) * crate::time::MICROS_PER_DAY + micros);
    }
    match argument.constant().ok_or_else(not_constant)? {
        datafusion::common::ScalarValue::DurationMicrosecond(Some(micros)) => Ok(*micros),
        datafusion::common::ScalarValue::Int64(Some(micros)) => Ok(*micros),
        datafusion::common::ScalarValue::Int32(Some(micros)) => Ok(i64::from(*micros)),
        datafusion::common::ScalarValue::IntervalMonthDayNano(Some(v)) if v.months == 0 => {
            Ok(i64::from(v.days) * crate::time::MICROS_PER_DAY + v.nanoseconds / 1000)
        }
        _ => Err(not_constant()),
    }
}

/// The window of each time, or all windows that overlap it, latest first.
fn windows(inv: &Invocation<'_>, size: i64, slide: i64, start: i64) -> Result<ArrayRef> {
    let times = inv.expanded(0)?;
    let times = times.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
    let last_start = |t: i64| t - (t - start).rem_euclid(slide);
    let count = if slide == size {
        1
    } else {
        (size + slide - 1) / slide
    };
    let (mut starts, mut lengths) = (Vec::new(), Vec::new());
    for row in 0..times.len() {
        let mut found = 0;
        if !times.is_null(row) {
            let t = times.value(row);
            for i in 0..count {
                let s = last_start(t) - i * slide;
                if s + size > t {
                    starts.push(s);
                    found += 1;
                }
            }
        } else if slide == size {
            starts.push(0);
            found = 1;
        }
        lengths.push(found);
    }
    let structure = |fields: &arrow::datatypes::Fields| -> Result<StructArray> {
        let ends: TimestampMicrosecondArray = starts.iter().map(|s| Some(s + size)).collect();
        let begin: TimestampMicrosecondArray = starts.iter().map(|s| Some(*s)).collect();
        let kind = fields[0].data_type().clone();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(begin.with_data_type(kind.clone())),
            Arc::new(ends.with_data_type(kind)),
        ];
        Ok(StructArray::try_new(fields.clone(), columns, None)?)
    };
    match inv.return_type {
        ArrowType::Struct(fields) => Ok(Arc::new(structure(fields)?)),
        ArrowType::List(field) => {
            let ArrowType::Struct(fields) = field.data_type() else {
                return Err(SparkError::internal("not a struct"));
            };
            let offsets = arrow::buffer::OffsetBuffer::from_lengths(lengths);
            Ok(Arc::new(ListArray::try_new(
                field.clone(),
                offsets,
                Arc::new(structure(fields)?),
                None,
            )?))
        }
        other => Err(SparkError::internal(format!("a window as {other}"))),
    }
}

/// The last microsecond of a window: the event time of what was aggregated by it.
fn window_time(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let window = call.arguments[0].clone();
    let DataType::Struct(fields) = &window.data_type else {
        return Err(call.unexpected_type(0, "\"STRUCT\""));
    };
    let Some(end) = fields.index_of("end") else {
        return Err(call.unexpected_type(0, "\"STRUCT\""));
    };
    let data_type = fields.fields[end].data_type.clone();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let structure = inv.expanded(0)?;
        let structure = structure.as_struct();
        let ends = structure
            .column(end)
            .as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
        inv.build::<arrow::datatypes::TimestampMicrosecondType>(|row| {
            Ok((!structure.is_null(row) && !ends.is_null(row)).then(|| ends.value(row) - 1))
        })
    });
    let nullable = window.nullable;
    let value = call.call_keyed("window_time", &end.to_string(), data_type, nullable, kernel);
    Ok(value.with_name(format!("window_time({})", window.name)))
}
