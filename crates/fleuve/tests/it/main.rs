//! The commands as people type them, against a server of the test's own.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod configs;
mod doctor;
mod groups;
mod help;
mod records;
mod screen;
mod server;
mod topics;
