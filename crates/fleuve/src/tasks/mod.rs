//! What Kafka's scripts and our own commands both do, without the words of either.
//!
//! Nothing here prints. Each task asks the cluster through the client crate and gives back what
//! it found; how that is shown is the caller's.

pub(crate) mod group_offsets;
pub(crate) mod reset_offsets;
pub(crate) mod times;
pub(crate) mod topic_facts;
