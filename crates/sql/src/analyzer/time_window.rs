//! `window(time, size, slide, start)`: every row gets the window or windows that its time lies in.
//!
//! A tumbling window is an expression. A sliding one is an array of windows that is unnested under the operator that
//! uses it.

use datafusion::common::UnnestOptions;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::{Analyzed, Analyzer, Attribute, TypedExpr, next_id};
use crate::error::Result;

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
            .find(|p| p.value.expr == window.value.expr);
        if let Some(known) = known {
            return known.attribute.typed();
        }
        let typed = window.attribute.typed();
        self.pending.push(window);
        typed
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
