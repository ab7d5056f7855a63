//! `Config`: a session's settings.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct ConfigRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, optional, tag = "8")]
    pub client_observed_server_side_session_id: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(message, optional, tag = "3")]
    pub operation: Option<config_request::Operation>,
    #[prost(string, optional, tag = "4")]
    pub client_type: Option<String>,
}

pub mod config_request {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Operation {
        #[prost(oneof = "operation::OpType", tags = "1, 2, 3, 4, 5, 6, 7")]
        pub op_type: Option<operation::OpType>,
    }

    pub mod operation {
        use super::*;

        #[derive(Clone, PartialEq, prost::Oneof)]
        pub enum OpType {
            #[prost(message, tag = "1")]
            Set(config_request::Set),
            #[prost(message, tag = "2")]
            Get(config_request::Get),
            #[prost(message, tag = "3")]
            GetWithDefault(config_request::GetWithDefault),
            #[prost(message, tag = "4")]
            GetOption(config_request::GetOption),
            #[prost(message, tag = "5")]
            GetAll(config_request::GetAll),
            #[prost(message, tag = "6")]
            Unset(config_request::Unset),
            #[prost(message, tag = "7")]
            IsModifiable(config_request::IsModifiable),
        }
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Set {
        #[prost(message, repeated, tag = "1")]
        pub pairs: Vec<KeyValue>,
        #[prost(bool, optional, tag = "2")]
        pub silent: Option<bool>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Get {
        #[prost(string, repeated, tag = "1")]
        pub keys: Vec<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct GetWithDefault {
        #[prost(message, repeated, tag = "1")]
        pub pairs: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct GetOption {
        #[prost(string, repeated, tag = "1")]
        pub keys: Vec<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct GetAll {
        #[prost(string, optional, tag = "1")]
        pub prefix: Option<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Unset {
        #[prost(string, repeated, tag = "1")]
        pub keys: Vec<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct IsModifiable {
        #[prost(string, repeated, tag = "1")]
        pub keys: Vec<String>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ConfigResponse {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, tag = "4")]
    pub server_side_session_id: String,
    #[prost(message, repeated, tag = "2")]
    pub pairs: Vec<KeyValue>,
    #[prost(string, repeated, tag = "3")]
    pub warnings: Vec<String>,
}
