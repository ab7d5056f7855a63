//! Which side of a join is held in memory, and so whose order the rows keep.
//!
//! Spark holds the side that an outer join adds nulls for, and the right side of a semi or anti join, if it is small
//! enough to be sent everywhere; the rows come in the order of the other side. The engine would hold the smaller one.
//! Start at [`rules`].

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{JoinType, Result, Statistics};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

/// Spark's `spark.sql.autoBroadcastJoinThreshold`.
const HELD_BYTES_MAX: usize = 10 << 20;
/// Stands for the size of a row where only the number of rows is known.
const ROW_BYTES: usize = 64;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The engine's rules, with ours behind the one that chooses sides.
pub(super) fn rules() -> Vec<Rule> {
    let mut rules = PhysicalOptimizer::new().rules;
    let chosen = rules.iter().position(|r| r.name() == "join_selection");
    rules.insert(chosen.map_or(0, |at| at + 1), Arc::new(JoinSides));
    rules
}

#[derive(Debug)]
struct JoinSides;

impl PhysicalOptimizerRule for JoinSides {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let sided = plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            if !holds_what_it_preserves(join) || !is_small(join.right()) {
                return Ok(Transformed::no(node));
            }
            Ok(Transformed::yes(
                join.swap_inputs(PartitionMode::CollectLeft)?,
            ))
        })?;
        Ok(sided.data)
    }

    fn name(&self) -> &str {
        "join_sides"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The engine holds the left side.
fn holds_what_it_preserves(join: &HashJoinExec) -> bool {
    let preserves_left = matches!(
        join.join_type(),
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti
    );
    preserves_left && !join.null_aware
}

fn is_small(side: &Arc<dyn ExecutionPlan>) -> bool {
    let Ok(statistics) = StatisticsContext::new().compute(side.as_ref(), &StatisticsArgs::new())
    else {
        return false;
    };
    let statistics: &Statistics = &statistics;
    let rows = statistics.num_rows.get_value();
    let bytes = statistics.total_byte_size.get_value().copied();
    bytes
        .or_else(|| rows.map(|rows| rows.saturating_mul(ROW_BYTES)))
        .is_some_and(|bytes| bytes <= HELD_BYTES_MAX)
}
