//! Expressions, what they have in common, functions of clients, subqueries.
//!
//! The kinds of expressions, which the protocol nests in the message, are in [`expression`].

pub mod expression;

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Expression {
    #[prost(message, optional, tag = "18")]
    pub common: Option<ExpressionCommon>,
    #[prost(
        oneof = "expression::ExprType",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 999"
    )]
    pub expr_type: Option<expression::ExprType>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ExpressionCommon {
    #[prost(message, optional, tag = "1")]
    pub origin: Option<Origin>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CommonInlineUserDefinedFunction {
    #[prost(string, tag = "1")]
    pub function_name: String,
    #[prost(bool, tag = "2")]
    pub deterministic: bool,
    #[prost(message, repeated, tag = "3")]
    pub arguments: Vec<Nested<Expression>>,
    #[prost(
        oneof = "common_inline_user_defined_function::Function",
        tags = "4, 5, 6"
    )]
    pub function: Option<common_inline_user_defined_function::Function>,
    #[prost(bool, tag = "7")]
    pub is_distinct: bool,
}

pub mod common_inline_user_defined_function {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Function {
        #[prost(message, tag = "4")]
        PythonUdf(PythonUdf),
        #[prost(message, tag = "5")]
        ScalarScalaUdf(ScalarScalaUdf),
        #[prost(message, tag = "6")]
        JavaUdf(JavaUdf),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct PythonUdf {
    #[prost(message, optional, tag = "1")]
    pub output_type: Option<Nested<DataType>>,
    #[prost(int32, tag = "2")]
    pub eval_type: i32,
    #[prost(bytes = "bytes", tag = "3")]
    pub command: Bytes,
    #[prost(string, tag = "4")]
    pub python_ver: String,
    #[prost(string, repeated, tag = "5")]
    pub additional_includes: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ScalarScalaUdf {
    #[prost(bytes = "bytes", tag = "1")]
    pub payload: Bytes,
    #[prost(message, repeated, tag = "2")]
    pub input_types: Vec<Nested<DataType>>,
    #[prost(message, optional, tag = "3")]
    pub output_type: Option<Nested<DataType>>,
    #[prost(bool, tag = "4")]
    pub nullable: bool,
    #[prost(bool, tag = "5")]
    pub aggregate: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct JavaUdf {
    #[prost(string, tag = "1")]
    pub class_name: String,
    #[prost(message, optional, tag = "2")]
    pub output_type: Option<Nested<DataType>>,
    #[prost(bool, tag = "3")]
    pub aggregate: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CallFunction {
    #[prost(string, tag = "1")]
    pub function_name: String,
    #[prost(message, repeated, tag = "2")]
    pub arguments: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct NamedArgumentExpression {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(message, optional, tag = "2")]
    pub value: Option<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SubqueryExpression {
    #[prost(int64, tag = "1")]
    pub plan_id: i64,
    #[prost(enumeration = "subquery_expression::SubqueryType", tag = "2")]
    pub subquery_type: i32,
    #[prost(message, optional, tag = "3")]
    pub table_arg_options: Option<subquery_expression::TableArgOptions>,
    #[prost(message, repeated, tag = "4")]
    pub in_subquery_values: Vec<Nested<Expression>>,
}

pub mod subquery_expression {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum SubqueryType {
        Unknown = 0,
        Scalar = 1,
        Exists = 2,
        TableArg = 3,
        In = 4,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TableArgOptions {
        #[prost(message, repeated, tag = "1")]
        pub partition_spec: Vec<Nested<Expression>>,
        #[prost(message, repeated, tag = "2")]
        pub order_spec: Vec<expression::SortOrder>,
        #[prost(bool, optional, tag = "3")]
        pub with_single_partition: Option<bool>,
    }
}
