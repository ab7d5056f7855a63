//! `WITH RECURSIVE`: a relation that is made of itself, step by step.
//!
//! A step reads what the step before has found, as a table of its own (the work table); steps end when one finds
//! nothing. Always true: every step has the anchor's types. Start at
//! [`Analyzer::recursive_union`].

use std::sync::Arc;

use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::leaf::internal_schema;
use super::{Analyzed, Analyzer, TypedExpr, next_id};
use crate::error::{Result, SparkError};
use crate::ir::{Relation, StructField, StructType};
use crate::types::coercion::as_nullable;

/// What a recursive definition sees of itself.
pub(super) struct WorkTable {
    name: String,
    /// The name that the engine knows it by.
    engine_name: String,
    schema: StructType,
    /// How many definitions there were around it: later ones of the same name hide it.
    definitions: usize,
    is_read: bool,
}

impl Analyzer {
    pub(super) fn recursive_union(
        &mut self,
        name: &str,
        columns: &[String],
        anchor: &Relation,
        step: &Relation,
        all: bool,
    ) -> Result<Analyzed> {
        let anchor = self.relation(anchor)?;
        let anchor = match columns {
            [] => anchor,
            names => self.renamed(anchor, names)?,
        };
        let fields = anchor.scope.columns.iter().map(|column| StructField {
            name: column.name.clone(),
            data_type: as_nullable(&column.data_type),
            nullable: true,
            metadata: None,
        });
        let schema = StructType::new(fields.collect());
        let engine_name = format!("{name}#{}", next_id());
        self.work_tables.push(WorkTable {
            name: name.to_owned(),
            engine_name: engine_name.clone(),
            schema: schema.clone(),
            definitions: self.definitions.len(),
            is_read: false,
        });
        let step = self.relation(step);
        let is_recursive = self.work_tables.pop().is_some_and(|table| table.is_read);
        let step = step?;
        if !is_recursive {
            let union = self.union_analyzed(anchor, step, "UNION")?;
            return if all { Ok(union) } else { self.distinct(union) };
        }
        if !all {
            return Err(SparkError::union_in_recursion());
        }
        let sides = anchor.scope.columns.iter().zip(&step.scope.columns);
        let nullable: Vec<bool> = sides.map(|(a, b)| a.nullable || b.nullable).collect();
        let anchor = self.in_schema(anchor, &schema)?;
        let step = self.in_schema(step, &schema)?;
        let plan = LogicalPlanBuilder::from(anchor)
            .to_recursive_query(engine_name, step, false)?
            .build()?;
        self.named_by_schema(plan, &schema, &nullable)
    }

    pub(super) fn is_work_table(&self, name: &str, definition: Option<usize>) -> bool {
        let table = self.work_tables.iter().rev();
        let mut found = table.filter(|table| table.name.eq_ignore_ascii_case(name));
        found
            .next()
            .is_some_and(|table| definition.is_none_or(|position| position < table.definitions))
    }

    /// What the step before has found.
    pub(super) fn work_table(&mut self, name: &str) -> Result<Analyzed> {
        let tables = self.work_tables.iter_mut().rev();
        let mut found = tables.filter(|table| table.name.eq_ignore_ascii_case(name));
        let table = found
            .next()
            .ok_or_else(|| SparkError::table_or_view_not_found(name))?;
        table.is_read = true;
        let schema = table.schema.clone();
        let names = column_names(&schema);
        let arrow = crate::execution::rename_schema(&internal_schema(&schema), &names);
        let provider = CteWorkTable::new(&table.engine_name, arrow);
        self.scan(Arc::new(provider), &schema, vec![name.to_owned()])
    }

    /// The plan under the names and in the types that every step has.
    fn in_schema(&mut self, input: Analyzed, schema: &StructType) -> Result<LogicalPlan> {
        let columns = input.scope.columns.clone();
        if columns.len() != schema.len() {
            return Err(SparkError::num_columns_mismatch(
                "UNION",
                schema.len(),
                "second",
                columns.len(),
            ));
        }
        let mut exprs = Vec::new();
        let names = column_names(schema);
        for ((column, field), name) in columns.iter().zip(schema.fields.iter()).zip(names) {
            let value = self.cast_implicitly(column.typed(), &field.data_type)?;
            exprs.push(value.expr.alias(name));
        }
        Ok(LogicalPlanBuilder::from(input.plan)
            .project(exprs)?
            .build()?)
    }

    fn named_by_schema(
        &mut self,
        plan: LogicalPlan,
        schema: &StructType,
        nullable: &[bool],
    ) -> Result<Analyzed> {
        let engine_columns = plan.schema().columns();
        let mut exprs = Vec::new();
        let mut attributes = Vec::new();
        let fields = schema.fields.iter().zip(nullable);
        for (column, (field, nullable)) in engine_columns.into_iter().zip(fields) {
            let expr = Expr::Column(column);
            let mut value = TypedExpr::new(expr, field.data_type.clone(), *nullable, &field.name);
            value.named = Some(field.name.clone());
            let attribute = self.new_attribute(&value);
            exprs.push(value.expr.alias(attribute.column_name()));
            attributes.push(attribute);
        }
        let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
        Ok(Analyzed {
            plan,
            scope: super::Scope::new(attributes),
            is_streaming: false,
        })
    }
}

fn column_names(schema: &StructType) -> Vec<String> {
    (0..schema.len()).map(|index| format!("c{index}")).collect()
}
