//! Window expressions: `function OVER (PARTITION BY … ORDER BY … frame)`.

mod frame;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{
    AggregateFunction, Sort, WindowFunction, WindowFunctionParams,
};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, WindowFrame as EngineFrame, WindowFunctionDefinition,
};

use frame::{check_range, check_ranking_frame, is_shifted, own_frame, selects_no_row, separated};

use super::expression::{has_aggregate, has_window};
use super::{Analyzed, Analyzer, Scope, TypedExpr, next_id};
use crate::error::{Result, SparkError};
use crate::ir::{
    DataType, Expression, FrameUnits, NullOrdering, SortDirection, SortOrder, WindowFrame,
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
