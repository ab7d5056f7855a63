//! Window expressions: `function OVER (PARTITION BY … ORDER BY … frame)`.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{
    AggregateFunction, Sort, WindowFunction, WindowFunctionParams,
};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, WindowFrame as EngineFrame, WindowFrameBound,
    WindowFrameUnits, WindowFunctionDefinition,
};

use super::expression::{has_aggregate, has_window};
use super::{Analyzed, Analyzer, Scope, TypedExpr, next_id};
use crate::error::{Result, SparkError};
use crate::ir::{
    DataType, Expression, FrameBoundary, FrameUnits, NullOrdering, SortDirection, SortOrder,
    WindowFrame,
};

/// An ordering whose expression is known.
pub(crate) struct Ordering {
    pub(crate) typed: TypedExpr,
    pub(crate) ascending: bool,
    pub(crate) nulls_first: bool,
}

impl Ordering {
    pub(crate) fn sort(&self) -> Sort {
        Sort::new(self.typed.expr.clone(), self.ascending, self.nulls_first)
    }

    /// `a ASC NULLS FIRST`.
    pub(crate) fn text(&self) -> String {
        let direction = if self.ascending { "ASC" } else { "DESC" };
        let nulls = if self.nulls_first { "FIRST" } else { "LAST" };
        format!("{} {direction} NULLS {nulls}", self.typed.name)
    }
}

impl Analyzer {
    pub(crate) fn orderings(
        &mut self,
        scope: &Scope,
        orders: &[SortOrder],
    ) -> Result<Vec<Ordering>> {
        orders
            .iter()
            .map(|order| self.ordering(scope, order))
            .collect()
    }

    pub(crate) fn ordering(&mut self, scope: &Scope, order: &SortOrder) -> Result<Ordering> {
        let typed = self.expression(scope, &order.child);
        let typed = typed.map_err(|error| error.in_clause("Sort"))?;
        if !crate::types::coercion::is_orderable(&typed.data_type) {
            let name = crate::types::sql_name(&typed.data_type);
            return Err(SparkError::invalid_ordering_type(
                &typed.name,
                "sortorder",
                &name,
            ));
        }
        let ascending = order.direction == SortDirection::Ascending;
        let nulls_first = match order.nulls {
            Some(NullOrdering::First) => true,
            Some(NullOrdering::Last) => false,
            None => ascending,
        };
        Ok(Ordering {
            typed: self.sortable(typed)?,
            ascending,
            nulls_first,
        })
    }

    /// Doubles with one zero, so that Arrow's order is Spark's.
    pub(crate) fn sortable(&mut self, typed: TypedExpr) -> Result<TypedExpr> {
        if !matches!(typed.data_type, DataType::Double | DataType::Float) {
            return Ok(typed);
        }
        let normal = crate::functions::FunctionCall::normalize_float(self, &typed)?;
        Ok(typed.replaced(normal, typed.data_type.clone(), typed.nullable))
    }

    pub(crate) fn window(
        &mut self,
        scope: &Scope,
        function: &Expression,
        partition_by: &[Expression],
        order_by: &[SortOrder],
        frame: Option<&WindowFrame>,
    ) -> Result<TypedExpr> {
        let function = self.expression(scope, function);
        let function = function.map_err(SparkError::lateral_alias_in_window)?;
        check_function(&function)?;
        let partitions = self.expressions(scope, partition_by)?;
        let orders = self.orderings(scope, order_by)?;
        let text = specification_text(&partitions, &orders);
        let is_ranking = self.is_ranking(&function);
        if is_ranking && orders.is_empty() {
            return Err(SparkError::window_function_needs_order(&function.name));
        }
        if is_ranking && !is_shifted(&function) {
            check_ranking_frame(&function, frame)?;
        }
        if let Some(frame) = frame
            && frame.units == FrameUnits::Range
        {
            check_range(frame, &orders, &text)?;
        }
        let (engine_frame, frame_text) = self.frame(scope, frame, &orders, is_ranking)?;
        let is_empty = selects_no_row(&engine_frame);
        let engine_frame = match is_empty {
            true => EngineFrame::new(None),
            false => engine_frame,
        };
        let frame_text = match own_frame(&function, frame) {
            Some(text) => separated(&text),
            None => frame_text,
        };
        let partition_exprs: Vec<Expr> = partitions.iter().map(|p| p.expr.clone()).collect();
        let sorts: Vec<Sort> = orders.iter().map(Ordering::sort).collect();
        let mut found = false;
        // What stands inside of an aggregate belongs to the GROUP BY below.
        let expr = function.expr.clone().transform_down(|expr| {
            Ok(match expr {
                Expr::AggregateFunction(AggregateFunction { func, params }) => {
                    found = true;
                    let window = Expr::WindowFunction(Box::new(WindowFunction {
                        fun: WindowFunctionDefinition::AggregateUDF(func),
                        params: WindowFunctionParams {
                            args: params.args,
                            partition_by: partition_exprs.clone(),
                            order_by: sorts.clone(),
                            window_frame: engine_frame.clone(),
                            filter: match is_empty {
                                true => Some(Box::new(datafusion::prelude::lit(false))),
                                false => params.filter,
                            },
                            null_treatment: params.null_treatment,
                            distinct: params.distinct,
                        },
                    }));
                    Transformed::new(window, true, TreeNodeRecursion::Jump)
                }
                Expr::WindowFunction(mut window) => {
                    found = true;
                    window.params.partition_by = partition_exprs.clone();
                    window.params.order_by = sorts.clone();
                    window.params.window_frame = engine_frame.clone();
                    let window = Expr::WindowFunction(window);
                    Transformed::new(window, true, TreeNodeRecursion::Jump)
                }
                other => Transformed::no(other),
            })
        })?;
        if !found {
            return Err(SparkError::unsupported_window_expression(&function.name));
        }
        let name = format!("{} OVER ({text}{frame_text})", function.name);
        let nullable = function.nullable;
        Ok(TypedExpr::new(
            expr.data,
            function.data_type.clone(),
            nullable,
            name,
        ))
    }

    /// True of functions that mean nothing without an order.
    fn is_ranking(&self, function: &TypedExpr) -> bool {
        let names = [
            "row_number",
            "rank",
            "dense_rank",
            "percent_rank",
            "cume_dist",
            "ntile",
            "lag",
            "lead",
        ];
        let name = function
            .name
            .split('(')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        names.contains(&name.as_str())
    }

    fn frame(
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

    /// Puts the window functions of `exprs` into plans of their own and columns in their place.
    pub(crate) fn plan_windows(
        &mut self,
        input: Analyzed,
        typed: &mut [TypedExpr],
    ) -> Result<Analyzed> {
        let mut windows: Vec<(Expr, String)> = Vec::new();
        for value in typed.iter_mut() {
            if !has_window(&value.expr) {
                continue;
            }
            let expr = std::mem::take(&mut value.expr);
            value.expr = expr
                .transform_up(|expr| {
                    if !matches!(expr, Expr::WindowFunction(_)) {
                        return Ok(Transformed::no(expr));
                    }
                    let name = match windows.iter().find(|(known, _)| *known == expr) {
                        Some((_, name)) => name.clone(),
                        None => {
                            let name = format!("window#{}", next_id());
                            windows.push((expr, name.clone()));
                            name
                        }
                    };
                    Ok(Transformed::yes(Expr::Column(
                        datafusion::common::Column::new_unqualified(name),
                    )))
                })?
                .data;
            value.attribute = None;
        }
        if windows.is_empty() {
            return Ok(input);
        }
        let exprs: Vec<Expr> = windows
            .into_iter()
            .map(|(expr, name)| expr.alias(name))
            .collect();
        let plan = window_plan(input.plan.clone(), exprs)?;
        Ok(Analyzed { plan, ..input })
    }

    /// Refuses window functions that were never given a window.
    pub(crate) fn refuse_bare_windows(&self, typed: &[TypedExpr]) -> Result<()> {
        for value in typed {
            let mut bare = None;
            let _ = value.expr.apply(|e| {
                if let Expr::WindowFunction(w) = e
                    && crate::functions::window::is_bare(&w.params)
                {
                    bare = Some(value.name.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            });
            if let Some(name) = bare {
                return Err(SparkError::window_function_without_over(&name));
            }
        }
        Ok(())
    }

    pub(crate) fn refuse_aggregates(&self, condition: &TypedExpr) -> Result<()> {
        if has_window(&condition.expr) {
            return Err(SparkError::window_function_not_allowed("WHERE"));
        }
        if has_aggregate(&condition.expr) {
            return Err(SparkError::invalid_where_condition(
                &condition.name,
                &condition.name,
            ));
        }
        Ok(())
    }
}

/// True of rows from one place to another before it: the engine refuses such a frame, and nothing is in it.
fn selects_no_row(frame: &EngineFrame) -> bool {
    let place = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::CurrentRow => Some(0i128),
        WindowFrameBound::Preceding(ScalarValue::UInt64(Some(n))) => Some(-i128::from(*n)),
        WindowFrameBound::Following(ScalarValue::UInt64(Some(n))) => Some(i128::from(*n)),
        _ => None,
    };
    let bounds = place(&frame.start_bound).zip(place(&frame.end_bound));
    frame.units == WindowFrameUnits::Rows && bounds.is_some_and(|(start, end)| start > end)
}

/// A function under a window is none of rows that differ, and has no window inside.
fn check_function(function: &TypedExpr) -> Result<()> {
    let mut result = Ok(());
    let walked = function.expr.apply(|e| {
        let arguments = match e {
            Expr::AggregateFunction(aggregate) => {
                // Sets of values are distinct without having been asked to be.
                if aggregate.params.distinct && function.name.contains("(DISTINCT ") {
                    result = Err(SparkError::distinct_window_function(&function.name));
                }
                &aggregate.params.args
            }
            Expr::WindowFunction(window) => &window.params.args,
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        if arguments.iter().any(has_window) {
            result = Err(SparkError::window_in_aggregate());
        }
        Ok(TreeNodeRecursion::Jump)
    });
    walked?;
    result
}

fn is_shifted(function: &TypedExpr) -> bool {
    let name = function.name.to_ascii_lowercase();
    name.starts_with("lag(") || name.starts_with("lead(")
}

/// Functions that rank have a frame of their own, and another one is refused.
fn check_ranking_frame(function: &TypedExpr, frame: Option<&WindowFrame>) -> Result<()> {
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
fn check_range(frame: &WindowFrame, orders: &[Ordering], text: &str) -> Result<()> {
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
fn own_frame(function: &TypedExpr, frame: Option<&WindowFrame>) -> Option<String> {
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

/// One plan node per distinct partitioning and order.
fn window_plan(input: LogicalPlan, exprs: Vec<Expr>) -> Result<LogicalPlan> {
    type Key = (Vec<Expr>, Vec<Sort>);
    let mut groups: Vec<(Key, Vec<Expr>)> = Vec::new();
    for expr in exprs {
        let key = match &expr {
            Expr::Alias(alias) => match alias.expr.as_ref() {
                Expr::WindowFunction(w) => {
                    (w.params.partition_by.clone(), w.params.order_by.clone())
                }
                _ => Default::default(),
            },
            _ => Default::default(),
        };
        match groups.iter_mut().find(|(k, _)| *k == key) {
            Some((_, members)) => members.push(expr),
            None => groups.push((key, vec![expr])),
        }
    }
    let mut plan = input;
    for (_, members) in groups {
        plan = LogicalPlanBuilder::from(plan).window(members)?.build()?;
    }
    Ok(plan)
}

fn specification_text(partitions: &[TypedExpr], orders: &[Ordering]) -> String {
    let mut parts = Vec::new();
    if !partitions.is_empty() {
        let names: Vec<&str> = partitions.iter().map(|p| p.name.as_str()).collect();
        parts.push(format!("PARTITION BY {}", names.join(", ")));
    }
    if !orders.is_empty() {
        let texts: Vec<String> = orders.iter().map(Ordering::text).collect();
        parts.push(format!("ORDER BY {}", texts.join(", ")));
    }
    let mut text = parts.join(" ");
    if !text.is_empty() {
        text.push(' ');
    }
    text
}

fn separated(text: &str) -> String {
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
