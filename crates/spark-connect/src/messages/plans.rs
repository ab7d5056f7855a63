//! A plan as a client sends it, and who sends it.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Plan {
    #[prost(oneof = "plan::OpType", tags = "1, 2, 3")]
    pub op_type: Option<plan::OpType>,
}

pub mod plan {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum OpType {
        #[prost(message, tag = "1")]
        Root(Nested<Relation>),
        #[prost(message, tag = "2")]
        Command(Command),
        #[prost(message, tag = "3")]
        CompressedOperation(plan::CompressedOperation),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct CompressedOperation {
        #[prost(bytes = "bytes", tag = "1")]
        pub data: Bytes,
        #[prost(enumeration = "plan::compressed_operation::OpType", tag = "2")]
        pub op_type: i32,
        #[prost(enumeration = "CompressionCodec", tag = "3")]
        pub compression_codec: i32,
    }

    pub mod compressed_operation {
        use super::*;

        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
        #[repr(i32)]
        pub enum OpType {
            Unspecified = 0,
            Relation = 1,
            Command = 2,
        }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct UserContext {
    #[prost(string, tag = "1")]
    pub user_id: String,
    #[prost(string, tag = "2")]
    pub user_name: String,
    #[prost(message, repeated, tag = "999")]
    pub extensions: Vec<Any>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct KeyValue {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum CompressionCodec {
    Unspecified = 0,
    Zstd = 1,
}
