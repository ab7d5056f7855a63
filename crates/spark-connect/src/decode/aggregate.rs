//! Groups: aggregates, pivots, duplicates.

use fleuve_sql::ir::{self, Expression, GroupType, RelationNode};

use super::literal::literal;
use super::{Decoder, Result};
use crate::failure::Failure;
use crate::messages::{self, Nested, aggregate};

impl Decoder<'_> {
    pub(super) fn aggregate(&self, aggregate: messages::Aggregate) -> Result<RelationNode> {
        let group_type = match aggregate::GroupType::try_from(aggregate.group_type) {
            Ok(aggregate::GroupType::Groupby) => GroupType::GroupBy,
            Ok(aggregate::GroupType::Rollup) => GroupType::Rollup,
            Ok(aggregate::GroupType::Cube) => GroupType::Cube,
            Ok(aggregate::GroupType::Pivot) => GroupType::Pivot,
            Ok(aggregate::GroupType::GroupingSets) => GroupType::GroupingSets,
            _ => {
                return Err(Failure::invalid_enum(
                    "spark.connect.Aggregate.GroupType",
                    aggregate.group_type,
                ));
            }
        };
        Ok(RelationNode::Aggregate {
            input: self.input(aggregate.input, "Aggregate")?,
            group_type,
            grouping: self.expressions(aggregate.grouping_expressions)?,
            aggregates: self.expressions(aggregate.aggregate_expressions)?,
            pivot: aggregate.pivot.map(|pivot| self.pivot(pivot)).transpose()?,
            grouping_sets: aggregate
                .grouping_sets
                .into_iter()
                .map(|set| self.expressions(set.grouping_set))
                .collect::<Result<_>>()?,
            having: None,
            explicit_output: false,
        })
    }

    fn pivot(&self, pivot: aggregate::Pivot) -> Result<ir::Pivot> {
        let value = |message: Nested<messages::expression::Literal>| {
            Ok((Expression::Literal(literal(message.into_inner())?), None))
        };
        Ok(ir::Pivot {
            column: self.required_expression(pivot.col, "Aggregate.Pivot", "col")?,
            values: pivot.values.into_iter().map(value).collect::<Result<_>>()?,
            groups_the_rest: false,
        })
    }

    pub(super) fn deduplicate(&self, deduplicate: messages::Deduplicate) -> Result<RelationNode> {
        let all_columns = deduplicate.all_columns_as_keys.unwrap_or(false);
        match (all_columns, deduplicate.column_names.is_empty()) {
            (true, false) => {
                return Err(Failure::of(
                    "CONNECT_INVALID_PLAN.DEDUPLICATE_ALL_COLUMNS_AND_SUBSET",
                    &[],
                ));
            }
            (false, true) => {
                return Err(Failure::of(
                    "CONNECT_INVALID_PLAN.DEDUPLICATE_REQUIRES_COLUMNS_OR_ALL",
                    &[],
                ));
            }
            _ => {}
        }
        Ok(RelationNode::Deduplicate {
            input: self.input(deduplicate.input, "Deduplicate")?,
            columns: deduplicate.column_names,
            all_columns,
            within_watermark: deduplicate.within_watermark.unwrap_or(false),
        })
    }
}
