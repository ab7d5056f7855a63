//! Rows that the client itself has: in the plan, or uploaded before under the hash of their bytes.

use bytes::Bytes;
use fleuve_sql::ir::RelationNode;
use prost::Message;

use super::{Decoder, Result};
use crate::failure::Failure;
use crate::messages;

impl Decoder<'_> {
    /// The relation that a client uploaded as a whole message under `hash`.
    pub(super) fn cached_local_relation(&self, hash: &str) -> Result<RelationNode> {
        let not_found = || self.not_found("NOT_FOUND_CACHED_LOCAL_RELATION", hash);
        let bytes = self.uploads.cached(hash).ok_or_else(not_found)?;
        let local = messages::LocalRelation::decode(bytes).map_err(|error| {
            Failure::of(
                "CONNECT_INVALID_PLAN.CANNOT_PARSE",
                &[("errorMsg", &error.to_string())],
            )
        })?;
        Ok(local_node(local))
    }

    pub(super) fn chunked_local_relation(
        &self,
        cached: messages::ChunkedCachedLocalRelation,
    ) -> Result<RelationNode> {
        if cached.data_hashes.is_empty() {
            return Err(Failure::of(
                "CONNECT_INVALID_PLAN.CHUNKED_CACHED_LOCAL_RELATION_WITHOUT_DATA",
                &[],
            ));
        }
        let block = |hash: &String| {
            let not_found = || self.not_found("NOT_FOUND_CHUNKED_CACHED_LOCAL_RELATION", hash);
            self.uploads.cached(hash).ok_or_else(not_found)
        };
        let data = cached
            .data_hashes
            .iter()
            .map(block)
            .collect::<Result<Vec<Bytes>>>()?;
        let schema = cached.schema_hash.as_ref().map(block).transpose()?;
        let schema = schema.map(|text| String::from_utf8_lossy(&text).into_owned());
        Ok(RelationNode::ChunkedLocalRelation { data, schema })
    }

    fn not_found(&self, reason: &str, hash: &str) -> Failure {
        Failure::of(
            &format!("CONNECT_INVALID_PLAN.{reason}"),
            &[("hash", hash), ("sessionUUID", self.uploads.session_id())],
        )
    }
}

pub(super) fn local_node(local: messages::LocalRelation) -> RelationNode {
    RelationNode::LocalRelation {
        data: local.data,
        schema: local.schema.filter(|schema| !schema.is_empty()),
    }
}
