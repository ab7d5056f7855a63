//! Literals: a value of every type that the protocol can carry.

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
