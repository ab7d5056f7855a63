//! Tests of the streaming engine, one binary.

// Helpers of tests fail the test.
#![allow(clippy::unwrap_used)]

mod checkpoint;
mod crash;
mod crash_state;
mod files;
mod kafka;
mod kafka_options;
mod language;
mod query;
mod scenario_file;
mod scenarios;
mod splits;
mod state;
mod state_figures;
mod state_fjall;
mod state_size;
mod support;
mod watermark;
