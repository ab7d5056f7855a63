//! Whole queries: `WITH`, set operations, `VALUES`, and the order and extent of the result.
//!
//! What stands inside of them is read beside: `select`, `from_clause`, `grouping` and `pivot`. Start at
//! [`Parser::query`].

use super::from_clause::named_table;
use super::lexer::Token;
use super::parser::Parser;
use crate::error::Result;
use crate::ir::{Expression, Relation, RelationNode, SetOperationKind};

impl Parser<'_> {
    pub(super) fn is_query_start(&self) -> bool {
        self.is_query_start_at(0)
    }

    pub(super) fn is_query_start_at(&self, offset: usize) -> bool {
        let mut offset = offset;
        while matches!(self.peek_at(offset), Some(Token::Symbol("("))) {
            offset += 1;
        }
        ["select", "with", "values", "from"]
            .iter()
            .any(|word| self.is_word_at(offset, word))
            || (self.is_word_at(offset, "table")
                && matches!(self.peek_at(offset + 1), Some(Token::Word(_))))
    }

    /// A whole query.
    pub(super) fn query(&mut self) -> Result<Relation> {
        self.nested(|p| p.query_at_depth())
    }

    fn query_at_depth(&mut self) -> Result<Relation> {
        let mut definitions = Vec::new();
        if self.word("with") {
            let recursive = self.word("recursive");
            definitions = self.list(|p| p.definition(recursive))?;
        }
        let body = self.set_operations(0)?;
        let query = self.query_organization(body)?;
        let query = self.pipes(query)?;
        if definitions.is_empty() {
            return Ok(query);
        }
        Ok(RelationNode::With {
            definitions,
            input: query,
        }
        .into())
    }

    fn definition(&mut self, recursive: bool) -> Result<(String, Relation)> {
        let name = self.identifier()?;
        let columns = if self.is_symbol("(") {
            self.parenthesized(|p| p.identifier())?
        } else {
            Vec::new()
        };
        self.word("as");
        self.expect_symbol("(")?;
        let mut relation = self.query()?;
        self.expect_symbol(")")?;
        let is_union = matches!(
            *relation.node,
            RelationNode::SetOperation {
                kind: SetOperationKind::Union,
                ..
            }
        );
        if recursive && is_union {
            return Ok((name.clone(), recursive_union(name, columns, relation)));
        }
        if !columns.is_empty() {
            relation = RelationNode::ToDf {
                input: relation,
                names: columns,
            }
            .into();
        }
        Ok((name, relation))
    }

    /// `ORDER BY`, `LIMIT` and what else stands at the end.
    pub(super) fn query_organization(&mut self, mut relation: Relation) -> Result<Relation> {
        if self.words("order by") {
            let order = self.list(|p| p.sort_order())?;
            relation = RelationNode::Sort {
                input: relation,
                order,
                global: true,
            }
            .into();
        } else if self.words("sort by") {
            let order = self.list(|p| p.sort_order())?;
            relation = RelationNode::Sort {
                input: relation,
                order,
                global: false,
            }
            .into();
        } else if self.words("cluster by") || self.words("distribute by") {
            let expressions = self.list(|p| p.expression())?;
            relation = RelationNode::RepartitionByExpression {
                input: relation,
                expressions,
                partitions: None,
            }
            .into();
            if self.words("sort by") {
                let order = self.list(|p| p.sort_order())?;
                relation = RelationNode::Sort {
                    input: relation,
                    order,
                    global: false,
                }
                .into();
            }
        }
        let mut limit = None;
        let mut offset = None;
        for _ in 0..2 {
            if limit.is_none() && self.word("limit") {
                limit = if self.word("all") {
                    None
                } else {
                    Some(self.expression()?)
                };
            }
            if offset.is_none() && self.word("offset") {
                offset = Some(self.expression()?);
            }
        }
        if let Some(offset) = offset {
            relation = RelationNode::Offset {
                input: relation,
                offset,
            }
            .into();
        }
        if let Some(limit) = limit {
            relation = RelationNode::Limit {
                input: relation,
                limit,
            }
            .into();
        }
        Ok(relation)
    }

    /// `UNION` and `EXCEPT` bind less than `INTERSECT`.
    fn set_operations(&mut self, precedence: u8) -> Result<Relation> {
        let mut left = if precedence == 0 {
            self.set_operations(1)?
        } else {
            self.query_primary()?
        };
        loop {
            let kind = if precedence == 0 && self.word("union") {
                SetOperationKind::Union
            } else if precedence == 0 && (self.word("except") || self.word("minus")) {
                SetOperationKind::Except
            } else if precedence == 1 && self.word("intersect") {
                SetOperationKind::Intersect
            } else {
                return Ok(left);
            };
            self.link()?;
            let all = self.word("all");
            if !all {
                self.word("distinct");
            }
            let right = if precedence == 0 {
                self.set_operations(1)?
            } else {
                self.query_primary()?
            };
            left = RelationNode::SetOperation {
                left,
                right,
                kind,
                all,
                by_name: false,
                allow_missing_columns: false,
            }
            .into();
        }
    }

    pub(super) fn query_primary(&mut self) -> Result<Relation> {
        if self.symbol("(") {
            let query = self.query()?;
            self.expect_symbol(")")?;
            return Ok(query);
        }
        if self.word("values") {
            return self.values();
        }
        if self.word("table") {
            return Ok(named_table(self.name()?));
        }
        if self.is_word("from") {
            self.at += 1;
            let input = self.from()?;
            if self.is_word("select") {
                return self.select(Some(input));
            }
            let star = vec![Expression::star()];
            return Ok(RelationNode::Project {
                input: Some(input),
                expressions: star,
            }
            .into());
        }
        self.select(None)
    }

    pub(super) fn values(&mut self) -> Result<Relation> {
        let rows = self.list(|p| {
            if p.is_symbol("(") && !p.is_query_start() {
                p.parenthesized(|p| p.named_expression())
            } else {
                Ok(vec![p.expression()?])
            }
        })?;
        let values: Relation = RelationNode::Values { rows }.into();
        self.aliased(values)
    }
}

/// A union whose right side may name what is defined.
fn recursive_union(name: String, columns: Vec<String>, union: Relation) -> Relation {
    match *union.node {
        RelationNode::SetOperation {
            left, right, all, ..
        } => RelationNode::RecursiveUnion {
            name,
            columns,
            anchor: left,
            step: right,
            all,
        }
        .into(),
        _ => union,
    }
}
