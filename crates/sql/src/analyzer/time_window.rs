//! `window(time, size, slide, start)`: every row gets the window or windows that its time lies in.
//!
//! A tumbling window is an expression. A sliding one is an array of windows that is unnested under the operator that
//! uses it.

use datafusion::common::UnnestOptions;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::{Analyzed, Analyzer, Attribute, Scope, TypedExpr, next_id};
use crate::error::Result;
use crate::ir::Expression;

/// A column that an operator's input must be given before the operator can be planned.
#[derive(Clone, Debug)]
pub(crate) struct PendingWindow {
    /// What the column is called in expressions.
    pub(crate) attribute: Attribute,
    /// The window of a row, or an array of windows if they overlap.
    pub(crate) value: TypedExpr,
    pub(crate) overlapping: bool,
    /// The event time: rows without one lie in no window.
    pub(crate) time: TypedExpr,
}

impl Analyzer {
    /// Asks for a window column; the same window is one column.
    pub(crate) fn window_column(&mut self, window: PendingWindow) -> TypedExpr {
        let known = self
            .pending
            .iter()
            .chain(&self.planned)
            .find(|p| p.value.expr == window.value.expr);
        if let Some(known) = known {
            return known.attribute.typed();
        }
        let typed = window.attribute.typed();
        self.pending.push(window);
        typed
    }

    /// Asks for the windows that `GROUP BY` names; gives the scope in which `window.start` is a field of one.
    pub(super) fn grouping_windows(
        &mut self,
        scope: &Scope,
        grouping: &[Expression],
    ) -> Result<Scope> {
        let start = self.pending.len();
        for expression in grouping.iter().filter(|e| mentions_window(e)) {
            self.expression(scope, expression)?;
        }
        let mut scope = scope.clone();
        let windows = self.pending[start..].iter().map(|p| p.attribute.clone());
        scope.hidden.extend(windows);
        Ok(scope)
    }

    /// Does `work` over an input that was given `windows`: the same window there is the same column.
    pub(super) fn with_planned<T>(
        &mut self,
        windows: Vec<PendingWindow>,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let pending = self.pending.len();
        let outer = std::mem::replace(&mut self.planned, windows);
        let result = work(self);
        self.planned = outer;
        self.pending.truncate(pending);
        result
    }

    /// Gives the input the window columns that were asked for since `start`.
    pub(crate) fn plan_time_windows(
        &mut self,
        mut input: Analyzed,
        start: usize,
    ) -> Result<Analyzed> {
        for window in self.pending.split_off(start) {
            input = self.plan_time_window(input, &window)?;
        }
        Ok(input)
    }

    fn plan_time_window(
        &mut self,
        mut input: Analyzed,
        window: &PendingWindow,
    ) -> Result<Analyzed> {
        let builder = LogicalPlanBuilder::from(input.plan.clone());
        let builder = builder.filter(Expr::IsNotNull(Box::new(window.time.expr.clone())))?;
        let mut columns: Vec<Expr> = input
            .plan
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        let name = window.attribute.column_name();
        let builder = if window.overlapping {
            let array = format!("windows#{}", next_id());
            columns.push(window.value.expr.clone().alias(array.clone()));
            let options = UnnestOptions::new().with_preserve_nulls(false);
            let kept: Vec<Expr> = input
                .plan
                .schema()
                .columns()
                .into_iter()
                .map(Expr::Column)
                .collect();
            let unnested = datafusion::common::Column::new_unqualified(array.clone());
            let all = kept
                .into_iter()
                .chain([Expr::Column(unnested.clone()).alias(name)]);
            builder
                .project(columns)?
                .unnest_column_with_options(unnested, options)?
                .project(all.collect::<Vec<_>>())?
        } else {
            columns.push(window.value.expr.clone().alias(name));
            builder.project(columns)?
        };
        input.plan = builder.build()?;
        input.scope.hidden.push(window.attribute.clone());
        Ok(input)
    }
}

/// True of an expression in which `window(…)` is called.
fn mentions_window(expression: &Expression) -> bool {
    match expression.unlocated() {
        Expression::Alias { child, .. } => mentions_window(child),
        Expression::Function {
            name, arguments, ..
        } => {
            let called = name.last().is_some_and(|n| {
                n.eq_ignore_ascii_case("window") || n.eq_ignore_ascii_case("session_window")
            });
            called || arguments.iter().any(mentions_window)
        }
        Expression::Sql(text) => {
            crate::sql::parse_expression(text).is_ok_and(|parsed| mentions_window(&parsed))
        }
        _ => false,
    }
}
