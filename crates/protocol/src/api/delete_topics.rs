//! Deletes topics.

use fleuve_model::TopicId;

use crate::{Message, Str};

/// Up to version 5 names, from then on names or ids.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "1-6", flexible = "4+")]
pub struct DeleteTopicsRequest {
    #[field("6+")]
    pub topics: Vec<DeleteTopicState>,
    #[field("0-5", ignorable)]
    pub topic_names: Vec<Str>,
    pub timeout_ms: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeleteTopicState {
    pub name: Option<Str>,
    pub topic_id: Option<TopicId>,
}

/// What became of each topic.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "1-6", flexible = "4+")]
pub struct DeleteTopicsResponse {
    pub throttle_time_ms: i32,
    pub responses: Vec<DeletableTopicResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeletableTopicResult {
    #[field(nullable = "6+", default = empty)]
    pub name: Option<Str>,
    #[field("6+", ignorable)]
    pub topic_id: Option<TopicId>,
    pub error_code: i16,
    #[field("5+", ignorable)]
    pub error_message: Option<Str>,
}
