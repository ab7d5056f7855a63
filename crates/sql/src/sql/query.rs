//! Queries: `WITH`, `SELECT`, joins, set operations, `VALUES`.

use super::lexer::Token;
use super::parser::Parser;
use crate::error::{Result, SparkError};
use crate::ir::{
    Expression, GroupType, JoinType, Literal, Pivot, ReadSource, Relation, RelationNode,
    SetOperationKind,
};

/// What `GROUP BY` says.
struct Grouping {
    group_type: GroupType,
    expressions: Vec<Expression>,
    sets: Vec<Vec<Expression>>,
}

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
            if self.word("recursive") {
                return Err(SparkError::unsupported_feature("WITH RECURSIVE"));
            }
            definitions = self.list(|p| p.definition())?;
        }
        let body = self.set_operations(0)?;
        let query = self.query_organization(body)?;
        if definitions.is_empty() {
            return Ok(query);
        }
        Ok(RelationNode::With {
            definitions,
            input: query,
        }
        .into())
    }

    fn definition(&mut self) -> Result<(String, Relation)> {
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
    fn query_organization(&mut self, mut relation: Relation) -> Result<Relation> {
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

    fn query_primary(&mut self) -> Result<Relation> {
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

    fn values(&mut self) -> Result<Relation> {
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

    fn select(&mut self, from: Option<Relation>) -> Result<Relation> {
        self.expect_word("select")?;
        let distinct = self.word("distinct");
        if !distinct && self.is_word("all") {
            self.word("all");
        }
        let list = self.list(|p| p.select_item())?;
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
            Some(self.grouping(&list)?)
        } else {
            None
        };
        let having = if self.word("having") {
            Some(self.expression()?)
        } else {
            None
        };
        if self.is_word("window") {
            return Err(SparkError::unsupported_feature("the WINDOW clause"));
        }
        if self.is_word("qualify") {
            return Err(SparkError::unsupported_feature("the QUALIFY clause"));
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

    fn lateral_view(&mut self, input: Option<Relation>) -> Result<Relation> {
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

    fn grouping(&mut self, list: &[Expression]) -> Result<Grouping> {
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

    /// What stands after `FROM`.
    fn from(&mut self) -> Result<Relation> {
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
        let mut left = self.table()?;
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

    fn table_sample(&mut self, input: Relation) -> Result<Relation> {
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

    fn aliased(&mut self, input: Relation) -> Result<Relation> {
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

    /// `PIVOT (aggregates FOR column IN (values))`.
    fn pivot(&mut self, input: Relation) -> Result<Relation> {
        self.at += 1;
        self.expect_symbol("(")?;
        let aggregates = self.list(|p| p.pivot_aggregate())?;
        self.expect_word("for")?;
        if self.is_symbol("(") {
            return Err(SparkError::unsupported_feature(
                "a PIVOT clause over several columns",
            ));
        }
        let column = self.name_parts()?;
        self.expect_word("in")?;
        let values = self.parenthesized(|p| p.named_expression())?;
        self.expect_symbol(")")?;
        let pivot = Pivot {
            column: Expression::column(column),
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
    fn unpivot(&mut self, input: Relation) -> Result<Relation> {
        self.at += 1;
        let keeps_nulls = self.words("include nulls");
        if !keeps_nulls {
            self.words("exclude nulls");
        }
        self.expect_symbol("(")?;
        if self.is_symbol("(") {
            return Err(SparkError::unsupported_feature(
                "an UNPIVOT clause with several value columns",
            ));
        }
        let value_column = self.identifier()?;
        self.expect_word("for")?;
        let variable_column = self.identifier()?;
        self.expect_word("in")?;
        let values = self.parenthesized(|p| p.named_expression())?;
        self.expect_symbol(")")?;
        let present = Expression::function(
            "isnotnull",
            vec![Expression::column(vec![value_column.clone()])],
        );
        let unpivoted: Relation = RelationNode::Unpivot {
            input,
            ids: None,
            values: Some(values),
            variable_column,
            value_column,
        }
        .into();
        if keeps_nulls {
            return self.aliased(unpivoted);
        }
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

fn named_table(identifier: String) -> Relation {
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
