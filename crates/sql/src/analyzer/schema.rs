//! Columns brought to a wanted schema: `to(schema)`, and JSON in a column as columns.

use super::scope::same_name;
use super::{Analyzed, Analyzer, Scope, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::FunctionCall;
use crate::ir::{DataType, Expression, Literal, Options, Relation, StructField, StructType};
use crate::types::{coercion, sql_name};

impl Analyzer {
    pub(super) fn conform_to_schema(
        &mut self,
        input: &Relation,
        schema: &StructType,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let sensitive = self.context.case_sensitive;
        let mut items = Vec::new();
        for field in schema.fields.iter() {
            let found: Vec<_> = analyzed
                .scope
                .columns
                .iter()
                .filter(|c| same_name(&c.name, &field.name, sensitive))
                .cloned()
                .collect();
            let mut item = match found.as_slice() {
                [] if field.nullable => self.literal(&Literal::Null(field.data_type.clone()))?,
                [] => {
                    return Err(SparkError::unresolved_column(
                        std::slice::from_ref(&field.name),
                        &[],
                    ));
                }
                [column] => {
                    if column.nullable && !field.nullable {
                        return Err(SparkError::nullable_column_or_field(&field.name));
                    }
                    self.reconciled(&analyzed.scope, column.typed(), field)?
                }
                several => {
                    let names: Vec<String> =
                        several.iter().map(|c| format!("`{}`", c.name)).collect();
                    return Err(SparkError::ambiguous_reference(
                        std::slice::from_ref(&field.name),
                        &names,
                    ));
                }
            };
            item.named = Some(field.name.clone());
            item.nullable = field.nullable;
            item.metadata = field.metadata.clone().or(item.metadata);
            item.attribute = None;
            items.push(item);
        }
        self.project_typed(analyzed, items)
    }

    /// A value as a field of a wanted schema: struct fields by name, other types by cast.
    fn reconciled(
        &mut self,
        scope: &Scope,
        value: TypedExpr,
        field: &StructField,
    ) -> Result<TypedExpr> {
        let (from, to) = (value.data_type.clone(), &field.data_type);
        if let (DataType::Struct(have), DataType::Struct(want)) = (&from, to)
            && have != want
        {
            let mut fields = Vec::new();
            for wanted in want.fields.iter() {
                let inner = match have.index_of(&wanted.name) {
                    Some(index) => FunctionCall::struct_field(self, &value, index)?,
                    None => self.literal(&Literal::Null(wanted.data_type.clone()))?,
                };
                let mut inner = self.reconciled(scope, inner, wanted)?;
                inner.named = Some(wanted.name.clone());
                fields.push(inner);
            }
            let built = self.call_function(scope, "struct", fields)?;
            return self.cast_implicitly(built, to);
        }
        if coercion::same_shape(&from, to) {
            return self.cast_implicitly(value, to);
        }
        let fits = crate::cast::can_cast(&from, to, true) && crate::functions::storable(&from, to);
        if !fits {
            return Err(SparkError::invalid_column_or_field_data_type(
                &field.name,
                &sql_name(&from),
                &sql_name(to),
            ));
        }
        self.cast_implicitly(value, to)
    }

    /// A column of JSON or CSV text as columns.
    pub(super) fn parse_column(
        &mut self,
        input: &Relation,
        format: &str,
        schema: Option<&DataType>,
        options: &Options,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let [column] = analyzed.scope.columns.as_slice() else {
            return Err(SparkError::unsupported_feature(
                "parsing more than one column",
            ));
        };
        let (Some(DataType::Struct(fields)), "json") = (schema, format) else {
            return Err(SparkError::unsupported_feature(&format!(
                "parsing {format} without a schema"
            )));
        };
        let mut arguments = vec![
            Expression::attribute(column.name.clone()),
            Expression::Literal(Literal::String(crate::types::to_json(&DataType::Struct(
                fields.clone(),
            )))),
        ];
        if !options.is_empty() {
            let entries = options
                .iter()
                .flat_map(|(k, v)| [Literal::String(k.clone()), Literal::String(v.clone())])
                .map(Expression::Literal);
            arguments.push(Expression::function("map", entries.collect()));
        }
        let parsed = Expression::function("from_json", arguments).alias("parsed");
        let parsed = self.project_over(analyzed, &[parsed], None)?;
        let star = Expression::Star {
            target: Some(vec!["parsed".to_owned()]),
            plan_id: None,
        };
        self.project_over(parsed, &[star], None)
    }
}
