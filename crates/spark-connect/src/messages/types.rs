//! Data types.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct DataType {
    #[prost(
        oneof = "data_type::Kind",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 25, 23, 26, 27, 24, 28, 29, 30"
    )]
    pub kind: Option<data_type::Kind>,
}

pub mod data_type {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Kind {
        #[prost(message, tag = "1")]
        Null(data_type::Null),
        #[prost(message, tag = "2")]
        Binary(data_type::Binary),
        #[prost(message, tag = "3")]
        Boolean(data_type::Boolean),
        #[prost(message, tag = "4")]
        Byte(data_type::Byte),
        #[prost(message, tag = "5")]
        Short(data_type::Short),
        #[prost(message, tag = "6")]
        Integer(data_type::Integer),
        #[prost(message, tag = "7")]
        Long(data_type::Long),
        #[prost(message, tag = "8")]
        Float(data_type::Float),
        #[prost(message, tag = "9")]
        Double(data_type::Double),
        #[prost(message, tag = "10")]
        Decimal(data_type::Decimal),
        #[prost(message, tag = "11")]
        String(data_type::Text),
        #[prost(message, tag = "12")]
        Char(data_type::Char),
        #[prost(message, tag = "13")]
        VarChar(data_type::VarChar),
        #[prost(message, tag = "14")]
        Date(data_type::Date),
        #[prost(message, tag = "15")]
        Timestamp(data_type::Timestamp),
        #[prost(message, tag = "16")]
        TimestampNtz(data_type::TimestampNtz),
        #[prost(message, tag = "17")]
        CalendarInterval(data_type::CalendarInterval),
        #[prost(message, tag = "18")]
        YearMonthInterval(data_type::YearMonthInterval),
        #[prost(message, tag = "19")]
        DayTimeInterval(data_type::DayTimeInterval),
        #[prost(message, tag = "20")]
        Array(data_type::Array),
        #[prost(message, tag = "21")]
        Struct(data_type::Struct),
        #[prost(message, tag = "22")]
        Map(data_type::Map),
        #[prost(message, tag = "25")]
        Variant(data_type::Variant),
        #[prost(message, tag = "23")]
        Udt(data_type::Udt),
        #[prost(message, tag = "26")]
        Geometry(data_type::Geometry),
        #[prost(message, tag = "27")]
        Geography(data_type::Geography),
        #[prost(message, tag = "24")]
        Unparsed(data_type::Unparsed),
        #[prost(message, tag = "28")]
        Time(data_type::Time),
        #[prost(message, tag = "29")]
        TimestampNtzNanos(data_type::TimestampNtzNanos),
        #[prost(message, tag = "30")]
        TimestampLtzNanos(data_type::TimestampLtzNanos),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Boolean {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Byte {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Short {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Integer {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Long {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Float {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Double {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Text {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
        #[prost(string, tag = "2")]
        pub collation: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Binary {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Null {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Timestamp {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Date {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TimestampNtz {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Time {
        #[prost(int32, optional, tag = "1")]
        pub precision: Option<i32>,
        #[prost(uint32, tag = "2")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TimestampNtzNanos {
        #[prost(int32, optional, tag = "1")]
        pub precision: Option<i32>,
        #[prost(uint32, tag = "2")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TimestampLtzNanos {
        #[prost(int32, optional, tag = "1")]
        pub precision: Option<i32>,
        #[prost(uint32, tag = "2")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct CalendarInterval {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct YearMonthInterval {
        #[prost(int32, optional, tag = "1")]
        pub start_field: Option<i32>,
        #[prost(int32, optional, tag = "2")]
        pub end_field: Option<i32>,
        #[prost(uint32, tag = "3")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct DayTimeInterval {
        #[prost(int32, optional, tag = "1")]
        pub start_field: Option<i32>,
        #[prost(int32, optional, tag = "2")]
        pub end_field: Option<i32>,
        #[prost(uint32, tag = "3")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Char {
        #[prost(int32, tag = "1")]
        pub length: i32,
        #[prost(uint32, tag = "2")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct VarChar {
        #[prost(int32, tag = "1")]
        pub length: i32,
        #[prost(uint32, tag = "2")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Decimal {
        #[prost(int32, optional, tag = "1")]
        pub scale: Option<i32>,
        #[prost(int32, optional, tag = "2")]
        pub precision: Option<i32>,
        #[prost(uint32, tag = "3")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct StructField {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(message, optional, tag = "2")]
        pub data_type: Option<Nested<DataType>>,
        #[prost(bool, tag = "3")]
        pub nullable: bool,
        #[prost(string, optional, tag = "4")]
        pub metadata: Option<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Struct {
        #[prost(message, repeated, tag = "1")]
        pub fields: Vec<data_type::StructField>,
        #[prost(uint32, tag = "2")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Array {
        #[prost(message, optional, tag = "1")]
        pub element_type: Option<Nested<DataType>>,
        #[prost(bool, tag = "2")]
        pub contains_null: bool,
        #[prost(uint32, tag = "3")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Map {
        #[prost(message, optional, tag = "1")]
        pub key_type: Option<Nested<DataType>>,
        #[prost(message, optional, tag = "2")]
        pub value_type: Option<Nested<DataType>>,
        #[prost(bool, tag = "3")]
        pub value_contains_null: bool,
        #[prost(uint32, tag = "4")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Geometry {
        #[prost(int32, tag = "1")]
        pub srid: i32,
        #[prost(uint32, tag = "2")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Geography {
        #[prost(int32, tag = "1")]
        pub srid: i32,
        #[prost(uint32, tag = "2")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Variant {
        #[prost(uint32, tag = "1")]
        pub type_variation_reference: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Udt {
        #[prost(string, tag = "1")]
        pub r#type: String,
        #[prost(string, optional, tag = "2")]
        pub jvm_class: Option<String>,
        #[prost(string, optional, tag = "3")]
        pub python_class: Option<String>,
        #[prost(string, optional, tag = "4")]
        pub serialized_python_class: Option<String>,
        #[prost(message, optional, tag = "5")]
        pub sql_type: Option<Nested<DataType>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Unparsed {
        #[prost(string, tag = "1")]
        pub data_type_string: String,
    }
}
