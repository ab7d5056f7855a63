//! Machines under the shipped driver and partition, on a log that loses what was not synced.
//!
//! A seed determines a run: commands, writes, sync rounds, failed appends, lost leadership,
//! crashes. After a crash the log holds all that was synced, and of the rest some prefix.

mod classic;
mod consumer;
mod controller;
mod offsets;
mod world;
