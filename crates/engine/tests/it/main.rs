//! Tests of the streaming engine, one binary.

mod checkpoint;
mod crash;
mod query;
mod state;
mod support;
mod watermark;
