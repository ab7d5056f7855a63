use bytes::Bytes;
use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use fleuve_protocol::api::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use fleuve_protocol::api::{
    FindCoordinatorRequest, JoinGroupRequest, ListGroupsRequest, SyncGroupRequest,
};
use fleuve_storage::disk::SimulatedDisk;

use crate::support::{Client, code, config_on, start};

async fn find_coordinator(client: &mut Client) {
    let request = FindCoordinatorRequest {
        coordinator_keys: vec![Str::from_static("group")],
        ..FindCoordinatorRequest::default()
    };
    let response = client.ask(request).await;
    assert_eq!(response.coordinators[0].error_code, 0);
}

fn join(member_id: Str) -> JoinGroupRequest {
    use fleuve_protocol::api::join_group::JoinGroupRequestProtocol;
    JoinGroupRequest {
        group_id: Str::from_static("group"),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        member_id,
        protocol_type: Str::from_static("consumer"),
        protocols: vec![JoinGroupRequestProtocol {
            name: Str::from_static("range"),
            metadata: Bytes::from_static(b"subscription"),
        }],
        ..JoinGroupRequest::default()
    }
}

#[tokio::test]
async fn a_member_joins_syncs_commits_and_its_offsets_survive_a_restart() {
    use fleuve_protocol::api::sync_group::SyncGroupRequestAssignment;
    let disk = SimulatedDisk::new();
    let broker = start(config_on(&disk)).await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("consumed", 1, &[]).await;
    find_coordinator(&mut client).await;
    let first = client.ask(join(Str::EMPTY)).await;
    assert_eq!(first.error_code, code(ErrorCode::MemberIdRequired));
    let joined = client.ask(join(first.member_id.clone())).await;
    assert_eq!((joined.error_code, joined.generation_id), (0, 1));
    let synced = client
        .ask(SyncGroupRequest {
            group_id: Str::from_static("group"),
            generation_id: 1,
            member_id: joined.member_id.clone(),
            protocol_type: Some(Str::from_static("consumer")),
            protocol_name: Some(Str::from_static("range")),
            assignments: vec![SyncGroupRequestAssignment {
                member_id: joined.member_id.clone(),
                assignment: Bytes::from_static(b"assignment"),
            }],
            ..SyncGroupRequest::default()
        })
        .await;
    assert_eq!(
        (synced.error_code, &synced.assignment[..]),
        (0, &b"assignment"[..])
    );
    let commit = OffsetCommitRequest {
        group_id: Str::from_static("group"),
        generation_id_or_member_epoch: 1,
        member_id: joined.member_id.clone(),
        topics: vec![OffsetCommitRequestTopic {
            topic_id: Some(topic),
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: 42,
                committed_metadata: Some(Str::from_static("note")),
                ..OffsetCommitRequestPartition::default()
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    let committed = client.ask(commit).await;
    assert_eq!(committed.topics[0].partitions[0].error_code, 0);
    broker.stop().await;

    let broker = start(config_on(&disk)).await;
    let mut client = Client::connect(&broker).await;
    find_coordinator(&mut client).await;
    let fetch = || OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup {
            group_id: Str::from_static("group"),
            member_epoch: -1,
            topics: Some(vec![OffsetFetchRequestTopics {
                topic_id: Some(topic),
                partition_indexes: vec![0],
                ..OffsetFetchRequestTopics::default()
            }]),
            ..OffsetFetchRequestGroup::default()
        }],
        ..OffsetFetchRequest::default()
    };
    let found = loop {
        let mut response = client.ask(fetch()).await;
        let group = response.groups.remove(0);
        if group.error_code != code(ErrorCode::CoordinatorLoadInProgress) {
            break group;
        }
    };
    let partition = &found.topics[0].partitions[0];
    assert_eq!((partition.error_code, partition.committed_offset), (0, 42));
    assert_eq!(partition.metadata.as_ref().map(Str::as_str), Some("note"));
    let listed = client.ask(ListGroupsRequest::default()).await;
    assert_eq!(listed.groups.len(), 1);
    assert_eq!(listed.groups[0].group_id, "group");
    broker.stop().await;
}

#[tokio::test]
async fn offsets_of_topics_that_do_not_exist_are_refused() {
    let broker = crate::support::broker().await;
    let mut client = Client::connect(&broker).await;
    find_coordinator(&mut client).await;
    let commit = OffsetCommitRequest {
        group_id: Str::from_static("group"),
        topics: vec![OffsetCommitRequestTopic {
            name: Str::from_static("missing"),
            partitions: vec![OffsetCommitRequestPartition::default()],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    let response = client.call(commit, 8).await;
    let refused = response.topics[0].partitions[0].error_code;
    assert_eq!(refused, code(ErrorCode::UnknownTopicOrPartition));
    broker.stop().await;
}
