//! Gives an idempotent or transactional producer its id and epoch.

use crate::{Message, Str};

/// Who asks; null without transactions.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-5", flexible = "2+")]
pub struct InitProducerIdRequest {
    #[field(default = empty)]
    pub transactional_id: Option<Str>,
    pub transaction_timeout_ms: i32,
    #[field("3+", default = -1)]
    pub producer_id: i64,
    #[field("3+", default = -1)]
    pub producer_epoch: i16,
}

/// The id and epoch.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-5", flexible = "2+")]
pub struct InitProducerIdResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    #[field(default = -1)]
    pub producer_id: i64,
    pub producer_epoch: i16,
}
