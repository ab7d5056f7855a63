//! What must hold for bytes that nobody wrote.
//!
//! Each target is a function of bytes that panics where something does not hold. libFuzzer calls
//! it (`cargo +nightly fuzz run <target> --features libfuzzer`), and so does [`mutate::run`], a
//! seeded loop of mutations that needs no special compiler and runs with the tests.

mod allocated;
mod frames;
pub mod mutate;
mod record_batch;
mod recovery;
mod request;
mod session;

pub use frames::{frames, frames_seeds};
pub use record_batch::{record_batch, record_batch_seeds};
pub use recovery::{recovery, recovery_seeds, show_recovery};
pub use request::{request, request_seeds};
pub use session::{session, session_seeds};
