mod describe;
mod offsets;

use fleuve_model::{ErrorCode, TopicPartition};
use fleuve_protocol::api::leave_group::MemberIdentity;
use fleuve_protocol::api::{
    ConsumerGroupDescribeRequest, DeleteGroupsRequest, DescribeGroupsRequest, LeaveGroupRequest,
    ListGroupsRequest,
};
use fleuve_protocol::{ApiKey, Str};
use futures::future::join_all;

pub use offsets::CommittedOffset;
pub(crate) use offsets::{EachPartition, fetch_group_offsets};

use super::Admin;
use crate::ClientError;
use crate::cluster::{Purpose, TopicSelection};

/// Which groups to list; empty means all.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GroupsFilter {
    /// By Kafka's names, such as `Stable`.
    pub states: Vec<String>,
    /// By Kafka's names, such as `classic`.
    pub types: Vec<String>,
}

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupListing {
    /// Its id.
    pub id: String,
    /// `consumer`, `connect` or whatever its members speak; empty if it only has offsets.
    pub protocol_type: String,
    /// By Kafka's name; none from brokers that do not tell.
    pub state: Option<String>,
    /// By Kafka's name: `classic`, `consumer`, `share`; none from brokers that do not tell.
    pub kind: Option<String>,
}

/// Which protocol a group runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// Members join and sync, and a leader assigns.
    Classic,
    /// Members send heartbeats, and the broker assigns (KIP-848).
    Consumer,
}

/// A group in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDescription {
    /// Its id.
    pub id: String,
    /// Which protocol it runs.
    pub kind: GroupKind,
    /// By Kafka's name: `Empty`, `Stable`, `PreparingRebalance`, ...
    pub state: String,
    /// `consumer` for groups of consumers.
    pub protocol_type: String,
    /// The assignor.
    pub assignor: String,
    /// The epochs of group and target assignment; only of consumer groups.
    pub epochs: Option<(i32, i32)>,
    /// The members.
    pub members: Vec<GroupMember>,
    /// The broker that coordinates it.
    pub coordinator: crate::metadata::Broker,
    /// What the client may do with it, as Kafka's bits, if it was asked for.
    pub authorized_operations: Option<i32>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// Its id.
    pub id: String,
    /// `group.instance.id`, of a static member.
    pub instance_id: Option<String>,
    /// Its `client.id`.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// What it owns.
    pub assignment: Vec<TopicPartition>,
    /// What it is to own; only in consumer groups.
    pub target: Option<Vec<TopicPartition>>,
    /// Its epoch; only in consumer groups.
    pub epoch: Option<i32>,
    /// Whether a member of a consumer group still speaks the classic protocol.
    pub is_upgraded: Option<bool>,
}

/// A member to be put out of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberToRemove {
    /// By its id.
    Id(String),
    /// By `group.instance.id`.
    InstanceId(String),
}

impl Admin {
    /// Lists the groups of all brokers.
    pub async fn list_groups(
        &self,
        filter: &GroupsFilter,
    ) -> Result<Vec<GroupListing>, ClientError> {
        let refresh = || self.cluster.refresh(TopicSelection::None, false);
        let (metadata, _) = self.cluster.retry(self.deadline(), refresh).await?;
        let calls = metadata.brokers.keys().map(|broker| {
            self.cluster.retry(self.deadline(), || async {
                let connection = self.cluster.connection(*broker, Purpose::Requests).await?;
                let word = |word: &String| Str::from(word.as_str());
                let request = ListGroupsRequest {
                    states_filter: filter.states.iter().map(word).collect(),
                    types_filter: filter.types.iter().map(word).collect(),
                };
                let response = connection.call(request).await?;
                ClientError::check(response.error_code, "groups", None)?;
                Ok(response)
            })
        });
        let mut groups = Vec::new();
        for response in join_all(calls).await {
            let some = |text: &Str| (!text.is_empty()).then(|| text.as_str().to_owned());
            groups.extend(response?.groups.iter().map(|group| GroupListing {
                id: group.group_id.as_str().to_owned(),
                protocol_type: group.protocol_type.as_str().to_owned(),
                state: some(&group.group_state),
                kind: some(&group.group_type),
            }));
        }
        groups.sort_by(|a, b| a.id.cmp(&b.id));
        groups.dedup();
        Ok(groups)
    }

    /// Describes a group, of whichever kind it is.
    pub async fn describe_group(&self, group: &str) -> Result<GroupDescription, ClientError> {
        self.cluster
            .retry(self.deadline(), || self.ask_for_group(group))
            .await
    }

    async fn ask_for_group(&self, group: &str) -> Result<GroupDescription, ClientError> {
        let kind = crate::cluster::CoordinatorType::Group;
        let coordinator = self.cluster.find_coordinator(kind, group).await?;
        let connection = self.cluster.coordinator_connection(&coordinator).await?;
        if connection.offered(ApiKey::ConsumerGroupDescribe).is_some() {
            let request = ConsumerGroupDescribeRequest {
                group_ids: vec![Str::from(group)],
                include_authorized_operations: false,
            };
            let response = connection.call(request).await?;
            if let Some(found) = response.groups.into_iter().next() {
                let subject = format!("group {group}");
                let checked =
                    ClientError::check(found.error_code, subject, found.error_message.as_ref());
                match checked {
                    Ok(()) => return Ok(GroupDescription::of_consumer(found, coordinator)),
                    // It is not one of these, or none at all: the classic call tells which.
                    Err(error) if error.code() == Some(ErrorCode::GroupIdNotFound) => {}
                    Err(error) if error.code() == Some(ErrorCode::UnsupportedVersion) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let request = DescribeGroupsRequest {
            groups: vec![Str::from(group)],
            include_authorized_operations: false,
        };
        let response = connection.call(request).await?;
        let found = response.groups.into_iter().next().unwrap_or_default();
        let message = found.error_message.as_ref();
        ClientError::check(found.error_code, format!("group {group}"), message)?;
        Ok(GroupDescription::of_classic(found, coordinator))
    }

    /// Deletes groups that have no members.
    pub async fn delete_groups(&self, groups: &[String]) -> super::Each<()> {
        let calls = groups.iter().map(|group| async move {
            let request = |_| DeleteGroupsRequest {
                groups_names: vec![Str::from(group.as_str())],
            };
            let read = |response: fleuve_protocol::api::DeleteGroupsResponse| {
                let code = response
                    .results
                    .first()
                    .map_or(0, |result| result.error_code);
                ClientError::check(code, format!("group {group}"), None)
            };
            let result = self
                .cluster
                .call_coordinator(group, self.deadline(), request, read)
                .await;
            (group.clone(), result)
        });
        join_all(calls).await.into_iter().collect()
    }

    /// Puts members out of a classic group.
    pub async fn remove_group_members(
        &self,
        group: &str,
        members: &[MemberToRemove],
    ) -> Result<(), ClientError> {
        let identity = |member: &MemberToRemove| {
            let reason = Some(Str::from_static("member was removed by an admin"));
            match member {
                MemberToRemove::Id(id) => MemberIdentity {
                    member_id: Str::from(id.as_str()),
                    group_instance_id: None,
                    reason,
                },
                MemberToRemove::InstanceId(id) => MemberIdentity {
                    member_id: Str::EMPTY,
                    group_instance_id: Some(Str::from(id.as_str())),
                    reason,
                },
            }
        };
        let request = |_| LeaveGroupRequest {
            group_id: Str::from(group),
            members: members.iter().map(identity).collect(),
            ..LeaveGroupRequest::default()
        };
        let read = |response: fleuve_protocol::api::LeaveGroupResponse| {
            ClientError::check(response.error_code, format!("group {group}"), None)?;
            for member in &response.members {
                let subject = format!("member {} of group {group}", member.member_id);
                ClientError::check(member.error_code, subject, None)?;
            }
            Ok(())
        };
        self.cluster
            .call_coordinator(group, self.deadline(), request, read)
            .await
    }
}
