//! Tables: created, filled, dropped.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{named, write_plan};
use crate::catalog::{GLOBAL_TEMP_DATABASE, Table};
use crate::error::{Result, SparkError};
use crate::ir::{
    Expression, InsertMode, Literal, Options, Relation, RelationNode, SaveMode, StructType,
    TableDefinition, WriteDestination, WriteOperation,
};
use crate::plan::AnalyzedPlan;
use crate::session::Session;
use crate::sql::parse_identifier;

/// Where a table's files are.
fn location(session: &Session, database: &str, name: &str) -> String {
    let warehouse = &session.environment().warehouse;
    match database {
        crate::catalog::DEFAULT_DATABASE => format!("{warehouse}/{}", name.to_lowercase()),
        _ => format!(
            "{warehouse}/{}.db/{}",
            database.to_lowercase(),
            name.to_lowercase()
        ),
    }
}

fn full_name(database: &str, name: &str) -> String {
    format!("{}.{database}.{name}", crate::catalog::CATALOG)
}

struct NewTable {
    name: String,
    source: Option<String>,
    schema: StructType,
    options: Options,
    location: Option<String>,
    partition_columns: Vec<String>,
}

fn register(session: &Session, new: NewTable) -> Result<Arc<Table>> {
    let parts = parse_identifier(&new.name)?;
    let (database, name) = session.catalog().qualify(&parts)?;
    let external = new.location.is_some();
    let path = new
        .location
        .unwrap_or_else(|| location(session, &database, &name));
    session.check_path(&path)?;
    let table = Arc::new(Table {
        source: new
            .source
            .unwrap_or_else(|| session.configuration().default_source()),
        schema: new.schema,
        partition_columns: new.partition_columns,
        description: new.options.get("comment").cloned(),
        options: new.options,
        location: Some(path),
        external,
        provider: None,
        view_text: None,
        name,
        database,
    });
    session.environment().catalog.put_table(table.clone())?;
    Ok(table)
}

fn existing(session: &Session, name: &str) -> Result<Option<Arc<Table>>> {
    let parts = parse_identifier(name)?;
    let (database, table) = session.catalog().qualify(&parts)?;
    Ok(session.environment().catalog.table(&database, &table))
}

pub(super) async fn create(
    session: &Session,
    definition: TableDefinition,
    cancellation: CancellationToken,
) -> Result<()> {
    if let Some(table) = existing(session, &definition.name)? {
        if definition.if_not_exists {
            return Ok(());
        }
        if !definition.replace {
            return Err(SparkError::table_already_exists(&full_name(
                &table.database,
                &table.name,
            )));
        }
    }
    match definition.query {
        None => {
            let table = register(
                session,
                NewTable {
                    name: definition.name,
                    source: definition.source,
                    schema: definition.schema.unwrap_or_default(),
                    options: definition.options,
                    location: definition.location,
                    partition_columns: definition.partitioned_by,
                },
            )?;
            if let (Some(path), false) = (&table.location, table.external) {
                std::fs::create_dir_all(path)
                    .map_err(|e| SparkError::cannot_write(path, &e.to_string()))?;
            }
            Ok(())
        }
        Some(query) => {
            let mut options = definition.options;
            if let Some(location) = definition.location {
                options.insert("path".to_owned(), location);
            }
            let write = WriteOperation {
                input: query,
                source: definition.source,
                destination: WriteDestination::SaveAsTable(definition.name.clone()),
                mode: if definition.replace {
                    SaveMode::Overwrite
                } else {
                    SaveMode::ErrorIfExists
                },
                sort_columns: vec![],
                partition_columns: definition.partitioned_by,
                clustering_columns: vec![],
                bucket_by: None,
                options,
            };
            save_as(session, &definition.name, write, cancellation).await
        }
    }
}

/// `saveAsTable`.
pub(super) async fn save_as(
    session: &Session,
    name: &str,
    write: WriteOperation,
    cancellation: CancellationToken,
) -> Result<()> {
    let found = existing(session, name)?;
    match (&found, write.mode) {
        (Some(table), SaveMode::ErrorIfExists) => {
            return Err(SparkError::table_already_exists(&full_name(
                &table.database,
                &table.name,
            )));
        }
        (Some(_), SaveMode::Ignore) => return Ok(()),
        (Some(_), SaveMode::Append) => {
            return insert(
                session,
                name,
                &[],
                write.input,
                InsertMode::Append,
                cancellation,
            )
            .await;
        }
        _ => {}
    }
    let plan = session.analyze(&write.input).await?;
    let parts = parse_identifier(name)?;
    let (database, table) = session.catalog().qualify(&parts)?;
    if session.environment().catalog.database(&database).is_none() {
        return Err(SparkError::schema_not_found(&database));
    }
    let given = write.options.get("path").cloned();
    let path = given
        .clone()
        .unwrap_or_else(|| location(session, &database, &table));
    let operation = WriteOperation {
        mode: SaveMode::Overwrite,
        ..write.clone()
    };
    write_plan(session, &plan, Some(path), &operation, cancellation).await?;
    register(
        session,
        NewTable {
            name: name.to_owned(),
            source: write.source,
            schema: stored_schema(&plan.schema, &write.partition_columns),
            options: write.options,
            location: given,
            partition_columns: write.partition_columns,
        },
    )?;
    Ok(())
}

/// The columns of a table: all nullable, partition columns last.
fn stored_schema(schema: &StructType, partitions: &[String]) -> StructType {
    let is_partition = |name: &str| partitions.iter().any(|p| p.eq_ignore_ascii_case(name));
    let nullable = schema.fields.iter().map(|f| crate::ir::StructField {
        nullable: true,
        ..f.clone()
    });
    let (last, mut first): (Vec<_>, Vec<_>) = nullable.partition(|f| is_partition(&f.name));
    first.extend(last);
    StructType::new(first)
}

pub(super) async fn insert(
    session: &Session,
    name: &str,
    columns: &[String],
    input: Relation,
    mode: InsertMode,
    cancellation: CancellationToken,
) -> Result<()> {
    let table = existing(session, name)?
        .ok_or_else(|| SparkError::table_or_view_not_found(&name.replace('`', "")))?;
    if table.view_text.is_some() {
        return Err(SparkError::unsupported_feature("inserting into a view"));
    }
    let schema = if table.schema.is_empty() {
        session.analyze(&named(name)).await?.schema
    } else {
        table.schema.clone()
    };
    let plan = aligned(session, &schema, columns, input).await?;
    let write = WriteOperation {
        input: RelationNode::Unsupported {
            name: "the input of an insert".to_owned(),
        }
        .into(),
        source: Some(table.source.clone()),
        destination: WriteDestination::Path(table.location.clone()),
        mode: if mode == InsertMode::Overwrite {
            SaveMode::Overwrite
        } else {
            SaveMode::Append
        },
        sort_columns: vec![],
        partition_columns: table.partition_columns.clone(),
        clustering_columns: vec![],
        bucket_by: None,
        options: table.options.clone(),
    };
    if mode == InsertMode::Overwrite {
        // The rows are read before anything is removed: a table may be overwritten from itself.
        let batches = session
            .execute(&plan, cancellation.clone())
            .await?
            .collect()
            .await?;
        let held = AnalyzedPlan::from_batches(plan.schema.clone(), batches)?;
        return write_plan(session, &held, table.location.clone(), &write, cancellation).await;
    }
    write_plan(session, &plan, table.location.clone(), &write, cancellation).await
}

/// The rows in the columns of the table, by position or by the names that were listed.
async fn aligned(
    session: &Session,
    schema: &StructType,
    columns: &[String],
    input: Relation,
) -> Result<AnalyzedPlan> {
    let plan = session.analyze(&input).await?;
    let expected = if columns.is_empty() {
        schema.len()
    } else {
        columns.len()
    };
    if plan.schema.len() != expected {
        return Err(SparkError::streaming(
            crate::error::Exception::Analysis,
            "INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS",
            "21S01",
            format!(
                "Cannot write: the table has {expected} columns, the data {}.",
                plan.schema.len()
            ),
            &[],
        ));
    }
    let names: Vec<String> = (0..plan.schema.len()).map(|i| format!("_c{i}")).collect();
    let renamed: Relation = RelationNode::ToDf {
        input,
        names: names.clone(),
    }
    .into();
    let items = schema.fields.iter().enumerate().map(|(index, field)| {
        let position = if columns.is_empty() {
            Some(index)
        } else {
            columns
                .iter()
                .position(|c| c.eq_ignore_ascii_case(&field.name))
        };
        let value = match position {
            Some(position) => Expression::attribute(names[position].clone()),
            None => Expression::Literal(Literal::Null(field.data_type.clone())),
        };
        value
            .cast(field.data_type.clone())
            .alias(field.name.clone())
    });
    let project = RelationNode::Project {
        input: Some(renamed),
        expressions: items.collect(),
    };
    session.analyze(&project.into()).await
}

pub(super) fn drop(session: &Session, name: &str, if_exists: bool) -> Result<()> {
    let Some(table) = existing(session, name)? else {
        return if if_exists {
            Ok(())
        } else {
            Err(SparkError::table_or_view_not_found(&name.replace('`', "")))
        };
    };
    session
        .environment()
        .catalog
        .drop_table(&table.database, &table.name);
    if let (Some(path), false, None) = (&table.location, table.external, &table.view_text) {
        let _ = std::fs::remove_dir_all(path);
    }
    Ok(())
}

pub(super) fn drop_view(session: &Session, name: &str, if_exists: bool) -> Result<()> {
    let parts = parse_identifier(name)?;
    let dropped = match parts.as_slice() {
        [name] => session.with_catalog(|catalog| catalog.drop_view(name)),
        [database, name] if database.eq_ignore_ascii_case(GLOBAL_TEMP_DATABASE) => {
            session.environment().catalog.drop_global_view(name)
        }
        _ => false,
    };
    if dropped {
        return Ok(());
    }
    match existing(session, name)? {
        Some(table) if table.view_text.is_some() => {
            session
                .environment()
                .catalog
                .drop_table(&table.database, &table.name);
            Ok(())
        }
        _ if if_exists => Ok(()),
        _ => Err(SparkError::table_or_view_not_found(&name.replace('`', ""))),
    }
}

pub(super) async fn create_permanent_view(
    session: &Session,
    name: &str,
    input: Relation,
    replace: bool,
) -> Result<()> {
    let plan = session.analyze(&input).await?;
    let parts = parse_identifier(name)?;
    let (database, view) = session.catalog().qualify(&parts)?;
    if session
        .environment()
        .catalog
        .table(&database, &view)
        .is_some()
        && !replace
    {
        return Err(SparkError::table_already_exists(&full_name(
            &database, &view,
        )));
    }
    session.environment().catalog.put_table(Arc::new(Table {
        name: view,
        database,
        source: "view".to_owned(),
        schema: plan.schema,
        partition_columns: vec![],
        options: Options::new(),
        location: None,
        external: false,
        description: None,
        provider: None,
        view_text: Some(input),
    }))
}
