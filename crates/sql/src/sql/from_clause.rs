//! What stands after `FROM`: tables, subqueries, functions that yield rows, samples, joins.
//!
//! Start at [`Parser::from`].

use super::lexer::Token;
use super::parser::Parser;
use crate::error::Result;
use crate::ir::{Expression, JoinType, Literal, ReadSource, Relation, RelationNode};

impl Parser<'_> {
    /// What stands after `FROM`.
    pub(super) fn from(&mut self) -> Result<Relation> {
        let mut left = self.joined()?;
        while self.symbol(",") {
            self.link()?;
            let lateral = self.word("lateral");
            let right = self.joined()?;
            left = join(left, right, JoinType::Inner, None, vec![], false, lateral);
        }
        if self.is_word("pivot") && matches!(self.peek_at(1), Some(Token::Symbol("("))) {
            left = self.pivot(left)?;
        } else if self.is_word("unpivot") {
            left = self.unpivot(left)?;
        }
        Ok(left)
    }

    fn joined(&mut self) -> Result<Relation> {
        let left = self.table()?;
        self.joined_onto(left)
    }

    /// The joins that follow, with `left` as the first side.
    pub(super) fn joined_onto(&mut self, mut left: Relation) -> Result<Relation> {
        loop {
            let natural = self.word("natural");
            let Some(kind) = self.join_kind() else {
                return if natural {
                    Err(self.unexpected())
                } else {
                    Ok(left)
                };
            };
            self.link()?;
            let lateral = self.word("lateral");
            let right = self.table()?;
            let (mut condition, mut using) = (None, Vec::new());
            if self.word("on") {
                condition = Some(self.expression()?);
            } else if self.is_word("using") {
                self.at += 1;
                using = self.parenthesized(|p| p.identifier())?;
            }
            left = join(left, right, kind, condition, using, natural, lateral);
        }
    }

    fn join_kind(&mut self) -> Option<JoinType> {
        const KINDS: &[(&str, JoinType)] = &[
            ("join", JoinType::Inner),
            ("inner join", JoinType::Inner),
            ("cross join", JoinType::Cross),
            ("left semi join", JoinType::LeftSemi),
            ("semi join", JoinType::LeftSemi),
            ("left anti join", JoinType::LeftAnti),
            ("anti join", JoinType::LeftAnti),
            ("left outer join", JoinType::LeftOuter),
            ("left join", JoinType::LeftOuter),
            ("right outer join", JoinType::RightOuter),
            ("right join", JoinType::RightOuter),
            ("full outer join", JoinType::FullOuter),
            ("full join", JoinType::FullOuter),
        ];
        KINDS
            .iter()
            .find(|(words, _)| self.words(words))
            .map(|(_, kind)| *kind)
    }

    /// One table, subquery, or function that yields rows.
    fn table(&mut self) -> Result<Relation> {
        if self.symbol("(") {
            let inner = if self.is_query_start() {
                self.query()?
            } else {
                self.nested(|p| p.from())?
            };
            self.expect_symbol(")")?;
            let sampled = self.table_sample(inner)?;
            return self.aliased(sampled);
        }
        if self.word("values") {
            return self.values();
        }
        let start = self.at;
        let name = self.name()?;
        if self.is_symbol("(") {
            self.at = start;
            let parts = self.name_parts()?;
            let arguments = self.parenthesized(|p| p.named_expression())?;
            let function = RelationNode::TableFunction {
                name: parts,
                arguments,
            }
            .into();
            return self.aliased(function);
        }
        let table = self.table_sample(named_table(name))?;
        self.aliased(table)
    }

    pub(super) fn table_sample(&mut self, input: Relation) -> Result<Relation> {
        if !self.word("tablesample") {
            return Ok(input);
        }
        self.expect_symbol("(")?;
        let amount = match self.expression()?.unlocated() {
            Expression::Literal(Literal::Integer(n)) => f64::from(*n),
            Expression::Literal(Literal::Double(n)) => *n,
            Expression::Literal(Literal::Decimal {
                unscaled, scale, ..
            }) => *unscaled as f64 / 10f64.powi(i32::from(*scale)),
            _ => return Err(self.unexpected()),
        };
        let relation = if self.word("rows") {
            RelationNode::Limit {
                input,
                limit: Expression::Literal(Literal::Integer(amount as i32)),
            }
        } else {
            self.expect_word("percent")?;
            RelationNode::Sample {
                input,
                lower: 0.0,
                upper: amount / 100.0,
                with_replacement: false,
                seed: None,
                deterministic_order: false,
            }
        };
        self.expect_symbol(")")?;
        Ok(relation.into())
    }

    pub(super) fn aliased(&mut self, input: Relation) -> Result<Relation> {
        let alias = if self.word("as") {
            Some(self.identifier()?)
        } else {
            self.bare_alias()
        };
        let Some(alias) = alias else { return Ok(input) };
        let columns = if self.is_symbol("(") {
            self.parenthesized(|p| p.identifier())?
        } else {
            Vec::new()
        };
        Ok(RelationNode::SubqueryAlias {
            input,
            alias,
            qualifier: vec![],
            columns,
        }
        .into())
    }
}

pub(super) fn named_table(identifier: String) -> Relation {
    let source = ReadSource::NamedTable {
        identifier,
        options: Default::default(),
    };
    RelationNode::Read {
        source,
        is_streaming: false,
    }
    .into()
}

#[allow(clippy::too_many_arguments)]
fn join(
    left: Relation,
    right: Relation,
    kind: JoinType,
    condition: Option<Expression>,
    using: Vec<String>,
    natural: bool,
    lateral: bool,
) -> Relation {
    RelationNode::Join {
        left,
        right,
        kind,
        condition,
        using,
        natural,
        lateral,
    }
    .into()
}
