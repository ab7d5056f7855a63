//! The door, from a client's side of the wire.

mod artifacts;
mod bounds;
mod configuration;
mod decoding;
mod documentation;
mod interruption;
mod reattachment;
mod sessions;
mod support;
