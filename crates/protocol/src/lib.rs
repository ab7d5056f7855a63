//! The Kafka wire.
//!
//! Messages are plain structs with versioned fields ([`Message`]); requests and responses are
//! in [`api`], one file per API, and the records of Kafka's internal topics in
//! [`internal_records`]. Bytes and strings of a decoded message are refcounted slices of the
//! frame they came in, so messages have no lifetimes and records are never copied; an encoded
//! message is an [`EncodedFrame`], a list of pieces.
//!
//! Always true: no count that a message claims sizes an allocation, decoding never panics, and
//! a value that a version cannot carry is an error on encoding unless Kafka calls the field
//! ignorable.
//!
//! Start at [`decode_request`] and [`encode_response`] for a server, at [`encode_request`] and
//! [`decode_response`] for a client.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

// The derive names this crate by its outside name.
extern crate self as fleuve_protocol;

pub mod api;
mod error;
mod frame;
mod header;
pub mod internal_records;
mod message;
mod records;
pub mod schema;
mod str;
mod version;
pub mod versions;
pub mod wire;

pub use api::{AnyRequest, AnyResponse, ApiKey, Request, Response};
pub use error::{DecodeError, EncodeError};
pub use fleuve_protocol_derive::Message;
pub use frame::{
    EncodedFrame, Piece, decode_request, decode_response, encode_request, encode_response,
};
pub use header::{RequestHeader, ResponseHeader};
pub use message::Message;
pub use records::Records;
pub use str::Str;
pub use version::VersionRange;
