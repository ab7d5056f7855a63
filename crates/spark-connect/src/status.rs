//! A failure as a gRPC status: what fits into a header, and an id by which a client asks for the rest.
//!
//! Always true: the details stay below [`DETAILS_BYTES_MAX`], because clients refuse larger headers. Start at
//! [`to_status`].

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;
use tonic::{Code, Status};

use crate::failure::Failure;
use crate::messages::Any;
use crate::messages::fetch_error_details_response as details;

/// Characters of the message that a status carries; `FetchErrorDetails` has the whole.
const MESSAGE_CHARACTERS_MAX: usize = 2048;
/// `spark.connect.grpc.maxMetadataSize`: parameters and exception classes beyond it are left to `FetchErrorDetails`.
const DETAILS_BYTES_MAX: usize = 1024;
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
const DOMAIN: &str = "org.apache.spark";

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<Any>,
}

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ErrorInfo {
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
    #[prost(string, tag = "2")]
    pub(crate) domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// The status that reports `failure`. With an `error_id` the client may fetch the details.
pub(crate) fn to_status(failure: &Failure, error_id: Option<&str>) -> Status {
    let message: String = failure
        .message
        .chars()
        .take(MESSAGE_CHARACTERS_MAX)
        .collect();
    let info = ErrorInfo {
        reason: failure
            .exception_classes
            .first()
            .cloned()
            .unwrap_or_default(),
        domain: DOMAIN.to_owned(),
        metadata: metadata(failure, error_id),
    };
    let status = RpcStatus {
        code: Code::Internal as i32,
        message: message.clone(),
        details: vec![Any {
            type_url: ERROR_INFO.to_owned(),
            value: info.encode_to_vec().into(),
        }],
    };
    Status::with_details(Code::Internal, message, Bytes::from(status.encode_to_vec()))
}

/// The entries in order of importance, as far as they fit.
fn metadata(failure: &Failure, error_id: Option<&str>) -> BTreeMap<String, String> {
    let entries = [
        ("errorId", error_id.map(str::to_owned)),
        ("sqlState", failure.sql_state.clone()),
        ("errorClass", failure.error_class.clone()),
        ("classes", Some(json_list(&failure.exception_classes))),
        (
            "messageParameters",
            failure
                .error_class
                .as_ref()
                .map(|_| json_object(&failure.parameters)),
        ),
    ];
    let mut used = 0;
    let mut metadata = BTreeMap::new();
    for (key, value) in entries
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    {
        if used + key.len() + value.len() <= DETAILS_BYTES_MAX {
            used += key.len() + value.len();
            metadata.insert(key.to_owned(), value);
        }
    }
    metadata
}

/// The whole failure, as `FetchErrorDetails` answers it.
pub(crate) fn to_error(failure: &Failure) -> details::Error {
    details::Error {
        error_type_hierarchy: failure.exception_classes.clone(),
        message: failure.message.clone(),
        stack_trace: Vec::new(),
        cause_idx: None,
        spark_throwable: failure
            .error_class
            .as_ref()
            .map(|error_class| details::SparkThrowable {
                error_class: Some(error_class.clone()),
                message_parameters: failure.parameters.clone(),
                query_contexts: failure.query_contexts.clone(),
                sql_state: failure.sql_state.clone(),
                breaking_change_info: None,
            }),
    }
}

fn json_list(values: &[String]) -> String {
    serde_json::Value::from(values.to_vec()).to_string()
}

fn json_object(values: &BTreeMap<String, String>) -> String {
    serde_json::to_string(values).expect("a map of strings is always JSON")
}
