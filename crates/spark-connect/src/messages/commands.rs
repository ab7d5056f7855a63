//! Commands: plans with an effect.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Command {
    #[prost(
        oneof = "command::CommandType",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 999"
    )]
    pub command_type: Option<command::CommandType>,
}

pub mod command {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum CommandType {
        #[prost(message, tag = "1")]
        RegisterFunction(CommonInlineUserDefinedFunction),
        #[prost(message, tag = "2")]
        WriteOperation(WriteOperation),
        #[prost(message, tag = "3")]
        CreateDataframeView(CreateDataFrameViewCommand),
        #[prost(message, tag = "4")]
        WriteOperationV2(WriteOperationV2),
        #[prost(message, tag = "5")]
        SqlCommand(SqlCommand),
        #[prost(message, tag = "6")]
        WriteStreamOperationStart(WriteStreamOperationStart),
        #[prost(message, tag = "7")]
        StreamingQueryCommand(StreamingQueryCommand),
        #[prost(message, tag = "8")]
        GetResourcesCommand(GetResourcesCommand),
        #[prost(message, tag = "9")]
        StreamingQueryManagerCommand(StreamingQueryManagerCommand),
        #[prost(message, tag = "10")]
        RegisterTableFunction(CommonInlineUserDefinedTableFunction),
        #[prost(message, tag = "11")]
        StreamingQueryListenerBusCommand(StreamingQueryListenerBusCommand),
        #[prost(message, tag = "12")]
        RegisterDataSource(CommonInlineUserDefinedDataSource),
        #[prost(message, tag = "13")]
        CreateResourceProfileCommand(CreateResourceProfileCommand),
        #[prost(message, tag = "14")]
        CheckpointCommand(CheckpointCommand),
        #[prost(message, tag = "15")]
        RemoveCachedRemoteRelationCommand(RemoveCachedRemoteRelationCommand),
        #[prost(message, tag = "16")]
        MergeIntoTableCommand(MergeIntoTableCommand),
        #[prost(message, tag = "17")]
        MlCommand(MlCommand),
        #[prost(message, tag = "18")]
        ExecuteExternalCommand(ExecuteExternalCommand),
        #[prost(bytes = "bytes", tag = "19")]
        PipelineCommand(Bytes),
        #[prost(message, tag = "999")]
        Extension(Any),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SqlCommand {
    #[prost(string, tag = "1")]
    pub sql: String,
    #[prost(btree_map = "string, message", tag = "2")]
    pub args: BTreeMap<String, Nested<expression::Literal>>,
    #[prost(message, repeated, tag = "3")]
    pub pos_args: Vec<Nested<expression::Literal>>,
    #[prost(btree_map = "string, message", tag = "4")]
    pub named_arguments: BTreeMap<String, Nested<Expression>>,
    #[prost(message, repeated, tag = "5")]
    pub pos_arguments: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "6")]
    pub input: Option<Nested<Relation>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CreateDataFrameViewCommand {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(bool, tag = "3")]
    pub is_global: bool,
    #[prost(bool, tag = "4")]
    pub replace: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WriteOperation {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, optional, tag = "2")]
    pub source: Option<String>,
    #[prost(oneof = "write_operation::SaveType", tags = "3, 4")]
    pub save_type: Option<write_operation::SaveType>,
    #[prost(enumeration = "write_operation::SaveMode", tag = "5")]
    pub mode: i32,
    #[prost(string, repeated, tag = "6")]
    pub sort_column_names: Vec<String>,
    #[prost(string, repeated, tag = "7")]
    pub partitioning_columns: Vec<String>,
    #[prost(message, optional, tag = "8")]
    pub bucket_by: Option<write_operation::BucketBy>,
    #[prost(btree_map = "string, string", tag = "9")]
    pub options: BTreeMap<String, String>,
    #[prost(string, repeated, tag = "10")]
    pub clustering_columns: Vec<String>,
    #[prost(bool, tag = "11")]
    pub with_schema_evolution: bool,
}

pub mod write_operation {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum SaveType {
        #[prost(string, tag = "3")]
        Path(String),
        #[prost(message, tag = "4")]
        Table(write_operation::SaveTable),
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum SaveMode {
        Unspecified = 0,
        Append = 1,
        Overwrite = 2,
        ErrorIfExists = 3,
        Ignore = 4,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct SaveTable {
        #[prost(string, tag = "1")]
        pub table_name: String,
        #[prost(
            enumeration = "write_operation::save_table::TableSaveMethod",
            tag = "2"
        )]
        pub save_method: i32,
    }

    pub mod save_table {
        use super::*;

        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
        #[repr(i32)]
        pub enum TableSaveMethod {
            Unspecified = 0,
            SaveAsTable = 1,
            InsertInto = 2,
        }
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct BucketBy {
        #[prost(string, repeated, tag = "1")]
        pub bucket_column_names: Vec<String>,
        #[prost(int32, tag = "2")]
        pub num_buckets: i32,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WriteOperationV2 {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub table_name: String,
    #[prost(string, optional, tag = "3")]
    pub provider: Option<String>,
    #[prost(message, repeated, tag = "4")]
    pub partitioning_columns: Vec<Nested<Expression>>,
    #[prost(btree_map = "string, string", tag = "5")]
    pub options: BTreeMap<String, String>,
    #[prost(btree_map = "string, string", tag = "6")]
    pub table_properties: BTreeMap<String, String>,
    #[prost(enumeration = "write_operation_v2::Mode", tag = "7")]
    pub mode: i32,
    #[prost(message, optional, tag = "8")]
    pub overwrite_condition: Option<Nested<Expression>>,
    #[prost(string, repeated, tag = "9")]
    pub clustering_columns: Vec<String>,
    #[prost(bool, tag = "10")]
    pub with_schema_evolution: bool,
}

pub mod write_operation_v2 {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum Mode {
        Unspecified = 0,
        Create = 1,
        Overwrite = 2,
        OverwritePartitions = 3,
        Append = 4,
        Replace = 5,
        CreateOrReplace = 6,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GetResourcesCommand {}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GetResourcesCommandResult {
    #[prost(btree_map = "string, message", tag = "1")]
    pub resources: BTreeMap<String, ResourceInformation>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CreateResourceProfileCommand {
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub profile: Option<Bytes>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct RemoveCachedRemoteRelationCommand {
    #[prost(message, optional, tag = "1")]
    pub relation: Option<CachedRemoteRelation>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CheckpointCommand {
    #[prost(message, optional, tag = "1")]
    pub relation: Option<Nested<Relation>>,
    #[prost(bool, tag = "2")]
    pub local: bool,
    #[prost(bool, tag = "3")]
    pub eager: bool,
    #[prost(message, optional, tag = "4")]
    pub storage_level: Option<StorageLevel>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct MergeIntoTableCommand {
    #[prost(string, tag = "1")]
    pub target_table_name: String,
    #[prost(message, optional, tag = "2")]
    pub source_table_plan: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "3")]
    pub merge_condition: Option<Nested<Expression>>,
    #[prost(message, repeated, tag = "4")]
    pub match_actions: Vec<Nested<Expression>>,
    #[prost(message, repeated, tag = "5")]
    pub not_matched_actions: Vec<Nested<Expression>>,
    #[prost(message, repeated, tag = "6")]
    pub not_matched_by_source_actions: Vec<Nested<Expression>>,
    #[prost(bool, tag = "7")]
    pub with_schema_evolution: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ExecuteExternalCommand {
    #[prost(string, tag = "1")]
    pub runner: String,
    #[prost(string, tag = "2")]
    pub command: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub options: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct MlCommand {
    #[prost(oneof = "ml_command::Command", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10")]
    pub command: Option<ml_command::Command>,
}

pub mod ml_command {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Command {
        #[prost(bytes = "bytes", tag = "1")]
        Fit(Bytes),
        #[prost(bytes = "bytes", tag = "2")]
        Fetch(Bytes),
        #[prost(bytes = "bytes", tag = "3")]
        Delete(Bytes),
        #[prost(bytes = "bytes", tag = "4")]
        Write(Bytes),
        #[prost(bytes = "bytes", tag = "5")]
        Read(Bytes),
        #[prost(bytes = "bytes", tag = "6")]
        Evaluate(Bytes),
        #[prost(message, tag = "7")]
        CleanCache(ml_command::CleanCache),
        #[prost(bytes = "bytes", tag = "8")]
        GetCacheInfo(Bytes),
        #[prost(bytes = "bytes", tag = "9")]
        CreateSummary(Bytes),
        #[prost(bytes = "bytes", tag = "10")]
        GetModelSize(Bytes),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct CleanCache {}
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct MlCommandResult {
    #[prost(oneof = "ml_command_result::ResultType", tags = "1, 2")]
    pub result_type: Option<ml_command_result::ResultType>,
}

pub mod ml_command_result {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum ResultType {
        #[prost(message, tag = "1")]
        Param(Nested<expression::Literal>),
        #[prost(string, tag = "2")]
        Summary(String),
    }
}
