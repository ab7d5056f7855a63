//! Relations without an input: sources, streams, data of the client, plans made before.
//!
//! Tables and views by name are in `table`, ranges of numbers in `range`. Start at [`Analyzer::read`] and, for how a
//! provider's columns get their names in a plan, at [`Analyzer::scan`].

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::{Analyzed, Analyzer, Attribute, Scope, TypedExpr, next_id};
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, ReadSource, StructField, StructType};
use crate::plan::{AnalyzedPlan, StreamingTable};
use crate::source::{ReadRequest, SourceOptions};
use crate::types::parse_schema;

impl Analyzer {
    /// One row without columns.
    pub(super) fn one_row(&mut self) -> Result<Analyzed> {
        let plan = LogicalPlanBuilder::empty(true).build()?;
        Ok(Analyzed {
            plan,
            scope: Scope::default(),
            is_streaming: false,
        })
    }

    pub(super) fn read(&mut self, source: &ReadSource, is_streaming: bool) -> Result<Analyzed> {
        match source {
            ReadSource::NamedTable {
                identifier,
                options,
            } => self.named_table(identifier, options, is_streaming),
            ReadSource::DataSource {
                format,
                schema,
                options,
                paths,
                predicates,
            } => {
                if !predicates.is_empty() {
                    return Err(SparkError::unsupported_feature("predicates of a JDBC read"));
                }
                let format = format
                    .clone()
                    .unwrap_or_else(|| self.configuration.default_source());
                let schema = schema
                    .as_deref()
                    .filter(|s| !s.is_empty())
                    .map(struct_schema)
                    .transpose()?;
                let mut options = SourceOptions::new(options);
                let mut paths = paths.clone();
                if paths.is_empty()
                    && let Some(path) = options.get("path").map(str::to_owned)
                {
                    paths.push(path);
                }
                if paths.len() == 1 {
                    options.insert("path", &paths[0]);
                }
                for path in &paths {
                    self.session.check_path(path)?;
                }
                let configuration = self.configuration.clone();
                self.source(
                    ReadRequest {
                        format,
                        options,
                        paths,
                        schema,
                        configuration,
                    },
                    is_streaming,
                )
            }
        }
    }

    pub(super) fn source(&mut self, request: ReadRequest, is_streaming: bool) -> Result<Analyzed> {
        let registry = &self.session.environment().registry;
        let source = registry.source(&request.format)?;
        if is_streaming {
            let schema = self.wait(source.stream_schema(&request))?;
            return self.stream(request, None, schema);
        }
        let schema = self.wait(source.schema(&request))?;
        let table = self.wait(source.scan(&request, &schema))?;
        self.scan(table, &schema, Vec::new())
    }

    fn stream(
        &mut self,
        request: ReadRequest,
        table: Option<String>,
        schema: StructType,
    ) -> Result<Analyzed> {
        let marker = StreamingTable {
            id: next_id(),
            format: request.format,
            options: request.options,
            paths: request.paths,
            table,
            arrow_schema: internal_schema(&schema),
            schema: schema.clone(),
        };
        let analyzed = self.scan(Arc::new(marker), &schema, Vec::new())?;
        Ok(Analyzed {
            is_streaming: true,
            ..analyzed
        })
    }

    /// The columns of a table, whose names inside the plan are new.
    pub(super) fn scan(
        &mut self,
        table: Arc<dyn TableProvider>,
        schema: &StructType,
        qualifier: Vec<String>,
    ) -> Result<Analyzed> {
        let arrow = table.schema();
        let table_name = format!("t{}", next_id());
        let builder =
            LogicalPlanBuilder::scan(table_name.as_str(), provider_as_source(table), None)?;
        let mut attributes = Vec::new();
        let mut exprs = Vec::new();
        for (field, arrow_field) in schema.fields.iter().zip(arrow.fields()) {
            let attribute = Attribute {
                id: next_id(),
                name: field.name.clone(),
                data_type: field.data_type.clone(),
                nullable: field.nullable,
                qualifier: qualifier.clone(),
                metadata: field.metadata.clone(),
            };
            let column = Expr::Column(Column::new(
                Some(table_name.clone()),
                arrow_field.name().clone(),
            ));
            let column = if *arrow_field.data_type() == internal_arrow(&field.data_type) {
                column
            } else {
                self.reshaped(column, &field.data_type)
            };
            exprs.push(column.alias(attribute.column_name()));
            attributes.push(attribute);
        }
        let plan = builder.project(exprs)?.build()?;
        Ok(Analyzed {
            plan,
            scope: Scope::new(attributes),
            is_streaming: false,
        })
    }

    /// A column whose Arrow type differs from the engine's in nullability or the like.
    fn reshaped(&self, column: Expr, data_type: &DataType) -> Expr {
        let typed = TypedExpr::new(column, data_type.clone(), true, "column");
        // The result is brought into the declared type by every function.
        let kernel =
            Arc::new(|inv: &crate::functions::Invocation<'_>| Ok(inv.argument(0)?.array.clone()));
        self.maker().call(
            "reshape",
            format!("{data_type:?}"),
            kernel,
            &[typed],
            data_type.clone(),
            true,
        )
    }

    /// A plan made before, under new column names.
    pub(super) fn embed(&mut self, held: &AnalyzedPlan) -> Result<Analyzed> {
        let mut attributes = Vec::new();
        let mut exprs = Vec::new();
        let columns = held.plan.schema().columns();
        for (field, column) in held.schema.fields.iter().zip(columns) {
            let attribute = Attribute {
                id: next_id(),
                name: field.name.clone(),
                data_type: field.data_type.clone(),
                nullable: field.nullable,
                qualifier: Vec::new(),
                metadata: field.metadata.clone(),
            };
            let index = held.plan.schema().index_of_column(&column)?;
            let arrow = held.plan.schema().field(index).data_type().clone();
            let expr = if arrow == internal_arrow(&field.data_type) {
                Expr::Column(column)
            } else {
                self.reshaped(Expr::Column(column), &field.data_type)
            };
            exprs.push(expr.alias(attribute.column_name()));
            attributes.push(attribute);
        }
        let plan = LogicalPlanBuilder::from(held.plan.clone())
            .project(exprs)?
            .build()?;
        Ok(Analyzed {
            plan,
            scope: Scope::new(attributes),
            is_streaming: held.is_streaming,
        })
    }

    pub(super) fn held_data_frame(&mut self, id: &str) -> Result<Analyzed> {
        let held = self
            .session
            .data_frame(id)
            .ok_or_else(|| SparkError::data_frame_not_found(id))?;
        self.embed(&held)
    }

    /// Runs a plan that analysis must see the rows of.
    pub(crate) fn run(&self, plan: &AnalyzedPlan) -> Result<Vec<RecordBatch>> {
        self.wait(async {
            let cancellation = tokio_util::sync::CancellationToken::new();
            let partitions =
                crate::execution::execute_partitions(&self.session, plan, cancellation).await?;
            let mut batches = Vec::new();
            for mut partition in partitions {
                while let Some(batch) = futures::StreamExt::next(&mut partition).await {
                    batches.push(batch?);
                }
            }
            Ok(batches)
        })
    }
}

/// A schema that must be a struct; another type is a struct of one column.
pub(crate) fn struct_schema(text: &str) -> Result<StructType> {
    Ok(match parse_schema(text)? {
        DataType::Struct(schema) => schema,
        other => StructType::new(vec![StructField::new("value", other, true)]),
    })
}

/// The schema in the Arrow types that the engine uses.
pub(crate) fn internal_schema(schema: &StructType) -> SchemaRef {
    let fields: Vec<arrow::datatypes::Field> = schema
        .fields
        .iter()
        .map(|f| arrow::datatypes::Field::new(&f.name, internal_arrow(&f.data_type), true))
        .collect();
    Arc::new(Schema::new(fields))
}
