//! Pipes: `FROM t |> WHERE … |> SELECT …`, one operator after another over what stands before.
//!
//! Start at [`Parser::pipes`].

use super::parser::Parser;
use crate::error::Result;
use crate::ir::{Expression, GroupType, Relation, RelationNode, SetOperationKind};

impl Parser<'_> {
    /// All operators that follow, over `relation`.
    pub(super) fn pipes(&mut self, mut relation: Relation) -> Result<Relation> {
        while self.symbol("|>") {
            self.link()?;
            relation = self.with_windows(|p| p.pipe(relation))?;
        }
        Ok(relation)
    }

    fn pipe(&mut self, input: Relation) -> Result<Relation> {
        if self.word("select") {
            let distinct = self.word("distinct");
            let expressions = self.list(|p| p.select_item())?;
            let selected = project(input, expressions);
            return Ok(if distinct {
                deduplicate(selected)
            } else {
                selected
            });
        }
        if self.word("extend") {
            let mut expressions = vec![Expression::star()];
            expressions.extend(self.list(|p| p.select_item())?);
            return Ok(project(input, expressions));
        }
        if self.word("set") {
            let columns = self.list(|p| p.assignment())?;
            return Ok(RelationNode::WithColumns { input, columns }.into());
        }
        if self.word("drop") {
            let except = self.list(|p| Ok(vec![p.identifier()?]))?;
            let target = None;
            return Ok(project(
                input,
                vec![Expression::StarExcept { target, except }],
            ));
        }
        if self.word("where") {
            let condition = self.expression()?;
            return Ok(RelationNode::Filter { input, condition }.into());
        }
        if self.word("aggregate") {
            return self.pipe_aggregate(input);
        }
        if self.is_word("pivot") {
            return self.pivot(input);
        }
        if self.is_word("unpivot") {
            return self.unpivot(input);
        }
        if self.is_word("tablesample") {
            return self.table_sample(input);
        }
        if self.is_word("lateral") && self.is_word_at(1, "view") {
            return self.lateral_view(Some(input));
        }
        if self.is_word("as") {
            return self.aliased(input);
        }
        if let Some(kind) = self.set_operator() {
            return self.pipe_set_operation(input, kind);
        }
        let before = self.at;
        let joined = self.joined_onto(input)?;
        if self.at > before {
            return Ok(joined);
        }
        let ordered = self.query_organization(joined)?;
        match self.at > before {
            true => Ok(ordered),
            false => Err(self.unexpected()),
        }
    }

    /// `name = value`.
    fn assignment(&mut self) -> Result<(String, Expression, Option<String>)> {
        let name = self.identifier()?;
        self.expect_symbol("=")?;
        Ok((name, self.expression()?, None))
    }

    /// `AGGREGATE values GROUP BY keys`: the keys come first.
    fn pipe_aggregate(&mut self, input: Relation) -> Result<Relation> {
        let aggregates = match self.is_word("group") {
            true => Vec::new(),
            false => self.list(|p| p.named_expression())?,
        };
        let grouping = match self.words("group by") {
            true => self.list(|p| p.named_expression())?,
            false => Vec::new(),
        };
        Ok(RelationNode::Aggregate {
            input,
            group_type: GroupType::GroupBy,
            grouping,
            aggregates,
            pivot: None,
            grouping_sets: vec![],
            having: None,
            explicit_output: false,
        }
        .into())
    }

    fn set_operator(&mut self) -> Option<SetOperationKind> {
        let kinds = [
            ("union", SetOperationKind::Union),
            ("except", SetOperationKind::Except),
            ("minus", SetOperationKind::Except),
            ("intersect", SetOperationKind::Intersect),
        ];
        let (_, kind) = kinds.into_iter().find(|(word, _)| self.word(word))?;
        Some(kind)
    }

    fn pipe_set_operation(&mut self, left: Relation, kind: SetOperationKind) -> Result<Relation> {
        let all = self.word("all");
        if !all {
            self.word("distinct");
        }
        Ok(RelationNode::SetOperation {
            left,
            right: self.query_primary()?,
            kind,
            all,
            by_name: false,
            allow_missing_columns: false,
        }
        .into())
    }
}

fn project(input: Relation, expressions: Vec<Expression>) -> Relation {
    let input = Some(input);
    RelationNode::Project { input, expressions }.into()
}

fn deduplicate(input: Relation) -> Relation {
    RelationNode::Deduplicate {
        input,
        columns: vec![],
        all_columns: true,
        within_watermark: false,
    }
    .into()
}
