//! Subqueries in expressions, correlated ones included.

use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion::common::Spans;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{Expr, Subquery};

use super::{Analyzed, Analyzer, Scope, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, Relation, SubqueryKind};
use crate::types::{coercion, sql_name};

impl Analyzer {
    pub(super) fn subquery(
        &mut self,
        scope: &Scope,
        kind: &SubqueryKind,
        relation: &Relation,
        plan_id: Option<i64>,
    ) -> Result<TypedExpr> {
        let referred = plan_id.and_then(|id| self.references.get(&id).cloned());
        let relation = referred.as_ref().unwrap_or(relation);
        let values = match kind {
            SubqueryKind::In { values } => self.expressions(scope, values)?,
            _ => Vec::new(),
        };
        self.outer.push(scope.clone());
        let inner = self.relation(relation);
        self.outer.pop();
        let inner = inner?;
        match kind {
            SubqueryKind::Scalar | SubqueryKind::TableArgument => self.scalar_subquery(inner),
            SubqueryKind::Exists => {
                let subquery = self.planned(inner)?;
                let expr = Expr::Exists(Exists::new(subquery, false));
                Ok(TypedExpr::new(expr, DataType::Boolean, false, "exists()"))
            }
            SubqueryKind::In { .. } => self.in_subquery(values, inner),
        }
    }

    fn scalar_subquery(&mut self, inner: Analyzed) -> Result<TypedExpr> {
        let [column] = inner.scope.columns.as_slice() else {
            let count = inner.scope.columns.len();
            return Err(SparkError::mismatch(
                "SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
                "scalarsubquery()",
                format!("a scalar subquery must return one column, not {count}."),
            ));
        };
        let (data_type, name) = (column.data_type.clone(), "scalarsubquery()".to_owned());
        let subquery = self.planned(inner)?;
        Ok(TypedExpr::new(
            Expr::ScalarSubquery(subquery),
            data_type,
            true,
            name,
        ))
    }

    fn in_subquery(&mut self, mut values: Vec<TypedExpr>, inner: Analyzed) -> Result<TypedExpr> {
        if values.len() != 1 || inner.scope.columns.len() != 1 {
            return Err(SparkError::unsupported_feature(
                "IN with a subquery of several columns",
            ));
        }
        let value = values.remove(0);
        let column = inner.scope.columns[0].clone();
        let name = format!("({} IN (listquery()))", value.name);
        let common =
            coercion::common_type(&value.data_type, &column.data_type).ok_or_else(|| {
                SparkError::binary_operator_different_types(
                    &name,
                    &sql_name(&value.data_type),
                    &sql_name(&column.data_type),
                )
            })?;
        let value = self.cast_implicitly(value, &common)?;
        let mut typed = self.cast_implicitly(column.typed(), &common)?;
        typed.named = Some(column.name.clone());
        let inner = self.project_typed(inner, vec![typed])?;
        let nullable = value.nullable || column.nullable;
        let subquery = self.planned(inner)?;
        let expr = Expr::InSubquery(InSubquery::new(Box::new(value.expr), subquery, false));
        Ok(TypedExpr::new(expr, DataType::Boolean, nullable, name))
    }

    fn planned(&mut self, inner: Analyzed) -> Result<Subquery> {
        let plan = self.finish(inner)?.plan;
        let outer_ref_columns = plan.all_out_ref_exprs();
        Ok(Subquery {
            subquery: Arc::new(plan),
            outer_ref_columns,
            spans: Spans::new(),
        })
    }

    /// A column of a query around the subquery at hand.
    pub(super) fn outer_attribute(
        &mut self,
        parts: &[String],
        plan_id: Option<i64>,
    ) -> Result<Option<TypedExpr>> {
        for index in (0..self.outer.len()).rev() {
            let scope = self.outer[index].clone();
            let found = match plan_id {
                Some(id) => scope.resolve_in_plan(id, parts, self.context.case_sensitive)?,
                None => scope.resolve(parts, self.context.case_sensitive)?,
            };
            let Some(found) = found else { continue };
            let column = found.attribute.column();
            let field = Field::new(
                column.name.clone(),
                internal_arrow(&found.attribute.data_type),
                true,
            );
            let outer = Expr::OuterReferenceColumn(Arc::new(field), column);
            let mut value = found.attribute.typed();
            value = value.replaced(
                outer,
                found.attribute.data_type.clone(),
                found.attribute.nullable,
            );
            for field in &found.fields {
                value = self.extract_field(value, field)?;
            }
            return Ok(Some(value));
        }
        Ok(None)
    }
}
