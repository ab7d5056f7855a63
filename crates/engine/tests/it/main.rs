//! Tests of the streaming engine, one binary.

// Helpers of tests fail the test.
#![allow(clippy::unwrap_used)]

mod checkpoint;
mod crash;
mod files;
mod kafka;
mod language;
mod query;
mod state;
mod support;
mod watermark;
