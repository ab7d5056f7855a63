//! Relations that run functions of the client: maps, groups with state, table functions, data sources.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct MapPartitions {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub func: Option<CommonInlineUserDefinedFunction>,
    #[prost(bool, optional, tag = "3")]
    pub is_barrier: Option<bool>,
    #[prost(int32, optional, tag = "4")]
    pub profile_id: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GroupMap {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub grouping_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "3")]
    pub func: Option<CommonInlineUserDefinedFunction>,
    #[prost(message, repeated, tag = "4")]
    pub sorting_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "5")]
    pub initial_input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "6")]
    pub initial_grouping_expressions: Vec<Nested<Expression>>,
    #[prost(bool, optional, tag = "7")]
    pub is_map_groups_with_state: Option<bool>,
    #[prost(string, optional, tag = "8")]
    pub output_mode: Option<String>,
    #[prost(string, optional, tag = "9")]
    pub timeout_conf: Option<String>,
    #[prost(message, optional, tag = "10")]
    pub state_schema: Option<Nested<DataType>>,
    #[prost(message, optional, tag = "11")]
    pub transform_with_state_info: Option<TransformWithStateInfo>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct TransformWithStateInfo {
    #[prost(string, tag = "1")]
    pub time_mode: String,
    #[prost(string, optional, tag = "2")]
    pub event_time_column_name: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub output_schema: Option<Nested<DataType>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CoGroupMap {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub input_grouping_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "3")]
    pub other: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "4")]
    pub other_grouping_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "5")]
    pub func: Option<CommonInlineUserDefinedFunction>,
    #[prost(message, repeated, tag = "6")]
    pub input_sorting_expressions: Vec<Nested<Expression>>,
    #[prost(message, repeated, tag = "7")]
    pub other_sorting_expressions: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ApplyInPandasWithState {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub grouping_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "3")]
    pub func: Option<CommonInlineUserDefinedFunction>,
    #[prost(string, tag = "4")]
    pub output_schema: String,
    #[prost(string, tag = "5")]
    pub state_schema: String,
    #[prost(string, tag = "6")]
    pub output_mode: String,
    #[prost(string, tag = "7")]
    pub timeout_conf: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CommonInlineUserDefinedTableFunction {
    #[prost(string, tag = "1")]
    pub function_name: String,
    #[prost(bool, tag = "2")]
    pub deterministic: bool,
    #[prost(message, repeated, tag = "3")]
    pub arguments: Vec<Nested<Expression>>,
    #[prost(
        oneof = "common_inline_user_defined_table_function::Function",
        tags = "4"
    )]
    pub function: Option<common_inline_user_defined_table_function::Function>,
}

pub mod common_inline_user_defined_table_function {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Function {
        #[prost(message, tag = "4")]
        PythonUdtf(PythonUdtf),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct PythonUdtf {
    #[prost(message, optional, tag = "1")]
    pub return_type: Option<Nested<DataType>>,
    #[prost(int32, tag = "2")]
    pub eval_type: i32,
    #[prost(bytes = "bytes", tag = "3")]
    pub command: Bytes,
    #[prost(string, tag = "4")]
    pub python_ver: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CommonInlineUserDefinedDataSource {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(
        oneof = "common_inline_user_defined_data_source::DataSource",
        tags = "2"
    )]
    pub data_source: Option<common_inline_user_defined_data_source::DataSource>,
}

pub mod common_inline_user_defined_data_source {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum DataSource {
        #[prost(message, tag = "2")]
        PythonDataSource(PythonDataSource),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct PythonDataSource {
    #[prost(bytes = "bytes", tag = "1")]
    pub command: Bytes,
    #[prost(string, tag = "2")]
    pub python_ver: String,
}
