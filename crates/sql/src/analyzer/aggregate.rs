//! Grouping and aggregating: `GROUP BY`, rollup, cube, grouping sets, pivot, `HAVING`.
//!
//! Groups become plain columns of the input, the aggregates are computed beside them, and everything above is written in
//! these columns (`output`). Several groupings at once are in `grouping_sets`, pivots in `pivot`. Start at
//! [`Analyzer::aggregate`].

mod grouping_sets;
mod output;
mod pivot;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, WindowFunctionDefinition};

use grouping_sets::cube;
use output::Rewriter;

use super::expression::{Selected, has_aggregate};
use super::{Analyzed, Analyzer, Attribute, Scope, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Expression, GroupType, Literal, Pivot, QUALIFIED, Relation, SortOrder};

impl Analyzer {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn aggregate(
        &mut self,
        input: &Relation,
        group_type: GroupType,
        grouping: &[Expression],
        aggregates: &[Expression],
        pivot: Option<&Pivot>,
        grouping_sets: &[Vec<Expression>],
        having: Option<&Expression>,
        explicit_output: bool,
        order: &[SortOrder],
    ) -> Result<Analyzed> {
        let input = self.relation(input)?;
        if let Some(pivot) = pivot {
            return self.pivot(input, grouping, aggregates, pivot);
        }
        let pending = self.pending.len();
        let outer = self.remember_columns(&input);
        let resolved = self.grouping_and_output(&input, grouping, aggregates, explicit_output);
        self.lambda_columns = outer;
        let (mut groups, output) = resolved?;
        if group_type == GroupType::All {
            groups = items_that_aggregate_nothing(&output)?;
        }
        let sets = match group_type {
            GroupType::GroupBy | GroupType::All | GroupType::Pivot => None,
            GroupType::Rollup => Some((0..=groups.len()).rev().map(|n| (0..n).collect()).collect()),
            GroupType::Cube => Some(cube(groups.len())),
            GroupType::GroupingSets => {
                let indexes = |this: &mut Self| {
                    let by_position = explicit_output;
                    this.grouping_set_indexes(
                        &input.scope,
                        &groups,
                        grouping_sets,
                        &output,
                        by_position,
                    )
                };
                Some(indexes(self)?)
            }
        };
        let windows = self.pending[pending..].to_vec();
        let input = self.plan_time_windows(input, pending)?;
        self.with_planned(windows, |this| match sets {
            None => this.aggregate_typed(input, groups, output, having, order),
            Some(sets) => this.aggregate_sets(input, groups, sets, output, having, order),
        })
    }

    fn grouping_and_output(
        &mut self,
        input: &Analyzed,
        grouping: &[Expression],
        aggregates: &[Expression],
        explicit_output: bool,
    ) -> Result<(Vec<TypedExpr>, Vec<TypedExpr>)> {
        let scope = self.grouping_windows(&input.scope, grouping)?;
        let output = self.select_values(&scope, aggregates)?;
        let mut groups = Vec::new();
        for expression in grouping {
            groups.push(self.group(&scope, expression, &output, explicit_output)?);
        }
        if explicit_output {
            return Ok((groups, output));
        }
        let all = groups.iter().cloned().chain(output).collect();
        Ok((groups, all))
    }

    fn select_values(&mut self, scope: &Scope, list: &[Expression]) -> Result<Vec<TypedExpr>> {
        let items = self.select_list(scope, list)?.into_iter().map(|s| match s {
            Selected::Value(v) => Ok(v),
            Selected::Rows(g, _) => Err(SparkError::nested_generator(&g.name)),
        });
        items.collect()
    }

    /// A grouping expression: by name, by a select alias, or by the number of a select item.
    pub(super) fn group(
        &mut self,
        scope: &Scope,
        expression: &Expression,
        output: &[TypedExpr],
        by_position: bool,
    ) -> Result<TypedExpr> {
        if let (Expression::Literal(Literal::Integer(position)), true) =
            (expression.unlocated(), by_position)
        {
            let index = usize::try_from(*position)
                .ok()
                .and_then(|p| p.checked_sub(1));
            return match index.and_then(|i| output.get(i)) {
                Some(item) if has_aggregate(&item.expr) => Err(
                    SparkError::group_by_position_aggregate(i64::from(*position), &item.name),
                ),
                Some(item) => Ok(item.clone()),
                None => Err(SparkError::group_by_position_out_of_range(
                    i64::from(*position),
                    output.len(),
                )),
            };
        }
        match self.expression(scope, expression) {
            Ok(group) if has_aggregate(&group.expr) => {
                Err(SparkError::group_by_aggregate(&group.name))
            }
            Ok(group) => Ok(group),
            Err(error) => match expression.unlocated() {
                Expression::Attribute { parts, .. } if parts.len() == 1 => output
                    .iter()
                    .find(|item| {
                        item.named
                            .as_deref()
                            .is_some_and(|n| n.eq_ignore_ascii_case(&parts[0]))
                    })
                    .map_or(Err(error), |item| match has_aggregate(&item.expr) {
                        true => Err(SparkError::group_by_aggregate(&item.name)),
                        false => Ok(item.clone()),
                    }),
                _ => Err(error),
            },
        }
    }

    /// An aggregate whose expressions are known: grouped columns, then what `output` makes of groups and aggregates.
    pub(super) fn aggregate_typed(
        &mut self,
        input: Analyzed,
        groups: Vec<TypedExpr>,
        output: Vec<TypedExpr>,
        having: Option<&Expression>,
        order: &[SortOrder],
    ) -> Result<Analyzed> {
        let (input, groups) = self.group_columns(input, groups)?;
        let mut rewriter = Rewriter {
            groups,
            aggregates: Vec::new(),
            grouping_id: None,
        };
        self.aggregate_rewritten(input, &mut rewriter, None, output, having, order)
    }

    /// Makes every grouping expression a plain column of the input.
    fn group_columns(
        &mut self,
        input: Analyzed,
        groups: Vec<TypedExpr>,
    ) -> Result<(Analyzed, Vec<(Expr, Attribute)>)> {
        let mut keys: Vec<(Expr, Attribute)> = Vec::new();
        let mut computed: Vec<Expr> = Vec::new();
        for group in groups {
            if matches!(group.data_type, DataType::Map { .. }) {
                return Err(SparkError::mismatch(
                    "INVALID_ORDERING_TYPE",
                    &group.name,
                    "a map cannot be a grouping key.",
                ));
            }
            if keys.iter().any(|(expr, _)| *expr == group.expr) {
                continue;
            }
            // Doubles are grouped with one zero and one NaN, and meant by the expression that was written.
            let written = group.expr.clone();
            let group = self.sortable(group)?;
            let attribute = match (&group.attribute, &group.expr) {
                (Some(attribute), Expr::Column(_)) => attribute.as_ref().clone(),
                _ => {
                    let attribute = self.new_attribute(&group);
                    computed.push(group.expr.clone().alias(attribute.column_name()));
                    attribute
                }
            };
            keys.push((written, attribute));
        }
        if computed.is_empty() {
            return Ok((input, keys));
        }
        let mut columns: Vec<Expr> = input
            .plan
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        columns.extend(computed);
        let plan = LogicalPlanBuilder::from(input.plan)
            .project(columns)?
            .build()?;
        Ok((Analyzed { plan, ..input }, keys))
    }
}

/// What `GROUP BY ALL` groups by. Items that mix columns and aggregates do not say what their columns are grouped by.
fn items_that_aggregate_nothing(output: &[TypedExpr]) -> Result<Vec<TypedExpr>> {
    let (aggregating, groups): (Vec<&TypedExpr>, Vec<&TypedExpr>) = output
        .iter()
        .filter(|item| item.named.as_deref() != Some(QUALIFIED))
        .partition(|item| has_aggregate_anywhere(&item.expr));
    if groups.is_empty() && aggregating.iter().any(|item| reads_ungrouped(&item.expr)) {
        return Err(SparkError::unresolved_all_in_group_by());
    }
    Ok(groups.into_iter().cloned().collect())
}

/// True of an aggregate over a window too.
fn has_aggregate_anywhere(expr: &Expr) -> bool {
    expr.exists(|e| {
        Ok(match e {
            Expr::AggregateFunction(_) => true,
            Expr::WindowFunction(window) => {
                matches!(window.fun, WindowFunctionDefinition::AggregateUDF(_))
            }
            _ => false,
        })
    })
    .unwrap_or(false)
}

/// True if an expression reads columns outside of its aggregates.
fn reads_ungrouped(expr: &Expr) -> bool {
    let mut found = false;
    let walked = expr.apply(|e| {
        Ok(match e {
            Expr::AggregateFunction(_) => TreeNodeRecursion::Jump,
            Expr::Column(_) => {
                found = true;
                TreeNodeRecursion::Stop
            }
            _ => TreeNodeRecursion::Continue,
        })
    });
    walked.is_ok() && found
}
