//! Grouping and aggregating: `GROUP BY`, rollup, cube, grouping sets, pivot, `HAVING`.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::expression::{Selected, has_aggregate};
use super::{Analyzed, Analyzer, Attribute, Scope, TypedExpr, next_id};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Expression, GroupType, Literal, Pivot, Relation, SortOrder};

/// What the aggregate of the relation yields, and how expressions over it are written in its columns.
struct Rewriter {
    groups: Vec<(Expr, Attribute)>,
    aggregates: Vec<(Expr, String)>,
}

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
        let (groups, output) = resolved?;
        let sets = match group_type {
            GroupType::GroupBy | GroupType::Pivot => None,
            GroupType::Rollup => Some((0..=groups.len()).rev().map(|n| (0..n).collect()).collect()),
            GroupType::Cube => Some(cube(groups.len())),
            GroupType::GroupingSets => {
                Some(self.grouping_set_indexes(&input.scope, &groups, grouping_sets)?)
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
    fn group(
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
                    .cloned()
                    .ok_or(error),
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

    fn aggregate_rewritten(
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

    /// Several groupings of the same rows: every row once per set, keys outside of the set null.
    fn aggregate_sets(
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
                    Expr::Literal(super::literal::null_value(&group.data_type)?, None)
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

    fn grouping_set_indexes(
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

    /// `GROUP BY … PIVOT`: one column per pivot value and aggregate.
    fn pivot(
        &mut self,
        input: Analyzed,
        grouping: &[Expression],
        aggregates: &[Expression],
        pivot: &Pivot,
    ) -> Result<Analyzed> {
        let pending = self.pending.len();
        let column = self.expression(&input.scope, &pivot.column)?;
        let groups = if pivot.groups_the_rest {
            self.columns_not_read(&input, &column, aggregates)?
        } else {
            self.expressions(&input.scope, grouping)?
        };
        let values = if pivot.values.is_empty() {
            self.distinct_values(&input, &column)?
        } else {
            let mut values = Vec::new();
            for (expression, alias) in &pivot.values {
                let value = self.expression(&input.scope, expression)?;
                let name = alias.clone().unwrap_or_else(|| value.name.clone());
                values.push((value, name));
            }
            values
        };
        let mut output = groups.clone();
        for (value, name) in values {
            let value = self.cast_implicitly(value, &column.data_type)?;
            let matches = self.call_function(&input.scope, "<=>", vec![column.clone(), value])?;
            for aggregate in aggregates {
                let mut typed = self.expression(&input.scope, aggregate)?;
                let condition = matches.expr.clone();
                typed.expr = typed
                    .expr
                    .transform_up(|expr| {
                        Ok(match expr {
                            Expr::AggregateFunction(mut aggregate) => {
                                let filter = match aggregate.params.filter.take() {
                                    None => condition.clone(),
                                    Some(other) => {
                                        datafusion::logical_expr::and(*other, condition.clone())
                                    }
                                };
                                aggregate.params.filter = Some(Box::new(filter));
                                Transformed::yes(Expr::AggregateFunction(aggregate))
                            }
                            other => Transformed::no(other),
                        })
                    })?
                    .data;
                let aggregate_name = typed.column_name().to_owned();
                let shown = if aggregates.len() == 1 {
                    name.clone()
                } else {
                    format!("{name}_{aggregate_name}")
                };
                let typed = self.null_if_no_rows(typed, &matches)?;
                output.push(TypedExpr {
                    named: Some(shown),
                    attribute: None,
                    nullable: true,
                    metadata: None,
                    ..typed
                });
            }
        }
        let input = self.plan_time_windows(input, pending)?;
        self.aggregate_typed(input, groups, output, None, &[])
    }

    /// The columns that neither the pivot nor an aggregate reads.
    fn columns_not_read(
        &mut self,
        input: &Analyzed,
        pivot: &TypedExpr,
        aggregates: &[Expression],
    ) -> Result<Vec<TypedExpr>> {
        let aggregates = self.expressions(&input.scope, aggregates)?;
        if let Some(other) = aggregates.iter().find(|a| !has_aggregate(&a.expr)) {
            return Err(SparkError::not_an_aggregate(&other.name));
        }
        let read: Vec<Column> = aggregates
            .iter()
            .chain([pivot])
            .flat_map(|a| a.expr.column_refs())
            .cloned()
            .collect();
        let columns = input.scope.columns.iter();
        Ok(columns
            .filter(|c| !read.contains(&c.column()))
            .map(Attribute::typed)
            .collect())
    }

    /// A pivot cell without rows is null, `count` included.
    fn null_if_no_rows(&mut self, typed: TypedExpr, matches: &TypedExpr) -> Result<TypedExpr> {
        use datafusion::functions_aggregate::count::count_udaf;
        use datafusion::logical_expr::expr::AggregateFunction;
        let one = datafusion::prelude::lit(1i64);
        let count = Expr::AggregateFunction(AggregateFunction::new_udf(
            count_udaf(),
            vec![one],
            false,
            Some(Box::new(matches.expr.clone())),
            vec![],
            None,
        ));
        let null = Expr::Literal(super::literal::null_value(&typed.data_type)?, None);
        let none = count.eq(datafusion::prelude::lit(0i64));
        let expr = datafusion::logical_expr::when(none, null).otherwise(typed.expr.clone())?;
        Ok(TypedExpr { expr, ..typed })
    }

    /// The values of a pivot column, in order.
    fn distinct_values(
        &mut self,
        input: &Analyzed,
        column: &TypedExpr,
    ) -> Result<Vec<(TypedExpr, String)>> {
        let mut column = column.clone();
        column.attribute = None;
        let distinct = self.aggregate_typed(
            input.clone(),
            vec![column.clone()],
            vec![column.clone()],
            None,
            &[],
        )?;
        let data_type = column.data_type.clone();
        let ordered = distinct.scope.columns[0].typed();
        let orders = vec![super::window::Ordering {
            typed: ordered,
            ascending: true,
            nulls_first: true,
        }];
        let sorted = self.sort_by(distinct, orders)?;
        let plan = self.finish(sorted)?;
        let batches = self.run(&plan)?;
        let writer =
            crate::cast::ValueWriter::new(crate::cast::Style::Cast, self.context.time_zone);
        let mut values = Vec::new();
        for batch in &batches {
            let array = batch.column(0);
            for row in 0..array.len() {
                let value = datafusion::common::ScalarValue::try_from_array(array, row)?;
                let name = writer
                    .text(array, &data_type, row)
                    .unwrap_or_else(|| "null".to_owned());
                let nullable = value.is_null();
                values.push((
                    TypedExpr::new(
                        Expr::Literal(value, None),
                        data_type.clone(),
                        nullable,
                        name.clone(),
                    ),
                    name,
                ));
            }
        }
        let limit = 10_000;
        if values.len() > limit {
            return Err(SparkError::unsupported_feature(&format!(
                "a pivot of more than {limit} values"
            )));
        }
        Ok(values)
    }
}

fn cube(count: usize) -> Vec<Vec<usize>> {
    let mut sets: Vec<Vec<usize>> = (0..1usize << count.min(20))
        .map(|bits| (0..count).filter(|i| bits >> i & 1 == 1).collect())
        .collect();
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    sets
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
