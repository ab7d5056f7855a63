//! What stands at the bottom of a plan: text, tables, files, rows that the client sent, made-up rows.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Sql {
    #[prost(string, tag = "1")]
    pub query: String,
    #[prost(btree_map = "string, message", tag = "2")]
    pub args: BTreeMap<String, Nested<expression::Literal>>,
    #[prost(message, repeated, tag = "3")]
    pub pos_args: Vec<Nested<expression::Literal>>,
    #[prost(btree_map = "string, message", tag = "4")]
    pub named_arguments: BTreeMap<String, Nested<Expression>>,
    #[prost(message, repeated, tag = "5")]
    pub pos_arguments: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WithRelations {
    #[prost(message, optional, tag = "1")]
    pub root: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub references: Vec<Nested<Relation>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Read {
    #[prost(oneof = "read::ReadType", tags = "1, 2")]
    pub read_type: Option<read::ReadType>,
    #[prost(bool, tag = "3")]
    pub is_streaming: bool,
}

pub mod read {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum ReadType {
        #[prost(message, tag = "1")]
        NamedTable(read::NamedTable),
        #[prost(message, tag = "2")]
        DataSource(read::DataSource),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct NamedTable {
        #[prost(string, tag = "1")]
        pub unparsed_identifier: String,
        #[prost(btree_map = "string, string", tag = "2")]
        pub options: BTreeMap<String, String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct DataSource {
        #[prost(string, optional, tag = "1")]
        pub format: Option<String>,
        #[prost(string, optional, tag = "2")]
        pub schema: Option<String>,
        #[prost(btree_map = "string, string", tag = "3")]
        pub options: BTreeMap<String, String>,
        #[prost(string, repeated, tag = "4")]
        pub paths: Vec<String>,
        #[prost(string, repeated, tag = "5")]
        pub predicates: Vec<String>,
        #[prost(string, optional, tag = "6")]
        pub source_name: Option<String>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct RelationChanges {
    #[prost(string, tag = "1")]
    pub unparsed_identifier: String,
    #[prost(btree_map = "string, string", tag = "2")]
    pub options: BTreeMap<String, String>,
    #[prost(bool, tag = "3")]
    pub is_streaming: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct LocalRelation {
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub data: Option<Bytes>,
    #[prost(string, optional, tag = "2")]
    pub schema: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CachedLocalRelation {
    #[prost(string, tag = "3")]
    pub hash: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ChunkedCachedLocalRelation {
    #[prost(string, repeated, tag = "1")]
    pub data_hashes: Vec<String>,
    #[prost(string, optional, tag = "2")]
    pub schema_hash: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CachedRemoteRelation {
    #[prost(string, tag = "1")]
    pub relation_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Range {
    #[prost(int64, optional, tag = "1")]
    pub start: Option<i64>,
    #[prost(int64, tag = "2")]
    pub end: i64,
    #[prost(int64, tag = "3")]
    pub step: i64,
    #[prost(int32, optional, tag = "4")]
    pub num_partitions: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct UnresolvedTableValuedFunction {
    #[prost(string, tag = "1")]
    pub function_name: String,
    #[prost(message, repeated, tag = "2")]
    pub arguments: Vec<Nested<Expression>>,
}
