//! The state machines of a cluster, without I/O.
//!
//! Nothing here reads a clock, draws a random number, owns a thread or awaits: time and chance
//! are arguments, and what should happen outside comes back as values. So every run can be
//! repeated from its inputs, and what is simulated is what ships.
//!
//! Start at [`machine::Machine`], the shape that the controller and the group coordinator share,
//! then [`driver::Driver`], which keeps its order. [`partition`] deals in watermarks and has a
//! shape of its own.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod controller;
pub mod driver;
pub mod group;
pub mod machine;
pub mod partition;
