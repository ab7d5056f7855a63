//! Relations that choose, order, spread or group rows.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Filter {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub condition: Option<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Limit {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub limit: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Offset {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub offset: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Tail {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub limit: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Aggregate {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(enumeration = "aggregate::GroupType", tag = "2")]
    pub group_type: i32,
    #[prost(message, repeated, tag = "3")]
    pub grouping_expressions: Vec<Nested<Expression>>,
    #[prost(message, repeated, tag = "4")]
    pub aggregate_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "5")]
    pub pivot: Option<aggregate::Pivot>,
    #[prost(message, repeated, tag = "6")]
    pub grouping_sets: Vec<aggregate::GroupingSets>,
}

pub mod aggregate {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum GroupType {
        Unspecified = 0,
        Groupby = 1,
        Rollup = 2,
        Cube = 3,
        Pivot = 4,
        GroupingSets = 5,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Pivot {
        #[prost(message, optional, tag = "1")]
        pub col: Option<Nested<Expression>>,
        #[prost(message, repeated, tag = "2")]
        pub values: Vec<Nested<expression::Literal>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct GroupingSets {
        #[prost(message, repeated, tag = "1")]
        pub grouping_set: Vec<Nested<Expression>>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Sort {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub order: Vec<expression::SortOrder>,
    #[prost(bool, optional, tag = "3")]
    pub is_global: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Deduplicate {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, repeated, tag = "2")]
    pub column_names: Vec<String>,
    #[prost(bool, optional, tag = "3")]
    pub all_columns_as_keys: Option<bool>,
    #[prost(bool, optional, tag = "4")]
    pub within_watermark: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Sample {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(double, tag = "2")]
    pub lower_bound: f64,
    #[prost(double, tag = "3")]
    pub upper_bound: f64,
    #[prost(bool, optional, tag = "4")]
    pub with_replacement: Option<bool>,
    #[prost(int64, optional, tag = "5")]
    pub seed: Option<i64>,
    #[prost(bool, tag = "6")]
    pub deterministic_order: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Repartition {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub num_partitions: i32,
    #[prost(bool, optional, tag = "3")]
    pub shuffle: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct RepartitionByExpression {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub partition_exprs: Vec<Nested<Expression>>,
    #[prost(int32, optional, tag = "3")]
    pub num_partitions: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ShowString {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub num_rows: i32,
    #[prost(int32, tag = "3")]
    pub truncate: i32,
    #[prost(bool, tag = "4")]
    pub vertical: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct HtmlString {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub num_rows: i32,
    #[prost(int32, tag = "3")]
    pub truncate: i32,
}
