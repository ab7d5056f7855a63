//! `PIVOT` and `UNPIVOT`: values to columns and back.

use super::parser::Parser;
use crate::error::Result;
use crate::ir::{Expression, GroupType, Pivot, Relation, RelationNode};

impl Parser<'_> {
    /// `PIVOT (aggregates FOR column IN (values))`.
    pub(super) fn pivot(&mut self, input: Relation) -> Result<Relation> {
        self.at += 1;
        self.expect_symbol("(")?;
        let aggregates = self.list(|p| p.pivot_aggregate())?;
        self.expect_word("for")?;
        let column = if self.is_symbol("(") {
            let columns = self.parenthesized(|p| p.name_parts())?;
            let columns = columns.into_iter().map(Expression::column).collect();
            Expression::function("struct", columns)
        } else {
            Expression::column(self.name_parts()?)
        };
        self.expect_word("in")?;
        let values = self.parenthesized(|p| p.named_expression())?;
        self.expect_symbol(")")?;
        let pivot = Pivot {
            column,
            values: values.into_iter().map(pivot_value).collect(),
            groups_the_rest: true,
        };
        let pivoted = RelationNode::Aggregate {
            input,
            group_type: GroupType::Pivot,
            grouping: vec![],
            aggregates,
            pivot: Some(pivot),
            grouping_sets: vec![],
            having: None,
            explicit_output: false,
        };
        self.aliased(pivoted.into())
    }

    /// An aggregate and perhaps its name, which `FOR` is not.
    fn pivot_aggregate(&mut self) -> Result<Expression> {
        let aggregate = self.expression()?;
        let named = self.word("as") || !(self.is_word("for") || self.is_symbol(","));
        Ok(match named {
            true => aggregate.alias(self.identifier()?),
            false => aggregate,
        })
    }

    /// `UNPIVOT (value FOR name IN (columns))`.
    pub(super) fn unpivot(&mut self, input: Relation) -> Result<Relation> {
        self.at += 1;
        let keeps_nulls = self.words("include nulls");
        if !keeps_nulls {
            self.words("exclude nulls");
        }
        self.expect_symbol("(")?;
        let value_columns = if self.is_symbol("(") {
            self.parenthesized(|p| p.identifier())?
        } else {
            vec![self.identifier()?]
        };
        self.expect_word("for")?;
        let variable_column = self.identifier()?;
        self.expect_word("in")?;
        let values = self.parenthesized(|p| p.named_expression())?;
        self.expect_symbol(")")?;
        let present = value_columns
            .iter()
            .map(|c| Expression::function("isnotnull", vec![Expression::attribute(c)]))
            .reduce(|a, b| Expression::function("or", vec![a, b]));
        let unpivoted: Relation = RelationNode::Unpivot {
            input,
            ids: None,
            values: Some(values),
            variable_column,
            value_columns,
        }
        .into();
        let Some(present) = present.filter(|_| !keeps_nulls) else {
            return self.aliased(unpivoted);
        };
        let filtered = RelationNode::Filter {
            input: unpivoted,
            condition: present,
        };
        self.aliased(filtered.into())
    }
}

/// A value of a `PIVOT`, and the name that it was given.
fn pivot_value(value: Expression) -> (Expression, Option<String>) {
    match value {
        Expression::Alias { child, names, .. } => (*child, names.into_iter().next()),
        other => (other, None),
    }
}
