//! The tests of this crate, one binary.

#![allow(clippy::unwrap_used)]

mod driver;
mod partition;
