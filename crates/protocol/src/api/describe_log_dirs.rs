//! Shows the log directories of a broker and how much is in them.

use crate::{Message, Str};

/// The partitions to show; null means all.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "1-5", flexible = "2+")]
pub struct DescribeLogDirsRequest {
    #[field(default = empty)]
    pub topics: Option<Vec<DescribableLogDirTopic>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribableLogDirTopic {
    pub topic: Str,
    pub partitions: Vec<i32>,
}

/// Directories, each with its partitions.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "1-5", flexible = "2+")]
pub struct DescribeLogDirsResponse {
    pub throttle_time_ms: i32,
    #[field("3+", ignorable)]
    pub error_code: i16,
    pub results: Vec<DescribeLogDirsResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeLogDirsResult {
    pub error_code: i16,
    pub log_dir: Str,
    pub topics: Vec<DescribeLogDirsTopic>,
    #[field("4+", default = -1, ignorable)]
    pub total_bytes: i64,
    #[field("4+", default = -1, ignorable)]
    pub usable_bytes: i64,
    #[field("5+", ignorable)]
    pub is_cordoned: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeLogDirsTopic {
    pub name: Str,
    pub partitions: Vec<DescribeLogDirsPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeLogDirsPartition {
    pub partition_index: i32,
    pub partition_size: i64,
    pub offset_lag: i64,
    pub is_future_key: bool,
}
