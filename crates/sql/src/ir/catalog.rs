//! Catalog calls: what `spark.catalog` asks.

use super::{Options, StructType};

#[derive(Clone, Debug, PartialEq)]
pub enum CatalogCall {
    CurrentDatabase,
    SetCurrentDatabase {
        name: String,
    },
    ListDatabases {
        pattern: Option<String>,
    },
    ListTables {
        database: Option<String>,
        pattern: Option<String>,
    },
    ListViews {
        database: Option<String>,
        pattern: Option<String>,
    },
    ListFunctions {
        database: Option<String>,
        pattern: Option<String>,
    },
    ListColumns {
        table: String,
        database: Option<String>,
    },
    GetDatabase {
        name: String,
    },
    GetTable {
        table: String,
        database: Option<String>,
    },
    GetFunction {
        function: String,
        database: Option<String>,
    },
    DatabaseExists {
        name: String,
    },
    TableExists {
        table: String,
        database: Option<String>,
    },
    FunctionExists {
        function: String,
        database: Option<String>,
    },
    CreateTable {
        table: String,
        path: Option<String>,
        source: Option<String>,
        description: Option<String>,
        schema: Option<StructType>,
        options: Options,
        external: bool,
    },
    DropTempView {
        name: String,
    },
    DropGlobalTempView {
        name: String,
    },
    RecoverPartitions {
        table: String,
    },
    IsCached {
        table: String,
    },
    CacheTable {
        table: String,
    },
    UncacheTable {
        table: String,
    },
    ClearCache,
    RefreshTable {
        table: String,
    },
    RefreshByPath {
        path: String,
    },
    CurrentCatalog,
    SetCurrentCatalog {
        name: String,
    },
    ListCatalogs {
        pattern: Option<String>,
    },
    DropTable {
        table: String,
        if_exists: bool,
        purge: bool,
    },
    DropView {
        view: String,
        if_exists: bool,
    },
    CreateDatabase {
        name: String,
        if_not_exists: bool,
        properties: Options,
    },
    DropDatabase {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    ListPartitions {
        table: String,
    },
    GetTableProperties {
        table: String,
    },
    GetCreateTableString {
        table: String,
        as_serde: bool,
    },
    TruncateTable {
        table: String,
    },
    AnalyzeTable {
        table: String,
        no_scan: bool,
    },
}
