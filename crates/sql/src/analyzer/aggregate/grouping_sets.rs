//! Several groupings of the same rows: rollup, cube, grouping sets, and `grouping()` over them.
//!
//! Every row is there once for each set; the number of the set is a column. Start at [`Analyzer::aggregate_sets`].

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::output::Rewriter;
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
            .map(|g| Attribute {
                nullable: true,
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
        };
        let position = Attribute {
            name: "spark_grouping_pos".to_owned(),
            ..id.clone()
        };
        let mut output = output;
        for item in &mut output {
            self.replace_grouping(item, &rewriter, &id)?;
        }
        rewriter.groups.push((Expr::Column(id.column()), id));
        let input = Analyzed { plan, ..input };
        self.aggregate_rewritten(input, &mut rewriter, Some(position), output, having, order)
    }

    /// `grouping(x)` and `grouping_id(…)` as bits of the set's number.
    fn replace_grouping(
        &mut self,
        item: &mut TypedExpr,
        rewriter: &Rewriter,
        id: &Attribute,
    ) -> Result<()> {
        let expr = std::mem::take(&mut item.expr);
        let count = rewriter.groups.len();
        let mut changed = false;
        let replaced = expr.transform_up(|expr| {
            let Expr::ScalarFunction(call) = &expr else {
                return Ok(Transformed::no(expr));
            };
            let id_column = || Expr::Column(id.column());
            match call.name() {
                "grouping_id" => {
                    changed = true;
                    Ok(Transformed::yes(id_column()))
                }
                "grouping" => {
                    let index = rewriter
                        .groups
                        .iter()
                        .position(|(e, _)| call.args.first() == Some(e));
                    let Some(index) = index else {
                        return Ok(Transformed::no(expr));
                    };
                    changed = true;
                    let shift = datafusion::prelude::lit((count - 1 - index) as i64);
                    let shifted = datafusion::logical_expr::binary_expr(
                        id_column(),
                        datafusion::logical_expr::Operator::BitwiseShiftRight,
                        shift,
                    );
                    let bit = datafusion::logical_expr::binary_expr(
                        shifted,
                        datafusion::logical_expr::Operator::BitwiseAnd,
                        datafusion::prelude::lit(1i64),
                    );
                    Ok(Transformed::yes(datafusion::logical_expr::cast(
                        bit,
                        arrow::datatypes::DataType::Int8,
                    )))
                }
                _ => Ok(Transformed::no(expr)),
            }
        })?;
        item.expr = replaced.data;
        if changed {
            item.attribute = None;
            item.named.get_or_insert_with(|| item.name.clone());
        }
        Ok(())
    }

    pub(super) fn grouping_set_indexes(
        &mut self,
        scope: &Scope,
        groups: &[TypedExpr],
        sets: &[Vec<Expression>],
    ) -> Result<Vec<Vec<usize>>> {
        let mut result = Vec::new();
        for set in sets {
            let mut indexes = Vec::new();
            for expression in set {
                let typed = self.expression(scope, expression)?;
                let index = groups.iter().position(|g| g.expr == typed.expr);
                indexes.push(index.ok_or_else(|| SparkError::missing_aggregation(&typed.name))?);
            }
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
