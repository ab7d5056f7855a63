//! How frames get to a broker: over TCP, or in one process with no socket and no copy of the
//! records.
//!
//! Either way a connection keeps the order of its requests, and answers come back in that
//! order. Start at [`LocalBroker`] for a broker that wants to be reached in process.

mod io_thread;
mod local;
mod tcp;

pub(crate) use io_thread::io_thread;
pub use local::{LocalBroker, LocalConnection, LocalRequest};
pub(crate) use tcp::{TcpSettings, connect};
