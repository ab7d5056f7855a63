//! Relations whose rows are made from all rows of another at once: `show`, `tail`, statistics.
//!
//! Always true: nothing runs before the plan that contains the relation runs.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session as EngineSession, TableProvider};
use datafusion::common::Result as EngineResult;
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, collect};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::{Analyzed, Attribute, Scope, next_id};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, StructType};
use crate::plan::AnalyzedPlan;
use crate::types::{INTERNAL_TIME_ZONE, to_arrow_schema};

/// Makes rows of rows.
pub(crate) type Transform = Arc<dyn Fn(Vec<RecordBatch>) -> Result<Vec<RecordBatch>> + Send + Sync>;

/// A table that runs a plan and transforms what it yields.
pub(crate) struct Deferred {
    plan: LogicalPlan,
    input_schema: SchemaRef,
    schema: SchemaRef,
    transform: Transform,
}

impl Deferred {
    /// A relation of `attributes`, whose values `transform` makes from the rows of `plan`.
    pub(crate) fn relation(
        plan: &AnalyzedPlan,
        attributes: Vec<Attribute>,
        transform: Transform,
    ) -> Result<Analyzed> {
        if plan.is_streaming {
            return Err(SparkError::streaming_source_needs_write_stream());
        }
        let fields = attributes.iter().map(|a| {
            let data_type: DataType = crate::types::coercion::as_nullable(&a.data_type);
            crate::ir::StructField::new(a.column_name(), data_type, true)
        });
        let schema = to_arrow_schema(&StructType::new(fields.collect()), INTERNAL_TIME_ZONE);
        let input_schema = to_arrow_schema(&plan.schema, INTERNAL_TIME_ZONE);
        let table = Deferred {
            plan: plan.plan.clone(),
            input_schema,
            schema,
            transform,
        };
        let table_name = format!("deferred{}", next_id());
        let scanned = LogicalPlanBuilder::scan(
            table_name.as_str(),
            provider_as_source(Arc::new(table)),
            None,
        )?;
        let columns = attributes.iter().map(|a| {
            let qualified =
                datafusion::common::Column::new(Some(table_name.clone()), a.column_name());
            Expr::Column(qualified).alias(a.column_name())
        });
        let plan = scanned.project(columns.collect::<Vec<_>>())?.build()?;
        Ok(Analyzed {
            plan,
            scope: Scope::new(attributes),
            is_streaming: false,
        })
    }

    /// A relation of the same columns as `plan`.
    pub(crate) fn rows(
        plan: &AnalyzedPlan,
        attributes: Vec<Attribute>,
        transform: Transform,
    ) -> Result<Analyzed> {
        Self::relation(plan, attributes, transform)
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deferred")
    }
}

#[async_trait]
impl TableProvider for Deferred {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        state: &dyn EngineSession,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let partition = Partition {
            input: crate::execution::gathered(state.create_physical_plan(&self.plan).await?)?,
            input_schema: self.input_schema.clone(),
            schema: self.schema.clone(),
            transform: self.transform.clone(),
        };
        let partitions: Vec<Arc<dyn PartitionStream>> = vec![Arc::new(partition)];
        Ok(Arc::new(StreamingTableExec::try_new(
            self.schema.clone(),
            partitions,
            projection,
            None,
            false,
            None,
        )?))
    }
}

struct Partition {
    input: Arc<dyn ExecutionPlan>,
    input_schema: SchemaRef,
    schema: SchemaRef,
    transform: Transform,
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deferred({:?})", self.input)
    }
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (input, transform) = (self.input.clone(), self.transform.clone());
        let (input_schema, schema) = (self.input_schema.clone(), self.schema.clone());
        let rows = stream::once(async move {
            let batches = collect(input, context).await?;
            let batches = batches
                .iter()
                .map(|b| crate::execution::conform(b, &input_schema));
            let batches = batches.collect::<Result<Vec<_>>>()?;
            let made = transform(batches)?;
            let made = made.iter().map(|b| crate::execution::conform(b, &schema));
            let made = made.collect::<Result<Vec<_>>>()?;
            let made = made
                .into_iter()
                .map(Ok::<RecordBatch, datafusion::error::DataFusionError>);
            Ok::<_, datafusion::error::DataFusionError>(stream::iter(made))
        })
        .try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(
            self.schema.clone(),
            rows.boxed(),
        ))
    }
}
