//! Relations without input: tables, data sources, ranges, rows that came with the plan.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use bytes::Bytes;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable as EngineStream;
use datafusion::common::Column;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;

use super::{Analyzed, Analyzer, Attribute, Scope, TypedExpr, next_id};
use crate::catalog::{Entry, Table};
use crate::error::{Result, SparkError};
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, Options, ReadSource, StructField, StructType};
use crate::plan::{AnalyzedPlan, StreamingTable};
use crate::source::{ReadRequest, SourceOptions};
use crate::types::{INTERNAL_TIME_ZONE, from_arrow_schema, parse_schema, to_arrow_schema};

/// Rows of one batch of a range.
const RANGE_BATCH_ROWS: i64 = 8192;

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

    fn source(&mut self, request: ReadRequest, is_streaming: bool) -> Result<Analyzed> {
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
    pub(crate) fn reshaped(&self, column: Expr, data_type: &DataType) -> Expr {
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

    fn named_table(
        &mut self,
        identifier: &str,
        options: &Options,
        is_streaming: bool,
    ) -> Result<Analyzed> {
        let parts = crate::sql::parse_identifier(identifier)?;
        if let [name] = parts.as_slice()
            && let Some(position) = self
                .definitions
                .iter()
                .rposition(|(n, _)| n.eq_ignore_ascii_case(name))
        {
            return self.definition(position);
        }
        if let Some(entry) = self.catalog.find(&parts) {
            return match entry {
                Entry::View(view) => self.view(&view, parts),
                Entry::Table(table) => self.table(&table, options, is_streaming),
            };
        }
        if let [format, path] = parts.as_slice()
            && (path.contains('/') || path.contains('.'))
        {
            let options = SourceOptions::new(options);
            let configuration = self.configuration.clone();
            self.session.check_path(path)?;
            let request = ReadRequest {
                format: format.clone(),
                options,
                paths: vec![path.clone()],
                schema: None,
                configuration,
            };
            return self.source(request, is_streaming);
        }
        Err(SparkError::table_or_view_not_found(&parts.join(".")).at(self.origin.as_ref()))
    }

    /// A relation that `WITH` named: it sees only the names before it.
    fn definition(&mut self, position: usize) -> Result<Analyzed> {
        let (name, relation) = self.definitions[position].clone();
        let hidden = self.definitions.split_off(position);
        let analyzed = self.relation(&relation);
        self.definitions.extend(hidden);
        let analyzed = analyzed?;
        Ok(self.qualified(analyzed, vec![name]))
    }

    pub(super) fn view(&mut self, view: &AnalyzedPlan, parts: Vec<String>) -> Result<Analyzed> {
        let name = parts.last().cloned().unwrap_or_default();
        let analyzed = self.embed(view)?;
        Ok(self.qualified(analyzed, vec![name]))
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

    fn table(
        &mut self,
        table: &Arc<Table>,
        options: &Options,
        is_streaming: bool,
    ) -> Result<Analyzed> {
        let qualifier = vec![
            crate::catalog::CATALOG.to_owned(),
            table.database.clone(),
            table.name.clone(),
        ];
        if let Some(query) = &table.view_text {
            let analyzed = self.relation(query)?;
            return Ok(self.qualified(analyzed, qualifier));
        }
        if let (Some(provider), false) = (&table.provider, is_streaming) {
            return self.scan(provider.clone(), &table.schema, qualifier);
        }
        let mut merged = table.options.clone();
        merged.extend(options.clone());
        let paths: Vec<String> = table.location.iter().cloned().collect();
        let request = ReadRequest {
            format: table.source.clone(),
            options: SourceOptions::new(&merged),
            paths,
            schema: (!table.schema.is_empty()).then(|| table.schema.clone()),
            configuration: self.configuration.clone(),
        };
        let analyzed = self.source(request, is_streaming)?;
        Ok(self.qualified(analyzed, qualifier))
    }

    pub(super) fn qualified(&self, mut analyzed: Analyzed, qualifier: Vec<String>) -> Analyzed {
        for column in &mut analyzed.scope.columns {
            column.qualifier.clone_from(&qualifier);
        }
        analyzed.scope.hidden.clear();
        analyzed
    }

    pub(super) fn range(
        &mut self,
        start: i64,
        end: i64,
        step: i64,
        partitions: Option<i32>,
    ) -> Result<Analyzed> {
        if step == 0 {
            return Err(SparkError::invalid_parameter_value(
                "STEP",
                "range",
                "step",
                "step must not be 0.",
            ));
        }
        // One partition unless more are asked for: a limit takes rows from several as they come, and Spark's users
        // see a range in its order.
        let count = partitions
            .and_then(|p| usize::try_from(p).ok())
            .unwrap_or(1)
            .max(1);
        let schema = StructType::new(vec![StructField::new("id", DataType::Long, false)]);
        let arrow = to_arrow_schema(&schema, INTERNAL_TIME_ZONE);
        let partitions: Vec<Arc<dyn PartitionStream>> = split_range(start, end, step, count)
            .into_iter()
            .map(|(start, rows)| {
                Arc::new(RangePartition {
                    schema: arrow.clone(),
                    start,
                    step,
                    rows,
                }) as Arc<dyn PartitionStream>
            })
            .collect();
        let table = EngineStream::try_new(arrow, partitions)?;
        self.scan(Arc::new(table), &schema, Vec::new())
    }

    pub(super) fn local_relation(
        &mut self,
        data: &[Bytes],
        schema: Option<&str>,
    ) -> Result<Analyzed> {
        let declared = schema
            .filter(|s| !s.is_empty())
            .map(struct_schema)
            .transpose()?;
        let mut batches = Vec::new();
        let mut found: Option<SchemaRef> = None;
        for part in data.iter().filter(|part| !part.is_empty()) {
            let reader = StreamReader::try_new(std::io::Cursor::new(part.clone()), None)?;
            found.get_or_insert_with(|| reader.schema());
            for batch in reader {
                batches.push(batch?);
            }
        }
        let actual = match &found {
            Some(schema) => from_arrow_schema(schema).ok_or_else(|| {
                SparkError::unsupported_feature("a local relation with such Arrow types")
            })?,
            None => declared.clone().unwrap_or_default(),
        };
        let analyzed = self.batches(&actual, batches)?;
        match declared {
            Some(declared) if found.is_some() => self.conform_to_declared(analyzed, &declared),
            _ => Ok(analyzed),
        }
    }

    /// Rows in memory.
    pub(crate) fn batches(
        &mut self,
        schema: &StructType,
        batches: Vec<RecordBatch>,
    ) -> Result<Analyzed> {
        let names: Vec<String> = (0..schema.len()).map(|i| format!("c{i}")).collect();
        let arrow = crate::execution::rename_schema(&internal_schema(schema), &names);
        let batches = batches.iter().map(|b| crate::execution::conform(b, &arrow));
        let batches = batches.collect::<Result<Vec<_>>>()?;
        let table = MemTable::try_new(arrow, vec![batches])?;
        self.scan(Arc::new(table), schema, Vec::new())
    }

    /// Columns by position under the names and types that a client declared.
    fn conform_to_declared(
        &mut self,
        analyzed: Analyzed,
        declared: &StructType,
    ) -> Result<Analyzed> {
        if declared.len() != analyzed.scope.columns.len() {
            return Err(SparkError::assignment_arity_mismatch(
                declared.len(),
                analyzed.scope.columns.len(),
            ));
        }
        let mut items = Vec::new();
        for (column, field) in analyzed
            .scope
            .columns
            .clone()
            .iter()
            .zip(declared.fields.iter())
        {
            let mut value = self.cast_implicitly(column.typed(), &field.data_type)?;
            value.named = Some(field.name.clone());
            value.nullable = field.nullable;
            value.metadata = field.metadata.clone();
            value.attribute = None;
            items.push(value);
        }
        self.project_typed(analyzed, items)
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

#[derive(Debug)]
struct RangePartition {
    schema: SchemaRef,
    start: i64,
    step: i64,
    rows: i64,
}

impl fmt::Display for RangePartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "range from {} by {}", self.start, self.step)
    }
}

impl PartitionStream for RangePartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (start, step, rows, schema) = (self.start, self.step, self.rows, self.schema.clone());
        let batches = stream::unfold(0i64, move |done| {
            let schema = schema.clone();
            async move {
                let count = RANGE_BATCH_ROWS.min(rows - done);
                if count <= 0 {
                    return None;
                }
                tokio::task::consume_budget().await;
                let values = (done..done + count).map(|i| start.wrapping_add(i.wrapping_mul(step)));
                let column = Arc::new(Int64Array::from_iter_values(values));
                let batch = RecordBatch::try_new(schema, vec![column]).map_err(Into::into);
                Some((batch, done + count))
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches))
    }
}

/// First value and number of rows of each partition.
fn split_range(start: i64, end: i64, step: i64, partitions: usize) -> Vec<(i64, i64)> {
    let (start, end, step) = (i128::from(start), i128::from(end), i128::from(step));
    let span = end - start;
    let rows = if span.signum() * step.signum() <= 0 {
        0
    } else {
        (span + step - step.signum()) / step
    };
    let count = partitions as i128;
    (0..count)
        .map(|i| {
            let (first, last) = (i * rows / count, (i + 1) * rows / count);
            ((start + first * step) as i64, (last - first) as i64)
        })
        .collect()
}
