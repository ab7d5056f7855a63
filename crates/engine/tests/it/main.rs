//! Tests of the streaming engine, one binary.

mod checkpoint;
mod state;
mod watermark;
