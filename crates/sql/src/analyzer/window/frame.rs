//! Frames of windows: which rows around a row a function sees.
//!
//! Start at [`Analyzer::frame`].

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{
    Expr, WindowFrame as EngineFrame, WindowFrameBound, WindowFrameUnits,
};

use super::Ordering;
use crate::analyzer::{Analyzer, Scope, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, FrameBoundary, FrameUnits, WindowFrame};

impl Analyzer {
    pub(super) fn frame(
        &mut self,
        scope: &Scope,
        frame: Option<&WindowFrame>,
        orders: &[Ordering],
        is_ranking: bool,
    ) -> Result<(EngineFrame, String)> {
        let Some(frame) = frame else {
            let current = if is_ranking && !orders.is_empty() {
                WindowFrameUnits::Rows
            } else {
                WindowFrameUnits::Range
            };
            let text = match (is_ranking, orders.is_empty()) {
                (true, _) => "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
                (false, false) => "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
                (false, true) => "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
            };
            let start = WindowFrameBound::Preceding(ScalarValue::Null);
            let engine = if orders.is_empty() {
                let (units, null) = (WindowFrameUnits::Rows, ScalarValue::UInt64(None));
                EngineFrame::new_bounds(
                    units,
                    WindowFrameBound::Preceding(null.clone()),
                    WindowFrameBound::Following(null),
                )
            } else if current == WindowFrameUnits::Rows {
                EngineFrame::new_bounds(
                    current,
                    WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
                    WindowFrameBound::CurrentRow,
                )
            } else {
                EngineFrame::new_bounds(current, start, WindowFrameBound::CurrentRow)
            };
            return Ok((engine, separated(text)));
        };
        let units = match frame.units {
            FrameUnits::Rows => WindowFrameUnits::Rows,
            FrameUnits::Range => WindowFrameUnits::Range,
        };
        let (lower, lower_text, lower_type) = self.boundary(scope, &frame.lower, units, orders)?;
        let (upper, upper_text, upper_type) = self.boundary(scope, &frame.upper, units, orders)?;
        if let (Some(lower), Some(upper), FrameUnits::Range) = (lower_type, upper_type, frame.units)
            && lower != upper
        {
            return Err(SparkError::mismatch(
                "SPECIFIED_WINDOW_FRAME_DIFF_TYPES",
                &format!("RANGE BETWEEN {lower_text} AND {upper_text}"),
                "the bounds of the window frame have different types.",
            ));
        }
        let word = if units == WindowFrameUnits::Rows {
            "ROWS"
        } else {
            "RANGE"
        };
        let unbounded = matches!(
            (&frame.lower, &frame.upper),
            (
                FrameBoundary::UnboundedPreceding,
                FrameBoundary::UnboundedFollowing
            )
        );
        let engine = if unbounded || (units == WindowFrameUnits::Range && orders.is_empty()) {
            let null = ScalarValue::UInt64(None);
            EngineFrame::new_bounds(
                WindowFrameUnits::Rows,
                WindowFrameBound::Preceding(null.clone()),
                WindowFrameBound::Following(null),
            )
        } else {
            EngineFrame::new_bounds(units, lower, upper)
        };
        Ok((
            engine,
            separated(&format!("{word} BETWEEN {lower_text} AND {upper_text}")),
        ))
    }

    fn boundary(
        &mut self,
        scope: &Scope,
        boundary: &FrameBoundary,
        units: WindowFrameUnits,
        orders: &[Ordering],
    ) -> Result<(WindowFrameBound, String, Option<DataType>)> {
        let unbounded = match units {
            WindowFrameUnits::Rows => ScalarValue::UInt64(None),
            _ => ScalarValue::Null,
        };
        let (offset, negate) = match boundary {
            FrameBoundary::UnboundedPreceding => {
                return Ok((
                    WindowFrameBound::Preceding(unbounded),
                    "UNBOUNDED PRECEDING".to_owned(),
                    None,
                ));
            }
            FrameBoundary::UnboundedFollowing => {
                return Ok((
                    WindowFrameBound::Following(unbounded),
                    "UNBOUNDED FOLLOWING".to_owned(),
                    None,
                ));
            }
            FrameBoundary::CurrentRow => {
                let text = "CURRENT ROW".to_owned();
                return Ok((WindowFrameBound::CurrentRow, text, None));
            }
            FrameBoundary::Preceding(e) => (e, true),
            FrameBoundary::Following(e) | FrameBoundary::Offset(e) => (e, false),
        };
        let typed = self.expression(scope, offset)?;
        let value = self.evaluate(&typed)?;
        let (preceding, magnitude) = signed(&value, negate).ok_or_else(|| {
            SparkError::unsupported_feature("a window frame whose bound is not a number")
        })?;
        if magnitude.is_none() {
            let text = "CURRENT ROW".to_owned();
            return Ok((WindowFrameBound::CurrentRow, text, None));
        }
        let magnitude = magnitude.unwrap_or(ScalarValue::Null);
        // A number counts onwards, whatever its sign; only SQL has a word for backwards.
        let text = match boundary {
            FrameBoundary::Offset(_) if preceding => format!("-{magnitude} FOLLOWING"),
            _ if preceding => format!("{magnitude} PRECEDING"),
            _ => format!("{magnitude} FOLLOWING"),
        };
        let bound = match units {
            WindowFrameUnits::Rows => magnitude.cast_to(&arrow::datatypes::DataType::UInt64)?,
            _ => range_bound(magnitude, &typed.data_type, orders)?,
        };
        let bound = if preceding {
            WindowFrameBound::Preceding(bound)
        } else {
            WindowFrameBound::Following(bound)
        };
        Ok((bound, text, Some(typed.data_type)))
    }
}

/// True of rows from one place to another before it: the engine refuses such a frame, and nothing is in it.
pub(super) fn selects_no_row(frame: &EngineFrame) -> bool {
    let place = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::CurrentRow => Some(0i128),
        WindowFrameBound::Preceding(ScalarValue::UInt64(Some(n))) => Some(-i128::from(*n)),
        WindowFrameBound::Following(ScalarValue::UInt64(Some(n))) => Some(i128::from(*n)),
        _ => None,
    };
    let bounds = place(&frame.start_bound).zip(place(&frame.end_bound));
    frame.units == WindowFrameUnits::Rows && bounds.is_some_and(|(start, end)| start > end)
}

pub(super) fn is_shifted(function: &TypedExpr) -> bool {
    let name = function.name.to_ascii_lowercase();
    name.starts_with("lag(") || name.starts_with("lead(")
}

/// Functions that rank have a frame of their own, and another one is refused.
pub(super) fn check_ranking_frame(function: &TypedExpr, frame: Option<&WindowFrame>) -> Result<()> {
    let Some(frame) = frame else { return Ok(()) };
    let is_cumulative = function.name.to_ascii_lowercase().starts_with("cume_dist");
    let units = if is_cumulative {
        FrameUnits::Range
    } else {
        FrameUnits::Rows
    };
    let same = frame.units == units
        && frame.lower == FrameBoundary::UnboundedPreceding
        && frame.upper == FrameBoundary::CurrentRow;
    match same {
        true => Ok(()),
        false => Err(SparkError::window_frame_mismatch(&function.name)),
    }
}

/// A range counts from the value of the one column that orders the rows.
pub(super) fn check_range(frame: &WindowFrame, orders: &[Ordering], text: &str) -> Result<()> {
    let counts = |boundary: &FrameBoundary| {
        matches!(
            boundary,
            FrameBoundary::Preceding(_) | FrameBoundary::Following(_) | FrameBoundary::Offset(_)
        )
    };
    let detail = match orders.len() {
        0 => "RANGE_FRAME_WITHOUT_ORDER",
        1 => return Ok(()),
        _ if counts(&frame.lower) || counts(&frame.upper) => "RANGE_FRAME_MULTI_ORDER",
        _ => return Ok(()),
    };
    Err(SparkError::mismatch(
        detail,
        text,
        "a range window frame with value boundaries needs exactly one expression to be ordered by.",
    ))
}

/// The distance of a range's bound, in the type that the engine compares with the order's values.
fn range_bound(
    magnitude: ScalarValue,
    data_type: &DataType,
    orders: &[Ordering],
) -> Result<ScalarValue> {
    let Some(order) = orders.first() else {
        return Ok(magnitude);
    };
    let order = &order.typed.data_type;
    let interval = |months, days| {
        let value = arrow::datatypes::IntervalMonthDayNano::new(months, days, 0);
        ScalarValue::IntervalMonthDayNano(Some(value))
    };
    let refused = || {
        SparkError::mismatch(
            "RANGE_FRAME_INVALID_TYPE",
            "RANGE",
            "the type of the order does not go with the type of the range frame.",
        )
    };
    match (order, data_type, &magnitude) {
        (DataType::Date, days, ScalarValue::Int64(Some(count))) if days.is_integral() => {
            let count = i32::try_from(*count).map_err(|_| refused())?;
            Ok(interval(0, count))
        }
        (order, DataType::YearMonthInterval { .. }, ScalarValue::Int64(Some(months)))
            if order.is_datetime() =>
        {
            let months = i32::try_from(*months).map_err(|_| refused())?;
            Ok(interval(months, 0))
        }
        (order, data_type, _) if order.is_numeric() && data_type.is_numeric() => {
            Ok(magnitude.cast_to(&crate::functions::udf::internal_arrow(order))?)
        }
        (order, data_type, _) if order.is_datetime() && data_type.is_interval() => Ok(magnitude),
        _ => Err(refused()),
    }
}

/// How Spark writes the frame of functions that have one of their own.
pub(super) fn own_frame(function: &TypedExpr, frame: Option<&WindowFrame>) -> Option<String> {
    if frame.is_some() {
        return None;
    }
    let name = function.name.split('(').next()?.to_ascii_lowercase();
    if name == "cume_dist" {
        return Some("RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned());
    }
    let Expr::WindowFunction(window) = &function.expr else {
        return None;
    };
    let sign = match name.as_str() {
        "lag" => -1,
        "lead" => 1,
        _ => return None,
    };
    let Some(Expr::Literal(ScalarValue::Int64(Some(offset)), _)) = window.params.args.get(1) else {
        return None;
    };
    let bound = format!("{} FOLLOWING", sign * offset);
    Some(format!("ROWS BETWEEN {bound} AND {bound}"))
}

pub(super) fn separated(text: &str) -> String {
    text.to_owned()
}

/// Whether an offset lies before the row, and how far; no distance if it is zero.
fn signed(value: &ScalarValue, negate: bool) -> Option<(bool, Option<ScalarValue>)> {
    let distance = match value {
        ScalarValue::Int8(Some(v)) => i64::from(*v),
        ScalarValue::Int16(Some(v)) => i64::from(*v),
        ScalarValue::Int32(Some(v)) => i64::from(*v),
        ScalarValue::Int64(Some(v)) => *v,
        ScalarValue::IntervalYearMonth(Some(v)) => i64::from(*v),
        ScalarValue::Decimal128(Some(v), precision, scale) => {
            let v = if negate { -*v } else { *v };
            let distance = ScalarValue::Decimal128(Some(v.abs()), *precision, *scale);
            return Some((v < 0, (v != 0).then_some(distance)));
        }
        ScalarValue::Float64(Some(v)) => {
            let v = if negate { -v } else { *v };
            return Some((
                v < 0.0,
                (v != 0.0).then(|| ScalarValue::Float64(Some(v.abs()))),
            ));
        }
        ScalarValue::DurationMicrosecond(Some(v)) => {
            let v = if negate { -v } else { *v };
            let nanos =
                arrow::datatypes::IntervalMonthDayNano::new(0, 0, v.abs().saturating_mul(1000));
            return Some((
                v < 0,
                (v != 0).then_some(ScalarValue::IntervalMonthDayNano(Some(nanos))),
            ));
        }
        _ => return None,
    };
    let distance = if negate { -distance } else { distance };
    Some((
        distance < 0,
        (distance != 0).then(|| ScalarValue::Int64(Some(distance.abs()))),
    ))
}
