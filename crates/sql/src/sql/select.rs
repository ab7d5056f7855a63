//! One `SELECT`: its list, `LATERAL VIEW`, `WHERE`, `HAVING`, `DISTINCT`.
//!
//! Start at [`Parser::select`].

use super::grouping::Grouping;
use super::parser::Parser;
use crate::error::Result;
use crate::ir::{Expression, GroupType, QUALIFIED, Relation, RelationNode};

impl Parser<'_> {
    pub(super) fn select(&mut self, from: Option<Relation>) -> Result<Relation> {
        self.with_windows(|p| p.select_clauses(from))
    }

    fn select_clauses(&mut self, from: Option<Relation>) -> Result<Relation> {
        self.expect_word("select")?;
        let distinct = self.word("distinct");
        if !distinct && self.is_word("all") {
            self.word("all");
        }
        let mut list = self.list(|p| p.select_item())?;
        let mut input = match from {
            Some(from) => Some(from),
            None if self.word("from") => Some(self.from()?),
            None => None,
        };
        while self.is_word("lateral") && self.is_word_at(1, "view") {
            self.link()?;
            input = Some(self.lateral_view(input)?);
        }
        if self.word("where") {
            let condition = self.expression()?;
            let below = input.unwrap_or_else(|| {
                RelationNode::Project {
                    input: None,
                    expressions: vec![],
                }
                .into()
            });
            input = Some(
                RelationNode::Filter {
                    input: below,
                    condition,
                }
                .into(),
            );
        }
        let grouping = if self.words("group by") {
            Some(self.grouping()?)
        } else {
            None
        };
        let having = if self.word("having") {
            Some(self.expression()?)
        } else {
            None
        };
        if self.word("window") {
            self.window_definitions()?;
        }
        let is_qualified = self.word("qualify");
        if is_qualified {
            list.push(self.expression()?.alias(QUALIFIED));
        }
        let relation: Relation = match grouping {
            Some(grouping) => aggregate(input, grouping, list, having),
            None if having.is_some() => {
                let none = Grouping {
                    group_type: GroupType::GroupBy,
                    expressions: vec![],
                    sets: vec![],
                };
                aggregate(input, none, list, having)
            }
            None => RelationNode::Project {
                input,
                expressions: list,
            }
            .into(),
        };
        let relation = if is_qualified {
            qualified(relation)
        } else {
            relation
        };
        if !distinct {
            return Ok(relation);
        }
        Ok(RelationNode::Deduplicate {
            input: relation,
            columns: vec![],
            all_columns: true,
            within_watermark: false,
        }
        .into())
    }

    pub(super) fn lateral_view(&mut self, input: Option<Relation>) -> Result<Relation> {
        self.at += 2;
        let outer = self.word("outer");
        let generator = self.expression()?;
        let table = if self.is_word("as") {
            None
        } else {
            self.bare_alias()
        };
        let columns = if self.word("as") {
            self.list(|p| p.identifier())?
        } else {
            Vec::new()
        };
        let input = input.unwrap_or_else(|| {
            RelationNode::Project {
                input: None,
                expressions: vec![],
            }
            .into()
        });
        Ok(RelationNode::LateralView {
            input,
            generator,
            outer,
            table,
            columns,
        }
        .into())
    }
}

/// The rows whose last column, which nobody asked to see, is true.
fn qualified(input: Relation) -> Relation {
    let input = RelationNode::Filter {
        input,
        condition: Expression::attribute(QUALIFIED),
    };
    RelationNode::Drop {
        input: input.into(),
        columns: vec![],
        names: vec![QUALIFIED.to_owned()],
    }
    .into()
}

fn aggregate(
    input: Option<Relation>,
    grouping: Grouping,
    list: Vec<Expression>,
    having: Option<Expression>,
) -> Relation {
    let input = input.unwrap_or_else(|| {
        RelationNode::Project {
            input: None,
            expressions: vec![],
        }
        .into()
    });
    RelationNode::Aggregate {
        input,
        group_type: grouping.group_type,
        grouping: grouping.expressions,
        aggregates: list,
        pivot: None,
        grouping_sets: grouping.sets,
        having,
        explicit_output: true,
    }
    .into()
}
