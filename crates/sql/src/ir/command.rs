//! Commands: what changes something instead of yielding rows.

use std::sync::Arc;

use super::{Expression, ExternalFunction, Options, Relation, StructType};

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `SELECT` arrives as a relation; this is SQL text whose kind is known only after parsing.
    Sql(Relation),
    CreateView {
        name: String,
        input: Relation,
        global: bool,
        replace: bool,
        temporary: bool,
        columns: Vec<String>,
    },
    DropView {
        name: String,
        if_exists: bool,
    },
    CreateTable(Box<TableDefinition>),
    DropTable {
        name: String,
        if_exists: bool,
    },
    Insert {
        table: String,
        columns: Vec<String>,
        input: Relation,
        mode: InsertMode,
    },
    Write(Box<WriteOperation>),
    WriteV2(Box<WriteOperationV2>),
    /// `engine` starts streams; [`crate::Session::run_command`] refuses them by name.
    WriteStream(Box<WriteStream>),
    RegisterFunction(Arc<ExternalFunction>),
    /// `SET key=value`, `SET key`, `SET`.
    SetConfiguration {
        key: Option<String>,
        value: Option<String>,
    },
    /// `RESET key` or, without a key, everything.
    ResetConfiguration {
        key: Option<String>,
    },
    Catalog(super::CatalogCall),
    ShowTables {
        database: Option<String>,
        pattern: Option<String>,
    },
    ShowViews {
        database: Option<String>,
        pattern: Option<String>,
    },
    ShowDatabases {
        pattern: Option<String>,
    },
    ShowColumns {
        table: String,
    },
    ShowFunctions {
        pattern: Option<String>,
    },
    DescribeTable {
        table: String,
        extended: bool,
    },
    DescribeQuery {
        input: Relation,
    },
    Explain {
        input: Relation,
        extended: bool,
    },
    UseDatabase {
        name: String,
    },
    CacheTable {
        name: String,
        input: Option<Relation>,
    },
    UncacheTable {
        name: String,
        if_exists: bool,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct TableDefinition {
    pub name: String,
    pub if_not_exists: bool,
    pub replace: bool,
    pub schema: Option<StructType>,
    pub source: Option<String>,
    pub options: Options,
    pub location: Option<String>,
    pub partitioned_by: Vec<String>,
    pub query: Option<Relation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertMode {
    Append,
    Overwrite,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveMode {
    Append,
    Overwrite,
    #[default]
    ErrorIfExists,
    Ignore,
}

#[derive(Clone, Debug, PartialEq)]
pub enum WriteDestination {
    /// `save()` or `save(path)`.
    Path(Option<String>),
    SaveAsTable(String),
    InsertInto(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct WriteOperation {
    pub input: Relation,
    /// Unset: `spark.sql.sources.default`.
    pub source: Option<String>,
    pub destination: WriteDestination,
    pub mode: SaveMode,
    pub sort_columns: Vec<String>,
    pub partition_columns: Vec<String>,
    pub clustering_columns: Vec<String>,
    pub bucket_by: Option<(Vec<String>, i32)>,
    pub options: Options,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WriteOperationV2 {
    pub input: Relation,
    pub table: String,
    pub provider: Option<String>,
    pub partitioning: Vec<Expression>,
    pub options: Options,
    pub table_properties: Options,
    pub mode: WriteV2Mode,
    pub overwrite_condition: Option<Expression>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteV2Mode {
    Create,
    Overwrite,
    OverwritePartitions,
    Append,
    Replace,
    CreateOrReplace,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WriteStream {
    pub input: Relation,
    pub format: Option<String>,
    pub options: Options,
    pub partition_columns: Vec<String>,
    pub trigger: StreamTrigger,
    /// As given: empty means `append`.
    pub output_mode: String,
    pub query_name: Option<String>,
    pub path: Option<String>,
    pub table: Option<String>,
    pub foreach_writer: Option<Arc<ExternalFunction>>,
    pub foreach_batch: Option<Arc<ExternalFunction>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum StreamTrigger {
    #[default]
    AsSoonAsPossible,
    /// An interval as text, such as `10 seconds`.
    ProcessingTime(String),
    AvailableNow,
    Once,
    Continuous(String),
    RealTime(String),
}
