//! Commands: views, tables, inserts, writes, settings, catalog calls.
//!
//! Always true: a command that failed changed nothing that a later query could see, files aside.

mod catalog_call;
mod rows;
mod table;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::catalog::GLOBAL_TEMP_DATABASE;
use crate::error::{Result, SparkError};
use crate::ir::{
    Command, Options, ReadSource, Relation, RelationNode, SaveMode, WriteDestination,
    WriteOperation, WriteV2Mode,
};
use crate::plan::AnalyzedPlan;
use crate::session::{Session, Statement};
use crate::source::{ReadRequest, SourceOptions, WriteRequest};
use crate::sql::parse_identifier;

pub(crate) use catalog_call::catalog;

/// Runs a command; what it answers are rows or nothing.
pub(crate) async fn run(
    session: &Session,
    command: Command,
    cancellation: CancellationToken,
) -> Result<Option<AnalyzedPlan>> {
    match command {
        Command::Sql(relation) => sql(session, relation, cancellation).await,
        Command::CreateView {
            name,
            input,
            global,
            replace,
            temporary,
            columns,
        } => {
            let input = if columns.is_empty() {
                input
            } else {
                RelationNode::ToDf {
                    input,
                    names: columns,
                }
                .into()
            };
            if !temporary && !global {
                return table::create_permanent_view(session, &name, input, replace)
                    .await
                    .map(|()| None);
            }
            create_view(session, &name, &input, global, replace)
                .await
                .map(|()| None)
        }
        Command::DropView { name, if_exists } => {
            table::drop_view(session, &name, if_exists).map(|()| None)
        }
        Command::CreateTable(definition) => table::create(session, *definition, cancellation)
            .await
            .map(|()| None),
        Command::DropTable { name, if_exists } => {
            table::drop(session, &name, if_exists).map(|()| None)
        }
        Command::Insert {
            table,
            columns,
            input,
            mode,
        } => table::insert(session, &table, &columns, input, mode, cancellation)
            .await
            .map(|()| None),
        Command::Write(write) => self::write(session, *write, cancellation)
            .await
            .map(|()| None),
        Command::WriteV2(write) => {
            let mode = match write.mode {
                WriteV2Mode::Append => SaveMode::Append,
                WriteV2Mode::Create => SaveMode::ErrorIfExists,
                WriteV2Mode::CreateOrReplace => SaveMode::Overwrite,
                WriteV2Mode::Overwrite
                | WriteV2Mode::OverwritePartitions
                | WriteV2Mode::Replace => {
                    return Err(SparkError::unsupported_feature("this mode of writeTo"));
                }
            };
            if !write.partitioning.is_empty() || write.overwrite_condition.is_some() {
                return Err(SparkError::unsupported_feature("partitioning of writeTo"));
            }
            let operation = WriteOperation {
                input: write.input,
                source: write.provider,
                destination: WriteDestination::SaveAsTable(write.table),
                mode,
                sort_columns: vec![],
                partition_columns: vec![],
                clustering_columns: vec![],
                bucket_by: None,
                options: write.options,
            };
            self::write(session, operation, cancellation)
                .await
                .map(|()| None)
        }
        Command::WriteStream(_) => Err(SparkError::unsupported_command("WRITE STREAM")),
        Command::RegisterFunction(function) => Err(SparkError::unsupported_feature(&format!(
            "registering the {} function `{}`",
            function.language, function.name
        ))),
        Command::SetConfiguration { key, value } => {
            set_configuration(session, key, value).map(Some)
        }
        Command::ResetConfiguration { key } => {
            session.with_configuration(|c| match key {
                Some(key) => c.unset(&key),
                None => {
                    c.reset();
                    Ok(())
                }
            })?;
            Ok(None)
        }
        Command::Catalog(call) => catalog(session, call).await.map(Some),
        Command::ShowTables { database, pattern } => {
            rows::show_tables(session, database, pattern, false).map(Some)
        }
        Command::ShowViews { database, pattern } => {
            rows::show_tables(session, database, pattern, true).map(Some)
        }
        Command::ShowDatabases { pattern } => rows::show_databases(session, pattern).map(Some),
        Command::ShowColumns { table } => {
            let plan = session.analyze(&named(&table)).await?;
            let names = plan
                .schema
                .fields
                .iter()
                .map(|f| vec![Some(f.name.clone())])
                .collect();
            rows::strings(&["col_name"], names).map(Some)
        }
        Command::ShowFunctions { pattern } => {
            let names: Vec<_> = crate::functions::names()
                .filter(|n| rows::like(n, pattern.as_deref()))
                .collect();
            rows::strings(
                &["function"],
                names
                    .into_iter()
                    .map(|n| vec![Some(n.to_owned())])
                    .collect(),
            )
            .map(Some)
        }
        Command::DescribeTable { table, .. } => {
            let plan = session.analyze(&named(&table)).await?;
            rows::describe(&plan.schema).map(Some)
        }
        Command::DescribeQuery { input } => {
            let plan = session.analyze(&input).await?;
            rows::describe(&plan.schema).map(Some)
        }
        Command::Explain { input, extended } => {
            let plan = session.analyze(&input).await?;
            let text = session.explain(&plan, extended).await?;
            rows::strings(&["plan"], vec![vec![Some(text)]]).map(Some)
        }
        Command::UseDatabase { name } => {
            let call = crate::ir::CatalogCall::SetCurrentDatabase { name };
            catalog(session, call).await.map(|_| None)
        }
        Command::CacheTable { name, input } => {
            if let Some(input) = input {
                create_view(session, &name, &input, false, false).await?;
            }
            catalog(session, crate::ir::CatalogCall::CacheTable { table: name })
                .await
                .map(|_| None)
        }
        Command::UncacheTable { name, if_exists } => {
            let call = crate::ir::CatalogCall::UncacheTable { table: name };
            match catalog(session, call).await {
                Err(error) if if_exists && error.class() == "TABLE_OR_VIEW_NOT_FOUND" => Ok(None),
                done => done.map(|_| None),
            }
        }
    }
}

async fn sql(
    session: &Session,
    relation: Relation,
    cancellation: CancellationToken,
) -> Result<Option<AnalyzedPlan>> {
    let RelationNode::Sql {
        query,
        named_arguments,
        positional_arguments,
    } = relation.node.as_ref()
    else {
        return session.analyze(&relation).await.map(Some);
    };
    match session.parse_sql(query, named_arguments, positional_arguments)? {
        Statement::Query(query) => session.analyze(&query).await.map(Some),
        Statement::Command(command) => Box::pin(run(session, command, cancellation)).await,
    }
}

/// The relation of a table's name.
pub(crate) fn named(table: &str) -> Relation {
    let source = ReadSource::NamedTable {
        identifier: table.to_owned(),
        options: Options::new(),
    };
    RelationNode::Read {
        source,
        is_streaming: false,
    }
    .into()
}

async fn create_view(
    session: &Session,
    name: &str,
    input: &Relation,
    global: bool,
    replace: bool,
) -> Result<()> {
    let plan = Arc::new(session.analyze(input).await?);
    let parts = parse_identifier(name).map_err(|_| SparkError::invalid_view_name(name))?;
    let plain = match parts.as_slice() {
        [plain] => plain.clone(),
        [database, plain] if global && database.eq_ignore_ascii_case(GLOBAL_TEMP_DATABASE) => {
            plain.clone()
        }
        _ => return Err(SparkError::invalid_view_name(name)),
    };
    if global {
        return session
            .environment()
            .catalog
            .put_global_view(&plain, plan, replace);
    }
    session.with_catalog(|catalog| catalog.put_view(&plain, plan, replace))
}

fn set_configuration(
    session: &Session,
    key: Option<String>,
    value: Option<String>,
) -> Result<AnalyzedPlan> {
    let pairs = match (key, value) {
        (Some(key), Some(value)) => {
            session.with_configuration(|c| c.set(&key, &value))?;
            vec![(key, value)]
        }
        (Some(key), None) => {
            let value = session
                .configuration()
                .get_option(&key)
                .unwrap_or_else(|| "<undefined>".to_owned());
            vec![(key, value)]
        }
        (None, _) => session
            .configuration()
            .set_values()
            .clone()
            .into_iter()
            .collect(),
    };
    rows::strings(
        &["key", "value"],
        pairs
            .into_iter()
            .map(|(k, v)| vec![Some(k), Some(v)])
            .collect(),
    )
}

/// `df.write…`.
async fn write(
    session: &Session,
    write: WriteOperation,
    cancellation: CancellationToken,
) -> Result<()> {
    if write.bucket_by.is_some()
        || !write.sort_columns.is_empty()
        || !write.clustering_columns.is_empty()
    {
        return Err(SparkError::unsupported_feature(
            "bucketBy, sortBy and clusterBy of a write",
        ));
    }
    match write.destination.clone() {
        WriteDestination::Path(path) => {
            let plan = session.analyze(&write.input).await?;
            write_plan(session, &plan, path, &write, cancellation).await
        }
        WriteDestination::SaveAsTable(name) => {
            table::save_as(session, &name, write, cancellation).await
        }
        WriteDestination::InsertInto(name) => {
            let mode = match write.mode {
                SaveMode::Overwrite => crate::ir::InsertMode::Overwrite,
                _ => crate::ir::InsertMode::Append,
            };
            table::insert(session, &name, &[], write.input, mode, cancellation).await
        }
    }
}

pub(crate) async fn write_plan(
    session: &Session,
    plan: &AnalyzedPlan,
    path: Option<String>,
    write: &WriteOperation,
    cancellation: CancellationToken,
) -> Result<()> {
    let format = write
        .source
        .clone()
        .unwrap_or_else(|| session.configuration().default_source());
    let options = SourceOptions::new(&write.options);
    let path = path.or_else(|| options.get("path").map(str::to_owned));
    if let Some(path) = &path {
        session.check_path(path)?;
    }
    if plan.is_streaming {
        return Err(SparkError::unsupported_streaming_operation(
            "'write' can not be called on streaming Dataset/DataFrame",
        ));
    }
    let sink = session.environment().registry.sink(&format)?;
    let request = WriteRequest {
        format,
        options,
        path,
        mode: write.mode,
        partition_columns: write.partition_columns.clone(),
        schema: plan.schema.clone(),
        configuration: session.configuration(),
    };
    sink.check(&request)?;
    let partitions =
        crate::execution::execute_partitions(session, plan, cancellation.clone()).await?;
    let partitions = crate::execution::regroup(partitions, plan.partitions);
    sink.write(&request, partitions, cancellation).await
}

/// The files that the sources of a relation would read.
pub(crate) async fn input_files(session: &Session, relation: &Relation) -> Result<Vec<String>> {
    let RelationNode::Read {
        source:
            ReadSource::DataSource {
                format,
                options,
                paths,
                ..
            },
        ..
    } = relation.node.as_ref()
    else {
        return Ok(Vec::new());
    };
    let format = format
        .clone()
        .unwrap_or_else(|| session.configuration().default_source());
    let options = SourceOptions::new(options);
    let mut paths = paths.clone();
    paths.extend(
        options
            .get("path")
            .map(str::to_owned)
            .filter(|_| paths.is_empty()),
    );
    let request = ReadRequest {
        format: format.clone(),
        options,
        paths,
        schema: None,
        configuration: session.configuration(),
    };
    session
        .environment()
        .registry
        .source(&format)?
        .input_files(&request)
        .await
}
