//! Union, intersect, except, and distinct rows.

use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::scope::same_name;
use super::{Analyzed, Analyzer, Attribute, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, Relation, SetOperationKind};
use crate::types::{coercion, sql_name};

impl Analyzer {
    pub(super) fn set_operation(
        &mut self,
        left: &Relation,
        right: &Relation,
        kind: SetOperationKind,
        all: bool,
        by_name: bool,
        allow_missing_columns: bool,
    ) -> Result<Analyzed> {
        let (left, right) = (self.relation(left)?, self.relation(right)?);
        let (left, right) = if by_name {
            self.align_names(left, right, allow_missing_columns)?
        } else {
            (left, right)
        };
        match kind {
            SetOperationKind::Union => {
                let union = self.union_analyzed(left, right, "UNION")?;
                if all { Ok(union) } else { self.distinct(union) }
            }
            SetOperationKind::Intersect => self.compare_sets(left, right, all, true),
            SetOperationKind::Except => self.compare_sets(left, right, all, false),
        }
    }

    /// The right side's columns in the order of the left's, missing ones null.
    fn align_names(
        &mut self,
        left: Analyzed,
        right: Analyzed,
        fill: bool,
    ) -> Result<(Analyzed, Analyzed)> {
        let sensitive = self.context.case_sensitive;
        let (a, b) = (left.scope.columns.clone(), right.scope.columns.clone());
        let find = |columns: &[Attribute], name: &str| {
            columns
                .iter()
                .find(|c| same_name(&c.name, name, sensitive))
                .cloned()
        };
        let mut right_items = Vec::new();
        let mut left_items: Vec<TypedExpr> = a.iter().map(Attribute::typed).collect();
        for column in &a {
            match find(&b, &column.name) {
                Some(found) => right_items.push(found.typed()),
                None if fill => right_items.push(self.missing(column)?),
                None => {
                    let names: Vec<String> = b.iter().map(|c| format!("`{}`", c.name)).collect();
                    return Err(SparkError::unresolved_column(
                        std::slice::from_ref(&column.name),
                        &names,
                    ));
                }
            }
        }
        for column in &b {
            if find(&a, &column.name).is_some() {
                continue;
            }
            if !fill {
                return Err(SparkError::num_columns_mismatch(
                    "UNION",
                    a.len(),
                    "second",
                    b.len(),
                ));
            }
            left_items.push(self.missing(column)?);
            right_items.push(column.typed());
        }
        Ok((
            self.project_typed(left, left_items)?,
            self.project_typed(right, right_items)?,
        ))
    }

    fn missing(&mut self, column: &Attribute) -> Result<TypedExpr> {
        let null = Expr::Literal(super::literal::null_value(&column.data_type)?, None);
        let mut value = TypedExpr::new(null, column.data_type.clone(), true, "NULL");
        value.named = Some(column.name.clone());
        Ok(value)
    }

    pub(super) fn union_analyzed(
        &mut self,
        left: Analyzed,
        right: Analyzed,
        word: &str,
    ) -> Result<Analyzed> {
        let (left, right) = self.common_columns(left, right, word)?;
        let is_streaming = left.is_streaming || right.is_streaming;
        let columns: Vec<Attribute> = left
            .scope
            .columns
            .iter()
            .zip(&right.scope.columns)
            .map(|(a, b)| {
                let mut column = self.new_attribute(&a.typed());
                column.nullable = a.nullable || b.nullable;
                column.data_type = merged_nullability(&a.data_type, &b.data_type);
                column
            })
            .collect();
        let named = |side: &Analyzed| {
            side.scope
                .columns
                .iter()
                .zip(&columns)
                .map(|(from, to)| Expr::Column(from.column()).alias(to.column_name()))
                .collect::<Vec<_>>()
        };
        let (a, b) = (named(&left), named(&right));
        let right_plan = LogicalPlanBuilder::from(right.plan).project(b)?.build()?;
        let plan = LogicalPlanBuilder::from(left.plan)
            .project(a)?
            .union(right_plan)?
            .build()?;
        let mut scope = left.scope.beside(&right.scope).with_columns(columns);
        scope.plans.clear();
        Ok(Analyzed {
            plan,
            scope,
            is_streaming,
        })
    }

    /// Both sides with the same number of columns, each pair in the type that holds both.
    fn common_columns(
        &mut self,
        left: Analyzed,
        right: Analyzed,
        word: &str,
    ) -> Result<(Analyzed, Analyzed)> {
        let (a, b) = (left.scope.columns.clone(), right.scope.columns.clone());
        if a.len() != b.len() {
            return Err(SparkError::num_columns_mismatch(
                word,
                a.len(),
                "second",
                b.len(),
            ));
        }
        let (mut left_items, mut right_items) = (Vec::new(), Vec::new());
        for (index, (x, y)) in a.iter().zip(&b).enumerate() {
            let named_otherwise = coercion::same_shape(&x.data_type, &y.data_type)
                .then(|| merged_nullability(&x.data_type, &y.data_type));
            let common = coercion::common_type(&x.data_type, &y.data_type).or(named_otherwise);
            let common = common.ok_or_else(|| {
                SparkError::incompatible_column_type(
                    word,
                    crate::functions::ordinal(index),
                    "second",
                    &sql_name(&y.data_type),
                    &sql_name(&x.data_type),
                )
            })?;
            left_items.push(self.converted(x, &common)?);
            right_items.push(self.converted(y, &common)?);
        }
        Ok((
            self.project_unique(left, left_items)?,
            self.project_unique(right, right_items)?,
        ))
    }

    fn converted(&mut self, column: &Attribute, to: &DataType) -> Result<TypedExpr> {
        if internal_arrow(&column.data_type) == internal_arrow(to)
            && coercion::same_shape(&column.data_type, to)
        {
            return Ok(column.typed());
        }
        let mut value = self.cast_implicitly(column.typed(), to)?;
        value.named = Some(column.name.clone());
        value.attribute = None;
        Ok(value)
    }

    /// A projection in which every item is a column of its own, repeated columns included.
    fn project_unique(&mut self, input: Analyzed, items: Vec<TypedExpr>) -> Result<Analyzed> {
        let mut seen: Vec<u64> = Vec::new();
        let items = items.into_iter().map(|mut item| {
            if let Some(attribute) = &item.attribute {
                if seen.contains(&attribute.id) {
                    item.attribute = None;
                } else {
                    seen.push(attribute.id);
                }
            }
            item
        });
        let items = items.collect();
        self.project_typed(input, items)
    }

    pub(super) fn distinct(&mut self, input: Analyzed) -> Result<Analyzed> {
        let columns = input.scope.columns.clone();
        for column in &columns {
            if matches!(column.data_type, DataType::Map { .. }) {
                return Err(SparkError::set_operation_on_map(
                    &column.name,
                    &sql_name(&column.data_type),
                ));
            }
        }
        if input.is_streaming {
            return self.deduplicate_stream(input, &[], true, false);
        }
        let input = self.only_columns(input)?;
        let input = self.normalized(input)?;
        let keys: Vec<Expr> = input
            .scope
            .columns
            .iter()
            .map(|c| Expr::Column(c.column()))
            .collect();
        if keys.is_empty() {
            return Ok(input);
        }
        let plan = LogicalPlanBuilder::from(input.plan)
            .aggregate(keys, Vec::<Expr>::new())?
            .build()?;
        Ok(Analyzed { plan, ..input })
    }

    /// Doubles with one zero, so that equal keys are equal bytes.
    fn normalized(&mut self, input: Analyzed) -> Result<Analyzed> {
        let columns = input.scope.columns.clone();
        let is_float = |c: &Attribute| matches!(c.data_type, DataType::Float | DataType::Double);
        if !columns.iter().any(is_float) {
            return Ok(input);
        }
        let mut exprs = Vec::new();
        for column in &columns {
            let typed = self.sortable(column.typed())?;
            exprs.push(if is_float(column) {
                typed.expr.alias(column.column_name())
            } else {
                typed.expr
            });
        }
        let plan = LogicalPlanBuilder::from(input.plan)
            .project(exprs)?
            .build()?;
        Ok(Analyzed { plan, ..input })
    }

    fn compare_sets(
        &mut self,
        left: Analyzed,
        right: Analyzed,
        all: bool,
        intersect: bool,
    ) -> Result<Analyzed> {
        let word = if intersect { "INTERSECT" } else { "EXCEPT" };
        let (left, right) = self.common_columns(left, right, word)?;
        let (left, right) = (self.only_columns(left)?, self.only_columns(right)?);
        let (left, right) = (self.normalized(left)?, self.normalized(right)?);
        if all {
            return self.compare_bags(left, right, intersect);
        }
        let (left, right) = (self.distinct(left)?, self.distinct(right)?);
        let conditions: Vec<Expr> = left
            .scope
            .columns
            .iter()
            .zip(&right.scope.columns)
            .map(|(a, b)| {
                datafusion::logical_expr::binary_expr(
                    Expr::Column(a.column()),
                    datafusion::logical_expr::Operator::IsNotDistinctFrom,
                    Expr::Column(b.column()),
                )
            })
            .collect();
        let kind = if intersect {
            datafusion::logical_expr::JoinType::LeftSemi
        } else {
            datafusion::logical_expr::JoinType::LeftAnti
        };
        let scope = left.scope.clone();
        let plan = LogicalPlanBuilder::from(left.plan)
            .join_on(right.plan, kind, conditions)?
            .build()?;
        Ok(Analyzed {
            plan,
            scope,
            is_streaming: left.is_streaming || right.is_streaming,
        })
    }

    /// `INTERSECT ALL` and `EXCEPT ALL`: rows are numbered within equal ones, then compared as sets.
    fn compare_bags(
        &mut self,
        left: Analyzed,
        right: Analyzed,
        intersect: bool,
    ) -> Result<Analyzed> {
        let (left, right) = (self.numbered(left)?, self.numbered(right)?);
        let columns = left.scope.columns[..left.scope.columns.len() - 1].to_vec();
        let compared = self.compare_sets(left, right, false, intersect)?;
        let scope = compared.scope.with_columns(columns);
        self.only_columns(Analyzed { scope, ..compared })
    }

    fn numbered(&mut self, input: Analyzed) -> Result<Analyzed> {
        use crate::ir::{Expression, SortOrder};
        let attributes = |a: &Attribute| Expression::Attribute {
            parts: vec![a.name.clone()],
            plan_id: None,
            is_metadata_column: false,
        };
        // Names may repeat, so the window is written over columns renamed by their position.
        let columns = input.scope.columns.clone();
        let renamed: Vec<Attribute> = columns
            .iter()
            .enumerate()
            .map(|(i, c)| Attribute {
                name: format!("_{i}"),
                ..c.clone()
            })
            .collect();
        let items = columns.iter().zip(&renamed).map(|(from, to)| {
            let mut item = from.typed();
            item.attribute = None;
            item.named = Some(to.name.clone());
            item
        });
        let items = items.collect();
        let projected = self.project_typed(input, items)?;
        let partition: Vec<Expression> = renamed.iter().map(attributes).collect();
        let order = vec![SortOrder::ascending(partition[0].clone())];
        let number = Expression::Window {
            function: Box::new(Expression::function("row_number", vec![])),
            partition_by: partition.clone(),
            order_by: order,
            frame: None,
        };
        let mut list = partition;
        list.push(number.alias("_number"));
        let mut numbered = self.project_over(projected, &list, None)?;
        for (column, original) in numbered.scope.columns.iter_mut().zip(&columns) {
            // The user's name again; the column inside the plan keeps the one it has.
            let plan_name = column.column_name();
            column.name.clone_from(&original.name);
            if column.column_name() != plan_name {
                let mut exprs = Vec::new();
                for c in numbered.plan.schema().columns() {
                    exprs.push(if c.name == plan_name {
                        Expr::Column(c).alias(column.column_name())
                    } else {
                        Expr::Column(c)
                    });
                }
                numbered.plan = LogicalPlanBuilder::from(numbered.plan)
                    .project(exprs)?
                    .build()?;
            }
        }
        Ok(numbered)
    }

    pub(super) fn deduplicate(
        &mut self,
        input: &Relation,
        names: &[String],
        all: bool,
        within_watermark: bool,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        if within_watermark && !analyzed.is_streaming {
            return Err(SparkError::unsupported_streaming_operation(
                "dropDuplicatesWithinWatermark is not supported with batch DataFrames/DataSets",
            ));
        }
        if analyzed.is_streaming {
            return self.deduplicate_stream(analyzed, names, all, within_watermark);
        }
        if all {
            return self.distinct(analyzed);
        }
        let keys = self.columns_named(&analyzed, names)?;
        if keys.len() == analyzed.scope.columns.len() {
            return self.distinct(analyzed);
        }
        let input = self.only_columns(analyzed)?;
        let group: Vec<Expr> = keys.iter().map(|k| Expr::Column(k.column())).collect();
        let mut aggregates = Vec::new();
        let mut exprs = Vec::new();
        for column in &input.scope.columns {
            if keys.iter().any(|k| k.id == column.id) {
                exprs.push(Expr::Column(column.column()));
                continue;
            }
            let first = datafusion::functions_aggregate::expr_fn::first_value(
                Expr::Column(column.column()),
                vec![],
            );
            let name = format!("first#{}", super::next_id());
            aggregates.push(first.alias(name.clone()));
            let first = Expr::Column(datafusion::common::Column::new_unqualified(name));
            exprs.push(first.alias(column.column_name()));
        }
        let plan = LogicalPlanBuilder::from(input.plan)
            .aggregate(group, aggregates)?
            .project(exprs)?
            .build()?;
        Ok(Analyzed { plan, ..input })
    }

    fn deduplicate_stream(
        &mut self,
        input: Analyzed,
        names: &[String],
        all: bool,
        within_watermark: bool,
    ) -> Result<Analyzed> {
        let keys = if all {
            input.scope.columns.clone()
        } else {
            self.columns_named(&input, names)?
        };
        let node = crate::plan::Deduplicate {
            within_watermark,
            keys: keys.iter().map(Attribute::column_name).collect(),
            input: input.plan.clone(),
        };
        let plan =
            datafusion::logical_expr::LogicalPlan::Extension(datafusion::logical_expr::Extension {
                node: std::sync::Arc::new(node),
            });
        Ok(Analyzed { plan, ..input })
    }

    /// All columns with these names, in the order of the names.
    pub(super) fn columns_named(
        &mut self,
        input: &Analyzed,
        names: &[String],
    ) -> Result<Vec<Attribute>> {
        let mut columns = Vec::new();
        for name in names {
            let sensitive = self.context.case_sensitive;
            let found: Vec<_> = input
                .scope
                .columns
                .iter()
                .filter(|c| same_name(&c.name, name, sensitive))
                .cloned()
                .collect();
            if found.is_empty() {
                let parts = [name.clone()];
                return Err(SparkError::unresolved_column(
                    &parts,
                    &input.scope.suggestions(&parts),
                ));
            }
            columns.extend(found);
        }
        Ok(columns)
    }
}

/// The first type, with containers that hold nulls if either does.
fn merged_nullability(a: &DataType, b: &DataType) -> DataType {
    match (a, b) {
        (
            DataType::Array {
                element: x,
                contains_null: n,
            },
            DataType::Array {
                element: y,
                contains_null: m,
            },
        ) => DataType::array(merged_nullability(x, y), *n || *m),
        (
            DataType::Map {
                key,
                value: x,
                value_contains_null: n,
            },
            DataType::Map {
                value: y,
                value_contains_null: m,
                ..
            },
        ) => DataType::map(key.as_ref().clone(), merged_nullability(x, y), *n || *m),
        _ => a.clone(),
    }
}
