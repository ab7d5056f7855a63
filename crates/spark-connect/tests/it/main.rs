//! The door, from a client's side of the wire.

// Helpers of tests fail the test.
#![allow(clippy::unwrap_used)]

mod artifacts;
mod bounds;
mod configuration;
mod decoding;
mod documentation;
mod interruption;
mod mutation;
mod reattachment;
mod recorded;
mod runaway;
mod sessions;
mod support;
