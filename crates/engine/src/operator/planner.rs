//! From the streaming nodes of a logical plan to the operators that run them.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::aggregate::{AggregateFunctionExpr, LoweredAggregateBuilder};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::aggregate::{AggregateWork, StatefulAggregateNode};
use super::deduplicate::{DeduplicateWork, Memory, StatefulDeduplicateNode};
use super::event_time::{WatermarkExec, WatermarkNode};
use super::stateful::StatefulExec;
use super::{describe_fields, user_name};
use crate::error::StreamError;
use crate::state::{StateColumn, StoreSpec};

/// Plans the nodes of this crate.
#[derive(Debug, Default)]
pub struct StreamingPlanner;

#[async_trait]
impl ExtensionPlanner for StreamingPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let ([logical], [input]) = (logical_inputs, physical_inputs) else {
            return Ok(None);
        };
        let inputs = Inputs {
            schema: logical.schema(),
            input,
            session,
            planning,
        };
        let node = node.as_any();
        if let Some(node) = node.downcast_ref::<WatermarkNode>() {
            return inputs.watermark(node).map(Some);
        }
        if let Some(node) = node.downcast_ref::<StatefulAggregateNode>() {
            return inputs.aggregate(node).map(Some);
        }
        if let Some(node) = node.downcast_ref::<StatefulDeduplicateNode>() {
            return inputs.deduplicate(node).map(Some);
        }
        Ok(None)
    }
}

struct Inputs<'a> {
    schema: &'a DFSchema,
    input: &'a Arc<dyn ExecutionPlan>,
    session: &'a dyn Session,
    planning: &'a PhysicalPlanningContext,
}

impl Inputs<'_> {
    fn physical(&self, expr: &Expr) -> Result<Arc<dyn PhysicalExpr>> {
        create_physical_expr(
            expr,
            self.schema,
            self.session.execution_props(),
            self.planning,
        )
    }

    fn watermark(&self, node: &WatermarkNode) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(WatermarkExec::try_new(
            Arc::clone(self.input),
            self.physical(&node.event_time)?,
            Arc::clone(&node.collector),
        )?))
    }

    fn aggregate(&self, node: &StatefulAggregateNode) -> Result<Arc<dyn ExecutionPlan>> {
        let groups = node
            .group_expr
            .iter()
            .map(|expr| Ok((self.physical(expr)?, expr.schema_name().to_string())))
            .collect::<Result<Vec<_>>>()?;
        let mut aggregates = Vec::new();
        let mut filters = Vec::new();
        for expr in &node.aggr_expr {
            let lowered = LoweredAggregateBuilder::new(
                expr,
                self.schema,
                &self.input.schema(),
                self.session.execution_props(),
                self.planning,
            )
            .build()?;
            aggregates.push(lowered.aggregate);
            filters.push(lowered.filter);
        }
        let partial = AggregateExec::try_new(
            AggregateMode::Partial,
            PhysicalGroupBy::new_single(groups),
            aggregates.clone(),
            filters,
            Arc::clone(self.input),
            self.input.schema(),
        )?;
        let schema = Arc::new(node.schema.as_arrow().clone());
        let key_fields = schema.fields()[..node.group_expr.len()].to_vec();
        let stores = vec![StoreSpec {
            name: "default".to_owned(),
            key: describe_fields(&key_fields.into()),
            value: aggregates
                .iter()
                .map(|aggregate| describe_aggregate(aggregate))
                .collect::<Result<Vec<_>>>()?,
        }];
        let state = node
            .context
            .state(node.operator, "stateStoreSave", stores)
            .map_err(|error| DataFusionError::from(StreamError::from(error)))?;
        let work = AggregateWork::try_new(
            schema,
            node.group_expr.len(),
            aggregates,
            node.event_time,
            state,
            Arc::clone(&node.context),
        )?;
        Ok(Arc::new(StatefulExec::new(
            Arc::new(partial),
            Arc::new(work),
        )))
    }

    fn deduplicate(&self, node: &StatefulDeduplicateNode) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.input.schema();
        let column = |expr: &Expr| match expr {
            Expr::Column(column) => self.schema.index_of_column(column),
            other => plan_err!("a deduplication goes by columns, not by {other}"),
        };
        let keys = node.keys.iter().map(column).collect::<Result<Vec<_>>>()?;
        let event_time = match &node.event_time {
            Some((expr, delay_ms)) => Some((column(expr)?, *delay_ms)),
            None => None,
        };
        let memory = match (node.within_watermark, event_time) {
            (true, Some((column, delay_ms))) => Memory::WithinWatermark { column, delay_ms },
            (true, None) => return plan_err!("there is no watermark to stay within"),
            (false, Some((column, _))) if keys.contains(&column) => {
                Memory::UntilEventTime { column }
            }
            (false, _) => Memory::Forever,
        };
        let event_time = event_time.map(|(column, _)| column);
        let key_fields: Vec<_> = keys
            .iter()
            .map(|key| Arc::clone(&schema.fields()[*key]))
            .collect();
        let store = |name: &str| StoreSpec {
            name: name.to_owned(),
            key: describe_fields(&key_fields.clone().into()),
            value: Vec::new(),
        };
        let (name, stores) = match memory {
            Memory::WithinWatermark { .. } => (
                "dedupeWithinWatermark",
                vec![store("default"), store("expiry")],
            ),
            _ => ("dedupe", vec![store("default")]),
        };
        let state = node
            .context
            .state(node.operator, name, stores)
            .map_err(|error| DataFusionError::from(StreamError::from(error)))?;
        let context = Arc::clone(&node.context);
        let work = DeduplicateWork::new(schema, keys, memory, event_time, state, context);
        Ok(Arc::new(StatefulExec::new(
            Arc::clone(self.input),
            Arc::new(work),
        )))
    }
}

/// An aggregate as a checkpoint remembers it: the function and the types of its state.
fn describe_aggregate(aggregate: &AggregateFunctionExpr) -> Result<StateColumn> {
    let types: Vec<String> = aggregate
        .state_fields()?
        .iter()
        .map(|field| field.data_type().to_string())
        .collect();
    let function = aggregate.fun().name();
    Ok(StateColumn {
        name: user_name(aggregate.name()).to_owned(),
        kind: format!("{function}({})", types.join(", ")),
    })
}
