//! Relations of two inputs: joins and set operations.

use fleuve_sql::ir::{Expression, JoinType, RelationNode, SetOperationKind};

use super::{Decoder, Result};
use crate::failure::Failure;
use crate::messages::{self, Nested, join, set_operation};
use crate::refusal::refused;

impl Decoder<'_> {
    pub(super) fn join(&self, join: messages::Join) -> Result<RelationNode> {
        if join.join_data_type.is_some() {
            return Err(refused("Join", "join_data_type"));
        }
        if join.join_condition.is_some() && !join.using_columns.is_empty() {
            return Err(Failure::of(
                "CONNECT_INVALID_PLAN.USING_COLUMNS_OR_JOIN_CONDITION_SET_IN_JOIN",
                &[],
            ));
        }
        Ok(RelationNode::Join {
            left: self.side(join.left, "Join", "left")?,
            right: self.side(join.right, "Join", "right")?,
            kind: join_type(join.join_type)?,
            condition: self.optional_expression(join.join_condition)?,
            using: join.using_columns,
            natural: false,
            lateral: false,
        })
    }

    pub(super) fn lateral_join(&self, join: messages::LateralJoin) -> Result<RelationNode> {
        Ok(RelationNode::Join {
            left: self.side(join.left, "LateralJoin", "left")?,
            right: self.side(join.right, "LateralJoin", "right")?,
            kind: join_type(join.join_type)?,
            condition: self.optional_expression(join.join_condition)?,
            using: Vec::new(),
            natural: false,
            lateral: true,
        })
    }

    fn optional_expression(
        &self,
        message: Option<Nested<messages::Expression>>,
    ) -> Result<Option<Expression>> {
        message
            .map(|message| self.expression(message.into_inner()))
            .transpose()
    }

    pub(super) fn set_operation(&self, operation: messages::SetOperation) -> Result<RelationNode> {
        let kind = match set_operation::SetOpType::try_from(operation.set_op_type) {
            Ok(set_operation::SetOpType::Union) => SetOperationKind::Union,
            Ok(set_operation::SetOpType::Intersect) => SetOperationKind::Intersect,
            Ok(set_operation::SetOpType::Except) => SetOperationKind::Except,
            _ => {
                return Err(Failure::invalid_enum(
                    "spark.connect.SetOperation.SetOpType",
                    operation.set_op_type,
                ));
            }
        };
        Ok(RelationNode::SetOperation {
            left: self.side(operation.left_input, "SetOperation", "left_input")?,
            right: self.side(operation.right_input, "SetOperation", "right_input")?,
            kind,
            all: operation.is_all.unwrap_or(false),
            by_name: operation.by_name.unwrap_or(false),
            allow_missing_columns: operation.allow_missing_columns.unwrap_or(false),
        })
    }
}

fn join_type(number: i32) -> Result<JoinType> {
    Ok(match join::JoinType::try_from(number) {
        Ok(join::JoinType::Inner) => JoinType::Inner,
        Ok(join::JoinType::FullOuter) => JoinType::FullOuter,
        Ok(join::JoinType::LeftOuter) => JoinType::LeftOuter,
        Ok(join::JoinType::RightOuter) => JoinType::RightOuter,
        Ok(join::JoinType::LeftAnti) => JoinType::LeftAnti,
        Ok(join::JoinType::LeftSemi) => JoinType::LeftSemi,
        Ok(join::JoinType::Cross) => JoinType::Cross,
        _ => return Err(Failure::invalid_enum("spark.connect.Join.JoinType", number)),
    })
}
