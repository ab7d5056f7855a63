//! Carries one step of a SASL exchange.

use bytes::Bytes;

use crate::{Message, Str};

/// What the client's mechanism says.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-2", flexible = "2+")]
pub struct SaslAuthenticateRequest {
    pub auth_bytes: Bytes,
}

/// What the broker's mechanism answers.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-2", flexible = "2+")]
pub struct SaslAuthenticateResponse {
    pub error_code: i16,
    #[field(default = empty)]
    pub error_message: Option<Str>,
    pub auth_bytes: Bytes,
    #[field("1+", ignorable)]
    pub session_lifetime_ms: i64,
}
