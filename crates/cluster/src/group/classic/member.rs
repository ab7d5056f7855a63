//! A member of a classic group.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::group::{
    Client, DescribedClassicMember, GroupMemberMetadata, InstanceId, JoinGroup, JoinedMember,
    MemberId, Protocol,
};
use crate::machine::Token;

/// What a group knows of one member. Who is parked, and whether it is new, is forgotten in a
/// restart; the rest comes back from the log.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: MemberId,
    pub(super) instance: Option<InstanceId>,
    pub(super) client: Client,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    /// In the order of its preference.
    pub(super) protocols: Vec<Protocol>,
    pub(super) assignment: Bytes,
    /// The join that waits for the generation to begin.
    pub(super) join: Option<Token>,
    /// The sync that waits for the leader's assignment.
    pub(super) sync: Option<Token>,
    /// It has not heard yet that it was let in.
    pub(super) is_new: bool,
}

impl Member {
    pub(super) fn joining(id: MemberId, request: &JoinGroup) -> Member {
        Member {
            id,
            instance: request.instance.clone(),
            client: request.client.clone(),
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            protocols: request.protocols.clone(),
            assignment: Bytes::new(),
            join: None,
            sync: None,
            is_new: true,
        }
    }

    pub(super) fn loaded(record: &GroupMemberMetadata, protocol: Option<&Arc<str>>) -> Member {
        let name = protocol.cloned().unwrap_or_else(|| Arc::from(""));
        Member {
            id: record.member.clone(),
            instance: record.instance.clone(),
            client: record.client.clone(),
            session_timeout: record.session_timeout,
            rebalance_timeout: record.rebalance_timeout,
            protocols: vec![Protocol {
                name,
                metadata: record.subscription.clone(),
            }],
            assignment: record.assignment.clone(),
            join: None,
            sync: None,
            is_new: false,
        }
    }

    /// What it said for `protocol`; nothing if it does not support it.
    pub(super) fn metadata(&self, protocol: Option<&Arc<str>>) -> Bytes {
        let named = self
            .protocols
            .iter()
            .find(|known| Some(&known.name) == protocol);
        named.map_or_else(Bytes::new, |known| known.metadata.clone())
    }

    /// The first of its protocols that is among `candidates`.
    pub(super) fn vote(&self, candidates: &BTreeSet<Arc<str>>) -> Option<Arc<str>> {
        let names = self.protocols.iter().map(|protocol| &protocol.name);
        names
            .into_iter()
            .find(|name| candidates.contains(*name))
            .cloned()
    }

    /// Whether it may be silent: while it is parked it cannot send heartbeats. A new one may
    /// not, for if its client has gone nothing else would ever remove it.
    pub(super) fn may_be_silent(&self) -> bool {
        !self.is_new && (self.join.is_some() || self.sync.is_some())
    }

    pub(super) fn as_joined(&self, protocol: Option<&Arc<str>>) -> JoinedMember {
        JoinedMember {
            member: self.id.clone(),
            instance: self.instance.clone(),
            metadata: self.metadata(protocol),
        }
    }

    pub(super) fn as_record(
        &self,
        protocol: Option<&Arc<str>>,
        assignment: Bytes,
    ) -> GroupMemberMetadata {
        GroupMemberMetadata {
            member: self.id.clone(),
            instance: self.instance.clone(),
            client: self.client.clone(),
            rebalance_timeout: self.rebalance_timeout,
            session_timeout: self.session_timeout,
            subscription: self.metadata(protocol),
            assignment,
        }
    }

    pub(super) fn describe(&self, metadata: Bytes, assignment: Bytes) -> DescribedClassicMember {
        DescribedClassicMember {
            member: self.id.clone(),
            instance: self.instance.clone(),
            client: self.client.clone(),
            metadata,
            assignment,
        }
    }
}
