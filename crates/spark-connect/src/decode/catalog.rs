//! Catalog calls.

use fleuve_sql::ir::CatalogCall;

use super::data_type::schema;
use super::{Result, required};
use crate::messages::{self, Nested, catalog::CatType};

pub(super) fn catalog_call(message: messages::Catalog) -> Result<CatalogCall> {
    Ok(match required(message.cat_type, "Catalog", "cat_type")? {
        CatType::CurrentDatabase(_) => CatalogCall::CurrentDatabase,
        CatType::SetCurrentDatabase(call) => CatalogCall::SetCurrentDatabase { name: call.db_name },
        CatType::ListDatabases(call) => CatalogCall::ListDatabases {
            pattern: call.pattern,
        },
        CatType::ListTables(call) => CatalogCall::ListTables {
            database: call.db_name,
            pattern: call.pattern,
        },
        CatType::ListViews(call) => CatalogCall::ListViews {
            database: call.db_name,
            pattern: call.pattern,
        },
        CatType::ListFunctions(call) => CatalogCall::ListFunctions {
            database: call.db_name,
            pattern: call.pattern,
        },
        CatType::ListColumns(call) => CatalogCall::ListColumns {
            table: call.table_name,
            database: call.db_name,
        },
        CatType::GetDatabase(call) => CatalogCall::GetDatabase { name: call.db_name },
        CatType::GetTable(call) => CatalogCall::GetTable {
            table: call.table_name,
            database: call.db_name,
        },
        CatType::GetFunction(call) => CatalogCall::GetFunction {
            function: call.function_name,
            database: call.db_name,
        },
        CatType::DatabaseExists(call) => CatalogCall::DatabaseExists { name: call.db_name },
        CatType::TableExists(call) => CatalogCall::TableExists {
            table: call.table_name,
            database: call.db_name,
        },
        CatType::FunctionExists(call) => CatalogCall::FunctionExists {
            function: call.function_name,
            database: call.db_name,
        },
        CatType::CreateExternalTable(call) => CatalogCall::CreateTable {
            table: call.table_name,
            path: call.path,
            source: call.source,
            description: None,
            schema: optional_schema(call.schema)?,
            options: call.options,
            external: true,
        },
        CatType::CreateTable(call) => CatalogCall::CreateTable {
            table: call.table_name,
            path: call.path,
            source: call.source,
            description: call.description,
            schema: optional_schema(call.schema)?,
            options: call.options,
            external: false,
        },
        CatType::DropTempView(call) => CatalogCall::DropTempView {
            name: call.view_name,
        },
        CatType::DropGlobalTempView(call) => CatalogCall::DropGlobalTempView {
            name: call.view_name,
        },
        CatType::RecoverPartitions(call) => CatalogCall::RecoverPartitions {
            table: call.table_name,
        },
        CatType::IsCached(call) => CatalogCall::IsCached {
            table: call.table_name,
        },
        CatType::CacheTable(call) => CatalogCall::CacheTable {
            table: call.table_name,
        },
        CatType::UncacheTable(call) => CatalogCall::UncacheTable {
            table: call.table_name,
        },
        CatType::ClearCache(_) => CatalogCall::ClearCache,
        CatType::RefreshTable(call) => CatalogCall::RefreshTable {
            table: call.table_name,
        },
        CatType::RefreshByPath(call) => CatalogCall::RefreshByPath { path: call.path },
        CatType::CurrentCatalog(_) => CatalogCall::CurrentCatalog,
        CatType::SetCurrentCatalog(call) => CatalogCall::SetCurrentCatalog {
            name: call.catalog_name,
        },
        CatType::ListCatalogs(call) => CatalogCall::ListCatalogs {
            pattern: call.pattern,
        },
        CatType::DropTable(call) => CatalogCall::DropTable {
            table: call.table_name,
            if_exists: call.if_exists,
            purge: call.purge,
        },
        CatType::DropView(call) => CatalogCall::DropView {
            view: call.view_name,
            if_exists: call.if_exists,
        },
        CatType::CreateDatabase(call) => CatalogCall::CreateDatabase {
            name: call.db_name,
            if_not_exists: call.if_not_exists,
            properties: call.properties,
        },
        CatType::DropDatabase(call) => CatalogCall::DropDatabase {
            name: call.db_name,
            if_exists: call.if_exists,
            cascade: call.cascade,
        },
        CatType::ListPartitions(call) => CatalogCall::ListPartitions {
            table: call.table_name,
        },
        CatType::GetTableProperties(call) => CatalogCall::GetTableProperties {
            table: call.table_name,
        },
        CatType::GetCreateTableString(call) => CatalogCall::GetCreateTableString {
            table: call.table_name,
            as_serde: call.as_serde,
        },
        CatType::TruncateTable(call) => CatalogCall::TruncateTable {
            table: call.table_name,
        },
        CatType::AnalyzeTable(call) => CatalogCall::AnalyzeTable {
            table: call.table_name,
            no_scan: call.no_scan,
        },
    })
}

fn optional_schema(
    message: Option<Nested<messages::DataType>>,
) -> Result<Option<fleuve_sql::ir::StructType>> {
    let described = message.filter(|message| message.kind.is_some());
    described
        .map(|message| schema(message.into_inner()))
        .transpose()
}
