//! Other columns from the same rows: renamed, dropped, added, under another table's name; watermarks.
//!
//! What turns columns into rows is in `unpivot` and `generate`, what brings columns to a wanted schema in `schema`.

use std::sync::Arc;

use datafusion::logical_expr::{Extension, LogicalPlan};

use super::scope::same_name;
use super::{Analyzed, Analyzer, Attribute, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Expression, Relation, RelationNode};
use crate::plan::EventTimeWatermark;
use crate::types::sql_name;

impl Analyzer {
    pub(super) fn subquery_alias(
        &mut self,
        input: &Relation,
        alias: &str,
        qualifier: &[String],
        columns: &[String],
    ) -> Result<Analyzed> {
        let mut analyzed = self.relation(input)?;
        let is_inline = matches!(input.node.as_ref(), RelationNode::Values { .. });
        let width = analyzed.scope.columns.len();
        if is_inline && !columns.is_empty() && columns.len() != width {
            return Err(SparkError::inline_table_of_uneven_rows(
                columns.len(),
                width,
                0,
            ));
        }
        if !columns.is_empty() {
            analyzed = self.renamed(analyzed, columns)?;
        }
        let mut full = qualifier.to_vec();
        full.push(alias.to_owned());
        Ok(self.qualified(analyzed, full))
    }

    pub(super) fn rename_columns(
        &mut self,
        input: &Relation,
        names: &[String],
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        self.renamed(analyzed, names)
    }

    pub(super) fn renamed(&mut self, input: Analyzed, names: &[String]) -> Result<Analyzed> {
        if names.len() != input.scope.columns.len() {
            return Err(SparkError::assignment_arity_mismatch(
                names.len(),
                input.scope.columns.len(),
            ));
        }
        let items = input
            .scope
            .columns
            .iter()
            .zip(names)
            .map(|(column, name)| TypedExpr {
                named: Some(name.clone()),
                attribute: None,
                ..column.typed()
            });
        let items = items.collect();
        self.project_typed(input, items)
    }

    pub(super) fn with_columns(
        &mut self,
        input: &Relation,
        columns: &[(String, Expression, Option<String>)],
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let sensitive = self.context.case_sensitive;
        for (index, (name, ..)) in columns.iter().enumerate() {
            if columns[..index]
                .iter()
                .any(|(other, ..)| same_name(other, name, sensitive))
            {
                return Err(SparkError::column_already_exists(&name.to_lowercase()));
            }
        }
        let aliased = |(name, expression, metadata): &(String, Expression, Option<String>)| {
            Expression::Alias {
                child: Box::new(expression.clone()),
                names: vec![name.clone()],
                metadata: metadata.clone(),
            }
        };
        let mut list = Vec::new();
        let mut used = vec![false; columns.len()];
        for column in &analyzed.scope.columns {
            match columns
                .iter()
                .position(|(name, ..)| same_name(name, &column.name, sensitive))
            {
                Some(index) => {
                    used[index] = true;
                    list.push(aliased(&columns[index]));
                }
                None => list.push(held(column)),
            }
        }
        list.extend(
            columns
                .iter()
                .zip(&used)
                .filter(|(_, used)| !**used)
                .map(|(c, _)| aliased(c)),
        );
        self.project_held(analyzed, &list)
    }

    /// A projection of a list in which some items are columns by id.
    fn project_held(&mut self, input: Analyzed, list: &[Expression]) -> Result<Analyzed> {
        let mut input = input;
        let columns = input.scope.columns.clone();
        let number = HELD_PLAN;
        input.scope.plans.push(super::scope::PlanColumns {
            plan_id: number,
            depth: 0,
            columns: columns
                .iter()
                .map(|c| Attribute {
                    name: c.id.to_string(),
                    ..c.clone()
                })
                .collect(),
        });
        let mut projected = self.project_over(input, list, None)?;
        projected.scope.plans.retain(|p| p.plan_id != number);
        Ok(projected)
    }

    pub(super) fn with_columns_renamed(
        &mut self,
        input: &Relation,
        renames: &[(String, String)],
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let sensitive = self.context.case_sensitive;
        let mut items: Vec<TypedExpr> = Vec::new();
        for column in &analyzed.scope.columns {
            let mut name = column.name.clone();
            for (old, new) in renames {
                if same_name(old, &name, sensitive) {
                    name.clone_from(new);
                }
            }
            let mut item = column.typed();
            if name != column.name {
                item.named = Some(name);
                item.attribute = None;
            }
            items.push(item);
        }
        self.project_typed(analyzed, items)
    }

    pub(super) fn drop_columns(
        &mut self,
        input: &Relation,
        columns: &[Expression],
        names: &[String],
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let sensitive = self.context.case_sensitive;
        let mut dropped: Vec<u64> = Vec::new();
        for column in columns {
            // A column that does not exist is no error.
            if let Ok(value) = self.expression(&analyzed.scope, column)
                && let Some(attribute) = value.attribute
            {
                dropped.push(attribute.id);
            }
        }
        for name in names {
            let found = analyzed
                .scope
                .columns
                .iter()
                .filter(|c| same_name(&c.name, name, sensitive));
            dropped.extend(found.map(|c| c.id));
        }
        let kept = analyzed
            .scope
            .columns
            .iter()
            .filter(|c| !dropped.contains(&c.id))
            .map(Attribute::typed);
        let kept = kept.collect();
        self.project_typed(analyzed, kept)
    }

    pub(super) fn with_watermark(
        &mut self,
        input: &Relation,
        event_time: &str,
        delay: &str,
    ) -> Result<Analyzed> {
        let mut analyzed = self.relation(input)?;
        let parts = crate::sql::parse_identifier(event_time)?;
        let column = self.attribute(&analyzed.scope, &parts, None)?;
        let is_time = |t: &DataType| matches!(t, DataType::Timestamp);
        let is_window = matches!(&column.data_type, DataType::Struct(fields) if fields.fields.iter().any(|f| f.name == "end"));
        if !is_time(&column.data_type) && !is_window {
            return Err(SparkError::event_time_not_timestamp(
                event_time,
                &sql_name(&column.data_type),
            ));
        }
        let (months, days, micros) = crate::cast::interval_from_text(delay)
            .ok_or_else(|| SparkError::invalid_interval(delay))?;
        let delay_micros = i64::from(days) * crate::time::MICROS_PER_DAY + micros;
        let Some(attribute) = column.attribute else {
            return Err(SparkError::unsupported_feature(
                "a watermark on a field of a column",
            ));
        };
        if delay_micros < 0 || months < 0 {
            return Err(SparkError::unsupported_feature(
                "a negative watermark delay",
            ));
        }
        if !analyzed.is_streaming {
            return Ok(analyzed);
        }
        let node = EventTimeWatermark {
            column: attribute.column_name(),
            display_name: attribute.name.clone(),
            delay_months: months,
            delay_micros,
            input: analyzed.plan,
        };
        analyzed.plan = LogicalPlan::Extension(Extension {
            node: Arc::new(node),
        });
        Ok(analyzed)
    }
}

/// The plan id under which columns are held by their own ids.
const HELD_PLAN: i64 = i64::MIN;

fn held(column: &Attribute) -> Expression {
    Expression::Attribute {
        parts: vec![column.id.to_string()],
        plan_id: Some(HELD_PLAN),
        is_metadata_column: false,
    }
}
