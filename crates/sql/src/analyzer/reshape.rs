//! Other columns from the same rows: rename, drop, add, alias, unpivot, transpose, schemas, watermarks.

use std::sync::Arc;

use datafusion::logical_expr::{Extension, LogicalPlan};

use super::expression::Selected;
use super::scope::same_name;
use super::{Analyzed, Analyzer, Attribute, Scope, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::{FunctionCall, Generator};
use crate::ir::{
    DataType, Expression, Literal, Options, Relation, RelationNode, StructField, StructType,
};
use crate::plan::EventTimeWatermark;
use crate::types::{coercion, sql_name};

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

    fn renamed(&mut self, input: Analyzed, names: &[String]) -> Result<Analyzed> {
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

    pub(super) fn unpivot(
        &mut self,
        input: &Relation,
        ids: Option<&[Expression]>,
        values: Option<&[Expression]>,
        variable_column: &str,
        value_column: &str,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let rest = |known: &[TypedExpr]| -> Vec<TypedExpr> {
            let columns = analyzed.scope.columns.iter();
            columns
                .map(Attribute::typed)
                .filter(|c| !known.iter().any(|k| k.expr == c.expr))
                .collect()
        };
        let ids = ids
            .map(|ids| self.plain_items(&analyzed, ids))
            .transpose()?;
        let values = match values {
            Some(values) => self.plain_items(&analyzed, values)?,
            None => rest(ids.as_deref().unwrap_or_default()),
        };
        let ids = ids.unwrap_or_else(|| rest(&values));
        let types: Vec<DataType> = values.iter().map(|v| v.data_type.clone()).collect();
        let common = types
            .iter()
            .skip(1)
            .try_fold(types.first().cloned().unwrap_or(DataType::Null), |a, b| {
                coercion::tightest_common_type(&a, b)
            });
        let common = common.ok_or_else(|| {
            let types: Vec<String> = values
                .iter()
                .map(|v| format!("\"{}\" ({})", sql_name(&v.data_type), v.name))
                .collect();
            SparkError::unpivot_value_type_mismatch(&types.join(", "))
        })?;
        let nullable = values.iter().any(|v| v.nullable);
        let mut rows = Vec::new();
        for value in values {
            let mut name = self.literal(&Literal::String(value.column_name().to_owned()))?;
            name.named = Some(variable_column.to_owned());
            let mut value = self.cast_implicitly(value, &common)?;
            value.named = Some(value_column.to_owned());
            value.attribute = None;
            rows.push(self.call_function(&analyzed.scope, "struct", vec![name, value])?);
        }
        if rows.is_empty() {
            return Err(SparkError::unsupported_feature(
                "unpivot without value columns",
            ));
        }
        let rows = self.call_function(&analyzed.scope, "array", rows)?;
        let columns = StructType::new(vec![
            StructField::new(variable_column, DataType::STRING, false),
            StructField::new(value_column, common, nullable),
        ]);
        let generator = Generator {
            rows,
            columns,
            outer: false,
            name: "unpivot".to_owned(),
        };
        let (unnested, added) = self.unnest(analyzed, generator, &[])?;
        let items = ids.into_iter().chain(added).collect();
        self.project_typed(unnested, items)
    }

    fn plain_items(&mut self, input: &Analyzed, list: &[Expression]) -> Result<Vec<TypedExpr>> {
        let items = self
            .select_list(&input.scope, list)?
            .into_iter()
            .map(|s| match s {
                Selected::Value(v) => Ok(v),
                Selected::Rows(g, _) => Err(SparkError::nested_generator(&g.name)),
            });
        items.collect()
    }

    /// Rows become columns; the first column's values are the new columns' names.
    pub(super) fn transpose(&mut self, input: &Relation, index: &[Expression]) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let columns = analyzed.scope.columns.clone();
        let Some(first) = columns.first() else {
            return Ok(analyzed);
        };
        let index = match index.first() {
            Some(expression) => self.expression(&analyzed.scope, expression)?,
            None => first.typed(),
        };
        let others: Vec<Attribute> = columns
            .iter()
            .filter(|c| index.attribute.as_ref().is_none_or(|a| a.id != c.id))
            .cloned()
            .collect();
        let common = others
            .iter()
            .map(|c| c.data_type.clone())
            .reduce(|a, b| coercion::tightest_common_type(&a, &b).unwrap_or(DataType::Null));
        let common = common.unwrap_or(DataType::Null);
        if common == DataType::Null && !others.is_empty() {
            let name = others
                .iter()
                .map(|c| sql_name(&c.data_type))
                .collect::<Vec<_>>()
                .join(", ");
            return Err(SparkError::streaming(
                crate::error::Exception::Analysis,
                "TRANSPOSE_NO_LEAST_COMMON_TYPE",
                "42K09",
                format!(
                    "Transpose requires non-index columns to share a least common type, but {name} do not."
                ),
                &[],
            ));
        }
        let key = self.cast_explicitly(index, &DataType::STRING)?;
        let mut items = vec![TypedExpr {
            named: Some("key".to_owned()),
            attribute: None,
            ..key
        }];
        for other in &others {
            let value = self.cast_implicitly(other.typed(), &common)?;
            items.push(TypedExpr {
                named: Some(other.name.clone()),
                attribute: None,
                ..value
            });
        }
        let projected = self.project_typed(analyzed, items)?;
        let plan = self.finish(projected)?;
        let batches = self.run(&plan)?;
        let (schema, batch) = super::statistics::transposed(&plan.schema, &batches, &common)?;
        self.batches(&schema, vec![batch])
    }

    pub(super) fn table_function(
        &mut self,
        name: &[String],
        arguments: &[Expression],
    ) -> Result<Analyzed> {
        let plain = name
            .last()
            .cloned()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if plain == "range" {
            return self.range_function(arguments);
        }
        let input = self.one_row()?;
        let call = Expression::function(plain.clone(), arguments.to_vec());
        let outer = self.remember_columns(&input);
        let item = self.select_list(&input.scope, &[call]);
        self.lambda_columns = outer;
        match item {
            Ok(mut items) => match items.pop() {
                Some(Selected::Rows(generator, _)) => {
                    let (unnested, columns) = self.unnest(input, generator, &[])?;
                    self.project_typed(unnested, columns)
                }
                _ => Err(SparkError::unresolvable_table_valued_function(&plain)),
            },
            Err(error) if error.class() == "UNRESOLVED_ROUTINE" => {
                Err(SparkError::unresolvable_table_valued_function(&plain))
            }
            Err(error) => Err(error),
        }
    }

    fn range_function(&mut self, arguments: &[Expression]) -> Result<Analyzed> {
        let scope = Scope::default();
        let mut numbers = Vec::new();
        for argument in arguments {
            let typed = self.expression(&scope, argument)?;
            let typed = self.cast_explicitly(typed, &DataType::Long)?;
            match self.evaluate(&typed)? {
                datafusion::common::ScalarValue::Int64(Some(value)) => numbers.push(value),
                _ => {
                    return Err(SparkError::not_foldable(
                        "range",
                        "start",
                        "BIGINT",
                        &typed.name,
                    ));
                }
            }
        }
        match numbers.as_slice() {
            [end] => self.range(0, *end, 1, None),
            [start, end] => self.range(*start, *end, 1, None),
            [start, end, step] => self.range(*start, *end, *step, None),
            [start, end, step, partitions] => {
                self.range(*start, *end, *step, i32::try_from(*partitions).ok())
            }
            _ => Err(SparkError::wrong_number_of_arguments(
                "range",
                "[1, 2, 3, 4]",
                numbers.len(),
            )),
        }
    }

    pub(super) fn lateral_view(
        &mut self,
        input: &Relation,
        generator: &Expression,
        outer: bool,
        table: Option<&str>,
        names: &[String],
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        self.lateral_rows(analyzed, generator, outer, table, names)
    }

    /// The rows of a generator beside the row that its arguments come from.
    pub(super) fn lateral_rows(
        &mut self,
        analyzed: Analyzed,
        generator: &Expression,
        outer: bool,
        table: Option<&str>,
        names: &[String],
    ) -> Result<Analyzed> {
        let before = self.remember_columns(&analyzed);
        let item = self.select_list(&analyzed.scope, std::slice::from_ref(generator));
        self.lambda_columns = before;
        let Some(Selected::Rows(rows, _)) = item?.pop() else {
            return Err(SparkError::unresolvable_table_valued_function(
                "lateral view",
            ));
        };
        let rows = if outer && !rows.outer {
            FunctionCall::make_outer(self, rows)?
        } else {
            rows
        };
        let (mut unnested, columns) = self.unnest(analyzed, rows, names)?;
        for column in columns {
            if let Some(attribute) = column.attribute {
                let qualifier = table.map(|t| vec![t.to_owned()]).unwrap_or_default();
                unnested.scope.columns.push(Attribute {
                    qualifier,
                    ..attribute.as_ref().clone()
                });
            }
        }
        Ok(unnested)
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

/// The plan id under which columns are held by their own ids.
const HELD_PLAN: i64 = i64::MIN;

fn held(column: &Attribute) -> Expression {
    Expression::Attribute {
        parts: vec![column.id.to_string()],
        plan_id: Some(HELD_PLAN),
        is_metadata_column: false,
    }
}
