//! The tests of `fleuve-storage`, one binary.

#![allow(clippy::disallowed_methods, reason = "tests look at real files")]

mod crashes;
mod faults;
mod histories;
mod kafka;
mod log;
mod log_start;
mod support;
