//! Relations of two inputs.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Join {
    #[prost(message, optional, tag = "1")]
    pub left: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "3")]
    pub join_condition: Option<Nested<Expression>>,
    #[prost(enumeration = "join::JoinType", tag = "4")]
    pub join_type: i32,
    #[prost(string, repeated, tag = "5")]
    pub using_columns: Vec<String>,
    #[prost(message, optional, tag = "6")]
    pub join_data_type: Option<join::JoinDataType>,
}

pub mod join {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum JoinType {
        Unspecified = 0,
        Inner = 1,
        FullOuter = 2,
        LeftOuter = 3,
        RightOuter = 4,
        LeftAnti = 5,
        LeftSemi = 6,
        Cross = 7,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct JoinDataType {
        #[prost(bool, tag = "1")]
        pub is_left_struct: bool,
        #[prost(bool, tag = "2")]
        pub is_right_struct: bool,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SetOperation {
    #[prost(message, optional, tag = "1")]
    pub left_input: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right_input: Option<Nested<Relation>>,
    #[prost(enumeration = "set_operation::SetOpType", tag = "3")]
    pub set_op_type: i32,
    #[prost(bool, optional, tag = "4")]
    pub is_all: Option<bool>,
    #[prost(bool, optional, tag = "5")]
    pub by_name: Option<bool>,
    #[prost(bool, optional, tag = "6")]
    pub allow_missing_columns: Option<bool>,
}

pub mod set_operation {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum SetOpType {
        Unspecified = 0,
        Intersect = 1,
        Union = 2,
        Except = 3,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct AsOfJoin {
    #[prost(message, optional, tag = "1")]
    pub left: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "3")]
    pub left_as_of: Option<Nested<Expression>>,
    #[prost(message, optional, tag = "4")]
    pub right_as_of: Option<Nested<Expression>>,
    #[prost(message, optional, tag = "5")]
    pub join_expr: Option<Nested<Expression>>,
    #[prost(string, repeated, tag = "6")]
    pub using_columns: Vec<String>,
    #[prost(string, tag = "7")]
    pub join_type: String,
    #[prost(message, optional, tag = "8")]
    pub tolerance: Option<Nested<Expression>>,
    #[prost(bool, tag = "9")]
    pub allow_exact_matches: bool,
    #[prost(string, tag = "10")]
    pub direction: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct LateralJoin {
    #[prost(message, optional, tag = "1")]
    pub left: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "3")]
    pub join_condition: Option<Nested<Expression>>,
    #[prost(enumeration = "join::JoinType", tag = "4")]
    pub join_type: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct NearestByJoin {
    #[prost(message, optional, tag = "1")]
    pub left: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "3")]
    pub ranking_expression: Option<Nested<Expression>>,
    #[prost(int32, tag = "4")]
    pub num_results: i32,
    #[prost(string, tag = "5")]
    pub join_type: String,
    #[prost(string, tag = "6")]
    pub mode: String,
    #[prost(string, tag = "7")]
    pub direction: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Zip {
    #[prost(message, optional, tag = "1")]
    pub left: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right: Option<Nested<Relation>>,
}
