//! Reads the steps of a scenario. A step that cannot be read panics with its line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleuve_cluster::controller::{MetadataImage, Record};
use fleuve_cluster::group::{
    Assignment, Client, Command, CommitOffsets, ConsumerGroupHeartbeat, FetchOffsets, Generation,
    GroupConfig, GroupId, Heartbeat, InstanceId, JoinGroup, LeaveGroup, LeavingMember, ListGroups,
    MemberId, OffsetToCommit, Protocol, SyncGroup,
};
use fleuve_model::{
    BrokerId, LeaderEpoch, Offset, PartitionId, TopicId, TopicName, TopicPartition,
};
use uuid::Uuid;

pub(super) enum Step {
    Until(Duration),
    /// With settings that changed meanwhile.
    Restart(String),
    Image(Arc<MetadataImage>),
    Command {
        label: String,
        command: Box<Command>,
    },
}

/// The words of a step: those without `=` in their order, the others by name.
struct Words<'a> {
    plain: Vec<&'a str>,
    named: BTreeMap<&'a str, &'a str>,
}

impl<'a> Words<'a> {
    fn split(text: &'a str) -> Words<'a> {
        let (named, plain): (Vec<&str>, Vec<&str>) =
            text.split_whitespace().partition(|word| word.contains('='));
        let named = named
            .into_iter()
            .map(|word| word.split_once('=').unwrap())
            .collect();
        Words { plain, named }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.named.get(name).copied()
    }

    fn list(&self, name: &str) -> Vec<&'a str> {
        self.get(name)
            .map(|list| list.split(',').collect())
            .unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<i32> {
        self.get(name).map(|text| text.parse().unwrap())
    }

    fn duration(&self, name: &str) -> Option<Duration> {
        self.get(name).map(duration)
    }

    fn member(&self) -> Option<MemberId> {
        self.get("member").map(member)
    }

    fn instance(&self) -> Option<InstanceId> {
        self.get("instance").map(InstanceId::new)
    }

    fn text(&self, name: &str) -> Option<Arc<str>> {
        self.get(name).map(Arc::from)
    }

    fn client(&self) -> Client {
        let id = self.get("client").unwrap_or("c");
        Client {
            id: Arc::from(id),
            host: Arc::from("/127.0.0.1"),
        }
    }

    fn group(&self) -> GroupId {
        GroupId::new(self.plain.get(1).copied().unwrap_or(""))
    }
}

pub(super) fn config(config: &mut GroupConfig, settings: &str) {
    let words = Words::split(settings);
    for (name, value) in words.named {
        match name {
            "group.max.size" => config.members_max = value.parse().unwrap(),
            "group.initial.rebalance.delay" => config.initial_rebalance_delay = duration(value),
            "group.consumer.max.size" => config.consumer_members_max = value.parse().unwrap(),
            "group.consumer.assignors" => {
                config.consumer_assignors = value.split(',').map(str::to_owned).collect();
            }
            "offset.metadata.max.bytes" => {
                config.offset_metadata_bytes_max = value.parse().unwrap();
            }
            "offsets.retention" => config.offsets_retention = duration(value),
            "offsets.retention.check.interval" => {
                config.offsets_retention_check_interval = duration(value);
            }
            _ => panic!("no such setting: {name}"),
        }
    }
}

pub(super) fn step(line: &str, number: usize) -> Step {
    let line = line.trim();
    if let Some(until) = line.strip_prefix('@') {
        return Step::Until(duration(until.trim()));
    }
    let text = line.strip_prefix('>').unwrap().trim();
    let (label, text) = match text.split_once(" = ") {
        Some((label, text)) => (label.trim().to_owned(), text),
        None => (text.split_whitespace().next().unwrap().to_owned(), text),
    };
    let words = Words::split(text);
    match words.plain[0] {
        "restart" => Step::Restart(text.trim_start_matches("restart").trim().to_owned()),
        "topics" => Step::Image(image(&words.plain[1..])),
        verb => {
            let command = command(verb, &words)
                .unwrap_or_else(|| panic!("step {number} cannot be read: {line}"));
            Step::Command {
                label,
                command: Box::new(command),
            }
        }
    }
}

pub(super) fn update_image(image: Arc<MetadataImage>) -> Command {
    Command::UpdateImage(image)
}

fn command(verb: &str, words: &Words<'_>) -> Option<Command> {
    Some(match verb {
        "join" => Command::JoinGroup(join(words)),
        "sync" => Command::SyncGroup(SyncGroup {
            group: words.group(),
            member: words.member().unwrap_or_else(|| MemberId::new("")),
            instance: words.instance(),
            generation: words.number("gen").and_then(Generation::from_wire),
            protocol_type: words.text("type"),
            protocol: words.text("protocol"),
            assignments: words.list("assign").into_iter().map(assignment).collect(),
        }),
        "heartbeat" => Command::Heartbeat(Heartbeat {
            group: words.group(),
            member: words.member().unwrap_or_else(|| MemberId::new("")),
            instance: words.instance(),
            generation: words.number("gen").and_then(Generation::from_wire),
        }),
        "leave" => Command::LeaveGroup(LeaveGroup {
            group: words.group(),
            members: leaving(words),
        }),
        "beat" => Command::ConsumerGroupHeartbeat(beat(words)),
        "describe-consumer" => Command::DescribeConsumerGroups {
            groups: groups(words),
        },
        "commit" => Command::CommitOffsets(commit(words)),
        "fetch" => Command::FetchOffsets(FetchOffsets {
            group: words.group(),
            member: words
                .member()
                .map(|member| (member, words.number("epoch").unwrap_or(-1))),
            partitions: words
                .get("offsets")
                .map(|list| list.split(',').map(partition).collect()),
        }),
        "delete-offsets" => Command::DeleteOffsets {
            group: words.group(),
            partitions: words.plain[2..]
                .iter()
                .map(|text| partition(text))
                .collect(),
        },
        "list" => Command::ListGroups(ListGroups {
            states: words
                .list("states")
                .into_iter()
                .map(str::to_owned)
                .collect(),
            types: words.list("types").into_iter().map(str::to_owned).collect(),
        }),
        "describe" => Command::DescribeClassicGroups {
            groups: groups(words),
        },
        "delete" => Command::DeleteGroups {
            groups: groups(words),
        },
        _ => return None,
    })
}

fn groups(words: &Words<'_>) -> Vec<GroupId> {
    words.plain[1..]
        .iter()
        .map(|text| GroupId::new(text))
        .collect()
}

fn join(words: &Words<'_>) -> JoinGroup {
    let version = words.number("v").unwrap_or(9);
    let protocols = words.get("protocols").unwrap_or("range(t)");
    JoinGroup {
        group: words.group(),
        member: words.member(),
        instance: words.instance(),
        client: words.client(),
        protocol_type: words.text("type").unwrap_or_else(|| Arc::from("consumer")),
        protocols: protocols
            .split(';')
            .filter(|text| !text.is_empty())
            .map(protocol)
            .collect(),
        session_timeout: words.duration("session").unwrap_or(Duration::from_secs(10)),
        rebalance_timeout: words
            .duration("rebalance")
            .unwrap_or(Duration::from_secs(60)),
        requires_known_member: version >= 4,
        supports_skipping_assignment: version >= 9,
    }
}

/// A join says everything; otherwise only what is named is said.
fn beat(words: &Words<'_>) -> ConsumerGroupHeartbeat {
    let member_epoch = words.number("epoch").unwrap_or(0);
    let joins = member_epoch == 0;
    let topics = words.get("topics").map(|list| {
        list.split('+')
            .filter(|name| !name.is_empty())
            .map(Arc::from)
            .collect::<BTreeSet<_>>()
    });
    let owned = match words.get("owned") {
        Some("-") => None,
        Some(list) => Some(owned(list)),
        None => joins.then(Assignment::new),
    };
    let timeout = words
        .duration("rebalance")
        .or(joins.then_some(Duration::from_secs(60)));
    ConsumerGroupHeartbeat {
        group: words.group(),
        member: words.member(),
        requires_member_id: words.number("v").unwrap_or(1) >= 1,
        member_epoch,
        instance: words.instance(),
        rack: words.text("rack"),
        client: words.client(),
        rebalance_timeout: timeout.filter(|timeout| !timeout.is_zero()),
        subscribed_topics: topics,
        subscribed_regex: words.text("regex"),
        server_assignor: words.text("assignor"),
        owned,
    }
}

/// `t:0,1;u:0`, or nothing.
fn owned(list: &str) -> Assignment {
    let mut owned = Assignment::new();
    for text in list.split(';').filter(|text| !text.is_empty()) {
        let (topic, numbers) = text.split_once(':').unwrap();
        let numbers = numbers
            .split(',')
            .map(|text| PartitionId::new(text.parse().unwrap()));
        owned.insert(topic_id(topic), numbers.map(Result::unwrap).collect());
    }
    owned
}

fn leaving(words: &Words<'_>) -> Vec<LeavingMember> {
    let mut leaving: Vec<LeavingMember> = words
        .list("members")
        .into_iter()
        .map(|text| LeavingMember {
            member: Some(member(text)),
            instance: None,
        })
        .collect();
    let (one, instance) = (words.member(), words.instance());
    if leaving.is_empty() || one.is_some() || instance.is_some() {
        leaving.push(LeavingMember {
            member: one,
            instance,
        });
    }
    leaving
}

fn commit(words: &Words<'_>) -> CommitOffsets {
    let offset = |text: &str| {
        let (of, at) = text.split_once(':').unwrap();
        OffsetToCommit {
            partition: partition(of),
            topic_id: None,
            offset: Offset::new(at.parse().unwrap()).unwrap(),
            leader_epoch: words
                .number("leader-epoch")
                .and_then(LeaderEpoch::from_wire),
            metadata: words.text("metadata").unwrap_or_else(|| Arc::from("")),
            timestamp: None,
        }
    };
    CommitOffsets {
        group: words.group(),
        member: words.member(),
        instance: words.instance(),
        generation_or_epoch: words.number("gen").filter(|number| *number >= 0),
        knows_consumer_groups: words.number("v").unwrap_or(9) >= 9,
        retention: words.duration("retention"),
        offsets: words.list("offsets").into_iter().map(offset).collect(),
    }
}

/// `name(topic+topic)` is a consumer's subscription, `name:text` anything else.
fn protocol(text: &str) -> Protocol {
    let (name, metadata) = if let Some((name, metadata)) = text.split_once(':') {
        (name, Bytes::copy_from_slice(metadata.as_bytes()))
    } else {
        let (name, topics) = text.trim_end_matches(')').split_once('(').unwrap();
        (name, subscription(topics))
    };
    Protocol {
        name: Arc::from(name),
        metadata,
    }
}

fn subscription(topics: &str) -> Bytes {
    let topics: Vec<&str> = topics
        .split('+')
        .filter(|topic| !topic.is_empty())
        .collect();
    let mut bytes = vec![0, 0];
    bytes.extend((topics.len() as i32).to_be_bytes());
    for topic in topics {
        bytes.extend((topic.len() as i16).to_be_bytes());
        bytes.extend(topic.as_bytes());
    }
    bytes.extend((-1_i32).to_be_bytes());
    Bytes::from(bytes)
}

fn assignment(text: &str) -> (MemberId, Bytes) {
    let (of, assignment) = text.split_once(':').unwrap();
    (member(of), Bytes::copy_from_slice(assignment.as_bytes()))
}

/// `c#1` is the first id that was made up, for the client `c`.
fn member(text: &str) -> MemberId {
    match text.split_once('#') {
        Some((client, number)) => {
            let number: u64 = number.parse().unwrap();
            let bits = u128::from((number * 2 - 1) / 2) << 64 | u128::from(number);
            let uuid = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
            MemberId::new(&format!("{client}-{uuid}"))
        }
        None => MemberId::new(text),
    }
}

fn partition(text: &str) -> TopicPartition {
    let (topic, number) = text.rsplit_once('-').unwrap();
    let number = PartitionId::new(number.parse().unwrap()).unwrap();
    TopicPartition::new(TopicName::new(topic).unwrap(), number)
}

/// Topics as `name:partitions`, or `name@version:partitions` for one that was created anew.
fn image(topics: &[&str]) -> Arc<MetadataImage> {
    let mut image = MetadataImage::default();
    for text in topics {
        let (named, partitions) = text.split_once(':').unwrap();
        let name = TopicName::new(named.split('@').next().unwrap()).unwrap();
        let id = topic_id(named);
        image.apply(&Record::TopicCreated { name, id });
        for number in 0..partitions.parse().unwrap() {
            image.apply(&Record::PartitionSet {
                topic: id,
                partition: PartitionId::new(number).unwrap(),
                replicas: vec![BrokerId::new(1).unwrap()],
                in_sync_replicas: vec![BrokerId::new(1).unwrap()],
                leader: BrokerId::from_wire(1),
                leader_epoch: LeaderEpoch::ZERO,
                partition_epoch: 0,
            });
        }
    }
    Arc::new(image)
}

/// The id of a topic is its name, so that it can be shown.
pub(super) fn topic_id(name: &str) -> TopicId {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    TopicId::new(Uuid::from_bytes(bytes)).unwrap()
}

fn duration(text: &str) -> Duration {
    let split = text.find(|symbol: char| !symbol.is_ascii_digit()).unwrap();
    let number: u64 = text[..split].parse().unwrap();
    match &text[split..] {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number * 60),
        "h" => Duration::from_secs(number * 3600),
        "d" => Duration::from_secs(number * 86_400),
        unit => panic!("no such unit of time: {unit}"),
    }
}
