//! Rows of functions: as a table, or beside the row that their arguments come from.
//!
//! Start at [`Analyzer::table_function`] and [`Analyzer::lateral_rows`].

use super::expression::Selected;
use super::{Analyzed, Analyzer, Attribute, Scope};
use crate::error::{Result, SparkError};
use crate::functions::FunctionCall;
use crate::ir::{DataType, Expression, Relation};

impl Analyzer {
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
            return Err(SparkError::not_a_generator(function_name(generator)));
        };
        if !names.is_empty() && names.len() != rows.columns.len() {
            return Err(SparkError::aliases_do_not_match(
                names.len(),
                rows.columns.len(),
            ));
        }
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
}

fn function_name(expression: &Expression) -> &str {
    match expression.unlocated() {
        Expression::Function { name, .. } => name.last().map_or("", String::as_str),
        _ => "",
    }
}
