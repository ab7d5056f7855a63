//! What several messages share.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct StorageLevel {
    #[prost(bool, tag = "1")]
    pub use_disk: bool,
    #[prost(bool, tag = "2")]
    pub use_memory: bool,
    #[prost(bool, tag = "3")]
    pub use_off_heap: bool,
    #[prost(bool, tag = "4")]
    pub deserialized: bool,
    #[prost(int32, tag = "5")]
    pub replication: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ResourceInformation {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, repeated, tag = "2")]
    pub addresses: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Origin {
    #[prost(oneof = "origin::Function", tags = "1, 2")]
    pub function: Option<origin::Function>,
}

pub mod origin {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Function {
        #[prost(message, tag = "1")]
        PythonOrigin(PythonOrigin),
        #[prost(message, tag = "2")]
        JvmOrigin(JvmOrigin),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct PythonOrigin {
    #[prost(string, tag = "1")]
    pub fragment: String,
    #[prost(string, tag = "2")]
    pub call_site: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct JvmOrigin {
    #[prost(int32, optional, tag = "1")]
    pub line: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub start_position: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub start_index: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    pub stop_index: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub sql_text: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub object_type: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub object_name: Option<String>,
    #[prost(message, repeated, tag = "8")]
    pub stack_trace: Vec<StackTraceElement>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StackTraceElement {
    #[prost(string, optional, tag = "1")]
    pub class_loader_name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub module_name: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub module_version: Option<String>,
    #[prost(string, tag = "4")]
    pub declaring_class: String,
    #[prost(string, tag = "5")]
    pub method_name: String,
    #[prost(string, optional, tag = "6")]
    pub file_name: Option<String>,
    #[prost(int32, tag = "7")]
    pub line_number: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Bools {
    #[prost(bool, repeated, tag = "1")]
    pub values: Vec<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Ints {
    #[prost(int32, repeated, tag = "1")]
    pub values: Vec<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Longs {
    #[prost(int64, repeated, tag = "1")]
    pub values: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Floats {
    #[prost(float, repeated, tag = "1")]
    pub values: Vec<f32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Doubles {
    #[prost(double, repeated, tag = "1")]
    pub values: Vec<f64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Strings {
    #[prost(string, repeated, tag = "1")]
    pub values: Vec<String>,
}
