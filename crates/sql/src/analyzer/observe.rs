//! `observe`: values computed over all rows of a relation, told beside the rows of the query that reads it.
//!
//! The values are a query of their own over the same relation, run when the rows have been read: a relation that is
//! not the same twice (`rand()`) is observed as it is the second time.

use super::expression::Selected;
use super::{Analyzed, Analyzer};
use crate::error::{Result, SparkError};
use crate::ir::{Expression, Relation, RelationNode};
use crate::plan::Observation;

impl Analyzer {
    pub(super) fn collect_metrics(
        &mut self,
        input: &Relation,
        name: &str,
        metrics: &[Expression],
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        if analyzed.is_streaming {
            return Err(SparkError::unsupported_feature("observing a stream"));
        }
        let outer = self.remember_columns(&analyzed);
        let items = self.select_list(&analyzed.scope, metrics);
        self.lambda_columns = outer;
        let values = items?.into_iter().map(|item| match item {
            Selected::Value(value) => Ok(value),
            Selected::Rows(generator, _) => Err(SparkError::nested_generator(&generator.name)),
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        let observed = self.aggregate_typed(analyzed.clone(), Vec::new(), values, None, &[])?;
        let plan = self.finish(observed)?;
        // A relation that is analyzed twice is observed once.
        self.observed.retain(|other| other.name != name);
        self.observed.push(Observation {
            name: name.to_owned(),
            plan_id: -1,
            plan,
        });
        Ok(analyzed)
    }

    /// Remembers which of the client's plans an observation belongs to.
    pub(super) fn name_observation(&mut self, node: &RelationNode, plan_id: i64) {
        if let (RelationNode::CollectMetrics { .. }, Some(last)) = (node, self.observed.last_mut())
        {
            last.plan_id = plan_id;
        }
    }
}
