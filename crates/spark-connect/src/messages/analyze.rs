//! `AnalyzePlan`: questions about a plan that run nothing.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct AnalyzePlanRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, optional, tag = "17")]
    pub client_observed_server_side_session_id: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(string, optional, tag = "3")]
    pub client_type: Option<String>,
    #[prost(
        oneof = "analyze_plan_request::Analyze",
        tags = "4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18"
    )]
    pub analyze: Option<analyze_plan_request::Analyze>,
}

pub mod analyze_plan_request {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Analyze {
        #[prost(message, tag = "4")]
        Schema(analyze_plan_request::Schema),
        #[prost(message, tag = "5")]
        Explain(analyze_plan_request::Explain),
        #[prost(message, tag = "6")]
        TreeString(analyze_plan_request::TreeString),
        #[prost(message, tag = "7")]
        IsLocal(analyze_plan_request::IsLocal),
        #[prost(message, tag = "8")]
        IsStreaming(analyze_plan_request::IsStreaming),
        #[prost(message, tag = "9")]
        InputFiles(analyze_plan_request::InputFiles),
        #[prost(message, tag = "10")]
        SparkVersion(analyze_plan_request::SparkVersion),
        #[prost(message, tag = "11")]
        DdlParse(analyze_plan_request::DdlParse),
        #[prost(message, tag = "12")]
        SameSemantics(analyze_plan_request::SameSemantics),
        #[prost(message, tag = "13")]
        SemanticHash(analyze_plan_request::SemanticHash),
        #[prost(message, tag = "14")]
        Persist(analyze_plan_request::Persist),
        #[prost(message, tag = "15")]
        Unpersist(analyze_plan_request::Unpersist),
        #[prost(message, tag = "16")]
        GetStorageLevel(analyze_plan_request::GetStorageLevel),
        #[prost(message, tag = "18")]
        JsonToDdl(analyze_plan_request::JsonToDdl),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Schema {
        #[prost(message, optional, tag = "1")]
        pub plan: Option<Plan>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Explain {
        #[prost(message, optional, tag = "1")]
        pub plan: Option<Plan>,
        #[prost(enumeration = "analyze_plan_request::explain::ExplainMode", tag = "2")]
        pub explain_mode: i32,
    }

    pub mod explain {
        use super::*;

        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
        #[repr(i32)]
        pub enum ExplainMode {
            Unspecified = 0,
            Simple = 1,
            Extended = 2,
            Codegen = 3,
            Cost = 4,
            Formatted = 5,
        }
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TreeString {
        #[prost(message, optional, tag = "1")]
        pub plan: Option<Plan>,
        #[prost(int32, optional, tag = "2")]
        pub level: Option<i32>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct IsLocal {
        #[prost(message, optional, tag = "1")]
        pub plan: Option<Plan>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct IsStreaming {
        #[prost(message, optional, tag = "1")]
        pub plan: Option<Plan>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct InputFiles {
        #[prost(message, optional, tag = "1")]
        pub plan: Option<Plan>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct SparkVersion {}

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct DdlParse {
        #[prost(string, tag = "1")]
        pub ddl_string: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct SameSemantics {
        #[prost(message, optional, tag = "1")]
        pub target_plan: Option<Plan>,
        #[prost(message, optional, tag = "2")]
        pub other_plan: Option<Plan>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct SemanticHash {
        #[prost(message, optional, tag = "1")]
        pub plan: Option<Plan>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Persist {
        #[prost(message, optional, tag = "1")]
        pub relation: Option<Nested<Relation>>,
        #[prost(message, optional, tag = "2")]
        pub storage_level: Option<StorageLevel>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Unpersist {
        #[prost(message, optional, tag = "1")]
        pub relation: Option<Nested<Relation>>,
        #[prost(bool, optional, tag = "2")]
        pub blocking: Option<bool>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct GetStorageLevel {
        #[prost(message, optional, tag = "1")]
        pub relation: Option<Nested<Relation>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct JsonToDdl {
        #[prost(string, tag = "1")]
        pub json_string: String,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct AnalyzePlanResponse {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, tag = "15")]
    pub server_side_session_id: String,
    #[prost(
        oneof = "analyze_plan_response::Result",
        tags = "2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16"
    )]
    pub result: Option<analyze_plan_response::Result>,
}

pub mod analyze_plan_response {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Result {
        #[prost(message, tag = "2")]
        Schema(analyze_plan_response::Schema),
        #[prost(message, tag = "3")]
        Explain(analyze_plan_response::Explain),
        #[prost(message, tag = "4")]
        TreeString(analyze_plan_response::TreeString),
        #[prost(message, tag = "5")]
        IsLocal(analyze_plan_response::IsLocal),
        #[prost(message, tag = "6")]
        IsStreaming(analyze_plan_response::IsStreaming),
        #[prost(message, tag = "7")]
        InputFiles(analyze_plan_response::InputFiles),
        #[prost(message, tag = "8")]
        SparkVersion(analyze_plan_response::SparkVersion),
        #[prost(message, tag = "9")]
        DdlParse(analyze_plan_response::DdlParse),
        #[prost(message, tag = "10")]
        SameSemantics(analyze_plan_response::SameSemantics),
        #[prost(message, tag = "11")]
        SemanticHash(analyze_plan_response::SemanticHash),
        #[prost(message, tag = "12")]
        Persist(analyze_plan_response::Persist),
        #[prost(message, tag = "13")]
        Unpersist(analyze_plan_response::Unpersist),
        #[prost(message, tag = "14")]
        GetStorageLevel(analyze_plan_response::GetStorageLevel),
        #[prost(message, tag = "16")]
        JsonToDdl(analyze_plan_response::JsonToDdl),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Schema {
        #[prost(message, optional, tag = "1")]
        pub schema: Option<Nested<DataType>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Explain {
        #[prost(string, tag = "1")]
        pub explain_string: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TreeString {
        #[prost(string, tag = "1")]
        pub tree_string: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct IsLocal {
        #[prost(bool, tag = "1")]
        pub is_local: bool,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct IsStreaming {
        #[prost(bool, tag = "1")]
        pub is_streaming: bool,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct InputFiles {
        #[prost(string, repeated, tag = "1")]
        pub files: Vec<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct SparkVersion {
        #[prost(string, tag = "1")]
        pub version: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct DdlParse {
        #[prost(message, optional, tag = "1")]
        pub parsed: Option<Nested<DataType>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct SameSemantics {
        #[prost(bool, tag = "1")]
        pub result: bool,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct SemanticHash {
        #[prost(int32, tag = "1")]
        pub result: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Persist {}

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Unpersist {}

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct GetStorageLevel {
        #[prost(message, optional, tag = "1")]
        pub storage_level: Option<StorageLevel>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct JsonToDdl {
        #[prost(string, tag = "1")]
        pub ddl_string: String,
    }
}
