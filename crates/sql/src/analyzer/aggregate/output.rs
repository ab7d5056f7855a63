//! What stands above an aggregate: the select list, `HAVING` and `ORDER BY`, in columns that the aggregate yields.
//!
//! Always true: an expression above the aggregate reads groups, aggregates and the select list's own columns; whatever
//! reads another is refused. Start at [`Analyzer::aggregate_rewritten`].

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use crate::analyzer::expression::has_aggregate;
use crate::analyzer::{Analyzed, Analyzer, Attribute, TypedExpr, next_id};
use crate::error::{Result, SparkError};
use crate::ir::{Expression, SortOrder};

/// What the aggregate of the relation yields, and how expressions over it are written in its columns.
pub(super) struct Rewriter {
    pub(super) groups: Vec<(Expr, Attribute)>,
    pub(super) aggregates: Vec<(Expr, String)>,
}

impl Analyzer {
    pub(super) fn aggregate_rewritten(
        &mut self,
        input: Analyzed,
        rewriter: &mut Rewriter,
        grouping_id: Option<Attribute>,
        output: Vec<TypedExpr>,
        having: Option<&Expression>,
        order: &[SortOrder],
    ) -> Result<Analyzed> {
        let mut items = output;
        self.refuse_bare_windows(&items)?;
        for item in &mut items {
            rewriter.rewrite(item)?;
        }
        let output_columns: Vec<Attribute> = items
            .iter()
            .map(|i| match &i.attribute {
                Some(attribute) => attribute.as_ref().clone(),
                None => self.new_attribute(i),
            })
            .collect();
        let mut scope = input.scope.with_columns(output_columns.clone());
        scope.below = input
            .scope
            .columns
            .iter()
            .chain(&input.scope.hidden)
            .cloned()
            .collect();
        let order = self.positions(order, &output_columns)?;
        let outer = self.remember_columns(&input);
        let having = having.map(|h| self.condition(&scope, h)).transpose();
        let orders = self.orderings(&scope, &order);
        self.lambda_columns = outer;
        let (mut having, mut orders) = (having?, orders?);
        let own: Vec<Column> = output_columns.iter().map(Attribute::column).collect();
        if let Some(condition) = &mut having {
            rewriter.rewrite_keeping(condition, &own)?;
        }
        for ordering in &mut orders {
            rewriter.rewrite_keeping(&mut ordering.typed, &own)?;
        }
        let mut keys: Vec<Expr> = rewriter
            .groups
            .iter()
            .map(|(_, a)| Expr::Column(a.column()))
            .collect();
        keys.extend(grouping_id.iter().map(|a| Expr::Column(a.column())));
        let aggregates: Vec<Expr> = rewriter
            .aggregates
            .iter()
            .map(|(expr, name)| expr.clone().alias(name.clone()))
            .collect();
        let plan = if keys.is_empty() && aggregates.is_empty() {
            // Grouping by nothing without aggregates: one row whatever the input.
            let count =
                datafusion::functions_aggregate::expr_fn::count(datafusion::prelude::lit(1i64));
            LogicalPlanBuilder::from(input.plan.clone())
                .aggregate(
                    Vec::<Expr>::new(),
                    vec![count.alias(format!("unused#{}", next_id()))],
                )?
                .build()?
        } else {
            LogicalPlanBuilder::from(input.plan.clone())
                .aggregate(keys, aggregates)?
                .build()?
        };
        let aggregated = Analyzed {
            plan,
            scope: input.scope.with_columns(Vec::new()),
            is_streaming: input.is_streaming,
        };
        let aggregated = self.plan_windows(aggregated, &mut items)?;
        let mut exprs: Vec<Expr> = Vec::new();
        for (item, attribute) in items.iter().zip(&output_columns) {
            let column = Expr::Column(attribute.column());
            let expr = if item.attribute.is_some() && item.expr == column {
                column
            } else {
                item.expr.clone().alias(attribute.column_name())
            };
            if !exprs.contains(&expr) {
                exprs.push(expr);
            }
        }
        let extra = having
            .iter()
            .map(|h| &h.expr)
            .chain(orders.iter().map(|o| &o.typed.expr));
        let mut hidden = Vec::new();
        for column in extra.flat_map(|e| e.column_refs()) {
            if !own.contains(column) && !hidden.contains(column) {
                hidden.push(column.clone());
            }
        }
        let has_hidden = !hidden.is_empty();
        exprs.extend(hidden.into_iter().map(Expr::Column));
        let mut builder = LogicalPlanBuilder::from(aggregated.plan).project(exprs)?;
        if let Some(condition) = having {
            builder = builder.filter(condition.expr)?;
        }
        let mut scope = input.scope.with_columns(output_columns);
        scope.below = Vec::new();
        let mut result = Analyzed {
            plan: builder.build()?,
            scope,
            is_streaming: input.is_streaming,
        };
        if !orders.is_empty() {
            result = self.sort_by(result, orders)?;
        }
        if has_hidden {
            self.only_columns(result)
        } else {
            Ok(result)
        }
    }
}

impl Rewriter {
    /// Writes an expression in the columns that the aggregate yields.
    fn rewrite(&mut self, item: &mut TypedExpr) -> Result<()> {
        self.rewrite_keeping(item, &[])
    }

    fn rewrite_keeping(&mut self, item: &mut TypedExpr, own: &[Column]) -> Result<()> {
        let original = std::mem::take(&mut item.expr);
        let is_attribute = item.attribute.is_some();
        let rewritten = self.rewritten(original)?;
        let allowed: Vec<Column> = self.groups.iter().map(|(_, a)| a.column()).collect();
        let stray = rewritten.column_refs().into_iter().find(|column| {
            !allowed.contains(column)
                && !own.contains(column)
                && !self.aggregates.iter().any(|(_, name)| *name == column.name)
        });
        if let Some(stray) = stray {
            let name = stray
                .name
                .rsplit_once('#')
                .map_or(stray.name.as_str(), |(name, _)| name)
                .to_owned();
            return Err(if self.groups.is_empty() {
                SparkError::missing_group_by()
            } else {
                SparkError::missing_aggregation(&name)
            });
        }
        if let Expr::Column(column) = &rewritten
            && let Some((_, attribute)) = self.groups.iter().find(|(_, a)| a.column() == *column)
        {
            item.nullable = attribute.nullable;
            // A grouping column under its own name stays the column it is.
            if is_attribute || item.named.is_none() {
                item.attribute = Some(std::sync::Arc::new(attribute.clone()));
            }
        } else {
            item.attribute = None;
        }
        item.expr = rewritten;
        Ok(())
    }

    fn rewritten(&mut self, expr: Expr) -> Result<Expr> {
        use datafusion::common::tree_node::TreeNodeRecursion;
        let mut nested = false;
        let done = expr.transform_down(|expr| {
            if let Some((_, attribute)) = self.groups.iter().find(|(e, _)| *e == expr) {
                return Ok(Transformed::new(
                    Expr::Column(attribute.column()),
                    true,
                    TreeNodeRecursion::Jump,
                ));
            }
            if let Expr::AggregateFunction(aggregate) = &expr {
                nested |= aggregate.params.args.iter().any(has_aggregate);
                let name = match self.aggregates.iter().find(|(known, _)| *known == expr) {
                    Some((_, name)) => name.clone(),
                    None => {
                        let name = format!("{}#{}", aggregate.func.name(), next_id());
                        self.aggregates.push((expr.clone(), name.clone()));
                        name
                    }
                };
                let column = Expr::Column(Column::new_unqualified(name));
                return Ok(Transformed::new(column, true, TreeNodeRecursion::Jump));
            }
            Ok(Transformed::no(expr))
        })?;
        if nested {
            return Err(SparkError::nested_aggregate());
        }
        Ok(done.data)
    }
}
