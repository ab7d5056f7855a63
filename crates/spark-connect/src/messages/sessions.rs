//! The life of sessions and operations: interrupt, release, clone, status.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct InterruptRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, optional, tag = "7")]
    pub client_observed_server_side_session_id: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(string, optional, tag = "3")]
    pub client_type: Option<String>,
    #[prost(enumeration = "interrupt_request::InterruptType", tag = "4")]
    pub interrupt_type: i32,
    #[prost(oneof = "interrupt_request::Interrupt", tags = "5, 6")]
    pub interrupt: Option<interrupt_request::Interrupt>,
}

pub mod interrupt_request {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Interrupt {
        #[prost(string, tag = "5")]
        OperationTag(String),
        #[prost(string, tag = "6")]
        OperationId(String),
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum InterruptType {
        Unspecified = 0,
        All = 1,
        Tag = 2,
        OperationId = 3,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct InterruptResponse {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, tag = "3")]
    pub server_side_session_id: String,
    #[prost(string, repeated, tag = "2")]
    pub interrupted_ids: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ReleaseSessionRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(string, optional, tag = "3")]
    pub client_type: Option<String>,
    #[prost(bool, tag = "4")]
    pub allow_reconnect: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ReleaseSessionResponse {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, tag = "2")]
    pub server_side_session_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CloneSessionRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, optional, tag = "5")]
    pub client_observed_server_side_session_id: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(string, optional, tag = "3")]
    pub client_type: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub new_session_id: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CloneSessionResponse {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, tag = "2")]
    pub server_side_session_id: String,
    #[prost(string, tag = "3")]
    pub new_session_id: String,
    #[prost(string, tag = "4")]
    pub new_server_side_session_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GetStatusRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(string, optional, tag = "3")]
    pub client_type: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub client_observed_server_side_session_id: Option<String>,
    #[prost(message, optional, tag = "5")]
    pub operation_status: Option<get_status_request::OperationStatusRequest>,
    #[prost(message, repeated, tag = "999")]
    pub extensions: Vec<Any>,
}

pub mod get_status_request {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct OperationStatusRequest {
        #[prost(string, repeated, tag = "1")]
        pub operation_ids: Vec<String>,
        #[prost(message, repeated, tag = "999")]
        pub extensions: Vec<Any>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GetStatusResponse {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, tag = "2")]
    pub server_side_session_id: String,
    #[prost(message, repeated, tag = "3")]
    pub operation_statuses: Vec<get_status_response::OperationStatus>,
    #[prost(message, repeated, tag = "999")]
    pub extensions: Vec<Any>,
}

pub mod get_status_response {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct OperationStatus {
        #[prost(string, tag = "1")]
        pub operation_id: String,
        #[prost(
            enumeration = "get_status_response::operation_status::OperationState",
            tag = "2"
        )]
        pub state: i32,
        #[prost(message, repeated, tag = "999")]
        pub extensions: Vec<Any>,
    }

    pub mod operation_status {
        use super::*;

        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
        #[repr(i32)]
        pub enum OperationState {
            Unspecified = 0,
            Unknown = 1,
            Running = 2,
            Terminating = 3,
            Succeeded = 4,
            Failed = 5,
            Cancelled = 6,
        }
    }
}
