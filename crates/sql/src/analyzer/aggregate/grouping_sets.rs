//! Several groupings of the same rows: rollup, cube, grouping sets, and `grouping()` over them.
//!
//! Every row is there once for each set; the number of the set is a column. Start at [`Analyzer::aggregate_sets`].

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::output::{GroupingId, Rewriter};
use crate::analyzer::literal::null_value;
use crate::analyzer::{Analyzed, Analyzer, Attribute, Scope, TypedExpr, next_id};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Expression, SortOrder};

impl Analyzer {
    /// Several groupings of the same rows: every row once per set, keys outside of the set null.
    pub(super) fn aggregate_sets(
        &mut self,
        input: Analyzed,
        groups: Vec<TypedExpr>,
        sets: Vec<Vec<usize>>,
        output: Vec<TypedExpr>,
        having: Option<&Expression>,
        order: &[SortOrder],
    ) -> Result<Analyzed> {
        let originals: Vec<Expr> = groups.iter().map(|g| g.expr.clone()).collect();
        let count = groups.len();
        let attributes: Vec<Attribute> = groups
            .iter()
            .enumerate()
            .map(|(index, g)| Attribute {
                nullable: g.nullable || !sets.iter().all(|set| set.contains(&index)),
                ..self.new_attribute(&TypedExpr {
                    attribute: None,
                    ..g.clone()
                })
            })
            .collect();
        let id = Attribute {
            id: next_id(),
            name: "spark_grouping_id".to_owned(),
            data_type: DataType::Long,
            nullable: false,
            qualifier: Vec::new(),
            metadata: None,
        };
        let mut union: Option<LogicalPlanBuilder> = None;
        for (position, set) in sets.iter().enumerate() {
            let mut exprs: Vec<Expr> = input
                .plan
                .schema()
                .columns()
                .into_iter()
                .map(Expr::Column)
                .collect();
            let mut bits = 0i64;
            for (index, (group, attribute)) in groups.iter().zip(&attributes).enumerate() {
                let expr = if set.contains(&index) {
                    group.expr.clone()
                } else {
                    bits |= 1 << (count - 1 - index);
                    Expr::Literal(null_value(&group.data_type)?, None)
                };
                exprs.push(expr.alias(attribute.column_name()));
            }
            exprs.push(datafusion::prelude::lit(bits).alias(id.column_name()));
            let duplicate = sets[..position].iter().filter(|s| *s == set).count() as i64;
            exprs.push(
                datafusion::prelude::lit(duplicate).alias(format!("spark_grouping_pos#{}", id.id)),
            );
            let branch = LogicalPlanBuilder::from(input.plan.clone()).project(exprs)?;
            union = Some(match union {
                None => branch,
                Some(so_far) => so_far.union(branch.build()?)?,
            });
        }
        let plan = union
            .ok_or_else(|| SparkError::internal("no grouping set"))?
            .build()?;
        let mut rewriter = Rewriter {
            groups: originals.into_iter().zip(attributes).collect(),
            aggregates: Vec::new(),
            grouping_id: Some(GroupingId {
                column: id.column(),
                groups: count,
            }),
        };
        let position = Attribute {
            name: "spark_grouping_pos".to_owned(),
            ..id.clone()
        };
        let mut output = output;
        for item in &mut output {
            if asks_for_grouping(&item.expr) {
                item.attribute = None;
                item.named.get_or_insert_with(|| item.name.clone());
            }
        }
        rewriter.groups.push((Expr::Column(id.column()), id));
        let input = Analyzed { plan, ..input };
        self.aggregate_rewritten(input, &mut rewriter, Some(position), output, having, order)
    }

    pub(super) fn grouping_set_indexes(
        &mut self,
        scope: &Scope,
        groups: &[TypedExpr],
        sets: &[Vec<Expression>],
        output: &[TypedExpr],
        by_position: bool,
    ) -> Result<Vec<Vec<usize>>> {
        let mut result = Vec::new();
        for set in sets {
            let mut indexes = Vec::new();
            for expression in set {
                let typed = self.group(scope, expression, output, by_position)?;
                let index = groups.iter().position(|g| g.expr == typed.expr);
                indexes.push(index.ok_or_else(|| SparkError::missing_aggregation(&typed.name))?);
            }
            indexes.sort_unstable();
            indexes.dedup();
            result.push(indexes);
        }
        Ok(result)
    }
}

pub(super) fn cube(count: usize) -> Vec<Vec<usize>> {
    let mut sets: Vec<Vec<usize>> = (0..1usize << count.min(20))
        .map(|bits| (0..count).filter(|i| bits >> i & 1 == 1).collect())
        .collect();
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    sets
}

/// True of what reads the number of the set: `grouping(x)`, `grouping_id(…)`.
fn asks_for_grouping(expr: &Expr) -> bool {
    expr.exists(|e| {
        Ok(matches!(e, Expr::ScalarFunction(call)
            if matches!(call.name(), "grouping" | "grouping_id")))
    })
    .unwrap_or(false)
}
