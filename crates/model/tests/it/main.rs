//! The tests of `fleuve-model`, one binary.

mod ids;
mod record;
