//! Tests of the streaming engine, one binary.

mod checkpoint;
mod crash;
mod files;
mod kafka;
mod language;
mod query;
mod state;
mod support;
mod watermark;
