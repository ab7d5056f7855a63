//! Entering a generation of a classic group: join, assign if one leads, and sync.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use fleuve_model::{ErrorCode, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::join_group::{JoinGroupRequestProtocol, JoinGroupResponseMember};
use fleuve_protocol::api::sync_group::SyncGroupRequestAssignment;
use fleuve_protocol::api::{JoinGroupRequest, JoinGroupResponse, SyncGroupRequest};
use tokio::time::sleep;

use super::{Coordinator, Identity, Subscription};
use crate::ClientError;
use crate::cluster::{TopicSelection, partition_from_wire};
use crate::consumer::assignor::{
    Assignor, Member, Owned, decode_assignment, decode_subscription, encode_assignment,
    encode_subscription,
};
use crate::consumer::settings::GroupSettings;

/// What members of a group of consumers call their protocol.
const PROTOCOL_TYPE: Str = Str::from_static("consumer");

/// The answer to a join may come this much after the rebalance timeout.
const JOIN_GRACE: Duration = Duration::from_secs(5);

/// All that is needed to join, taken when it begins.
#[derive(Clone)]
pub(super) struct Join {
    pub(super) coordinator: Coordinator,
    pub(super) settings: GroupSettings,
    pub(super) rack: Option<Str>,
    pub(super) subscription: Subscription,
    pub(super) identity: Identity,
    pub(super) owned: BTreeSet<TopicPartition>,
    pub(super) reason: &'static str,
}

/// A generation that was entered.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) identity: Identity,
    pub(super) assignor: Assignor,
    pub(super) assignment: BTreeSet<TopicPartition>,
    /// Whether the member was forgotten on the way, and with it what it owned.
    pub(super) has_lost: bool,
    /// What the assignment was made for, if this member has made it: partitions by topic.
    pub(super) assigned_for: Option<BTreeMap<String, i32>>,
}

impl Join {
    /// Tries until the member is in, or cannot be.
    pub(super) async fn run(mut self) -> Result<Joined, ClientError> {
        let mut backoff = self.coordinator.cluster().backoff();
        let mut has_lost = false;
        loop {
            let error = match self.attempt().await {
                Ok(joined) => return Ok(Joined { has_lost, ..joined }),
                Err(error) => error,
            };
            use ErrorCode::{
                IllegalGeneration, MemberIdRequired, RebalanceInProgress, UnknownMemberId,
            };
            match error.code() {
                // The id to come again with has been taken over.
                Some(MemberIdRequired) => continue,
                Some(RebalanceInProgress) => continue,
                Some(UnknownMemberId | IllegalGeneration) => {
                    tracing::debug!(%error, "joining as a new member");
                    has_lost = true;
                    self.identity.member_id = Str::EMPTY;
                    self.identity.generation = -1;
                    self.owned.clear();
                }
                _ if error.is_retriable() => {
                    tracing::debug!(%error, "joining again");
                    sleep(backoff.next()).await;
                }
                _ => return Err(error),
            }
        }
    }

    async fn attempt(&mut self) -> Result<Joined, ClientError> {
        let cluster = self.coordinator.cluster().clone();
        if matches!(self.subscription, Subscription::Pattern { .. }) {
            cluster.refresh(TopicSelection::All, false).await?;
        }
        let topics = self.subscription.topics(&cluster.metadata());
        let response = self.join(&topics).await?;
        self.identity.member_id = response.member_id.clone();
        self.coordinator.check(response.error_code)?;
        self.identity.generation = response.generation_id;
        let name = response.protocol_name.clone().unwrap_or_default();
        let assignor = Assignor::from_name(name.as_str()).ok_or_else(|| ClientError::Broker {
            code: ErrorCode::InconsistentGroupProtocol,
            subject: format!("group {}", self.coordinator.group()),
            message: Some(format!(
                "the group has chosen the unknown protocol {name:?}"
            )),
        })?;
        let leads = response.leader == response.member_id && !response.skip_assignment;
        let (assignments, assigned_for) = if leads {
            let (assignments, partitions) = self.lead(assignor, &response.members).await?;
            (assignments, Some(partitions))
        } else {
            (Vec::new(), None)
        };
        let assignment = self.sync(name, assignments).await?;
        let assignment = decode_assignment(assignment)
            .map_err(|error| ClientError::Invalid(format!("an assignment: {error}")))?;
        let partitions = assignment
            .iter()
            .filter_map(|(topic, partition)| partition_from_wire(topic, *partition));
        Ok(Joined {
            identity: self.identity.clone(),
            assignor,
            assignment: partitions.collect(),
            has_lost: false,
            assigned_for,
        })
    }

    async fn join(&self, topics: &BTreeSet<String>) -> Result<JoinGroupResponse, ClientError> {
        let owned: Vec<Owned> = self
            .owned
            .iter()
            .map(|owned| (owned.topic.as_str().to_owned(), owned.partition.value()))
            .collect();
        let mut protocols = Vec::with_capacity(self.settings.assignors.len());
        for assignor in &self.settings.assignors {
            let generation = self.identity.generation;
            let rack = self.rack.clone();
            let metadata = encode_subscription(*assignor, topics, &owned, generation, rack)
                .map_err(|error| ClientError::Invalid(format!("a subscription: {error}")))?;
            let name = Str::from_static(assignor.name());
            protocols.push(JoinGroupRequestProtocol { name, metadata });
        }
        let rebalance_timeout = self.settings.poll_interval_max;
        let request = JoinGroupRequest {
            group_id: self.settings.id.clone(),
            session_timeout_ms: wire_millis(self.settings.session_timeout),
            rebalance_timeout_ms: wire_millis(rebalance_timeout),
            member_id: self.identity.member_id.clone(),
            group_instance_id: self.identity.instance_id.clone(),
            protocol_type: PROTOCOL_TYPE,
            protocols,
            reason: Some(Str::from_static(self.reason)),
        };
        let connection = self.coordinator.connection().await?;
        let version = connection.version_of::<JoinGroupRequest>()?;
        let answer = connection.start_at(request, version).await?;
        let limit = rebalance_timeout + JOIN_GRACE;
        answer
            .receive_within(limit)
            .await
            .inspect_err(|error| self.coordinator.note(error))
    }

    /// Decides for everybody.
    async fn lead(
        &self,
        assignor: Assignor,
        members: &[JoinGroupResponseMember],
    ) -> Result<(Vec<SyncGroupRequestAssignment>, BTreeMap<String, i32>), ClientError> {
        let invalid = |what: &str, error: &dyn std::fmt::Display| {
            ClientError::Invalid(format!("{what} of a member: {error}"))
        };
        let mut decoded: Vec<Member> = Vec::with_capacity(members.len());
        for member in members {
            let metadata = member.metadata.clone();
            let instance_id = member.group_instance_id.as_ref();
            let member = decode_subscription(&member.member_id, instance_id, metadata)
                .map_err(|error| invalid("the subscription", &error))?;
            decoded.push(member);
        }
        let topics: BTreeSet<String> = decoded
            .iter()
            .flat_map(|member| member.topics.iter().cloned())
            .collect();
        let cluster = self.coordinator.cluster();
        let selection = TopicSelection::Named(topics.iter().cloned().collect());
        let (metadata, _) = cluster.refresh(selection, false).await?;
        let partitions: BTreeMap<String, i32> = metadata
            .topics
            .iter()
            .filter(|(name, _)| topics.contains(name.as_str()))
            .map(|(name, topic)| (name.as_str().to_owned(), topic.partitions.len() as i32))
            .collect();
        let assignment = assignor.assign(&partitions, &decoded);
        let mut encoded = Vec::with_capacity(members.len());
        for (member, owned) in assignment {
            let assignment =
                encode_assignment(&owned).map_err(|error| invalid("the assignment", &error))?;
            let member_id = Str::from(member);
            encoded.push(SyncGroupRequestAssignment {
                member_id,
                assignment,
            });
        }
        Ok((encoded, partitions))
    }

    async fn sync(
        &self,
        protocol: Str,
        assignments: Vec<SyncGroupRequestAssignment>,
    ) -> Result<Bytes, ClientError> {
        let request = SyncGroupRequest {
            group_id: self.settings.id.clone(),
            generation_id: self.identity.generation,
            member_id: self.identity.member_id.clone(),
            group_instance_id: self.identity.instance_id.clone(),
            protocol_type: Some(PROTOCOL_TYPE),
            protocol_name: Some(protocol),
            assignments,
        };
        let connection = self.coordinator.connection().await?;
        let version = connection.version_of::<SyncGroupRequest>()?;
        let answer = connection.start_at(request, version).await?;
        // The leader may take its time, as long as the group waits for it.
        let limit = self.settings.poll_interval_max + JOIN_GRACE;
        let response = answer
            .receive_within(limit)
            .await
            .inspect_err(|error| self.coordinator.note(error))?;
        self.coordinator.check(response.error_code)?;
        Ok(response.assignment)
    }
}

fn wire_millis(duration: Duration) -> i32 {
    duration.as_millis().min(i32::MAX as u128) as i32
}
