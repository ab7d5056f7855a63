//! The tests of this crate, one binary.

#![allow(clippy::unwrap_used)]

mod assignor;
mod controller;
mod crash;
mod crowd;
mod driver;
mod partition;
mod record_format;
mod scenario;
