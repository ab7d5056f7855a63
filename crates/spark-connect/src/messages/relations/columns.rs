//! Relations that give rows other columns.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Project {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "3")]
    pub expressions: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Drop {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub columns: Vec<Nested<Expression>>,
    #[prost(string, repeated, tag = "3")]
    pub column_names: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ToDf {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, repeated, tag = "2")]
    pub column_names: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WithColumnsRenamed {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(btree_map = "string, string", tag = "2")]
    pub rename_columns_map: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "3")]
    pub renames: Vec<with_columns_renamed::Rename>,
}

pub mod with_columns_renamed {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Rename {
        #[prost(string, tag = "1")]
        pub col_name: String,
        #[prost(string, tag = "2")]
        pub new_col_name: String,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WithColumns {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub aliases: Vec<expression::Alias>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WithWatermark {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub event_time: String,
    #[prost(string, tag = "3")]
    pub delay_threshold: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Unpivot {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub ids: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "3")]
    pub values: Option<unpivot::Values>,
    #[prost(string, tag = "4")]
    pub variable_column_name: String,
    #[prost(string, tag = "5")]
    pub value_column_name: String,
}

pub mod unpivot {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Values {
        #[prost(message, repeated, tag = "1")]
        pub values: Vec<Nested<Expression>>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Transpose {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub index_columns: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ToSchema {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub schema: Option<Nested<DataType>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Parse {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(enumeration = "parse::ParseFormat", tag = "2")]
    pub format: i32,
    #[prost(message, optional, tag = "3")]
    pub schema: Option<Nested<DataType>>,
    #[prost(btree_map = "string, string", tag = "4")]
    pub options: BTreeMap<String, String>,
}

pub mod parse {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum ParseFormat {
        Unspecified = 0,
        Csv = 1,
        Json = 2,
        Xml = 3,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SubqueryAlias {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub alias: String,
    #[prost(string, repeated, tag = "3")]
    pub qualifier: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Hint {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "3")]
    pub parameters: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CollectMetrics {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "3")]
    pub metrics: Vec<Nested<Expression>>,
}
