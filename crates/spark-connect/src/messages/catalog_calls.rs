//! Calls to the catalog, which are relations too.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Catalog {
    #[prost(
        oneof = "catalog::CatType",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36"
    )]
    pub cat_type: Option<catalog::CatType>,
}

pub mod catalog {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum CatType {
        #[prost(message, tag = "1")]
        CurrentDatabase(CurrentDatabase),
        #[prost(message, tag = "2")]
        SetCurrentDatabase(SetCurrentDatabase),
        #[prost(message, tag = "3")]
        ListDatabases(ListDatabases),
        #[prost(message, tag = "4")]
        ListTables(ListTables),
        #[prost(message, tag = "5")]
        ListFunctions(ListFunctions),
        #[prost(message, tag = "6")]
        ListColumns(ListColumns),
        #[prost(message, tag = "7")]
        GetDatabase(GetDatabase),
        #[prost(message, tag = "8")]
        GetTable(GetTable),
        #[prost(message, tag = "9")]
        GetFunction(GetFunction),
        #[prost(message, tag = "10")]
        DatabaseExists(DatabaseExists),
        #[prost(message, tag = "11")]
        TableExists(TableExists),
        #[prost(message, tag = "12")]
        FunctionExists(FunctionExists),
        #[prost(message, tag = "13")]
        CreateExternalTable(CreateExternalTable),
        #[prost(message, tag = "14")]
        CreateTable(CreateTable),
        #[prost(message, tag = "15")]
        DropTempView(DropTempView),
        #[prost(message, tag = "16")]
        DropGlobalTempView(DropGlobalTempView),
        #[prost(message, tag = "17")]
        RecoverPartitions(RecoverPartitions),
        #[prost(message, tag = "18")]
        IsCached(IsCached),
        #[prost(message, tag = "19")]
        CacheTable(CacheTable),
        #[prost(message, tag = "20")]
        UncacheTable(UncacheTable),
        #[prost(message, tag = "21")]
        ClearCache(ClearCache),
        #[prost(message, tag = "22")]
        RefreshTable(RefreshTable),
        #[prost(message, tag = "23")]
        RefreshByPath(RefreshByPath),
        #[prost(message, tag = "24")]
        CurrentCatalog(CurrentCatalog),
        #[prost(message, tag = "25")]
        SetCurrentCatalog(SetCurrentCatalog),
        #[prost(message, tag = "26")]
        ListCatalogs(ListCatalogs),
        #[prost(message, tag = "27")]
        DropTable(DropTable),
        #[prost(message, tag = "28")]
        DropView(DropView),
        #[prost(message, tag = "29")]
        CreateDatabase(CreateDatabase),
        #[prost(message, tag = "30")]
        DropDatabase(DropDatabase),
        #[prost(message, tag = "31")]
        ListPartitions(ListPartitions),
        #[prost(message, tag = "32")]
        ListViews(ListViews),
        #[prost(message, tag = "33")]
        GetTableProperties(GetTableProperties),
        #[prost(message, tag = "34")]
        GetCreateTableString(GetCreateTableString),
        #[prost(message, tag = "35")]
        TruncateTable(TruncateTable),
        #[prost(message, tag = "36")]
        AnalyzeTable(AnalyzeTable),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CurrentDatabase {}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SetCurrentDatabase {
    #[prost(string, tag = "1")]
    pub db_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ListDatabases {
    #[prost(string, optional, tag = "1")]
    pub pattern: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ListTables {
    #[prost(string, optional, tag = "1")]
    pub db_name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub pattern: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ListFunctions {
    #[prost(string, optional, tag = "1")]
    pub db_name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub pattern: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ListColumns {
    #[prost(string, tag = "1")]
    pub table_name: String,
    #[prost(string, optional, tag = "2")]
    pub db_name: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GetDatabase {
    #[prost(string, tag = "1")]
    pub db_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GetTable {
    #[prost(string, tag = "1")]
    pub table_name: String,
    #[prost(string, optional, tag = "2")]
    pub db_name: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GetFunction {
    #[prost(string, tag = "1")]
    pub function_name: String,
    #[prost(string, optional, tag = "2")]
    pub db_name: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct DatabaseExists {
    #[prost(string, tag = "1")]
    pub db_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct TableExists {
    #[prost(string, tag = "1")]
    pub table_name: String,
    #[prost(string, optional, tag = "2")]
    pub db_name: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct FunctionExists {
    #[prost(string, tag = "1")]
    pub function_name: String,
    #[prost(string, optional, tag = "2")]
    pub db_name: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CreateExternalTable {
    #[prost(string, tag = "1")]
    pub table_name: String,
    #[prost(string, optional, tag = "2")]
    pub path: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub source: Option<String>,
    #[prost(message, optional, tag = "4")]
    pub schema: Option<Nested<DataType>>,
    #[prost(btree_map = "string, string", tag = "5")]
    pub options: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CreateTable {
    #[prost(string, tag = "1")]
    pub table_name: String,
    #[prost(string, optional, tag = "2")]
    pub path: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub source: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub description: Option<String>,
    #[prost(message, optional, tag = "5")]
    pub schema: Option<Nested<DataType>>,
    #[prost(btree_map = "string, string", tag = "6")]
    pub options: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct DropTempView {
    #[prost(string, tag = "1")]
    pub view_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct DropGlobalTempView {
    #[prost(string, tag = "1")]
    pub view_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct RecoverPartitions {
    #[prost(string, tag = "1")]
    pub table_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct IsCached {
    #[prost(string, tag = "1")]
    pub table_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CacheTable {
    #[prost(string, tag = "1")]
    pub table_name: String,
    #[prost(message, optional, tag = "2")]
    pub storage_level: Option<StorageLevel>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct UncacheTable {
    #[prost(string, tag = "1")]
    pub table_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ClearCache {}

#[derive(Clone, PartialEq, prost::Message)]
pub struct RefreshTable {
    #[prost(string, tag = "1")]
    pub table_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct RefreshByPath {
    #[prost(string, tag = "1")]
    pub path: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CurrentCatalog {}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SetCurrentCatalog {
    #[prost(string, tag = "1")]
    pub catalog_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ListCatalogs {
    #[prost(string, optional, tag = "1")]
    pub pattern: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct DropTable {
    #[prost(string, tag = "1")]
    pub table_name: String,
    #[prost(bool, tag = "2")]
    pub if_exists: bool,
    #[prost(bool, tag = "3")]
    pub purge: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct DropView {
    #[prost(string, tag = "1")]
    pub view_name: String,
    #[prost(bool, tag = "2")]
    pub if_exists: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CreateDatabase {
    #[prost(string, tag = "1")]
    pub db_name: String,
    #[prost(bool, tag = "2")]
    pub if_not_exists: bool,
    #[prost(btree_map = "string, string", tag = "3")]
    pub properties: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct DropDatabase {
    #[prost(string, tag = "1")]
    pub db_name: String,
    #[prost(bool, tag = "2")]
    pub if_exists: bool,
    #[prost(bool, tag = "3")]
    pub cascade: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ListPartitions {
    #[prost(string, tag = "1")]
    pub table_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ListViews {
    #[prost(string, optional, tag = "1")]
    pub db_name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub pattern: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GetTableProperties {
    #[prost(string, tag = "1")]
    pub table_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GetCreateTableString {
    #[prost(string, tag = "1")]
    pub table_name: String,
    #[prost(bool, tag = "2")]
    pub as_serde: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct TruncateTable {
    #[prost(string, tag = "1")]
    pub table_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct AnalyzeTable {
    #[prost(string, tag = "1")]
    pub table_name: String,
    #[prost(bool, tag = "2")]
    pub no_scan: bool,
}
