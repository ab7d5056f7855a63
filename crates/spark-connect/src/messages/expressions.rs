//! Expressions and literals.

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

pub mod expression {
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

    pub mod window {
        use super::*;

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct WindowFrame {
            #[prost(enumeration = "expression::window::window_frame::FrameType", tag = "1")]
            pub frame_type: i32,
            #[prost(message, optional, tag = "2")]
            pub lower: Option<expression::window::window_frame::FrameBoundary>,
            #[prost(message, optional, tag = "3")]
            pub upper: Option<expression::window::window_frame::FrameBoundary>,
        }

        pub mod window_frame {
            use super::*;

            #[derive(
                Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration,
            )]
            #[repr(i32)]
            pub enum FrameType {
                Undefined = 0,
                Row = 1,
                Range = 2,
            }

            #[derive(Clone, PartialEq, prost::Message)]
            pub struct FrameBoundary {
                #[prost(oneof = "frame_boundary::Boundary", tags = "1, 2, 3")]
                pub boundary: Option<frame_boundary::Boundary>,
            }

            pub mod frame_boundary {
                use super::*;

                #[derive(Clone, PartialEq, prost::Oneof)]
                pub enum Boundary {
                    #[prost(bool, tag = "1")]
                    CurrentRow(bool),
                    #[prost(bool, tag = "2")]
                    Unbounded(bool),
                    #[prost(message, tag = "3")]
                    Value(Nested<Expression>),
                }
            }
        }
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

    pub mod literal {
        use super::*;

        #[derive(Clone, PartialEq, prost::Oneof)]
        pub enum LiteralType {
            #[prost(message, tag = "1")]
            Null(Nested<DataType>),
            #[prost(bytes = "bytes", tag = "2")]
            Binary(Bytes),
            #[prost(bool, tag = "3")]
            Boolean(bool),
            #[prost(int32, tag = "4")]
            Byte(i32),
            #[prost(int32, tag = "5")]
            Short(i32),
            #[prost(int32, tag = "6")]
            Integer(i32),
            #[prost(int64, tag = "7")]
            Long(i64),
            #[prost(float, tag = "10")]
            Float(f32),
            #[prost(double, tag = "11")]
            Double(f64),
            #[prost(message, tag = "12")]
            Decimal(expression::literal::Decimal),
            #[prost(string, tag = "13")]
            String(String),
            #[prost(int32, tag = "16")]
            Date(i32),
            #[prost(int64, tag = "17")]
            Timestamp(i64),
            #[prost(int64, tag = "18")]
            TimestampNtz(i64),
            #[prost(message, tag = "19")]
            CalendarInterval(expression::literal::CalendarInterval),
            #[prost(int32, tag = "20")]
            YearMonthInterval(i32),
            #[prost(int64, tag = "21")]
            DayTimeInterval(i64),
            #[prost(message, tag = "22")]
            Array(expression::literal::Array),
            #[prost(message, tag = "23")]
            Map(expression::literal::Map),
            #[prost(message, tag = "24")]
            Struct(expression::literal::Struct),
            #[prost(message, tag = "25")]
            SpecializedArray(expression::literal::SpecializedArray),
            #[prost(message, tag = "26")]
            Time(expression::literal::Time),
            #[prost(message, tag = "29")]
            TimestampNtzNanos(expression::literal::TimestampNtzNanos),
            #[prost(message, tag = "30")]
            TimestampLtzNanos(expression::literal::TimestampLtzNanos),
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct Decimal {
            #[prost(string, tag = "1")]
            pub value: String,
            #[prost(int32, optional, tag = "2")]
            pub precision: Option<i32>,
            #[prost(int32, optional, tag = "3")]
            pub scale: Option<i32>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct CalendarInterval {
            #[prost(int32, tag = "1")]
            pub months: i32,
            #[prost(int32, tag = "2")]
            pub days: i32,
            #[prost(int64, tag = "3")]
            pub microseconds: i64,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct Array {
            #[prost(message, optional, tag = "1")]
            pub element_type: Option<Nested<DataType>>,
            #[prost(message, repeated, tag = "2")]
            pub elements: Vec<Nested<expression::Literal>>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct Map {
            #[prost(message, optional, tag = "1")]
            pub key_type: Option<Nested<DataType>>,
            #[prost(message, optional, tag = "2")]
            pub value_type: Option<Nested<DataType>>,
            #[prost(message, repeated, tag = "3")]
            pub keys: Vec<Nested<expression::Literal>>,
            #[prost(message, repeated, tag = "4")]
            pub values: Vec<Nested<expression::Literal>>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct Struct {
            #[prost(message, optional, tag = "1")]
            pub struct_type: Option<Nested<DataType>>,
            #[prost(message, repeated, tag = "2")]
            pub elements: Vec<Nested<expression::Literal>>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct SpecializedArray {
            #[prost(oneof = "specialized_array::ValueType", tags = "1, 2, 3, 4, 5, 6")]
            pub value_type: Option<specialized_array::ValueType>,
        }

        pub mod specialized_array {
            use super::*;

            #[derive(Clone, PartialEq, prost::Oneof)]
            pub enum ValueType {
                #[prost(message, tag = "1")]
                Bools(Bools),
                #[prost(message, tag = "2")]
                Ints(Ints),
                #[prost(message, tag = "3")]
                Longs(Longs),
                #[prost(message, tag = "4")]
                Floats(Floats),
                #[prost(message, tag = "5")]
                Doubles(Doubles),
                #[prost(message, tag = "6")]
                Strings(Strings),
            }
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct Time {
            #[prost(int64, tag = "1")]
            pub nano: i64,
            #[prost(int32, optional, tag = "2")]
            pub precision: Option<i32>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct TimestampNtzNanos {
            #[prost(int64, tag = "1")]
            pub epoch_micros: i64,
            #[prost(int32, tag = "2")]
            pub nanos_within_micro: i32,
            #[prost(int32, optional, tag = "3")]
            pub precision: Option<i32>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct TimestampLtzNanos {
            #[prost(int64, tag = "1")]
            pub epoch_micros: i64,
            #[prost(int32, tag = "2")]
            pub nanos_within_micro: i32,
            #[prost(int32, optional, tag = "3")]
            pub precision: Option<i32>,
        }
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
