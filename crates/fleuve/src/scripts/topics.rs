//! `kafka-topics`: create, list, describe, alter and delete topics.

use std::collections::BTreeMap;

use fleuve_client::admin::{
    Admin, ConfigEntry, ConfigResource, ConfigSource, NewPartitions, NewTopic, TopicChoice,
    TopicDescription,
};
use fleuve_client::metadata::{Partition, Topic};
use fleuve_model::{BrokerId, ErrorCode, TopicId};

use super::connect::{self, client_config};
use super::grammar::{Given, Grammar, integer, switch, text};
use super::include_list::IncludeList;
use super::script::{Console, Failure, Running, Script, exclude, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-topics",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "Create, delete, describe, or change a topic.",
    options: &[
        connect::BOOTSTRAP_SERVER,
        connect::BROKER_LIST,
        connect::ZOOKEEPER,
        connect::COMMAND_CONFIG,
        switch(
            "alter",
            "Add partitions. (For a topic's configs there is kafka-configs.)",
        ),
        switch("create", "Create a topic."),
        switch("delete", "Delete topics."),
        switch("describe", "Show the details of topics."),
        switch("list", "List the names of all topics."),
        switch(
            "at-min-isr-partitions",
            "Describe only partitions with just min.insync.replicas.",
        ),
        text(
            "config",
            "name=value",
            "With --create: a config of the topic; may be repeated.",
        ),
        switch(
            "exclude-internal",
            "Leave internal topics out of a list or description.",
        ),
        switch("if-exists", "Do nothing about topics that do not exist."),
        switch(
            "if-not-exists",
            "With --create: do nothing if the topic exists.",
        ),
        integer(
            "partition-size-limit-per-response",
            "partitions",
            "The most partitions that the broker describes in one response.",
        ),
        integer(
            "partitions",
            "# of partitions",
            "How many partitions the topic is to have.",
        ),
        text(
            "replica-assignment",
            "broker:broker,...",
            "Which brokers hold each partition: partitions apart by commas, brokers by colons.",
        ),
        integer(
            "replication-factor",
            "factor",
            "How many brokers hold each partition.",
        ),
        text(
            "topic",
            "topic",
            "The topic; but for --create also a regular expression.",
        ),
        text(
            "topic-id",
            "topic-id",
            "With --describe: the topic of this id.",
        ),
        switch(
            "topics-with-overrides",
            "Describe only topics with configs of their own.",
        ),
        switch(
            "unavailable-partitions",
            "Describe only partitions without a live leader.",
        ),
        switch(
            "under-min-isr-partitions",
            "Describe only those below min.insync.replicas.",
        ),
        switch(
            "under-replicated-partitions",
            "Describe only those with a replica out of sync.",
        ),
    ],
};

const ACTIONS: [&str; 5] = ["alter", "create", "describe", "list", "delete"];

/// The options that narrow a description down to some partitions.
const REPORTS: [&str; 4] = [
    "under-replicated-partitions",
    "under-min-isr-partitions",
    "at-min-isr-partitions",
    "unavailable-partitions",
];

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    check(given)?;
    let config = client_config(given, console)?
        .ok_or_else(|| Failure::Errors("--bootstrap-server must be specified".to_owned()))?;
    let admin = Admin::new(&config)?;
    let done = match given.present(&ACTIONS)[0] {
        "create" => create(&admin, given, console).await,
        "alter" => alter(&admin, given).await,
        "list" => list(&admin, given, console).await,
        "describe" => describe(&admin, given, console).await,
        _ => delete(&admin, given).await,
    };
    admin.close();
    done.map_err(in_this_scripts_words)
}

/// This script reports what goes wrong at the broker on standard output.
fn in_this_scripts_words(failure: Failure) -> Failure {
    match failure {
        Failure::Errors(message) => {
            Failure::Output(format!("Error while executing topic command : {message}"))
        }
        other => other,
    }
}

fn check(given: &Given) -> Result<(), Failure> {
    if given.present(&ACTIONS).len() != 1 {
        return Err(Failure::Usage(
            "Command must include exactly one action: \
             --list, --describe, --create, --alter or --delete"
                .to_owned(),
        ));
    }
    if !given.has("list") && !given.has("describe") {
        require(given, &["topic"])?;
    }
    if given.has("describe") && given.has("if-exists") && !given.has("topic-id") {
        require(given, &["topic"])?;
    }
    if given.has("alter") {
        require(given, &["partitions"])?;
    }
    let allowed_with: [(&str, &[&str]); 8] = [
        ("config", &["create"]),
        ("partitions", &["alter", "create"]),
        ("replication-factor", &["create"]),
        ("replica-assignment", &["alter", "create"]),
        ("topics-with-overrides", &["describe"]),
        ("if-exists", &["alter", "delete", "describe"]),
        ("if-not-exists", &["create"]),
        ("exclude-internal", &["list", "describe"]),
    ];
    for (option, actions) in allowed_with {
        let others: Vec<_> = ACTIONS
            .iter()
            .copied()
            .filter(|a| !actions.contains(a))
            .collect();
        exclude(given, option, &others)?;
    }
    for report in REPORTS {
        exclude(
            given,
            report,
            &["alter", "create", "list", "delete", "topics-with-overrides"],
        )?;
    }
    if given.has("create") {
        exclude(
            given,
            "replica-assignment",
            &["partitions", "replication-factor"],
        )?;
    }
    Ok(())
}

async fn create(admin: &Admin, given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    let name = given.value("topic").unwrap_or_default();
    let topic = new_topic(name, given)?;
    if name.contains(['.', '_']) {
        writeln!(
            console.output,
            "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore \
             ('_') could collide. To avoid issues it is best to use either, but not both."
        )?;
    }
    let mut results = admin.create_topics(&[topic], false).await?;
    match results.remove(name) {
        Some(Err(error)) if given.has("if-not-exists") => match error.code() {
            Some(ErrorCode::TopicAlreadyExists) => Ok(()),
            _ => Err(error.into()),
        },
        Some(Err(error)) => Err(error.into()),
        _ => Ok(writeln!(console.output, "Created topic {name}.")?),
    }
}

fn new_topic(name: &str, given: &Given) -> Result<NewTopic, Failure> {
    let replication_factor = given.integer("replication-factor");
    if replication_factor.is_some_and(|factor| !(1..=i32::from(i16::MAX)).contains(&factor)) {
        return Err(Failure::Errors(format!(
            "The replication factor must be between 1 and {} inclusive",
            i16::MAX
        )));
    }
    if given
        .integer("partitions")
        .is_some_and(|partitions| partitions < 1)
    {
        return Err(Failure::Errors(
            "The partitions must be greater than 0".to_owned(),
        ));
    }
    let assignments = assignment(given)?;
    Ok(NewTopic {
        name: name.to_owned(),
        partitions: given.integer("partitions"),
        replication_factor: replication_factor.map(|factor| factor as i16),
        assignments: (0..).zip(assignments).collect(),
        configs: topic_configs(given)?,
    })
}

fn topic_configs(given: &Given) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |argument: &String| {
        let (key, value) = argument.split_once('=')?;
        Some((key.trim().to_owned(), value.trim().to_owned()))
    };
    given
        .values("config")
        .iter()
        .map(|argument| {
            pair(argument).ok_or_else(|| {
                Failure::Errors(
                "requirement failed: Invalid topic config: all configs to be added must be in the \
                 format \"key=val\"."
                    .to_owned(),
            )
            })
        })
        .collect()
}

/// `1:2,2:1` as the brokers of each partition.
fn assignment(given: &Given) -> Result<Vec<Vec<i32>>, Failure> {
    let Some(text) = given
        .value("replica-assignment")
        .filter(|text| !text.is_empty())
    else {
        return Ok(Vec::new());
    };
    let mut partitions: Vec<Vec<i32>> = Vec::new();
    for (number, brokers) in text.split(',').enumerate() {
        let brokers = brokers_of(brokers)?;
        if partitions
            .first()
            .is_some_and(|first| first.len() != brokers.len())
        {
            return Err(Failure::Errors(format!(
                "Partition {number} has different replication factor: {brokers:?}"
            )));
        }
        partitions.push(brokers);
    }
    Ok(partitions)
}

fn brokers_of(text: &str) -> Result<Vec<i32>, Failure> {
    let mut brokers = Vec::new();
    for id in text.split(':') {
        let id = id.trim();
        let id = id
            .parse()
            .map_err(|_| Failure::Errors(format!("For input string: \"{id}\"")))?;
        if brokers.contains(&id) {
            return Err(Failure::Errors(format!(
                "Partition replica lists may not contain duplicate entries: {id}"
            )));
        }
        brokers.push(id);
    }
    Ok(brokers)
}

async fn alter(admin: &Admin, given: &Given) -> Result<(), Failure> {
    let names = existing(admin, given).await?;
    let total = given.integer("partitions").unwrap_or_default();
    let assignment = assignment(given)?;
    let mut additions = BTreeMap::new();
    for (name, description) in admin.describe_topics(&names).await? {
        let held = description?.topic.partitions.len();
        let assignments = assignment.iter().skip(held).cloned().collect();
        additions.insert(name, NewPartitions { total, assignments });
    }
    if additions.is_empty() {
        return Ok(());
    }
    for result in admin
        .create_partitions(&additions, false)
        .await?
        .into_values()
    {
        result?;
    }
    Ok(())
}

async fn delete(admin: &Admin, given: &Given) -> Result<(), Failure> {
    let names = existing(admin, given).await?;
    if names.is_empty() {
        return Ok(());
    }
    let choices: Vec<_> = names.into_iter().map(TopicChoice::Name).collect();
    for result in admin.delete_topics(&choices).await?.into_values() {
        result?;
    }
    Ok(())
}

async fn list(admin: &Admin, given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    let topics = chosen(admin, given).await?;
    let names: Vec<_> = topics.iter().map(|topic| topic.name.as_str()).collect();
    Ok(writeln!(console.output, "{}", names.join("\n"))?)
}

/// The topics that `--topic` (a regular expression) and `--exclude-internal` leave, by name.
async fn chosen(admin: &Admin, given: &Given) -> Result<Vec<Topic>, Failure> {
    let pattern = given.value("topic").map(IncludeList::new).transpose()?;
    let wanted = |topic: &Topic| {
        pattern
            .as_ref()
            .is_none_or(|pattern| pattern.includes(topic.name.as_str()))
            && !(given.has("exclude-internal") && topic.is_internal)
    };
    Ok(admin
        .list_topics()
        .await?
        .into_values()
        .filter(wanted)
        .collect())
}

/// The names that `--topic` means; it is an error if there are none, but for `--if-exists`.
async fn existing(admin: &Admin, given: &Given) -> Result<Vec<String>, Failure> {
    let topics = chosen(admin, given).await?;
    if let Some(name) = given.value("topic")
        && topics.is_empty()
        && !given.has("if-exists")
    {
        return Err(Failure::Errors(format!(
            "Topic '{name}' does not exist as expected"
        )));
    }
    Ok(topics
        .into_iter()
        .map(|topic| topic.name.as_str().to_owned())
        .collect())
}

async fn describe(admin: &Admin, given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    let names = match given.value("topic-id") {
        Some(id) => named_by_id(admin, given, id).await?,
        None => existing(admin, given).await?,
    };
    if names.is_empty() {
        return Ok(());
    }
    let descriptions = admin.describe_topics(&names).await?;
    let resources: Vec<_> = names.iter().map(ConfigResource::topic).collect();
    let mut configs = admin.describe_configs(&resources, false).await?;
    let live = admin.describe_cluster().await?.brokers;
    let live: Vec<BrokerId> = live.iter().map(|broker| broker.id).collect();
    for name in &names {
        let Some(description) = descriptions.get(name) else {
            continue;
        };
        let description = description.clone()?;
        let configs = match configs.remove(&ConfigResource::topic(name)) {
            Some(entries) => entries?,
            None => Vec::new(),
        };
        print_topic(given, &description, &configs, &live, console)?;
    }
    Ok(())
}

async fn named_by_id(admin: &Admin, given: &Given, id: &str) -> Result<Vec<String>, Failure> {
    let wanted =
        TopicId::parse(id).ok_or_else(|| Failure::Errors(format!("Illegal topic id: {id}")))?;
    let topics = admin.list_topics().await?;
    let found = topics.values().find(|topic| topic.id == Some(wanted));
    match found {
        Some(topic) => Ok(vec![topic.name.as_str().to_owned()]),
        None if given.has("if-exists") => Ok(Vec::new()),
        None => Err(Failure::Errors(format!(
            "TopicId '{id}' does not exist as expected"
        ))),
    }
}

fn print_topic(
    given: &Given,
    description: &TopicDescription,
    configs: &[ConfigEntry],
    live: &[BrokerId],
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let reports = given.present(&REPORTS);
    let overrides = given.has("topics-with-overrides");
    let own: Vec<_> = configs
        .iter()
        .filter(|c| c.source != ConfigSource::Default)
        .collect();
    if reports.is_empty() && (!overrides || !own.is_empty()) {
        print_heading(&description.topic, &own, console)?;
    }
    if overrides {
        return Ok(());
    }
    let in_sync_min = configs
        .iter()
        .find(|entry| entry.name == "min.insync.replicas");
    let in_sync_min = in_sync_min
        .and_then(|e| e.value.as_deref()?.parse().ok())
        .unwrap_or(1);
    for partition in &description.topic.partitions {
        let reported = reports
            .iter()
            .any(|report| is_so(report, partition, in_sync_min, live));
        if reports.is_empty() || reported {
            print_partition(description, partition, console)?;
        }
    }
    Ok(())
}

/// Whether what `report` asks for is true of the partition.
fn is_so(report: &str, partition: &Partition, in_sync_min: usize, live: &[BrokerId]) -> bool {
    let in_sync = partition.in_sync_replicas.len();
    match report {
        "under-replicated-partitions" => partition.replicas.len() > in_sync,
        "under-min-isr-partitions" => partition.leader.is_none() || in_sync < in_sync_min,
        "at-min-isr-partitions" => in_sync == in_sync_min,
        _ => partition
            .leader
            .is_none_or(|leader| !live.contains(&leader)),
    }
}

fn print_heading(
    topic: &Topic,
    own: &[&ConfigEntry],
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let replication_factor = topic
        .partitions
        .first()
        .map_or(0, |first| first.replicas.len());
    let pair = |entry: &&ConfigEntry| {
        format!(
            "{}={}",
            entry.name,
            entry.value.as_deref().unwrap_or("null")
        )
    };
    let configs: Vec<_> = own.iter().map(pair).collect();
    write!(console.output, "Topic: {}", topic.name)?;
    if let Some(id) = topic.id {
        write!(console.output, "\tTopicId: {id}")?;
    }
    writeln!(
        console.output,
        "\tPartitionCount: {}\tReplicationFactor: {replication_factor}\tConfigs: {}",
        topic.partitions.len(),
        configs.join(",")
    )?;
    Ok(())
}

fn print_partition(
    description: &TopicDescription,
    partition: &Partition,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let leader = partition
        .leader
        .map_or("none".to_owned(), |leader| leader.to_string());
    let eligible = description.eligible_leader_replicas.get(&partition.id);
    let last_known = description
        .last_known_eligible_leader_replicas
        .get(&partition.id);
    writeln!(
        console.output,
        "\tTopic: {}\tPartition: {}\tLeader: {leader}\tReplicas: {}\tIsr: {}\tElr: {}\
         \tLastKnownElr: {}",
        description.topic.name,
        partition.id,
        ids(&partition.replicas),
        ids(&partition.in_sync_replicas),
        eligible.map_or("N/A".to_owned(), |brokers| ids(brokers)),
        last_known.map_or("N/A".to_owned(), |brokers| ids(brokers)),
    )?;
    Ok(())
}

fn ids(brokers: &[BrokerId]) -> String {
    brokers
        .iter()
        .map(BrokerId::to_string)
        .collect::<Vec<_>>()
        .join(",")
}
