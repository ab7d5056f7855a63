//! Finds the broker that coordinates a group or a transaction.

use crate::{Message, Str};

/// Up to version 3 one key, from then on any number of them.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-6", flexible = "3+")]
pub struct FindCoordinatorRequest {
    #[field("0-3")]
    pub key: Str,
    #[field("1+")]
    pub key_type: i8,
    #[field("4+")]
    pub coordinator_keys: Vec<Str>,
}

/// The coordinator of each key.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-6", flexible = "3+")]
pub struct FindCoordinatorResponse {
    #[field("1+", ignorable)]
    pub throttle_time_ms: i32,
    #[field("0-3")]
    pub error_code: i16,
    #[field("1-3", default = empty, ignorable)]
    pub error_message: Option<Str>,
    #[field("0-3")]
    pub node_id: i32,
    #[field("0-3")]
    pub host: Str,
    #[field("0-3")]
    pub port: i32,
    #[field("4+")]
    pub coordinators: Vec<Coordinator>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct Coordinator {
    pub key: Str,
    pub node_id: i32,
    pub host: Str,
    pub port: i32,
    pub error_code: i16,
    #[field(default = empty)]
    pub error_message: Option<Str>,
}
