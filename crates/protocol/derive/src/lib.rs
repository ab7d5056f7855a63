//! `#[derive(Message)]`: the struct is the schema.
//!
//! A struct's fields, in order, are the fields of a Kafka message; attributes say in which
//! versions a field exists, where it may be null, whether it is tagged, and what it is when it
//! is absent. The derive writes the codec, `Default` by Kafka's defaults, and a description of
//! the schema for tools.
//!
//! ```ignore
//! #[derive(Clone, Debug, PartialEq, Message)]
//! #[message(versions = "0-4", flexible = "3+")]
//! pub struct Example {
//!     pub error_code: i16,                               // in every version, 0 if absent
//!     #[field("1+", ignorable)]
//!     pub throttle_time_ms: i32,                         // lost silently before version 1
//!     #[field("2+", nullable = "3+", default = empty)]
//!     pub name: Option<Str>,                             // `Some("")` where it is absent
//!     #[field("3+", tag = 0, default = -1)]
//!     pub epoch: i64,                                    // tagged, written unless it is -1
//! }
//! ```
//!
//! A struct without `#[message]` is part of a message and has no versions of its own. Start at
//! [`derive_message`]; `attributes` reads the attributes and `expand` writes the code.

mod attributes;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Derives the codec of a message or of a struct inside one; see the crate's documentation.
#[proc_macro_derive(Message, attributes(message, field))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::message(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
