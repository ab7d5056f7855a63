//! What the controller grants, and in which words it refuses.

use std::collections::BTreeMap;

use fleuve_cluster::controller::{
    AlterConfigs, Command, CommittedImage, ConfigChange, ConfigOperation, ConfigResource,
    ConfigValidator, Controller, ControllerError, CreatableTopic, Endpoint, ImportedPartition,
    ImportedTopic, MetadataImage, NewPartitions, Record, RegisterBroker, Reply, TopicDefaults,
    TopicLayout, TopicSelector,
};
use fleuve_cluster::machine::{Machine, Now, SeededChance, Token};
use fleuve_model::{
    BrokerId, ErrorCode, LeaderEpoch, Offset, PartitionId, TopicId, TopicName, TopicPartition,
};
use proptest::prelude::*;
use uuid::Uuid;

/// Knows two configs: `retention.ms`, a number, and `cleanup.policy`, a list.
struct TwoConfigs;

impl ConfigValidator for TwoConfigs {
    fn validate(
        &self,
        _resource: &ConfigResource,
        configs: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        for (name, value) in configs {
            match name.as_str() {
                "retention.ms" if value.parse::<i64>().is_err() => {
                    return Err(format!("Invalid value {value} for configuration {name}"));
                }
                "retention.ms" | "cleanup.policy" => {}
                _ => return Err(format!("Unknown topic config name: {name}")),
            }
        }
        Ok(())
    }

    fn is_list(&self, _resource: &ConfigResource, name: &str) -> bool {
        name == "cleanup.policy"
    }

    fn default_value(&self, _resource: &ConfigResource, name: &str) -> Option<String> {
        (name == "cleanup.policy").then(|| "delete".to_owned())
    }
}

/// Partition numbers and their replicas.
type Assignments<'a> = &'a [(i32, &'a [i32])];

struct Bench {
    controller: Controller,
    chance: SeededChance,
    records: Vec<Record>,
    token: u64,
}

impl Bench {
    fn new(defaults: TopicDefaults) -> Bench {
        Bench {
            controller: Controller::new(defaults, Box::new(TwoConfigs)),
            chance: SeededChance::new(7),
            records: Vec::new(),
            token: 0,
        }
    }

    fn with_brokers(ids: &[i32]) -> Bench {
        let mut bench = Bench::new(TopicDefaults::default());
        ids.iter()
            .for_each(|id| bench.register(*id, u128::from(id.unsigned_abs())));
        bench
    }

    fn run(&mut self, command: Command) -> Reply {
        self.token += 1;
        let token = Token(self.token);
        let outcome = self
            .controller
            .handle(Now::default(), &mut self.chance, token, command);
        for record in &outcome.records {
            self.controller.apply(record);
        }
        self.records.extend(outcome.records);
        let [(answered, reply)] = <[_; 1]>::try_from(outcome.replies).unwrap();
        assert_eq!(answered, token);
        reply
    }

    fn register(&mut self, id: i32, incarnation: u128) {
        let registration = RegisterBroker {
            broker: BrokerId::new(id).unwrap(),
            incarnation: Uuid::from_u128(incarnation),
            endpoints: vec![Endpoint {
                listener: "PLAINTEXT".to_owned(),
                host: "127.0.0.1".to_owned(),
                port: 9092,
                security_protocol: "PLAINTEXT".to_owned(),
            }],
            rack: None,
        };
        let reply = self.run(Command::RegisterBroker(registration));
        assert!(matches!(reply, Reply::RegisterBroker(Ok(_))), "{reply:?}");
    }

    fn create_all(
        &mut self,
        topics: Vec<CreatableTopic>,
        validate_only: bool,
    ) -> Vec<Result<(u32, u16), ControllerError>> {
        match self.run(Command::CreateTopics {
            topics,
            validate_only,
        }) {
            Reply::CreateTopics(results) => results
                .into_iter()
                .map(|result| result.map(|topic| (topic.partitions, topic.replication_factor)))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn create(&mut self, topic: CreatableTopic) -> Result<(u32, u16), ControllerError> {
        self.create_all(vec![topic], false).remove(0)
    }

    fn alter(&mut self, resource: ConfigResource, changes: &[(&str, &str, &str)]) -> Reply {
        let changes = changes.iter().map(|(name, operation, value)| ConfigChange {
            name: (*name).to_owned(),
            operation: match *operation {
                "set" => ConfigOperation::Set((*value).to_owned()),
                "append" => ConfigOperation::Append((*value).to_owned()),
                "subtract" => ConfigOperation::Subtract((*value).to_owned()),
                _ => ConfigOperation::Delete,
            },
        });
        let change = AlterConfigs {
            resource,
            replace: false,
            changes: changes.collect(),
        };
        self.run(Command::AlterConfigs {
            resources: vec![change],
            validate_only: false,
        })
    }

    fn image(&self) -> &MetadataImage {
        self.controller.image()
    }
}

fn counts(name: &str, partitions: Option<i32>, replication_factor: Option<i16>) -> CreatableTopic {
    let layout = TopicLayout::Counts {
        partitions,
        replication_factor,
    };
    CreatableTopic {
        name: name.to_owned(),
        layout,
        configs: vec![],
    }
}

fn manual(name: &str, assignments: &[(i32, &[i32])]) -> CreatableTopic {
    let assignments = assignments
        .iter()
        .map(|(number, ids)| (*number, ids.to_vec()))
        .collect();
    let layout = TopicLayout::Manual {
        assignments,
        partitions: None,
        replication_factor: None,
    };
    CreatableTopic {
        name: name.to_owned(),
        layout,
        configs: vec![],
    }
}

fn topic(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

/// Checks the code and the words of a refusal.
fn refused<T: std::fmt::Debug>(result: Result<T, ControllerError>, code: ErrorCode, words: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (code, words));
}

#[test]
fn a_topic_has_the_partitions_it_was_created_with() {
    let mut bench = Bench::with_brokers(&[1]);
    assert_eq!(bench.create(counts("clicks", Some(3), Some(1))), Ok((3, 1)));
    let created = bench.image().topic(&topic("clicks")).unwrap();
    assert_eq!(created.partitions.len(), 3);
    assert!(
        created
            .partitions
            .iter()
            .all(|part| part.leader == BrokerId::from_wire(1))
    );
    assert_eq!(
        bench.image().topic_by_id(created.id).unwrap().name,
        topic("clicks")
    );
}

#[test]
fn counts_that_are_not_given_come_from_the_configuration() {
    let defaults = TopicDefaults {
        partitions: 4,
        ..TopicDefaults::default()
    };
    let mut bench = Bench::new(defaults);
    bench.register(1, 1);
    assert_eq!(bench.create(counts("clicks", None, None)), Ok((4, 1)));
}

#[test]
fn counts_that_make_no_sense_are_refused() {
    let mut bench = Bench::with_brokers(&[1]);
    refused(
        bench.create(counts("a", Some(0), None)),
        ErrorCode::InvalidPartitions,
        "Number of partitions was set to an invalid non-positive value.",
    );
    refused(
        bench.create(counts("a", None, Some(0))),
        ErrorCode::InvalidReplicationFactor,
        "Replication factor must be larger than 0, or -1 to use the default value.",
    );
    refused(
        bench.create(counts("a", Some(10_001), None)),
        ErrorCode::PolicyViolation,
        "Excessively large number of partitions per request.",
    );
}

#[test]
fn a_replication_factor_above_the_brokers_is_refused_in_kafkas_words() {
    let mut bench = Bench::with_brokers(&[1]);
    refused(
        bench.create(counts("clicks", Some(1), Some(3))),
        ErrorCode::InvalidReplicationFactor,
        "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot \
         be reached because only 1 broker(s) are registered.",
    );
    assert_eq!(bench.image().topics().len(), 0);
}

#[test]
fn a_replication_factor_above_the_brokers_is_lowered_where_that_is_configured() {
    let defaults = TopicDefaults {
        clamp_replication_factor: true,
        ..TopicDefaults::default()
    };
    let mut bench = Bench::new(defaults);
    bench.register(1, 1);
    let topics = vec![counts("clicks", Some(1), Some(3))];
    let reply = bench.run(Command::CreateTopics {
        topics,
        validate_only: false,
    });
    let Reply::CreateTopics(results) = reply else {
        panic!()
    };
    let created = results[0].as_ref().unwrap();
    assert_eq!(
        (created.replication_factor, created.clamped_from),
        (1, Some(3))
    );
}

#[test]
fn names_that_exist_collide_or_are_not_names_are_refused() {
    let mut bench = Bench::with_brokers(&[1]);
    bench.create(counts("a.b", None, None)).unwrap();
    refused(
        bench.create(counts("a.b", None, None)),
        ErrorCode::TopicAlreadyExists,
        "Topic 'a.b' already exists.",
    );
    refused(
        bench.create(counts("a_b", None, None)),
        ErrorCode::InvalidTopicException,
        "Topic 'a_b' collides with existing topic: a.b",
    );
    refused(
        bench.create(counts("a b", None, None)),
        ErrorCode::InvalidTopicException,
        "Topic name is invalid: 'a b' contains one or more characters other than ASCII \
         alphanumerics, '.', '_' and '-'",
    );
    refused(
        bench.create(counts("__cluster_metadata", None, None)),
        ErrorCode::InvalidRequest,
        "Creation of internal topic __cluster_metadata is prohibited.",
    );
    let named = TopicSelector::Name("a.b".to_owned());
    bench.run(Command::DeleteTopics {
        topics: vec![named],
    });
    assert!(
        bench.create(counts("a_b", None, None)).is_ok(),
        "the name is free again"
    );
}

#[test]
fn a_name_twice_in_one_request_is_refused_twice() {
    let mut bench = Bench::with_brokers(&[1]);
    let topics = ["a", "b", "a"]
        .map(|name| counts(name, None, None))
        .to_vec();
    let results = bench.create_all(topics, false);
    assert_eq!(results[0], Err(ControllerError::DuplicateTopicName));
    assert_eq!(results[1], Ok((1, 1)));
    assert_eq!(results[2], Err(ControllerError::DuplicateTopicName));
}

#[test]
fn validating_only_changes_nothing() {
    let mut bench = Bench::with_brokers(&[1]);
    let before = bench.image().clone();
    assert_eq!(
        bench.create_all(vec![counts("a", Some(2), None)], true),
        [Ok((2, 1))]
    );
    assert_eq!(*bench.image(), before);
}

#[test]
fn replicas_are_where_the_client_put_them() {
    let mut bench = Bench::with_brokers(&[1, 2, 3]);
    let assignments: &[(i32, &[i32])] = &[(1, &[3, 1]), (0, &[2, 3])];
    assert_eq!(bench.create(manual("a", assignments)), Ok((2, 2)));
    let first = TopicPartition::new(topic("a"), PartitionId::new(0).unwrap());
    let partition = bench.image().partition(&first).unwrap();
    assert_eq!(partition.leader, BrokerId::from_wire(2));
}

#[test]
fn assignments_that_make_no_sense_are_refused() {
    let mut bench = Bench::with_brokers(&[1, 2]);
    let cases: [(Assignments<'_>, &str); 6] = [
        (
            &[(0, &[1]), (0, &[2])],
            "Found multiple manual partition assignments for partition 0",
        ),
        (
            &[(0, &[1]), (2, &[2])],
            "partitions should be a consecutive 0-based integer sequence",
        ),
        (
            &[(0, &[])],
            "The manual partition assignment includes an empty replica list.",
        ),
        (
            &[(0, &[9])],
            "The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
        (
            &[(0, &[1, 1])],
            "The manual partition assignment includes the broker 1 more than once.",
        ),
        (
            &[(0, &[1, 2]), (1, &[1])],
            "The manual partition assignment includes a partition with 1 replica(s), but this is \
             not consistent with previous partitions, which have 2 replica(s).",
        ),
    ];
    for (assignments, words) in cases {
        refused(
            bench.create(manual("a", assignments)),
            ErrorCode::InvalidReplicaAssignment,
            words,
        );
    }
}

#[test]
fn configs_of_a_new_topic_are_validated_and_kept() {
    let mut bench = Bench::with_brokers(&[1]);
    let with = |value: Option<&str>| CreatableTopic {
        configs: vec![("retention.ms".to_owned(), value.map(str::to_owned))],
        ..counts("a", None, None)
    };
    refused(
        bench.create(with(None)),
        ErrorCode::InvalidConfig,
        "Null value not supported for topic configs: retention.ms",
    );
    refused(
        bench.create(with(Some("soon"))),
        ErrorCode::InvalidConfig,
        "Invalid value soon for configuration retention.ms",
    );
    bench.create(with(Some("5"))).unwrap();
    let configs = bench.image().configs(&ConfigResource::Topic(topic("a")));
    assert_eq!(configs["retention.ms"], "5");
}

#[test]
fn a_deleted_topic_takes_its_configs_along() {
    let mut bench = Bench::with_brokers(&[1]);
    bench.create(counts("a", None, None)).unwrap();
    let resource = ConfigResource::Topic(topic("a"));
    bench.alter(resource.clone(), &[("retention.ms", "set", "5")]);
    let id = bench.image().topic(&topic("a")).unwrap().id;
    let topics = vec![
        TopicSelector::Id(id),
        TopicSelector::Name("nope".to_owned()),
    ];
    let reply = bench.run(Command::DeleteTopics { topics });
    let expected = vec![Ok((topic("a"), id)), Err(ControllerError::UnknownTopic)];
    assert_eq!(reply, Reply::DeleteTopics(expected));
    assert!(bench.image().configs(&resource).is_empty());
    assert!(bench.image().topic_by_id(id).is_none());
}

#[test]
fn partitions_are_added_and_never_taken_away() {
    let mut bench = Bench::with_brokers(&[1]);
    bench.create(counts("a", Some(2), None)).unwrap();
    let mut extend = |count, assignments| {
        let request = NewPartitions {
            name: "a".to_owned(),
            count,
            assignments,
        };
        let topics = vec![request];
        match bench.run(Command::CreatePartitions {
            topics,
            validate_only: false,
        }) {
            Reply::CreatePartitions(mut results) => results.remove(0),
            other => panic!("{other:?}"),
        }
    };
    let code = ErrorCode::InvalidPartitions;
    refused(extend(2, None), code, "Topic already has 2 partition(s).");
    refused(
        extend(1, None),
        code,
        "The topic a currently has 2 partition(s); 1 would not be an increase.",
    );
    refused(
        extend(4, Some(vec![vec![1]])),
        ErrorCode::InvalidReplicaAssignment,
        "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
    );
    extend(5, None).unwrap();
    assert_eq!(
        bench.image().topic(&topic("a")).unwrap().partitions.len(),
        5
    );
}

#[test]
fn lists_are_appended_to_and_subtracted_from() {
    let mut bench = Bench::with_brokers(&[1]);
    bench.create(counts("a", None, None)).unwrap();
    let resource = || ConfigResource::Topic(topic("a"));
    bench.alter(resource(), &[("cleanup.policy", "append", "compact")]);
    assert_eq!(
        bench.image().configs(&resource())["cleanup.policy"],
        "delete,compact"
    );
    bench.alter(resource(), &[("cleanup.policy", "subtract", "delete")]);
    assert_eq!(
        bench.image().configs(&resource())["cleanup.policy"],
        "compact"
    );
    bench.alter(resource(), &[("cleanup.policy", "delete", "")]);
    assert!(bench.image().configs(&resource()).is_empty());
    let reply = bench.alter(resource(), &[("retention.ms", "append", "5")]);
    let Reply::AlterConfigs(mut results) = reply else {
        panic!()
    };
    refused(
        results.remove(0),
        ErrorCode::InvalidConfig,
        "Can't APPEND to key retention.ms because its type is not LIST.",
    );
}

#[test]
fn configs_of_what_does_not_exist_are_refused() {
    let mut bench = Bench::with_brokers(&[1]);
    let mut alter = |resource| match bench.alter(resource, &[("retention.ms", "set", "5")]) {
        Reply::AlterConfigs(mut results) => results.remove(0),
        other => panic!("{other:?}"),
    };
    refused(
        alter(ConfigResource::Topic(topic("a"))),
        ErrorCode::UnknownTopicOrPartition,
        "The topic 'a' does not exist.",
    );
    refused(
        alter(ConfigResource::Broker(BrokerId::from_wire(8))),
        ErrorCode::BrokerIdNotRegistered,
        "No broker with id 8 found.",
    );
    assert!(alter(ConfigResource::Broker(None)).is_ok());
    assert!(alter(ConfigResource::Broker(BrokerId::from_wire(1))).is_ok());
}

#[test]
fn replacing_configs_puts_the_unnamed_back_to_their_defaults() {
    let mut bench = Bench::with_brokers(&[1]);
    bench.create(counts("a", None, None)).unwrap();
    let resource = ConfigResource::Topic(topic("a"));
    bench.alter(resource.clone(), &[("retention.ms", "set", "5")]);
    let operation = ConfigOperation::Set("compact".to_owned());
    let changes = vec![ConfigChange {
        name: "cleanup.policy".to_owned(),
        operation,
    }];
    let change = AlterConfigs {
        resource: resource.clone(),
        replace: true,
        changes,
    };
    bench.run(Command::AlterConfigs {
        resources: vec![change],
        validate_only: false,
    });
    let configs = bench.image().configs(&resource);
    assert_eq!(configs.keys().collect::<Vec<_>>(), ["cleanup.policy"]);
}

#[test]
fn a_new_incarnation_of_a_broker_raises_the_epochs_of_what_it_leads() {
    let mut bench = Bench::with_brokers(&[1]);
    bench.create(counts("a", None, None)).unwrap();
    let epoch = |bench: &Bench| {
        let first = TopicPartition::new(topic("a"), PartitionId::new(0).unwrap());
        bench
            .image()
            .partition(&first)
            .unwrap()
            .leader_epoch
            .value()
    };
    bench.register(1, 1);
    assert_eq!(epoch(&bench), 0, "the same process has registered again");
    bench.register(1, 2);
    assert_eq!(epoch(&bench), 1);
}

#[test]
fn a_producer_id_is_given_out_once_however_often_the_log_is_replayed() {
    let mut bench = Bench::with_brokers(&[1]);
    let mut next = 0;
    for _ in 0..5 {
        let broker = BrokerId::new(1).unwrap();
        let reply = bench.run(Command::AllocateProducerIds { broker });
        let Reply::AllocateProducerIds(Ok(block)) = reply else {
            panic!("{reply:?}")
        };
        assert_eq!(block.first.value(), next);
        next += i64::from(block.length);
        let mut replayed = Controller::new(TopicDefaults::default(), Box::new(TwoConfigs));
        bench
            .records
            .iter()
            .for_each(|record| replayed.apply(record));
        assert_eq!(replayed.image(), bench.image());
        bench.controller = replayed;
    }
}

#[test]
fn a_cluster_is_created_once() {
    let mut bench = Bench::new(TopicDefaults::default());
    let create = |id: &str| Command::CreateCluster {
        cluster_id: id.to_owned(),
    };
    assert_eq!(bench.run(create("one")), Reply::CreateCluster(Ok(())));
    assert!(matches!(
        bench.run(create("two")),
        Reply::CreateCluster(Err(_))
    ));
    assert_eq!(bench.image().cluster_id(), Some("one"));
}

#[test]
fn imported_topics_keep_their_ids() {
    let mut bench = Bench::with_brokers(&[1]);
    let id = TopicId::new(Uuid::from_u128(77)).unwrap();
    let imported = ImportedTopic {
        name: topic("old"),
        id,
        partitions: vec![
            ImportedPartition {
                replicas: vec![BrokerId::new(1).unwrap()],
                leader_epoch: LeaderEpoch::new(5).unwrap(),
            };
            2
        ],
        configs: vec![("retention.ms".to_owned(), "5".to_owned())],
    };
    let renamed = ImportedTopic {
        name: topic("other"),
        ..imported.clone()
    };
    let topics = vec![imported.clone(), imported, renamed];
    let reply = bench.run(Command::ImportTopics { topics });
    let expected = vec![
        Ok(()),
        Err(ControllerError::TopicAlreadyExists(topic("old"))),
        Err(ControllerError::TopicIdInUse(topic("other"))),
    ];
    assert_eq!(reply, Reply::ImportTopics(expected));
    assert_eq!(bench.image().topic_by_id(id).unwrap().partitions.len(), 2);
}

#[test]
fn the_committed_image_waits_for_the_commit() {
    let offset = |value| Offset::new(value).unwrap();
    let mut committed = CommittedImage::new(MetadataImage::default());
    let created = |id: &str| {
        vec![Record::ClusterCreated {
            cluster_id: id.to_owned(),
        }]
    };
    committed.appending(created("one"));
    committed.appending(created("two"));
    assert!(committed.appended(offset(1)).is_none());
    assert!(committed.appended(offset(2)).is_none());
    assert_eq!(committed.image().cluster_id(), None);
    assert_eq!(
        committed.committed(offset(1)).unwrap().cluster_id(),
        Some("one")
    );
    assert!(committed.committed(offset(1)).is_none());
    assert_eq!(
        committed.committed(offset(2)).unwrap().cluster_id(),
        Some("two")
    );
}

proptest! {
    #[test]
    fn replicas_are_distinct_and_leaders_are_spread(
        brokers in prop::collection::btree_set(0..20_i32, 1..8),
        partitions in 1..40_i32,
        factor in 1..4_i16,
    ) {
        let ids: Vec<i32> = brokers.into_iter().collect();
        let factor = factor.min(ids.len() as i16);
        let mut bench = Bench::with_brokers(&ids);
        bench.create(counts("a", Some(partitions), Some(factor))).unwrap();
        let created = bench.image().topic(&topic("a")).unwrap();
        let mut led: BTreeMap<i32, usize> = ids.iter().map(|id| (*id, 0)).collect();
        for partition in &created.partitions {
            let mut replicas = partition.replicas.clone();
            *led.get_mut(&replicas[0].value()).unwrap() += 1;
            replicas.sort();
            replicas.dedup();
            prop_assert_eq!(replicas.len(), usize::from(factor.unsigned_abs()));
        }
        let most = led.values().max().unwrap();
        let least = led.values().min().unwrap();
        prop_assert!(most - least <= 1);
    }
}
