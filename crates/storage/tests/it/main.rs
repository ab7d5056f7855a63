//! The tests of `fleuve-storage`, one binary.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at real files, and fail by panicking"
)]

mod crashes;
mod faults;
mod full_disk;
mod golden;
mod histories;
mod inspect;
mod kafka;
mod log;
mod log_start;
mod readers;
mod recovery_rule;
mod support;
