//! `GROUP BY`: expressions, `ROLLUP`, `CUBE`, `GROUPING SETS`, `ALL`.
//!
//! Start at [`Parser::grouping`].

use super::lexer::Token;
use super::parser::Parser;
use crate::error::Result;
use crate::ir::{Expression, GroupType, Literal};

/// What `GROUP BY` says.
pub(super) struct Grouping {
    pub(super) group_type: GroupType,
    pub(super) expressions: Vec<Expression>,
    pub(super) sets: Vec<Vec<Expression>>,
}

impl Parser<'_> {
    pub(super) fn grouping(&mut self, list: &[Expression]) -> Result<Grouping> {
        if self.words("grouping sets") {
            let sets = self.parenthesized(|p| p.grouping_set())?;
            return Ok(grouping_sets(sets));
        }
        for (word, group_type) in [("rollup", GroupType::Rollup), ("cube", GroupType::Cube)] {
            if self.is_word(word) && matches!(self.peek_at(1), Some(Token::Symbol("("))) {
                self.at += 1;
                let expressions = self.parenthesized(|p| p.expression())?;
                return Ok(Grouping {
                    group_type,
                    expressions,
                    sets: vec![],
                });
            }
        }
        if self.is_word("all") && !matches!(self.peek_at(1), Some(Token::Symbol("." | "("))) {
            self.at += 1;
            let expressions = (1..=list.len() as i32)
                .zip(list)
                .filter(|(_, item)| !mentions_aggregate(item))
                .map(|(position, _)| Expression::Literal(Literal::Integer(position)))
                .collect();
            return Ok(Grouping {
                group_type: GroupType::GroupBy,
                expressions,
                sets: vec![],
            });
        }
        let expressions = self.list(|p| p.expression())?;
        if self.words("grouping sets") {
            let sets = self.parenthesized(|p| p.grouping_set())?;
            return Ok(Grouping {
                group_type: GroupType::GroupingSets,
                expressions,
                sets,
            });
        }
        let group_type = if self.words("with rollup") {
            GroupType::Rollup
        } else if self.words("with cube") {
            GroupType::Cube
        } else {
            GroupType::GroupBy
        };
        Ok(Grouping {
            group_type,
            expressions,
            sets: vec![],
        })
    }

    fn grouping_set(&mut self) -> Result<Vec<Expression>> {
        if self.is_symbol("(") {
            self.parenthesized(|p| p.expression())
        } else {
            Ok(vec![self.expression()?])
        }
    }
}

fn grouping_sets(sets: Vec<Vec<Expression>>) -> Grouping {
    let mut expressions: Vec<Expression> = Vec::new();
    let text = |e: &Expression| format!("{:?}", e.unlocated());
    for expression in sets.iter().flatten() {
        if !expressions
            .iter()
            .any(|known| text(known) == text(expression))
        {
            expressions.push(expression.clone());
        }
    }
    Grouping {
        group_type: GroupType::GroupingSets,
        expressions,
        sets,
    }
}

/// True if a select item calls an aggregate, by the names of its functions.
fn mentions_aggregate(expression: &Expression) -> bool {
    const NAMES: &[&str] = &[
        "count",
        "sum",
        "avg",
        "mean",
        "min",
        "max",
        "first",
        "last",
        "collect_list",
        "collect_set",
        "stddev",
        "variance",
        "count_if",
        "any_value",
        "max_by",
        "min_by",
        "median",
        "mode",
        "percentile",
        "percentile_approx",
        "approx_count_distinct",
        "array_agg",
        "bool_and",
        "bool_or",
        "every",
        "some",
    ];
    match expression {
        Expression::Located { child, .. }
        | Expression::Alias { child, .. }
        | Expression::Cast { child, .. } => mentions_aggregate(child),
        Expression::Function {
            name, arguments, ..
        } => {
            let known = name
                .last()
                .is_some_and(|n| NAMES.contains(&n.to_ascii_lowercase().as_str()));
            known || arguments.iter().any(mentions_aggregate)
        }
        _ => false,
    }
}
