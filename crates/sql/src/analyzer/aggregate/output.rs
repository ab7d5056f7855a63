//! What stands above an aggregate: the select list, `HAVING` and `ORDER BY`, in columns that the aggregate yields.
//!
//! Always true: an expression above the aggregate reads groups, aggregates and the select list's own columns; whatever
//! reads another is refused. Start at [`Analyzer::aggregate_rewritten`].

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, Operator, binary_expr};

use crate::analyzer::expression::{has_aggregate, has_window};
use crate::analyzer::{Analyzed, Analyzer, Attribute, Scope, TypedExpr, next_id};
use crate::error::{Result, SparkError};
use crate::ir::{Expression, SortOrder};

/// What the aggregate of the relation yields, and how expressions over it are written in its columns.
pub(super) struct Rewriter {
    pub(super) groups: Vec<(Expr, Attribute)>,
    pub(super) aggregates: Vec<(Expr, String)>,
    /// What tells the sets of several groupings apart.
    pub(super) grouping_id: Option<GroupingId>,
}

/// The column with the number of a row's grouping set: one bit a group, set if the set leaves the group out.
pub(super) struct GroupingId {
    pub(super) column: Column,
    /// How many of the rewriter's groups there were before the column became one of them.
    pub(super) groups: usize,
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
        if having.as_ref().is_some_and(|h| has_window(&h.expr)) {
            return Err(SparkError::window_function_not_allowed("HAVING"));
        }
        let own: Vec<Column> = output_columns.iter().map(Attribute::column).collect();
        if let Some(condition) = &mut having {
            rewriter.rewrite_keeping(condition, &own)?;
        }
        for ordering in &mut orders {
            let rewritten = rewriter.rewrite_keeping(&mut ordering.typed, &own);
            rewritten.map_err(|error| unknown_in_order(error, &scope))?;
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

/// An order reads the columns of the result; what the aggregate has used up is no column any more.
fn unknown_in_order(error: SparkError, scope: &Scope) -> SparkError {
    let expression = error.parameters().get("expression");
    match (error.class(), expression) {
        ("MISSING_AGGREGATION", Some(quoted)) => {
            let name = [quoted.trim_matches('"').to_owned()];
            SparkError::unresolved_column(&name, &scope.suggestions(&name))
        }
        _ => error,
    }
}

/// True if an expression means a group: as it was written, or as the column that it became.
fn is_group(expr: &Expr, (written, attribute): &(Expr, Attribute)) -> bool {
    expr == written || matches!(expr, Expr::Column(c) if *c == attribute.column())
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
        let mut refused = None;
        let done = expr.transform_down(|expr| {
            if let Some((_, attribute)) = self.groups.iter().find(|(e, _)| *e == expr) {
                return Ok(Transformed::new(
                    Expr::Column(attribute.column()),
                    true,
                    TreeNodeRecursion::Jump,
                ));
            }
            if let Expr::ScalarFunction(call) = &expr
                && matches!(call.name(), "grouping" | "grouping_id")
            {
                let bits = match self.grouping_bits(call.name(), &call.args) {
                    Ok(bits) => bits,
                    Err(error) => {
                        refused = Some(error);
                        expr
                    }
                };
                return Ok(Transformed::new(bits, true, TreeNodeRecursion::Jump));
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
        match refused {
            Some(error) => Err(error),
            None => Ok(done.data),
        }
    }

    /// `grouping(x)` and `grouping_id(…)` as bits of the set's number.
    fn grouping_bits(&self, function: &str, arguments: &[Expr]) -> Result<Expr> {
        let Some(id) = &self.grouping_id else {
            return Err(SparkError::unsupported_grouping_expression());
        };
        let groups = &self.groups[..id.groups];
        let number = Expr::Column(id.column.clone());
        if function == "grouping_id" {
            let all = arguments.len() == groups.len()
                && arguments.iter().zip(groups).all(|(a, g)| is_group(a, g));
            return match arguments.is_empty() || all {
                true => Ok(number),
                false => Err(SparkError::grouping_id_column_mismatch()),
            };
        }
        let index = arguments
            .first()
            .and_then(|argument| groups.iter().position(|g| is_group(argument, g)))
            .ok_or_else(SparkError::grouping_column_mismatch)?;
        let shift = datafusion::prelude::lit((groups.len() - 1 - index) as i64);
        let shifted = binary_expr(number, Operator::BitwiseShiftRight, shift);
        let bit = binary_expr(
            shifted,
            Operator::BitwiseAnd,
            datafusion::prelude::lit(1i64),
        );
        Ok(datafusion::logical_expr::cast(
            bit,
            arrow::datatypes::DataType::Int8,
        ))
    }
}
