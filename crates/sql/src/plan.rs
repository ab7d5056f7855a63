//! What analysis yields: a typed plan, and the marks by which the streaming engine finds its own in it.
//!
//! Always true: the columns of [`AnalyzedPlan::plan`] have names that are unique within the plan (`name#7`), in the
//! order of [`AnalyzedPlan::schema`], which has the names that users see. Start at [`AnalyzedPlan`].

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session as EngineSession, TableProvider};
use datafusion::common::{DFSchemaRef, Result as EngineResult};
use datafusion::datasource::{MemTable, TableType, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;

use crate::error::{Result, SparkError};
use crate::ir::StructType;
use crate::source::SourceOptions;
use crate::types::{INTERNAL_TIME_ZONE, to_arrow_schema};

/// A plan whose names and types are settled.
#[derive(Clone, Debug)]
pub struct AnalyzedPlan {
    /// Names, types and nullability as the user sees them.
    pub schema: StructType,
    /// The plan; column `i` is field `i` of the schema, in the Arrow type that [`crate::types::to_arrow`] gives it.
    pub plan: LogicalPlan,
    /// True if some leaf is a [`StreamingTable`].
    pub is_streaming: bool,
    /// The time zone that `current_timestamp` and the like were resolved in, and the moment they stand for.
    pub time_zone: String,
    /// The partitions that the user asked for last (`repartition`, `coalesce`), which writes keep.
    pub partitions: Option<usize>,
    /// What is to be computed beside the rows: `df.observe`.
    pub observed: Vec<Observation>,
}

/// Values over all rows of some relation in a plan.
#[derive(Clone, Debug)]
pub struct Observation {
    pub name: String,
    /// The client's number of the relation that observes.
    pub plan_id: i64,
    /// One row with the values.
    pub plan: AnalyzedPlan,
}

impl AnalyzedPlan {
    /// A plan that yields these batches: one streaming micro-batch handed to user code, for instance.
    pub fn from_batches(schema: StructType, batches: Vec<RecordBatch>) -> Result<Self> {
        let arrow_schema = to_arrow_schema(&schema, INTERNAL_TIME_ZONE);
        let batches = batches
            .into_iter()
            .map(|batch| crate::execution::conform(&batch, &arrow_schema))
            .collect::<Result<Vec<_>>>()?;
        let names: Vec<String> = (0..schema.len()).map(|i| format!("_{i}")).collect();
        let renamed = crate::execution::rename_schema(&arrow_schema, &names);
        let batches = batches
            .into_iter()
            .map(|batch| Ok(crate::execution::with_schema(batch, &renamed)?))
            .collect::<Result<Vec<_>>>()?;
        let table = MemTable::try_new(renamed, vec![batches])?;
        Self::from_table(schema, Arc::new(table))
    }

    /// A plan that scans a table whose columns are those of `schema` by position.
    pub fn from_table(schema: StructType, table: Arc<dyn TableProvider>) -> Result<Self> {
        let plan = LogicalPlanBuilder::scan("batch", provider_as_source(table), None)?.build()?;
        Ok(Self {
            schema,
            plan,
            is_streaming: false,
            time_zone: INTERNAL_TIME_ZONE.to_owned(),
            partitions: None,
            observed: Vec::new(),
        })
    }
}

/// A stream in the place of a table: the engine swaps it for a bounded table before anything runs.
#[derive(Debug)]
pub struct StreamingTable {
    /// Unique within the process; equal for both uses of one data frame in one plan.
    pub id: u64,
    pub format: String,
    pub options: SourceOptions,
    pub paths: Vec<String>,
    /// The table that `readStream.table` named.
    pub table: Option<String>,
    pub schema: StructType,
    /// Arrow's view of `schema`, with the column names that the plan uses.
    pub arrow_schema: SchemaRef,
}

#[async_trait]
impl TableProvider for StreamingTable {
    fn schema(&self) -> SchemaRef {
        self.arrow_schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn EngineSession,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        Err(SparkError::streaming_source_needs_write_stream().into())
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![
            TableProviderFilterPushDown::Unsupported;
            filters.len()
        ])
    }
}

/// `withWatermark`: marks the event-time column of a stream. In a batch plan it is left out.
#[derive(Clone, PartialEq, Eq)]
pub struct EventTimeWatermark {
    pub input: LogicalPlan,
    /// The plan's name of the column.
    pub column: String,
    /// The user's name of the column.
    pub display_name: String,
    pub delay_months: i32,
    pub delay_micros: i64,
}

impl EventTimeWatermark {
    /// The delay, a month taken as 31 days.
    pub fn delay_millis(&self) -> i64 {
        i64::from(self.delay_months) * 31 * 86_400_000 + self.delay_micros / 1000
    }
}

impl fmt::Debug for EventTimeWatermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UserDefinedLogicalNodeCore::fmt_for_explain(self, f)
    }
}

impl Hash for EventTimeWatermark {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.column.hash(state);
        self.delay_micros.hash(state);
    }
}

impl PartialOrd for EventTimeWatermark {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (&self.column, self.delay_micros).partial_cmp(&(&other.column, other.delay_micros))
    }
}

impl UserDefinedLogicalNodeCore for EventTimeWatermark {
    fn name(&self) -> &str {
        "EventTimeWatermark"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "EventTimeWatermark: {}, delay {} ms",
            self.column,
            self.delay_millis()
        )
    }

    fn with_exprs_and_inputs(
        &self,
        _exprs: Vec<Expr>,
        inputs: Vec<LogicalPlan>,
    ) -> EngineResult<Self> {
        let [input] = <[LogicalPlan; 1]>::try_from(inputs)
            .map_err(|_| DataFusionError::Plan("EventTimeWatermark has one input".to_owned()))?;
        Ok(Self {
            input,
            ..self.clone()
        })
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let own = self
            .input
            .schema()
            .fields()
            .iter()
            .position(|field| *field.name() == self.column);
        let mut needed: Vec<usize> = output_columns.to_vec();
        needed.extend(own.filter(|own| !output_columns.contains(own)));
        needed.sort_unstable();
        Some(vec![needed])
    }
}

/// Distinct rows of a stream: the first row of equal keys. A batch plan never holds this node.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Deduplicate {
    pub input: LogicalPlan,
    /// The plan's names of the key columns.
    pub keys: Vec<String>,
    /// Keys are forgotten once the watermark has passed their time.
    pub within_watermark: bool,
}

impl fmt::Debug for Deduplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UserDefinedLogicalNodeCore::fmt_for_explain(self, f)
    }
}

impl PartialOrd for Deduplicate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.keys.partial_cmp(&other.keys)
    }
}

impl UserDefinedLogicalNodeCore for Deduplicate {
    fn name(&self) -> &str {
        "Deduplicate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deduplicate: {}", self.keys.join(", "))
    }

    fn with_exprs_and_inputs(
        &self,
        _exprs: Vec<Expr>,
        inputs: Vec<LogicalPlan>,
    ) -> EngineResult<Self> {
        let [input] = <[LogicalPlan; 1]>::try_from(inputs)
            .map_err(|_| DataFusionError::Plan("Deduplicate has one input".to_owned()))?;
        Ok(Self {
            input,
            ..self.clone()
        })
    }
}
