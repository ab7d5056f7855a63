//! `na.fill`, `na.drop`, `na.replace`.

use super::{Analyzed, Analyzer, Attribute, TypedExpr};
use crate::error::Result;
use crate::ir::{DataType, Literal, NaReplacement, Relation};

impl Analyzer {
    pub(super) fn fill_na(
        &mut self,
        input: &Relation,
        columns: &[String],
        values: &[Literal],
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let chosen = if columns.is_empty() {
            analyzed.scope.columns.clone()
        } else {
            self.columns_named(&analyzed, columns)?
        };
        let mut items = Vec::new();
        for column in analyzed.scope.columns.clone() {
            let position = chosen.iter().position(|c| c.id == column.id);
            let value = position.and_then(|p| {
                if values.len() == 1 {
                    values.first()
                } else {
                    values.get(p)
                }
            });
            items.push(match value {
                Some(value) if fills(&value.data_type(), &column.data_type) => {
                    self.filled(&analyzed, &column, value)?
                }
                _ => column.typed(),
            });
        }
        self.project_typed(analyzed, items)
    }

    fn filled(
        &mut self,
        input: &Analyzed,
        column: &Attribute,
        value: &Literal,
    ) -> Result<TypedExpr> {
        let mut present = column.typed();
        if matches!(column.data_type, DataType::Double | DataType::Float) {
            let null = self.literal(&Literal::Null(column.data_type.clone()))?;
            present = self.call_function(&input.scope, "nanvl", vec![present, null])?;
        }
        let value = self.literal(value)?;
        let value = self.cast_explicitly(value, &column.data_type)?;
        let filled = self.call_function(&input.scope, "coalesce", vec![present, value])?;
        let filled = if filled.data_type == column.data_type {
            filled
        } else {
            self.cast_explicitly(filled, &column.data_type)?
        };
        Ok(TypedExpr {
            named: Some(column.name.clone()),
            attribute: None,
            ..filled
        })
    }

    pub(super) fn drop_na(
        &mut self,
        input: &Relation,
        columns: &[String],
        least: Option<i32>,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let chosen = if columns.is_empty() {
            analyzed.scope.columns.clone()
        } else {
            self.columns_named(&analyzed, columns)?
        };
        let least = least.unwrap_or(chosen.len() as i32);
        let arguments = std::iter::once(self.literal(&Literal::Integer(least))?)
            .chain(chosen.iter().map(Attribute::typed));
        let arguments = arguments.collect();
        let condition = self.call_function(&analyzed.scope, "at_least_n_non_nulls", arguments)?;
        let plan = datafusion::logical_expr::LogicalPlanBuilder::from(analyzed.plan)
            .filter(condition.expr)?
            .build()?;
        Ok(Analyzed { plan, ..analyzed })
    }

    pub(super) fn replace_na(
        &mut self,
        input: &Relation,
        columns: &[String],
        replacements: &[NaReplacement],
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let chosen = if columns.is_empty() {
            analyzed.scope.columns.clone()
        } else {
            self.columns_named(&analyzed, columns)?
        };
        let mut items = Vec::new();
        for column in analyzed.scope.columns.clone() {
            let wanted = chosen.iter().any(|c| c.id == column.id)
                && replacements
                    .iter()
                    .any(|r| replaces(&r.old.data_type(), &column.data_type));
            items.push(if wanted {
                self.replaced(&analyzed, &column, replacements)?
            } else {
                column.typed()
            });
        }
        self.project_typed(analyzed, items)
    }

    fn replaced(
        &mut self,
        input: &Analyzed,
        column: &Attribute,
        replacements: &[NaReplacement],
    ) -> Result<TypedExpr> {
        let mut arguments = Vec::new();
        for NaReplacement { old, new } in replacements {
            let old = self.literal(old)?;
            let old = self.cast_explicitly(old, &column.data_type)?;
            arguments.push(self.call_function(&input.scope, "==", vec![column.typed(), old])?);
            let new = self.literal(new)?;
            arguments.push(self.cast_explicitly(new, &column.data_type)?);
        }
        arguments.push(column.typed());
        let value = self.call_function(&input.scope, "when", arguments)?;
        Ok(TypedExpr {
            named: Some(column.name.clone()),
            attribute: None,
            ..value
        })
    }
}

/// True if a fill value of type `value` goes into columns of type `column`.
fn fills(value: &DataType, column: &DataType) -> bool {
    match value {
        DataType::String(_) => column.is_string(),
        DataType::Boolean => *column == DataType::Boolean,
        v if v.is_numeric() => column.is_numeric(),
        _ => false,
    }
}

fn replaces(old: &DataType, column: &DataType) -> bool {
    match old {
        DataType::Null => true,
        other => fills(other, column),
    }
}
