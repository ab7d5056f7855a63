//! Relations: each kind of message to its node.
//!
//! What takes more than its fields is in files beside: `join` (two inputs), `aggregate`, `local_data` (rows of the client),
//! `statistics`. Start at [`Decoder::relation`].

use std::collections::BTreeMap;
use std::sync::Arc;

use fleuve_sql::ir::{self, Expression, ReadSource, Relation, RelationNode};

use super::data_type::{nested, schema};
use super::expression::no_handler;
use super::literal::literal;
use super::local_data::local_node;
use super::{Decoder, Result, required};
use crate::failure::Failure;
use crate::messages::relation::RelType;
use crate::messages::{self, Nested, parse, read};
use crate::refusal::refused;

type Input = Option<Nested<messages::Relation>>;

impl Decoder<'_> {
    pub(crate) fn relation(&self, message: messages::Relation) -> Result<Relation> {
        let plan_id = message.common.and_then(|common| common.plan_id);
        let rel_type = message
            .rel_type
            .ok_or_else(|| Failure::not_set("spark.connect.Relation", "rel_type"))?;
        Ok(Relation {
            plan_id,
            node: Box::new(self.node(rel_type)?),
        })
    }

    pub(super) fn input(&self, input: Input, of: &str) -> Result<Relation> {
        self.relation(required(input, of, "input")?.into_inner())
    }

    pub(super) fn side(&self, input: Input, of: &str, side: &str) -> Result<Relation> {
        self.relation(required(input, of, side)?.into_inner())
    }

    fn node(&self, rel_type: RelType) -> Result<RelationNode> {
        Ok(match rel_type {
            RelType::Read(read) => read_node(read)?,
            RelType::Project(project) => RelationNode::Project {
                input: project
                    .input
                    .map(|input| self.relation(input.into_inner()))
                    .transpose()?,
                expressions: self.expressions(project.expressions)?,
            },
            RelType::Filter(filter) => RelationNode::Filter {
                input: self.input(filter.input, "Filter")?,
                condition: self.required_expression(filter.condition, "Filter", "condition")?,
            },
            RelType::Join(join) => self.join(join)?,
            RelType::LateralJoin(join) => self.lateral_join(join)?,
            RelType::SetOp(operation) => self.set_operation(operation)?,
            RelType::Sort(sort) => RelationNode::Sort {
                input: self.input(sort.input, "Sort")?,
                order: self.sort_orders(sort.order)?,
                global: sort.is_global.unwrap_or(true),
            },
            RelType::Limit(limit) => RelationNode::Limit {
                input: self.input(limit.input, "Limit")?,
                limit: ir::Literal::Integer(limit.limit).into(),
            },
            RelType::Offset(offset) => RelationNode::Offset {
                input: self.input(offset.input, "Offset")?,
                offset: ir::Literal::Integer(offset.offset).into(),
            },
            RelType::Tail(tail) => RelationNode::Tail {
                input: self.input(tail.input, "Tail")?,
                limit: usize::try_from(tail.limit).unwrap_or(0),
            },
            RelType::Aggregate(aggregate) => self.aggregate(aggregate)?,
            RelType::Sql(sql) => self.sql(sql)?,
            RelType::LocalRelation(local) => local_node(local),
            RelType::CachedLocalRelation(cached) => self.cached_local_relation(&cached.hash)?,
            RelType::ChunkedCachedLocalRelation(cached) => self.chunked_local_relation(cached)?,
            RelType::CachedRemoteRelation(cached) => RelationNode::CachedRemoteRelation {
                relation_id: cached.relation_id,
            },
            RelType::Range(range) => RelationNode::Range {
                start: range.start.unwrap_or(0),
                end: range.end,
                step: range.step,
                partitions: range.num_partitions,
            },
            RelType::SubqueryAlias(alias) => RelationNode::SubqueryAlias {
                input: self.input(alias.input, "SubqueryAlias")?,
                alias: alias.alias,
                qualifier: alias.qualifier,
                columns: Vec::new(),
            },
            RelType::ToDf(to_df) => RelationNode::ToDf {
                input: self.input(to_df.input, "ToDF")?,
                names: to_df.column_names,
            },
            RelType::WithColumns(with) => RelationNode::WithColumns {
                input: self.input(with.input, "WithColumns")?,
                columns: with
                    .aliases
                    .into_iter()
                    .map(|alias| self.column_alias(alias))
                    .collect::<Result<_>>()?,
            },
            RelType::WithColumnsRenamed(renamed) => RelationNode::WithColumnsRenamed {
                input: self.input(renamed.input, "WithColumnsRenamed")?,
                renames: renamed
                    .rename_columns_map
                    .into_iter()
                    .chain(
                        renamed
                            .renames
                            .into_iter()
                            .map(|rename| (rename.col_name, rename.new_col_name)),
                    )
                    .collect(),
            },
            RelType::Drop(drop) => RelationNode::Drop {
                input: self.input(drop.input, "Drop")?,
                columns: self.expressions(drop.columns)?,
                names: drop.column_names,
            },
            RelType::Deduplicate(deduplicate) => self.deduplicate(deduplicate)?,
            RelType::WithWatermark(watermark) => RelationNode::WithWatermark {
                input: self.input(watermark.input, "WithWatermark")?,
                event_time: watermark.event_time,
                delay: watermark.delay_threshold,
            },
            RelType::Sample(sample) => RelationNode::Sample {
                input: self.input(sample.input, "Sample")?,
                lower: sample.lower_bound,
                upper: sample.upper_bound,
                with_replacement: sample.with_replacement.unwrap_or(false),
                seed: sample.seed,
                deterministic_order: sample.deterministic_order,
            },
            RelType::Repartition(repartition) => RelationNode::Repartition {
                input: self.input(repartition.input, "Repartition")?,
                partitions: repartition.num_partitions,
                shuffle: repartition.shuffle.unwrap_or(false),
            },
            RelType::RepartitionByExpression(repartition) => {
                RelationNode::RepartitionByExpression {
                    input: self.input(repartition.input, "RepartitionByExpression")?,
                    expressions: self.expressions(repartition.partition_exprs)?,
                    partitions: repartition.num_partitions,
                }
            }
            RelType::ShowString(show) => RelationNode::ShowString {
                input: self.input(show.input, "ShowString")?,
                rows: show.num_rows,
                truncate: show.truncate,
                vertical: show.vertical,
            },
            RelType::HtmlString(html) => RelationNode::HtmlString {
                input: self.input(html.input, "HtmlString")?,
                rows: html.num_rows,
                truncate: html.truncate,
            },
            RelType::ToSchema(to_schema) => RelationNode::ToSchema {
                input: self.input(to_schema.input, "ToSchema")?,
                schema: schema(required(to_schema.schema, "ToSchema", "schema")?.into_inner())?,
            },
            RelType::WithRelations(with) => self.with_relations(with)?,
            RelType::Unpivot(unpivot) => self.unpivot(unpivot)?,
            RelType::Transpose(transpose) => RelationNode::Transpose {
                input: self.input(transpose.input, "Transpose")?,
                index_columns: self.expressions(transpose.index_columns)?,
            },
            RelType::Hint(hint) => RelationNode::Hint {
                input: self.input(hint.input, "Hint")?,
                name: hint.name,
                parameters: self.expressions(hint.parameters)?,
            },
            RelType::UnresolvedTableValuedFunction(function) => RelationNode::TableFunction {
                name: vec![function.function_name],
                arguments: self.expressions(function.arguments)?,
            },
            RelType::CollectMetrics(collect) => RelationNode::CollectMetrics {
                input: self.input(collect.input, "CollectMetrics")?,
                name: collect.name,
                metrics: self.expressions(collect.metrics)?,
            },
            RelType::Parse(parse) => self.parse(parse)?,
            RelType::FillNa(fill) => self.fill_na(fill)?,
            RelType::DropNa(drop) => self.drop_na(drop)?,
            RelType::Replace(replace) => self.replace_na(replace)?,
            RelType::Summary(summary) => self.summary(summary)?,
            RelType::Describe(describe) => self.describe(describe)?,
            RelType::Crosstab(crosstab) => self.crosstab(crosstab)?,
            RelType::Cov(covariance) => self.covariance(covariance)?,
            RelType::Corr(correlation) => self.correlation(correlation)?,
            RelType::ApproxQuantile(quantile) => self.approx_quantile(quantile)?,
            RelType::FreqItems(frequent) => self.frequent_items(frequent)?,
            RelType::SampleBy(sample) => self.sample_by(sample)?,
            RelType::Catalog(call) => RelationNode::Catalog(super::catalog::catalog_call(call)?),
            RelType::MapPartitions(map) => self.map_partitions(map)?,
            RelType::GroupMap(_) => return Err(refused("Relation", "group_map")),
            RelType::CoGroupMap(_) => return Err(refused("Relation", "co_group_map")),
            RelType::ApplyInPandasWithState(_) => {
                return Err(refused("Relation", "apply_in_pandas_with_state"));
            }
            RelType::CommonInlineUserDefinedTableFunction(_) => {
                return Err(refused(
                    "Relation",
                    "common_inline_user_defined_table_function",
                ));
            }
            RelType::AsOfJoin(_) => return Err(refused("Relation", "as_of_join")),
            RelType::CommonInlineUserDefinedDataSource(_) => {
                return Err(refused(
                    "Relation",
                    "common_inline_user_defined_data_source",
                ));
            }
            RelType::RelationChanges(_) => {
                return Err(refused("Relation", "relation_changes"));
            }
            RelType::NearestByJoin(_) => {
                return Err(refused("Relation", "nearest_by_join"));
            }
            RelType::Zip(_) => return Err(refused("Relation", "zip")),
            RelType::MlRelation(_) => return Err(refused("Relation", "ml_relation")),
            RelType::Extension(any) => return Err(no_handler(&any)),
            RelType::Unknown(_) => return Err(refused("Relation", "unknown")),
        })
    }

    fn sql(&self, sql: messages::Sql) -> Result<RelationNode> {
        let mut named_arguments = BTreeMap::new();
        for (name, argument) in sql.args {
            named_arguments.insert(name, Expression::Literal(literal(argument.into_inner())?));
        }
        for (name, argument) in sql.named_arguments {
            named_arguments.insert(name, self.expression(argument.into_inner())?);
        }
        let mut positional_arguments = self.expressions(sql.pos_arguments)?;
        for argument in sql.pos_args {
            positional_arguments.push(Expression::Literal(literal(argument.into_inner())?));
        }
        Ok(RelationNode::Sql {
            query: sql.query,
            named_arguments,
            positional_arguments,
        })
    }

    /// The references come first: subqueries and SQL texts of the root, and later references, may name them.
    fn with_relations(&self, with: messages::WithRelations) -> Result<RelationNode> {
        let mut references = Vec::new();
        for reference in with.references {
            let reference = self.relation(reference.into_inner())?;
            if let Some(plan_id) = reference.plan_id {
                self.references
                    .borrow_mut()
                    .insert(plan_id, reference.clone());
            }
            references.push(reference);
        }
        Ok(RelationNode::WithRelations {
            root: self.side(with.root, "WithRelations", "root")?,
            references,
        })
    }

    fn unpivot(&self, unpivot: messages::Unpivot) -> Result<RelationNode> {
        Ok(RelationNode::Unpivot {
            input: self.input(unpivot.input, "Unpivot")?,
            ids: Some(self.expressions(unpivot.ids)?),
            values: unpivot
                .values
                .map(|values| self.expressions(values.values))
                .transpose()?,
            variable_column: unpivot.variable_column_name,
            value_columns: vec![unpivot.value_column_name],
        })
    }

    fn parse(&self, parse: messages::Parse) -> Result<RelationNode> {
        let format = match parse::ParseFormat::try_from(parse.format) {
            Ok(parse::ParseFormat::Csv) => "csv",
            Ok(parse::ParseFormat::Json) => "json",
            Ok(parse::ParseFormat::Xml) => "xml",
            _ => {
                return Err(Failure::invalid_enum(
                    "spark.connect.Parse.ParseFormat",
                    parse.format,
                ));
            }
        };
        Ok(RelationNode::Parse {
            input: self.input(parse.input, "Parse")?,
            format: format.to_owned(),
            schema: match parse.schema {
                schema @ Some(_) => Some(nested(schema, "Parse", "schema")?),
                None => None,
            },
            options: parse.options,
        })
    }

    fn map_partitions(&self, map: messages::MapPartitions) -> Result<RelationNode> {
        let function = self.external_function(required(map.func, "MapPartitions", "func")?)?;
        Ok(RelationNode::External {
            name: "map_partitions".to_owned(),
            inputs: vec![self.input(map.input, "MapPartitions")?],
            function: Some(Arc::new(function)),
        })
    }
}

fn read_node(message: messages::Read) -> Result<RelationNode> {
    let source = match required(message.read_type, "Read", "read_type")? {
        read::ReadType::NamedTable(table) => ReadSource::NamedTable {
            identifier: table.unparsed_identifier,
            options: table.options,
        },
        read::ReadType::DataSource(source) => ReadSource::DataSource {
            format: source.format,
            schema: source.schema.filter(|schema| !schema.is_empty()),
            options: source.options,
            paths: source.paths,
            predicates: source.predicates,
        },
    };
    Ok(RelationNode::Read {
        source,
        is_streaming: message.is_streaming,
    })
}
