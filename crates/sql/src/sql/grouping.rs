//! `GROUP BY`: expressions, `ROLLUP`, `CUBE`, `GROUPING SETS`, `ALL`.
//!
//! Start at [`Parser::grouping`].

use super::lexer::Token;
use super::parser::Parser;
use crate::error::{Result, SparkError};
use crate::ir::{Expression, GroupType};

/// What `GROUP BY` says.
pub(super) struct Grouping {
    pub(super) group_type: GroupType,
    pub(super) expressions: Vec<Expression>,
    pub(super) sets: Vec<Vec<Expression>>,
}

/// One element of the list: the sets that it stands for. `None` if it is a plain expression.
enum Element {
    Plain(Expression),
    Sets(Vec<Vec<Expression>>),
}

impl Parser<'_> {
    pub(super) fn grouping(&mut self) -> Result<Grouping> {
        if self.is_word("all") && !matches!(self.peek_at(1), Some(Token::Symbol("." | "("))) {
            self.at += 1;
            return Ok(Grouping {
                group_type: GroupType::All,
                expressions: vec![],
                sets: vec![],
            });
        }
        let elements = self.list(|p| p.grouping_element())?;
        if elements.iter().any(|e| matches!(e, Element::Sets(_))) {
            return Ok(grouping_sets(product(elements)?));
        }
        let expressions: Vec<Expression> = elements
            .into_iter()
            .filter_map(|element| match element {
                Element::Plain(expression) => Some(expression),
                Element::Sets(_) => None,
            })
            .collect();
        if self.words("grouping sets") {
            let sets = self.parenthesized(|p| p.grouping_set())?;
            return Ok(Grouping {
                group_type: GroupType::GroupingSets,
                expressions,
                sets: sets.concat(),
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

    fn grouping_element(&mut self) -> Result<Element> {
        if let Some(sets) = self.several_sets()? {
            return Ok(Element::Sets(sets));
        }
        Ok(Element::Plain(self.expression()?))
    }

    /// `ROLLUP (…)`, `CUBE (…)` or `GROUPING SETS (…)`.
    fn several_sets(&mut self) -> Result<Option<Vec<Vec<Expression>>>> {
        if self.words("grouping sets") {
            let sets = self.parenthesized(|p| p.grouping_set())?;
            return Ok(Some(sets.concat()));
        }
        let is_call = matches!(self.peek_at(1), Some(Token::Symbol("(")));
        let is_rollup = self.is_word("rollup");
        if !is_call || !(is_rollup || self.is_word("cube")) {
            return Ok(None);
        }
        self.at += 1;
        let columns = self.parenthesized(|p| p.tuple())?;
        Ok(Some(match is_rollup {
            true => prefixes(&columns),
            false => subsets(&columns)?,
        }))
    }

    /// A set, or what stands for several.
    fn grouping_set(&mut self) -> Result<Vec<Vec<Expression>>> {
        match self.several_sets()? {
            Some(sets) => Ok(sets),
            None => Ok(vec![self.tuple()?]),
        }
    }

    /// `(a, b)` or `a`.
    fn tuple(&mut self) -> Result<Vec<Expression>> {
        if self.is_symbol("(") {
            self.parenthesized(|p| p.expression())
        } else {
            Ok(vec![self.expression()?])
        }
    }
}

/// How many sets a grouping may have.
const SETS_MAX: usize = 4096;

fn too_many_sets() -> SparkError {
    SparkError::unsupported_feature("a GROUP BY of more than 4096 grouping sets")
}

fn prefixes(columns: &[Vec<Expression>]) -> Vec<Vec<Expression>> {
    (0..=columns.len())
        .rev()
        .map(|n| columns[..n].concat())
        .collect()
}

fn subsets(columns: &[Vec<Expression>]) -> Result<Vec<Vec<Expression>>> {
    if columns.len() >= SETS_MAX.ilog2() as usize {
        return Err(too_many_sets());
    }
    let mut sets: Vec<Vec<usize>> = (0..1usize << columns.len())
        .map(|bits| (0..columns.len()).filter(|i| bits >> i & 1 == 1).collect())
        .collect();
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    let of = |set: Vec<usize>| set.iter().flat_map(|i| columns[*i].clone()).collect();
    Ok(sets.into_iter().map(of).collect())
}

/// Every set of each element beside every set of the others.
fn product(elements: Vec<Element>) -> Result<Vec<Vec<Expression>>> {
    let mut product: Vec<Vec<Expression>> = vec![Vec::new()];
    for element in elements {
        let sets = match element {
            Element::Plain(expression) => vec![vec![expression]],
            Element::Sets(sets) => sets,
        };
        if product.len() * sets.len() > SETS_MAX {
            return Err(too_many_sets());
        }
        let both = |set: &Vec<Expression>| {
            let set = set.clone();
            sets.iter()
                .map(move |other| [&set[..], &other[..]].concat())
        };
        product = product.iter().flat_map(both).collect();
    }
    Ok(product)
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
