//! Window expressions: `function OVER (PARTITION BY … ORDER BY … frame)`.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
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
        let typed = self.expression(scope, &order.child)?;
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
        let function = self.expression(scope, function)?;
        let partitions = self.expressions(scope, partition_by)?;
        let orders = self.orderings(scope, order_by)?;
        let text = specification_text(&partitions, &orders);
        let is_ranking = self.is_ranking(&function);
        if is_ranking && orders.is_empty() {
            return Err(SparkError::window_function_needs_order(&function.name));
        }
        let (engine_frame, frame_text) = self.frame(scope, frame, &orders, is_ranking)?;
        let frame_text = match own_frame(&function, frame) {
            Some(text) => separated(&text),
            None => frame_text,
        };
        let partition_exprs: Vec<Expr> = partitions.iter().map(|p| p.expr.clone()).collect();
        let sorts: Vec<Sort> = orders.iter().map(Ordering::sort).collect();
        let mut found = false;
        let expr = function.expr.clone().transform_up(|expr| {
            Ok(match expr {
                Expr::AggregateFunction(AggregateFunction { func, params }) => {
                    found = true;
                    Transformed::yes(Expr::WindowFunction(Box::new(WindowFunction {
                        fun: WindowFunctionDefinition::AggregateUDF(func),
                        params: WindowFunctionParams {
                            args: params.args,
                            partition_by: partition_exprs.clone(),
                            order_by: sorts.clone(),
                            window_frame: engine_frame.clone(),
                            filter: params.filter,
                            null_treatment: params.null_treatment,
                            distinct: params.distinct,
                        },
                    })))
                }
                Expr::WindowFunction(mut window) => {
                    found = true;
                    window.params.partition_by = partition_exprs.clone();
                    window.params.order_by = sorts.clone();
                    window.params.window_frame = engine_frame.clone();
                    Transformed::yes(Expr::WindowFunction(window))
                }
                other => Transformed::no(other),
            })
        })?;
        if !found {
            return Err(SparkError::mismatch(
                "UNSUPPORTED_WINDOW_FUNCTION",
                &function.name,
                "only aggregate and window functions take OVER.",
            ));
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
        let (lower, lower_text) = self.boundary(scope, &frame.lower, units, orders, true)?;
        let (upper, upper_text) = self.boundary(scope, &frame.upper, units, orders, false)?;
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
        is_lower: bool,
    ) -> Result<(WindowFrameBound, String)> {
        let unbounded = match units {
            WindowFrameUnits::Rows => ScalarValue::UInt64(None),
            _ => ScalarValue::Null,
        };
        let (offset, negate) = match boundary {
            FrameBoundary::UnboundedPreceding => {
                return Ok((
                    WindowFrameBound::Preceding(unbounded),
                    "UNBOUNDED PRECEDING".to_owned(),
                ));
            }
            FrameBoundary::UnboundedFollowing => {
                return Ok((
                    WindowFrameBound::Following(unbounded),
                    "UNBOUNDED FOLLOWING".to_owned(),
                ));
            }
            FrameBoundary::CurrentRow => {
                return Ok((WindowFrameBound::CurrentRow, "CURRENT ROW".to_owned()));
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
            return Ok((WindowFrameBound::CurrentRow, "CURRENT ROW".to_owned()));
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
            _ => match orders.first() {
                Some(order) if order.typed.data_type.is_numeric() => magnitude.cast_to(
                    &crate::functions::udf::internal_arrow(&order.typed.data_type),
                )?,
                _ => magnitude,
            },
        };
        let _ = is_lower;
        Ok(if preceding {
            (WindowFrameBound::Preceding(bound), text)
        } else {
            (WindowFrameBound::Following(bound), text)
        })
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
                Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
            });
            if let Some(name) = bare {
                return Err(SparkError::window_function_without_over(&name));
            }
        }
        Ok(())
    }

    pub(crate) fn refuse_aggregates(&self, condition: &TypedExpr) -> Result<()> {
        if has_aggregate(&condition.expr) || has_window(&condition.expr) {
            return Err(SparkError::invalid_where_condition(
                &condition.name,
                &condition.name,
            ));
        }
        Ok(())
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
