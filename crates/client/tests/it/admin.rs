use std::collections::BTreeMap;

use fleuve_client::admin::{
    ConfigOperation, ConfigOperationKind, ConfigResource, ConfigSource, GroupsFilter,
    NewPartitions, NewTopic, TopicChoice,
};
use fleuve_client::{Admin, ClientError, Config, IsolationLevel, OffsetSpec, PartitionReader};
use fleuve_client::{ReadLimits, admin::CommittedOffset};
use fleuve_model::{ErrorCode, Offset, PartitionId, TopicName, TopicPartition};

use crate::peer::{brokers, fresh};

fn partition(topic: &str, index: i32) -> TopicPartition {
    let topic = TopicName::new(topic).expect("valid");
    TopicPartition::new(topic, PartitionId::new(index).expect("valid"))
}

async fn created(config: &Config, name: &str, partitions: i32) -> Admin {
    let admin = Admin::new(config).expect("the configuration is right");
    let results = admin
        .create_topics(&[NewTopic::new(name, partitions)], false)
        .await
        .expect("the broker answers");
    results[name].as_ref().expect("the topic is created");
    // The broker learns of it from the controller, and loads its logs, a moment later.
    let broker = admin.describe_cluster().await.expect("answers").brokers[0].id;
    let last = partition(name, partitions - 1);
    loop {
        let directories = admin.describe_log_dirs(broker).await.expect("answers");
        if directories
            .iter()
            .any(|directory| directory.partitions.contains_key(&last))
        {
            return admin;
        }
    }
}

#[tokio::test]
async fn a_topic_is_created_described_grown_and_deleted() {
    for config in brokers().await {
        let name = fresh("topic");
        let admin = created(&config, &name, 2).await;

        let again = admin
            .create_topics(&[NewTopic::new(&name, 2)], false)
            .await
            .expect("answers");
        let error = again[&name].as_ref().expect_err("it exists");
        assert_eq!(error.code(), Some(ErrorCode::TopicAlreadyExists));

        let more = NewPartitions {
            total: 3,
            assignments: vec![],
        };
        let grown = admin
            .create_partitions(&BTreeMap::from([(name.clone(), more)]), false)
            .await
            .expect("answers");
        grown[&name].as_ref().expect("partitions are added");

        // A broker learns of changes from the controller, a moment later.
        let topic = loop {
            let mut described = admin
                .describe_topics(std::slice::from_ref(&name))
                .await
                .expect("answers");
            let described = described
                .remove(&name)
                .expect("it is told")
                .expect("it is there");
            match described.topic.partitions.len() {
                3 => break described.topic,
                other => assert_eq!(other, 2),
            }
        };
        assert!(topic.id.is_some());
        let topic_name = TopicName::new(&name).expect("valid");
        assert!(
            admin
                .list_topics()
                .await
                .expect("answers")
                .contains_key(&topic_name)
        );

        let choice = TopicChoice::Name(name.clone());
        let deleted = admin
            .delete_topics(std::slice::from_ref(&choice))
            .await
            .expect("answers");
        deleted[&choice].as_ref().expect("it is deleted");
    }
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_an_error_at_once() {
    for config in brokers().await {
        let admin = Admin::new(&config).expect("right");
        let name = fresh("absent");
        let described = admin
            .describe_topics(std::slice::from_ref(&name))
            .await
            .expect("answers");
        let error = described[&name].as_ref().expect_err("there is none");
        assert_eq!(error.code(), Some(ErrorCode::UnknownTopicOrPartition));
    }
}

#[tokio::test]
async fn configs_are_changed_and_described_with_their_source() {
    for config in brokers().await {
        let name = fresh("configs");
        let admin = created(&config, &name, 1).await;
        let resource = ConfigResource::topic(&name);
        let set = ConfigOperation {
            kind: ConfigOperationKind::Set,
            name: "retention.ms".to_owned(),
            value: Some("1234567".to_owned()),
        };
        let changes = BTreeMap::from([(resource.clone(), vec![set])]);
        let results = admin
            .incremental_alter_configs(&changes, false)
            .await
            .expect("answers");
        results[&resource].as_ref().expect("it is changed");

        // A broker learns of changes from the controller, a moment later.
        let entry = loop {
            let described = admin
                .describe_configs(std::slice::from_ref(&resource), true)
                .await
                .expect("answers");
            let entries = described[&resource].as_ref().expect("it is there");
            let entry = entries
                .iter()
                .find(|e| e.name == "retention.ms")
                .expect("all are told");
            match entry.value.as_deref() {
                Some("1234567") => break entry.clone(),
                other => assert_eq!(other, Some("604800000")),
            }
        };
        assert_eq!(entry.source, ConfigSource::DynamicTopic);
        assert!(entry.documentation.is_some());
    }
}

#[tokio::test]
async fn the_cluster_its_brokers_and_their_directories_are_described() {
    for config in brokers().await {
        let name = fresh("directories");
        let admin = created(&config, &name, 1).await;
        let cluster = admin.describe_cluster().await.expect("answers");
        assert_eq!(cluster.brokers.len(), 1);
        let broker = cluster.brokers[0].id;
        let directories = admin.describe_log_dirs(broker).await.expect("answers");
        assert!(
            directories
                .iter()
                .any(|d| d.partitions.contains_key(&partition(&name, 0)))
        );

        let apis = admin.api_versions().await.expect("answers");
        let produce = apis[0]
            .1
            .iter()
            .find(|api| api.key == 0)
            .expect("a broker has Produce");
        assert_eq!((produce.version_min, produce.name), (0, Some("Produce")));
    }
}

#[tokio::test]
async fn an_empty_partition_begins_and_ends_at_offset_0() {
    for config in brokers().await {
        let name = fresh("offsets");
        let admin = created(&config, &name, 1).await;
        let partition = partition(&name, 0);
        for spec in [OffsetSpec::Earliest, OffsetSpec::Latest] {
            let asked = BTreeMap::from([(partition.clone(), spec)]);
            let found = admin
                .list_offsets(&asked, IsolationLevel::ReadCommitted)
                .await;
            let found = found[&partition].as_ref().expect("the leader answers");
            assert_eq!(found.offset, Some(Offset::ZERO), "{spec:?}");
        }
        let deleted = admin
            .delete_records(&BTreeMap::from([(partition.clone(), None)]))
            .await
            .expect("answers");
        assert_eq!(
            *deleted[&partition].as_ref().expect("nothing to delete"),
            Some(Offset::ZERO)
        );
    }
}

#[tokio::test]
async fn a_read_of_an_empty_partition_brings_nothing_and_one_beyond_it_an_error() {
    for config in brokers().await {
        let name = fresh("read");
        created(&config, &name, 1).await;
        let reader = PartitionReader::new(&config).expect("right");
        let partition = partition(&name, 0);
        let limits = ReadLimits {
            wait: std::time::Duration::ZERO,
            ..ReadLimits::default()
        };
        let chunk = reader
            .read(&partition, Offset::ZERO, limits)
            .await
            .expect("answers");
        assert!(chunk.batches.is_empty());
        assert_eq!(
            (chunk.next_offset, chunk.high_watermark),
            (Offset::ZERO, Offset::ZERO)
        );

        let beyond = Offset::new(7).expect("valid");
        let error = reader
            .read(&partition, beyond, limits)
            .await
            .expect_err("there is no offset 7");
        let ClientError::OffsetOutOfRange {
            offset, start, end, ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((offset, start, end), (7, 0, 0));
    }
}

#[tokio::test]
async fn offsets_of_a_group_are_set_listed_and_forgotten() {
    for config in brokers().await {
        let name = fresh("group");
        let admin = created(&config, &name, 1).await;
        let partition = partition(&name, 0);
        let offset = CommittedOffset {
            offset: Offset::new(5).expect("valid"),
            leader_epoch: None,
            metadata: "note".to_owned(),
        };
        let offsets = BTreeMap::from([(partition.clone(), offset.clone())]);
        let set = admin
            .alter_group_offsets(&name, &offsets)
            .await
            .expect("answers");
        set[&partition].as_ref().expect("it is stored");
        let listed = admin
            .list_group_offsets(&name, None)
            .await
            .expect("answers");
        assert_eq!(*listed[&partition].as_ref().expect("it is there"), offset);

        let description = admin.describe_group(&name).await.expect("answers");
        assert_eq!(description.state, "Empty");
        let groups = admin
            .list_groups(&GroupsFilter::default())
            .await
            .expect("answers");
        assert!(groups.iter().any(|group| group.id == name));

        let forgotten = admin
            .delete_group_offsets(&name, std::slice::from_ref(&partition))
            .await
            .expect("answers");
        forgotten[&partition].as_ref().expect("it is forgotten");
        let listed = admin
            .list_group_offsets(&name, None)
            .await
            .expect("answers");
        assert!(listed.is_empty());
        let deleted = admin.delete_groups(std::slice::from_ref(&name)).await;
        // A group without offsets and members may have gone by itself.
        if let Err(error) = &deleted[&name] {
            assert_eq!(error.code(), Some(ErrorCode::GroupIdNotFound), "{error}");
        }
    }
}
