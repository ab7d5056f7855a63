//! One relation kind a line: what each becomes.

use super::{Analyzed, Analyzer};
use crate::error::{Result, SparkError};
use crate::ir::{Expression, Relation, RelationNode};

impl Analyzer {
    /// Settles a relation and everything underneath.
    pub(crate) fn relation(&mut self, relation: &Relation) -> Result<Analyzed> {
        self.enter()?;
        let analyzed = self.node(&relation.node);
        self.leave();
        let mut analyzed = analyzed?;
        if let Some(id) = relation.plan_id {
            self.name_observation(&relation.node, id);
            analyzed.scope.record_plan(id);
        }
        Ok(analyzed)
    }

    fn node(&mut self, node: &RelationNode) -> Result<Analyzed> {
        use RelationNode as N;
        match node {
            N::Read {
                source,
                is_streaming,
            } => self.read(source, *is_streaming),
            N::Project { input, expressions } => self.project(input.as_ref(), expressions, None),
            N::Filter { input, condition } => self.filter(input, condition),
            N::Join {
                left,
                right,
                kind,
                condition,
                using,
                natural,
                lateral,
            } => self.join(
                left,
                right,
                *kind,
                condition.as_ref(),
                using,
                *natural,
                *lateral,
            ),
            N::SetOperation {
                left,
                right,
                kind,
                all,
                by_name,
                allow_missing_columns,
            } => self.set_operation(left, right, *kind, *all, *by_name, *allow_missing_columns),
            N::Sort { input, order, .. } => self.sort(input, order),
            N::Limit { input, limit } => self.limit(input, limit),
            N::Offset { input, offset } => self.offset(input, offset),
            N::Tail { input, limit } => self.tail(input, *limit),
            N::Aggregate {
                input,
                group_type,
                grouping,
                aggregates,
                pivot,
                grouping_sets,
                having,
                explicit_output,
            } => self.aggregate(
                input,
                *group_type,
                grouping,
                aggregates,
                pivot.as_ref(),
                grouping_sets,
                having.as_ref(),
                *explicit_output,
                &[],
            ),
            N::Sql {
                query,
                named_arguments,
                positional_arguments,
            } => match crate::sql::parse_statement(query, named_arguments, positional_arguments)? {
                crate::Statement::Query(relation) => self.relation(&relation),
                crate::Statement::Command(_) => {
                    Err(SparkError::unsupported_relation("a command as a relation"))
                }
            },
            N::RecursiveUnion {
                name,
                columns,
                anchor,
                step,
                all,
            } => self.recursive_union(name, columns, anchor, step, *all),
            N::With { definitions, input } => self.with(definitions, input),
            N::LocalRelation { data, schema } => {
                let data: Vec<_> = data.iter().cloned().collect();
                self.local_relation(&data, schema.as_deref())
            }
            N::ChunkedLocalRelation { data, schema } => {
                self.local_relation(data, schema.as_deref())
            }
            N::CachedLocalRelation { .. } => Err(SparkError::internal(
                "a cached local relation was not resolved",
            )),
            N::CachedRemoteRelation { relation_id } => self.held_data_frame(relation_id),
            N::Values { rows } => self.values(rows),
            N::Range {
                start,
                end,
                step,
                partitions,
            } => self.range(*start, *end, *step, *partitions),
            N::SubqueryAlias {
                input,
                alias,
                qualifier,
                columns,
            } => self.subquery_alias(input, alias, qualifier, columns),
            N::ToDf { input, names } => self.rename_columns(input, names),
            N::WithColumns { input, columns } => self.with_columns(input, columns),
            N::WithColumnsRenamed { input, renames } => self.with_columns_renamed(input, renames),
            N::Drop {
                input,
                columns,
                names,
            } => self.drop_columns(input, columns, names),
            N::Deduplicate {
                input,
                columns,
                all_columns,
                within_watermark,
            } => self.deduplicate(input, columns, *all_columns, *within_watermark),
            N::WithWatermark {
                input,
                event_time,
                delay,
            } => self.with_watermark(input, event_time, delay),
            N::Sample {
                input,
                lower,
                upper,
                with_replacement,
                seed,
                ..
            } => self.sample(input, *lower, *upper, *with_replacement, *seed),
            N::Repartition {
                input, partitions, ..
            } => self.repartition(input, Some(*partitions)),
            N::RepartitionByExpression {
                input, partitions, ..
            } => self.repartition(input, *partitions),
            N::ShowString {
                input,
                rows,
                truncate,
                vertical,
            } => self.show_string(input, *rows, *truncate, *vertical),
            N::HtmlString {
                input,
                rows,
                truncate,
            } => self.html_string(input, *rows, *truncate),
            N::ToSchema { input, schema } => self.conform_to_schema(input, schema),
            N::WithRelations { root, references } => {
                for reference in references {
                    if let Some(id) = reference.plan_id {
                        self.references.insert(id, reference.clone());
                    }
                    if let N::SubqueryAlias { alias, .. } = reference.node.as_ref() {
                        self.definitions.push((alias.clone(), reference.clone()));
                    }
                }
                self.relation(root)
            }
            N::Unpivot {
                input,
                ids,
                values,
                variable_column,
                value_columns,
            } => self.unpivot(
                input,
                ids.as_deref(),
                values.as_deref(),
                variable_column,
                value_columns,
            ),
            N::Transpose {
                input,
                index_columns,
            } => self.transpose(input, index_columns),
            N::Hint { input, .. } => self.relation(input),
            N::FillNa {
                input,
                columns,
                values,
            } => self.fill_na(input, columns, values),
            N::DropNa {
                input,
                columns,
                min_non_nulls,
            } => self.drop_na(input, columns, *min_non_nulls),
            N::ReplaceNa {
                input,
                columns,
                replacements,
            } => self.replace_na(input, columns, replacements),
            N::Describe { input, columns } => self.describe(input, columns),
            N::Summary { input, statistics } => self.summary(input, statistics),
            N::Crosstab {
                input,
                column1,
                column2,
            } => self.crosstab(input, column1, column2),
            N::Covariance {
                input,
                column1,
                column2,
            } => self.pair_statistic(input, "covar_samp", "cov", column1, column2),
            N::Correlation {
                input,
                column1,
                column2,
                method,
            } => match method.as_deref() {
                None | Some("pearson") => {
                    self.pair_statistic(input, "corr", "corr", column1, column2)
                }
                Some(other) => Err(SparkError::unsupported_feature(&format!(
                    "correlation by {other}"
                ))),
            },
            N::ApproxQuantile {
                input,
                columns,
                probabilities,
                ..
            } => self.quantiles(input, columns, probabilities),
            N::FreqItems {
                input,
                columns,
                support,
            } => self.frequent_items(input, columns, support.unwrap_or(0.01)),
            N::SampleBy {
                input,
                column,
                fractions,
                seed,
            } => self.sample_by(input, column, fractions, *seed),
            N::CollectMetrics {
                input,
                name,
                metrics,
            } => self.collect_metrics(input, name, metrics),
            N::TableFunction { name, arguments } => self.table_function(name, arguments),
            N::LateralView {
                input,
                generator,
                outer,
                table,
                columns,
            } => self.lateral_view(input, generator, *outer, table.as_deref(), columns),
            N::Parse {
                input,
                format,
                schema,
                options,
            } => self.parse_column(input, format, schema.as_ref(), options),
            N::Catalog(call) => {
                let session = self.session.clone();
                let plan = self.wait(crate::command::catalog(&session, call.clone()))?;
                self.embed(&plan)
            }
            N::External { name, .. } => Err(SparkError::unsupported_relation(name)),
            N::Unsupported { name } => Err(SparkError::unsupported_relation(name)),
        }
    }

    fn filter(&mut self, input: &Relation, condition: &Expression) -> Result<Analyzed> {
        let below = match input.node.as_ref() {
            // A data frame's filter may name columns of the frame that a selection was made from.
            RelationNode::Project {
                input: Some(below),
                expressions,
            } if input.plan_id.is_some() => Some((below, expressions)),
            _ => None,
        };
        let analyzed = self.relation(input)?;
        let attempt = self.filter_over(analyzed, condition);
        match (attempt, below) {
            (Err(error), Some((below, expressions))) if is_missing(&error) => {
                let below = self.relation(below)?;
                self.filter_below(below, expressions, input.plan_id, condition)
                    .map_err(|_| error)
            }
            (result, _) => result,
        }
    }

    pub(super) fn filter_over(
        &mut self,
        analyzed: Analyzed,
        condition: &Expression,
    ) -> Result<Analyzed> {
        let pending = self.pending.len();
        let outer = self.remember_columns(&analyzed);
        let condition = self.condition(&analyzed.scope, condition);
        self.lambda_columns = outer;
        let condition = condition.map_err(|error| error.in_clause("Filter"))?;
        let analyzed = self.plan_time_windows(analyzed, pending)?;
        self.refuse_aggregates(&condition)?;
        let plan = datafusion::logical_expr::LogicalPlanBuilder::from(analyzed.plan)
            .filter(condition.expr)?
            .build()?;
        Ok(Analyzed { plan, ..analyzed })
    }

    /// Filters underneath a projection, whose columns the condition may name too.
    fn filter_below(
        &mut self,
        below: Analyzed,
        expressions: &[Expression],
        plan_id: Option<i64>,
        condition: &Expression,
    ) -> Result<Analyzed> {
        let hidden = below.scope.columns.clone();
        let items = self.select_list(&below.scope, expressions)?;
        let mut values = Vec::new();
        for item in items {
            match item {
                super::expression::Selected::Value(value) => values.push(value),
                super::expression::Selected::Rows(g, _) => {
                    return Err(SparkError::nested_generator(&g.name));
                }
            }
        }
        let count = values.len();
        values.extend(hidden.iter().map(super::Attribute::typed));
        let mut projected = self.project_typed(below, values)?;
        let all = std::mem::take(&mut projected.scope.columns);
        let (own, extra) = all.split_at(count);
        projected.scope.columns = own.to_vec();
        projected.scope.below = extra.to_vec();
        if let Some(id) = plan_id {
            projected.scope.record_plan(id);
        }
        let filtered = self.filter_over(projected, condition)?;
        self.only_columns(filtered)
    }

    fn with(&mut self, definitions: &[(String, Relation)], input: &Relation) -> Result<Analyzed> {
        for (index, (name, _)) in definitions.iter().enumerate() {
            let earlier = definitions[..index].iter();
            if earlier
                .clone()
                .any(|(other, _)| other.eq_ignore_ascii_case(name))
            {
                return Err(SparkError::duplicated_cte_name(name));
            }
        }
        let before = self.definitions.len();
        self.definitions.extend(definitions.iter().cloned());
        let analyzed = self.relation(input);
        self.definitions.truncate(before);
        analyzed
    }
}

fn is_missing(error: &SparkError) -> bool {
    error.class().starts_with("UNRESOLVED_COLUMN")
        || error.class() == "CANNOT_RESOLVE_DATAFRAME_COLUMN"
}
