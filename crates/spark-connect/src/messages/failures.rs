//! `FetchErrorDetails`: everything about an error that a status cannot carry.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct FetchErrorDetailsRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, optional, tag = "5")]
    pub client_observed_server_side_session_id: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(string, tag = "3")]
    pub error_id: String,
    #[prost(string, optional, tag = "4")]
    pub client_type: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct FetchErrorDetailsResponse {
    #[prost(string, tag = "3")]
    pub server_side_session_id: String,
    #[prost(string, tag = "4")]
    pub session_id: String,
    #[prost(int32, optional, tag = "1")]
    pub root_error_idx: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub errors: Vec<fetch_error_details_response::Error>,
}

pub mod fetch_error_details_response {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct StackTraceElement {
        #[prost(string, tag = "1")]
        pub declaring_class: String,
        #[prost(string, tag = "2")]
        pub method_name: String,
        #[prost(string, optional, tag = "3")]
        pub file_name: Option<String>,
        #[prost(int32, tag = "4")]
        pub line_number: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct QueryContext {
        #[prost(
            enumeration = "fetch_error_details_response::query_context::ContextType",
            tag = "10"
        )]
        pub context_type: i32,
        #[prost(string, tag = "1")]
        pub object_type: String,
        #[prost(string, tag = "2")]
        pub object_name: String,
        #[prost(int32, tag = "3")]
        pub start_index: i32,
        #[prost(int32, tag = "4")]
        pub stop_index: i32,
        #[prost(string, tag = "5")]
        pub fragment: String,
        #[prost(string, tag = "6")]
        pub call_site: String,
        #[prost(string, tag = "7")]
        pub summary: String,
    }

    pub mod query_context {
        use super::*;

        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
        #[repr(i32)]
        pub enum ContextType {
            Sql = 0,
            Dataframe = 1,
        }
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct SparkThrowable {
        #[prost(string, optional, tag = "1")]
        pub error_class: Option<String>,
        #[prost(btree_map = "string, string", tag = "2")]
        pub message_parameters: BTreeMap<String, String>,
        #[prost(message, repeated, tag = "3")]
        pub query_contexts: Vec<fetch_error_details_response::QueryContext>,
        #[prost(string, optional, tag = "4")]
        pub sql_state: Option<String>,
        #[prost(message, optional, tag = "5")]
        pub breaking_change_info: Option<fetch_error_details_response::BreakingChangeInfo>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct BreakingChangeInfo {
        #[prost(string, repeated, tag = "1")]
        pub migration_message: Vec<String>,
        #[prost(message, optional, tag = "2")]
        pub mitigation_config: Option<fetch_error_details_response::MitigationConfig>,
        #[prost(bool, optional, tag = "3")]
        pub needs_audit: Option<bool>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct MitigationConfig {
        #[prost(string, tag = "1")]
        pub key: String,
        #[prost(string, tag = "2")]
        pub value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Error {
        #[prost(string, repeated, tag = "1")]
        pub error_type_hierarchy: Vec<String>,
        #[prost(string, tag = "2")]
        pub message: String,
        #[prost(message, repeated, tag = "3")]
        pub stack_trace: Vec<fetch_error_details_response::StackTraceElement>,
        #[prost(int32, optional, tag = "4")]
        pub cause_idx: Option<i32>,
        #[prost(message, optional, tag = "5")]
        pub spark_throwable: Option<fetch_error_details_response::SparkThrowable>,
    }
}
