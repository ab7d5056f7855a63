//! The tests of `fleuve-model`, one binary.

mod ids;
