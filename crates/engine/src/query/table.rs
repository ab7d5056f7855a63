//! `toTable`: a stream whose sink is a table of the catalog.
//!
//! A table that is not there is made, from the columns of the stream; one that is there says where its files lie and
//! what they are. Start at [`into_table`].

use std::borrow::Cow;

use fleuve_sql::Session;
use fleuve_sql::catalog::{Entry, Table};
use fleuve_sql::error::{Exception, SparkError};
use fleuve_sql::ir::{Command, StructType, TableDefinition, WriteStream};
use fleuve_sql::parse_identifier;
use tokio_util::sync::CancellationToken;

/// The write as one into files, if it was one into a table.
pub(super) async fn into_table<'a>(
    session: &Session,
    schema: &StructType,
    write: &'a WriteStream,
) -> Result<Cow<'a, WriteStream>, SparkError> {
    let Some(name) = &write.table else {
        return Ok(Cow::Borrowed(write));
    };
    let parts = parse_identifier(name)?;
    let found = match session.catalog().find(&parts) {
        Some(found) => found,
        None => {
            create(session, name, schema, write).await?;
            session
                .catalog()
                .find(&parts)
                .ok_or_else(|| SparkError::table_or_view_not_found(name))?
        }
    };
    let Entry::Table(table) = found else {
        return Err(refused(format!(
            "Streaming into views {name} is not supported."
        )));
    };
    let location = checked_location(&table, write)?;
    Ok(Cow::Owned(WriteStream {
        format: Some(table.source.clone()),
        partition_columns: table.partition_columns.clone(),
        path: Some(location),
        table: None,
        ..write.clone()
    }))
}

async fn create(
    session: &Session,
    name: &str,
    schema: &StructType,
    write: &WriteStream,
) -> Result<(), SparkError> {
    let option = |wanted: &str| {
        let mut options = write.options.iter();
        options
            .find(|(key, _)| key.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.clone())
    };
    let definition = TableDefinition {
        name: name.to_owned(),
        if_not_exists: true,
        replace: false,
        schema: Some(columns(schema, &write.partition_columns)),
        source: write.format.clone().filter(|format| !format.is_empty()),
        options: Default::default(),
        location: write.path.clone().or_else(|| option("path")),
        partitioned_by: write.partition_columns.clone(),
        query: None,
    };
    let command = Command::CreateTable(Box::new(definition));
    session
        .run_command(command, CancellationToken::new())
        .await?;
    Ok(())
}

/// All nullable, those that name folders last.
fn columns(schema: &StructType, partitions: &[String]) -> StructType {
    let names_folders = |name: &str| partitions.iter().any(|p| p.eq_ignore_ascii_case(name));
    let mut fields: Vec<_> = schema.fields.to_vec();
    fields.iter_mut().for_each(|field| field.nullable = true);
    fields.sort_by_key(|field| names_folders(&field.name));
    StructType::new(fields)
}

fn checked_location(table: &Table, write: &WriteStream) -> Result<String, SparkError> {
    let name = format!("{}.{}", table.database, table.name);
    if let Some(asked) = write.format.as_deref().filter(|format| !format.is_empty())
        && !asked.eq_ignore_ascii_case(&table.source)
    {
        return Err(refused(format!(
            "The input source({asked}) is different from the table {name}'s data source provider({}).",
            table.source
        )));
    }
    let in_files = table.provider.is_none() && table.view_text.is_none();
    let location = table.location.clone().filter(|_| in_files);
    location.ok_or_else(|| refused(format!("Table {name} does not support streaming write.")))
}

fn refused(text: String) -> SparkError {
    SparkError::streaming(
        Exception::Analysis,
        "_LEGACY_ERROR_TEMP_STREAM_TABLE",
        "42000",
        text,
        &[],
    )
}
