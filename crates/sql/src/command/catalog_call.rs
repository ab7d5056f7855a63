//! `spark.catalog`: what it asks and how the answers look.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, ListBuilder, StringArray, StringBuilder};

use super::{named, rows, table};
use crate::catalog::{CATALOG, Catalog, Database, Entry, Table};
use crate::error::{Result, SparkError};
use crate::ir::{CatalogCall, DataType, StructField, StructType, TableDefinition};
use crate::plan::AnalyzedPlan;
use crate::session::Session;
use crate::sql::parse_identifier;
use crate::types::simple_string;

/// Answers a call with rows, empty if the call only changes something.
pub(crate) async fn catalog(session: &Session, call: CatalogCall) -> Result<AnalyzedPlan> {
    use CatalogCall as C;
    let catalog = session.catalog();
    match call {
        C::CurrentDatabase => rows::strings(
            &["current_database"],
            vec![vec![Some(catalog.current_database)]],
        ),
        C::SetCurrentDatabase { name } => {
            let name = strip_catalog(&name);
            catalog
                .shared
                .database(&name)
                .ok_or_else(|| SparkError::schema_not_found(&format!("{CATALOG}.{name}")))?;
            session.with_catalog(|catalog| catalog.current_database = name);
            nothing()
        }
        C::ListDatabases { pattern } => {
            let found = catalog
                .shared
                .databases()
                .into_iter()
                .filter(|(n, _)| rows::like(n, pattern.as_deref()));
            databases(found.collect())
        }
        C::GetDatabase { name } => {
            let name = strip_catalog(&name);
            let found = catalog.shared.database(&name);
            let found =
                found.ok_or_else(|| SparkError::schema_not_found(&format!("{CATALOG}.{name}")))?;
            databases(vec![(name, found)])
        }
        C::DatabaseExists { name } => rows::boolean(
            "database_exists",
            catalog.shared.database(&strip_catalog(&name)).is_some(),
        ),
        C::ListTables { database, pattern } => list_tables(&catalog, database, pattern, false),
        C::ListViews { database, pattern } => list_tables(&catalog, database, pattern, true),
        C::GetTable { table, database } => {
            let parts = parts(&table, database.as_deref())?;
            let row = match catalog.find(&parts) {
                Some(Entry::View(_)) => TableRow::view(parts.last().cloned().unwrap_or_default()),
                Some(Entry::Table(table)) => TableRow::table(&table),
                None => return Err(SparkError::table_or_view_not_found(&parts.join("."))),
            };
            tables(vec![row])
        }
        C::TableExists { table, database } => {
            let found = parts(&table, database.as_deref())
                .ok()
                .and_then(|parts| catalog.find(&parts));
            rows::boolean("table_exists", found.is_some())
        }
        C::ListColumns { table, database } => {
            list_columns(session, &table, database.as_deref()).await
        }
        C::ListFunctions { pattern, .. } => {
            let names = crate::functions::names().filter(|n| rows::like(n, pattern.as_deref()));
            functions(names.map(str::to_owned).collect())
        }
        C::GetFunction { function, .. } => {
            match crate::functions::find(&function.to_ascii_lowercase()) {
                Some(_) => functions(vec![function.to_ascii_lowercase()]),
                None => Err(SparkError::unresolved_routine(&function)),
            }
        }
        C::FunctionExists { function, .. } => rows::boolean(
            "function_exists",
            crate::functions::find(&function.to_ascii_lowercase()).is_some(),
        ),
        C::CreateTable {
            table,
            path,
            source,
            description,
            schema,
            mut options,
            ..
        } => {
            if let Some(description) = description {
                options.insert("comment".to_owned(), description);
            }
            let definition = TableDefinition {
                name: table.clone(),
                if_not_exists: false,
                replace: false,
                schema: schema.filter(|s| !s.is_empty()),
                source,
                options,
                location: path,
                partitioned_by: vec![],
                query: None,
            };
            let token = tokio_util::sync::CancellationToken::new();
            table::create(session, definition, token).await?;
            Box::pin(session.analyze(&named(&table))).await
        }
        C::DropTempView { name } => {
            let dropped = session.with_catalog(|catalog| catalog.drop_view(&name));
            rows::boolean("view_dropped", dropped)
        }
        C::DropGlobalTempView { name } => {
            rows::boolean("view_dropped", catalog.shared.drop_global_view(&name))
        }
        C::IsCached { table } => {
            let name = cached_name(&catalog, &table)?;
            rows::boolean("is_cached", catalog.cached.contains(&name))
        }
        C::CacheTable { table } => {
            let name = cached_name(&catalog, &table)?;
            session.with_catalog(|catalog| catalog.cached.insert(name));
            nothing()
        }
        C::UncacheTable { table } => {
            let name = cached_name(&catalog, &table)?;
            session.with_catalog(|catalog| catalog.cached.remove(&name));
            nothing()
        }
        C::ClearCache => {
            session.with_catalog(|catalog| catalog.cached.clear());
            nothing()
        }
        C::RefreshTable { table } | C::RecoverPartitions { table } => {
            existing(&catalog, &table)?;
            nothing()
        }
        C::RefreshByPath { .. } => nothing(),
        C::CurrentCatalog => {
            rows::strings(&["current_catalog"], vec![vec![Some(CATALOG.to_owned())]])
        }
        C::SetCurrentCatalog { name } => {
            if name.eq_ignore_ascii_case(CATALOG) {
                nothing()
            } else {
                Err(SparkError::catalog_not_found(&name))
            }
        }
        C::ListCatalogs { pattern } => {
            let names = [CATALOG]
                .into_iter()
                .filter(|n| rows::like(n, pattern.as_deref()));
            rows::strings(
                &["name", "description"],
                names.map(|n| vec![Some(n.to_owned()), None]).collect(),
            )
        }
        C::DropTable {
            table: name,
            if_exists,
            ..
        } => {
            table::drop(session, &name, if_exists)?;
            nothing()
        }
        C::DropView { view, if_exists } => {
            table::drop_view(session, &view, if_exists)?;
            nothing()
        }
        C::CreateDatabase {
            name,
            if_not_exists,
            properties,
        } => {
            let name = strip_catalog(&name.replace('`', ""));
            let location = properties.get("location").cloned();
            let location = location
                .unwrap_or_else(|| format!("{}/{name}.db", session.environment().warehouse));
            let description = properties.get("comment").cloned().unwrap_or_default();
            let database = Database {
                description,
                location,
                ..Database::default()
            };
            if !catalog.shared.create_database(&name, database) && !if_not_exists {
                return Err(SparkError::schema_already_exists(&name));
            }
            nothing()
        }
        C::DropDatabase {
            name,
            if_exists,
            cascade,
        } => {
            let name = strip_catalog(&name.replace('`', ""));
            match catalog.shared.database(&name) {
                None if if_exists => return nothing(),
                None => return Err(SparkError::schema_not_found(&format!("{CATALOG}.{name}"))),
                Some(database) if !database.tables.is_empty() && !cascade => {
                    return Err(SparkError::schema_not_empty(&name));
                }
                Some(_) => {}
            }
            catalog.shared.drop_database(&name);
            nothing()
        }
        C::TruncateTable { .. } => Err(SparkError::unsupported_command("TRUNCATE TABLE")),
        C::AnalyzeTable { .. } => Err(SparkError::unsupported_command("ANALYZE TABLE")),
        C::ListPartitions { .. } => Err(SparkError::unsupported_command("SHOW PARTITIONS")),
        C::GetTableProperties { .. } => Err(SparkError::unsupported_command("SHOW TBLPROPERTIES")),
        C::GetCreateTableString { .. } => Err(SparkError::unsupported_command("SHOW CREATE TABLE")),
    }
}

fn nothing() -> Result<AnalyzedPlan> {
    AnalyzedPlan::from_batches(StructType::default(), vec![])
}

/// One name for a table, however it is called: views have one part, tables two.
fn cached_name(catalog: &Catalog, table: &str) -> Result<String> {
    let parts = parse_identifier(table)?;
    existing(catalog, table)?;
    if parts.len() == 1 && catalog.view(&parts[0]).is_some() {
        return Ok(parts[0].to_lowercase());
    }
    let (database, name) = catalog.qualify(&parts)?;
    Ok(format!("{database}.{name}").to_lowercase())
}

fn strip_catalog(name: &str) -> String {
    let prefix = format!("{CATALOG}.");
    name.strip_prefix(&prefix).unwrap_or(name).to_owned()
}

fn parts(table: &str, database: Option<&str>) -> Result<Vec<String>> {
    let mut parts = parse_identifier(table)?;
    if let Some(database) = database.filter(|d| !d.is_empty()) {
        let mut qualified = parse_identifier(database)?;
        qualified.append(&mut parts);
        return Ok(qualified);
    }
    Ok(parts)
}

fn existing(catalog: &Catalog, table: &str) -> Result<Entry> {
    let parts = parse_identifier(table)?;
    catalog
        .find(&parts)
        .ok_or_else(|| SparkError::table_or_view_not_found(&parts.join(".")))
}

struct TableRow {
    name: String,
    namespace: Option<String>,
    description: Option<String>,
    kind: String,
    temporary: bool,
}

impl TableRow {
    fn view(name: String) -> Self {
        Self {
            name,
            namespace: None,
            description: None,
            kind: "TEMPORARY".to_owned(),
            temporary: true,
        }
    }

    fn table(table: &Arc<Table>) -> Self {
        let kind = match (&table.view_text, table.external) {
            (Some(_), _) => "VIEW",
            (None, true) => "EXTERNAL",
            (None, false) => "MANAGED",
        };
        Self {
            name: table.name.clone(),
            namespace: Some(table.database.clone()),
            description: table.description.clone(),
            kind: kind.to_owned(),
            temporary: false,
        }
    }
}

fn list_tables(
    catalog: &Catalog,
    database: Option<String>,
    pattern: Option<String>,
    views: bool,
) -> Result<AnalyzedPlan> {
    let database = database
        .map(|d| strip_catalog(&d))
        .unwrap_or_else(|| catalog.current_database.clone());
    let mut found = Vec::new();
    if database.eq_ignore_ascii_case(crate::catalog::GLOBAL_TEMP_DATABASE) {
        found.extend(catalog.shared.global_views().into_iter().map(|name| {
            let namespace = Some(crate::catalog::GLOBAL_TEMP_DATABASE.to_owned());
            TableRow {
                namespace,
                ..TableRow::view(name)
            }
        }));
    } else {
        let all = catalog.shared.database(&database);
        let all =
            all.ok_or_else(|| SparkError::schema_not_found(&format!("{CATALOG}.{database}")))?;
        found.extend(
            all.tables
                .values()
                .filter(|t| !views || t.view_text.is_some())
                .map(TableRow::table),
        );
    }
    found.extend(catalog.view_names().into_iter().map(TableRow::view));
    found.retain(|row| rows::like(&row.name, pattern.as_deref()));
    tables(found)
}

fn tables(found: Vec<TableRow>) -> Result<AnalyzedPlan> {
    let schema = StructType::new(vec![
        StructField::new("name", DataType::STRING, false),
        StructField::new("catalog", DataType::STRING, true),
        StructField::new("namespace", DataType::array(DataType::STRING, true), true),
        StructField::new("description", DataType::STRING, true),
        StructField::new("tableType", DataType::STRING, false),
        StructField::new("isTemporary", DataType::Boolean, false),
    ]);
    let mut namespaces = ListBuilder::new(StringBuilder::new());
    for row in &found {
        if let Some(namespace) = &row.namespace {
            namespaces.values().append_value(namespace);
        }
        namespaces.append(row.namespace.is_some() || row.temporary);
    }
    let catalogs: StringArray = found
        .iter()
        .map(|r| (!r.temporary).then_some(CATALOG))
        .collect();
    let text = |get: &dyn Fn(&TableRow) -> Option<String>| -> ArrayRef {
        Arc::new(found.iter().map(get).collect::<StringArray>())
    };
    rows::batch(
        schema,
        vec![
            text(&|r| Some(r.name.clone())),
            Arc::new(catalogs),
            Arc::new(namespaces.finish()),
            text(&|r| r.description.clone()),
            text(&|r| Some(r.kind.clone())),
            Arc::new(
                found
                    .iter()
                    .map(|r| Some(r.temporary))
                    .collect::<BooleanArray>(),
            ),
        ],
    )
}

fn databases(found: Vec<(String, Database)>) -> Result<AnalyzedPlan> {
    let rows = found.into_iter().map(|(name, database)| {
        vec![
            Some(name),
            Some(CATALOG.to_owned()),
            Some(database.description),
            Some(database.location),
        ]
    });
    rows::strings(
        &["name", "catalog", "description", "locationUri"],
        rows.collect(),
    )
}

fn functions(names: Vec<String>) -> Result<AnalyzedPlan> {
    let schema = StructType::new(vec![
        StructField::new("name", DataType::STRING, false),
        StructField::new("catalog", DataType::STRING, true),
        StructField::new("namespace", DataType::array(DataType::STRING, true), true),
        StructField::new("description", DataType::STRING, true),
        StructField::new("className", DataType::STRING, false),
        StructField::new("isTemporary", DataType::Boolean, false),
    ]);
    let mut namespaces = ListBuilder::new(StringBuilder::new());
    names.iter().for_each(|_| namespaces.append(false));
    let nulls: ArrayRef = Arc::new(names.iter().map(|_| None::<&str>).collect::<StringArray>());
    let classes = names
        .iter()
        .map(|n| Some(format!("fleuve.functions.{n}")))
        .collect::<StringArray>();
    rows::batch(
        schema,
        vec![
            Arc::new(names.iter().map(Some).collect::<StringArray>()),
            nulls.clone(),
            Arc::new(namespaces.finish()),
            nulls,
            Arc::new(classes),
            Arc::new(names.iter().map(|_| Some(true)).collect::<BooleanArray>()),
        ],
    )
}

async fn list_columns(
    session: &Session,
    table: &str,
    database: Option<&str>,
) -> Result<AnalyzedPlan> {
    let parts = parts(table, database)?;
    let quoted: Vec<String> = parts.iter().map(|p| format!("`{p}`")).collect();
    let plan = Box::pin(session.analyze(&named(&quoted.join(".")))).await?;
    let partitions = match session.catalog().find(&parts) {
        Some(Entry::Table(table)) => table.partition_columns.clone(),
        _ => Vec::new(),
    };
    let fields = &plan.schema.fields;
    let schema = StructType::new(vec![
        StructField::new("name", DataType::STRING, false),
        StructField::new("description", DataType::STRING, true),
        StructField::new("dataType", DataType::STRING, false),
        StructField::new("nullable", DataType::Boolean, false),
        StructField::new("isPartition", DataType::Boolean, false),
        StructField::new("isBucket", DataType::Boolean, false),
        StructField::new("isCluster", DataType::Boolean, false),
    ]);
    let is_partition = |name: &str| partitions.iter().any(|p| p.eq_ignore_ascii_case(name));
    let no: ArrayRef = Arc::new(fields.iter().map(|_| Some(false)).collect::<BooleanArray>());
    rows::batch(
        schema,
        vec![
            Arc::new(
                fields
                    .iter()
                    .map(|f| Some(f.name.clone()))
                    .collect::<StringArray>(),
            ),
            Arc::new(fields.iter().map(|_| None::<&str>).collect::<StringArray>()),
            Arc::new(
                fields
                    .iter()
                    .map(|f| Some(simple_string(&f.data_type)))
                    .collect::<StringArray>(),
            ),
            Arc::new(
                fields
                    .iter()
                    .map(|f| Some(f.nullable))
                    .collect::<BooleanArray>(),
            ),
            Arc::new(
                fields
                    .iter()
                    .map(|f| Some(is_partition(&f.name)))
                    .collect::<BooleanArray>(),
            ),
            no.clone(),
            no,
        ],
    )
}
