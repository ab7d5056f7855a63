//! Lambdas: bodies that are evaluated over the elements of an array, with the columns of the row around them.
//!
//! A body becomes an expression over its parameters and over the outer columns it uses. The function that calls it
//! passes those columns as further arguments, so that the engine sees every column that is read.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::{Column, DFSchema};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};

use super::{Analyzer, Scope, TypedExpr, next_id};
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, Expression};

/// The parameters of one lambda.
pub(crate) struct LambdaScope {
    parameters: Vec<(String, TypedExpr)>,
}

/// A lambda ready to run.
#[derive(Clone)]
pub(crate) struct LambdaBody {
    physical: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
    /// Columns of the row around the lambda, in the order in which they follow the parameters.
    pub(crate) captured: Vec<TypedExpr>,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
    /// As Spark writes the lambda: `lambdafunction(body, parameters)`.
    pub(crate) name: String,
    /// How many parameters the lambda takes.
    pub(crate) parameters: usize,
    /// Tells lambdas apart.
    pub(crate) key: String,
}

impl LambdaBody {
    /// The body's value for each element: parameters first, then the captured columns, all of `rows` rows.
    pub(crate) fn evaluate(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<ArrayRef> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = columns.iter().zip(self.schema.fields());
        let columns = columns.map(|(c, f)| crate::execution::reshape(c, f.data_type()));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        Ok(self.physical.evaluate(&batch)?.into_array(rows)?)
    }
}

impl Analyzer {
    /// Resolves a lambda for parameters of these types.
    pub(crate) fn lambda(
        &mut self,
        scope: &Scope,
        lambda: &Expression,
        parameters: &[(DataType, bool)],
    ) -> Result<LambdaBody> {
        let Expression::Lambda { body, arguments } = lambda.unlocated() else {
            return Err(SparkError::unsupported_expression(
                "a higher-order function without a lambda",
            ));
        };
        if arguments.len() > parameters.len() {
            return Err(SparkError::lambda_parameters(
                arguments.len(),
                parameters.len(),
            ));
        }
        let variables: Vec<(String, TypedExpr)> = arguments
            .iter()
            .zip(parameters)
            .map(|(name, (data_type, nullable))| {
                (name.clone(), variable(name, data_type, *nullable))
            })
            .collect();
        let names: Vec<Column> = variables
            .iter()
            .filter_map(|(_, v)| column_of(&v.expr))
            .collect();
        self.lambdas.push(LambdaScope {
            parameters: variables.clone(),
        });
        let body = self.expression(scope, body);
        self.lambdas.pop();
        self.compile(body?, &variables, &names)
    }

    fn compile(
        &mut self,
        body: TypedExpr,
        variables: &[(String, TypedExpr)],
        names: &[Column],
    ) -> Result<LambdaBody> {
        let mut captured = Vec::new();
        for column in body.expr.column_refs() {
            if !names.contains(column) {
                captured.push(self.known_column(column)?);
            }
        }
        captured.sort_by_key(|column: &TypedExpr| column.expr.to_string());
        let inputs = variables.iter().map(|(_, v)| v).chain(&captured);
        let fields: Vec<Field> = inputs
            .filter_map(|v| {
                Some(Field::new(
                    column_of(&v.expr)?.name,
                    internal_arrow(&v.data_type),
                    true,
                ))
            })
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let plan_schema = DFSchema::try_from(schema.as_ref().clone())?;
        let physical = create_physical_expr(
            &body.expr,
            &plan_schema,
            &ExecutionProps::new(),
            &PhysicalPlanningContext::default(),
        )?;
        let parameters = vec!["namedlambdavariable()"; variables.len()].join(", ");
        Ok(LambdaBody {
            physical,
            schema,
            captured,
            data_type: body.data_type.clone(),
            nullable: body.nullable,
            name: format!("lambdafunction({}, {parameters})", body.name),
            parameters: variables.len(),
            key: format!("{:?}", body.expr),
        })
    }

    /// The type of a column that a body refers to: a column of the row or a parameter of an outer lambda.
    fn known_column(&self, column: &Column) -> Result<TypedExpr> {
        let outer = self
            .lambdas
            .iter()
            .flat_map(|l| &l.parameters)
            .map(|(_, v)| v);
        if let Some(found) = outer
            .into_iter()
            .find(|v| column_of(&v.expr).as_ref() == Some(column))
        {
            return Ok(found.clone());
        }
        let found = self.lambda_columns.iter().find(|a| a.column() == *column);
        found
            .map(super::Attribute::typed)
            .ok_or_else(|| SparkError::internal(format!("{column} is not known to a lambda")))
    }

    pub(crate) fn lambda_variable(&mut self, name: &str) -> Result<TypedExpr> {
        self.find_lambda_variable(&[name.to_owned()])?
            .ok_or_else(|| SparkError::unresolved_column(&[name.to_owned()], &[]))
    }

    /// A parameter of a lambda around the expression at hand, and the fields that follow it.
    pub(crate) fn find_lambda_variable(&mut self, parts: &[String]) -> Result<Option<TypedExpr>> {
        let Some((first, fields)) = parts.split_first() else {
            return Ok(None);
        };
        let found = self
            .lambdas
            .iter()
            .rev()
            .flat_map(|l| l.parameters.iter())
            .find(|(name, _)| name.eq_ignore_ascii_case(first))
            .map(|(_, value)| value.clone());
        let Some(mut value) = found else {
            return Ok(None);
        };
        for field in fields {
            value = self.extract_field(value, field)?;
        }
        Ok(Some(value))
    }
}

fn variable(name: &str, data_type: &DataType, nullable: bool) -> TypedExpr {
    let column = Column::new_unqualified(format!("{name}#lambda{}", next_id()));
    let mut value = TypedExpr::new(
        Expr::Column(column),
        data_type.clone(),
        nullable,
        "namedlambdavariable()",
    );
    value.named = Some(name.to_owned());
    value
}

fn column_of(expr: &Expr) -> Option<Column> {
    match expr {
        Expr::Column(column) => Some(column.clone()),
        _ => None,
    }
}
