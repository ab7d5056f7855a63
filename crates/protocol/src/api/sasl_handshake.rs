//! Chooses a SASL mechanism.

use crate::{Message, Str};

/// The mechanism the client wants.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-1")]
pub struct SaslHandshakeRequest {
    pub mechanism: Str,
}

/// The mechanisms the broker has.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-1")]
pub struct SaslHandshakeResponse {
    pub error_code: i16,
    pub mechanisms: Vec<Str>,
}
