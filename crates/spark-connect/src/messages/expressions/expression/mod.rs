//! The kinds of expressions: columns, literals, calls, casts, windows, lambdas.
//!
//! Start at [`ExprType`].

pub mod literal;
pub mod window;

use super::*;

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum ExprType {
    #[prost(message, tag = "1")]
    Literal(Nested<expression::Literal>),
    #[prost(message, tag = "2")]
    UnresolvedAttribute(expression::UnresolvedAttribute),
    #[prost(message, tag = "3")]
    UnresolvedFunction(expression::UnresolvedFunction),
    #[prost(message, tag = "4")]
    ExpressionString(expression::ExpressionString),
    #[prost(message, tag = "5")]
    UnresolvedStar(expression::UnresolvedStar),
    #[prost(message, tag = "6")]
    Alias(expression::Alias),
    #[prost(message, tag = "7")]
    Cast(expression::Cast),
    #[prost(message, tag = "8")]
    UnresolvedRegex(expression::UnresolvedRegex),
    #[prost(message, tag = "9")]
    SortOrder(expression::SortOrder),
    #[prost(message, tag = "10")]
    LambdaFunction(expression::LambdaFunction),
    #[prost(message, tag = "11")]
    Window(expression::Window),
    #[prost(message, tag = "12")]
    UnresolvedExtractValue(expression::UnresolvedExtractValue),
    #[prost(message, tag = "13")]
    UpdateFields(expression::UpdateFields),
    #[prost(message, tag = "14")]
    UnresolvedNamedLambdaVariable(expression::UnresolvedNamedLambdaVariable),
    #[prost(message, tag = "15")]
    CommonInlineUserDefinedFunction(CommonInlineUserDefinedFunction),
    #[prost(message, tag = "16")]
    CallFunction(CallFunction),
    #[prost(message, tag = "17")]
    NamedArgumentExpression(NamedArgumentExpression),
    #[prost(bytes = "bytes", tag = "19")]
    MergeAction(Bytes),
    #[prost(bytes = "bytes", tag = "20")]
    TypedAggregateExpression(Bytes),
    #[prost(message, tag = "21")]
    SubqueryExpression(SubqueryExpression),
    #[prost(message, tag = "22")]
    DirectShufflePartitionId(expression::DirectShufflePartitionId),
    #[prost(message, tag = "999")]
    Extension(Any),
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Window {
    #[prost(message, optional, tag = "1")]
    pub window_function: Option<Nested<Expression>>,
    #[prost(message, repeated, tag = "2")]
    pub partition_spec: Vec<Nested<Expression>>,
    #[prost(message, repeated, tag = "3")]
    pub order_spec: Vec<expression::SortOrder>,
    #[prost(message, optional, tag = "4")]
    pub frame_spec: Option<expression::window::WindowFrame>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SortOrder {
    #[prost(message, optional, tag = "1")]
    pub child: Option<Nested<Expression>>,
    #[prost(enumeration = "expression::sort_order::SortDirection", tag = "2")]
    pub direction: i32,
    #[prost(enumeration = "expression::sort_order::NullOrdering", tag = "3")]
    pub null_ordering: i32,
}

pub mod sort_order {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum SortDirection {
        Unspecified = 0,
        Ascending = 1,
        Descending = 2,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum NullOrdering {
        Unspecified = 0,
        First = 1,
        Last = 2,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct DirectShufflePartitionId {
    #[prost(message, optional, tag = "1")]
    pub child: Option<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Cast {
    #[prost(message, optional, tag = "1")]
    pub expr: Option<Nested<Expression>>,
    #[prost(oneof = "cast::CastToType", tags = "2, 3")]
    pub cast_to_type: Option<cast::CastToType>,
    #[prost(enumeration = "expression::cast::EvalMode", tag = "4")]
    pub eval_mode: i32,
}

pub mod cast {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum CastToType {
        #[prost(message, tag = "2")]
        Type(Nested<DataType>),
        #[prost(string, tag = "3")]
        TypeStr(String),
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum EvalMode {
        Unspecified = 0,
        Legacy = 1,
        Ansi = 2,
        Try = 3,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Literal {
    #[prost(
        oneof = "literal::LiteralType",
        tags = "1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 29, 30"
    )]
    pub literal_type: Option<literal::LiteralType>,
    #[prost(message, optional, tag = "100")]
    pub data_type: Option<Nested<DataType>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct UnresolvedAttribute {
    #[prost(string, tag = "1")]
    pub unparsed_identifier: String,
    #[prost(int64, optional, tag = "2")]
    pub plan_id: Option<i64>,
    #[prost(bool, optional, tag = "3")]
    pub is_metadata_column: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct UnresolvedFunction {
    #[prost(string, tag = "1")]
    pub function_name: String,
    #[prost(message, repeated, tag = "2")]
    pub arguments: Vec<Nested<Expression>>,
    #[prost(bool, tag = "3")]
    pub is_distinct: bool,
    #[prost(bool, tag = "4")]
    pub is_user_defined_function: bool,
    #[prost(bool, optional, tag = "5")]
    pub is_internal: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ExpressionString {
    #[prost(string, tag = "1")]
    pub expression: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct UnresolvedStar {
    #[prost(string, optional, tag = "1")]
    pub unparsed_target: Option<String>,
    #[prost(int64, optional, tag = "2")]
    pub plan_id: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct UnresolvedRegex {
    #[prost(string, tag = "1")]
    pub col_name: String,
    #[prost(int64, optional, tag = "2")]
    pub plan_id: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct UnresolvedExtractValue {
    #[prost(message, optional, tag = "1")]
    pub child: Option<Nested<Expression>>,
    #[prost(message, optional, tag = "2")]
    pub extraction: Option<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct UpdateFields {
    #[prost(message, optional, tag = "1")]
    pub struct_expression: Option<Nested<Expression>>,
    #[prost(string, tag = "2")]
    pub field_name: String,
    #[prost(message, optional, tag = "3")]
    pub value_expression: Option<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Alias {
    #[prost(message, optional, tag = "1")]
    pub expr: Option<Nested<Expression>>,
    #[prost(string, repeated, tag = "2")]
    pub name: Vec<String>,
    #[prost(string, optional, tag = "3")]
    pub metadata: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct LambdaFunction {
    #[prost(message, optional, tag = "1")]
    pub function: Option<Nested<Expression>>,
    #[prost(message, repeated, tag = "2")]
    pub arguments: Vec<expression::UnresolvedNamedLambdaVariable>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct UnresolvedNamedLambdaVariable {
    #[prost(string, repeated, tag = "1")]
    pub name_parts: Vec<String>,
}
