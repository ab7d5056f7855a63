//! The broker: what Kafka clients connect to.
//!
//! It is the shell around the pure parts: sockets, threads, timers and the disk are here, what
//! is decided is in `cluster`, what lies on disk in `storage`, what goes over the wire in
//! `protocol`. The path of a request is in `docs/request-path.md`.
//!
//! Always true: requests of one connection start in order and are answered in order; nothing is
//! acknowledged before it is as durable as configured; nothing that a client claims sizes an
//! allocation; every handler asks [`authorize`] first. Nothing here reads the environment or
//! prints. Start at [`Broker::start`].

mod api;
mod authorize;
mod broker;
mod clock;
pub mod config;
mod connection;
mod controller;
mod fetch;
mod groups;
mod import;
mod listener;
mod log;
mod machine_shell;
mod memory_budget;
mod metadata;
mod port_holder;
mod producer_ids;
mod request_context;

pub use broker::{Broker, LocalDoor, StartError};
pub use connection::{FrameError, read_frames};
pub use listener::BindError;
pub use log::DirectoryFailed;
pub use request_context::Principal;
