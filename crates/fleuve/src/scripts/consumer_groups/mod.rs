//! `kafka-consumer-groups`: list, describe and delete groups, and move their offsets.
//!
//! Each action is a file beside this one; here are the options and which may stand together.

mod delete;
mod describe;
mod list;
mod reset;

use fleuve_client::{Admin, ClientError};
use fleuve_model::{PartitionId, TopicName, TopicPartition};

use super::connect::{self, client_config};
use super::grammar::{Argument, Given, Grammar, OptionSpec, long, switch, text};
use super::script::{Console, Failure, Running, Script, exclude, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-consumer-groups",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool helps to list all consumer groups, describe a consumer group, delete consumer \
              group info, or reset consumer group offsets.",
    options: &[
        connect::BOOTSTRAP_SERVER,
        connect::BROKER_LIST,
        connect::ZOOKEEPER,
        connect::COMMAND_CONFIG,
        switch("list", "List the groups."),
        switch(
            "describe",
            "Show the offsets of groups, or with an option their members or state.",
        ),
        switch("delete", "Delete groups that have no members."),
        switch(
            "reset-offsets",
            "Move the offsets of a group that has no members.",
        ),
        switch(
            "delete-offsets",
            "Forget the offsets of a group for topics.",
        ),
        text("group", "consumer group", "The group; may be repeated."),
        switch("all-groups", "All groups."),
        text(
            "topic",
            "topic",
            "A topic, or topic:0,1 for some of its partitions; may be repeated.",
        ),
        switch("all-topics", "All topics that the group has offsets of."),
        switch(
            "offsets",
            "With --describe: the offsets, as without an option.",
        ),
        switch("members", "With --describe: the members."),
        switch("verbose", "With --members: what each member is assigned."),
        OptionSpec {
            name: "state",
            argument: Argument::Optional("state"),
            description: "With --describe: the state. With --list: the states, or only groups of these.",
        },
        OptionSpec {
            name: "type",
            argument: Argument::Optional("type"),
            description: "With --list: the types, or only groups of these.",
        },
        long(
            "timeout",
            "timeout (ms)",
            "How long to wait for the brokers. Default: 5000.",
        ),
        switch(
            "dry-run",
            "With --reset-offsets: only show the new offsets.",
        ),
        switch("execute", "With --reset-offsets: do it."),
        switch(
            "export",
            "With --reset-offsets: show the new offsets as CSV.",
        ),
        long("to-offset", "offset", "The new offset."),
        text(
            "from-file",
            "path to CSV file",
            "New offsets from a file, as --export shows them.",
        ),
        text(
            "to-datetime",
            "datetime",
            "The first offset since YYYY-MM-DDTHH:mm:SS.sss.",
        ),
        text(
            "by-duration",
            "duration",
            "The first offset since so long ago: PnDTnHnMnS.",
        ),
        switch("to-earliest", "The first offset."),
        switch("to-latest", "The end."),
        switch("to-current", "The offset that is committed."),
        long(
            "shift-by",
            "number-of-offsets",
            "The committed offset so many further, or back.",
        ),
    ],
};

const ACTIONS: [&str; 5] = [
    "list",
    "describe",
    "delete",
    "reset-offsets",
    "delete-offsets",
];

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    if given.present(&ACTIONS).len() != 1 {
        return Err(Failure::Usage(
            "Command must include exactly one action: --list, --describe, --delete, \
             --reset-offsets, --delete-offsets"
                .to_owned(),
        ));
    }
    let Some(config) = client_config(given, console)? else {
        return require(given, &["bootstrap-server"]);
    };
    check(given)?;
    let timeout = given.long("timeout").unwrap_or(5_000);
    let config = config.set_default("default.api.timeout.ms", timeout.to_string());
    let admin = Admin::new(&config)?;
    let done = match given.present(&ACTIONS)[0] {
        "list" => list::run(&admin, given, console).await,
        "describe" => describe::run(&admin, given, console).await,
        "delete" => delete::groups(&admin, given, console).await,
        "delete-offsets" => delete::offsets(&admin, given, console).await,
        _ => reset::run(&admin, given, console).await,
    };
    admin.close();
    match done {
        Err(Failure::Errors(message)) => say(&message, console),
        other => other,
    }
}

/// Errors of the cluster go to standard output after an empty line, and the script ends with 0, as
/// Kafka's does.
fn say(message: &str, console: &mut Console<'_>) -> Result<(), Failure> {
    Ok(writeln!(
        console.output,
        "\nError: Executing consumer group command failed due to {message}"
    )?)
}

fn check(given: &Given) -> Result<(), Failure> {
    let has_groups = given.has("group") || given.has("all-groups");
    for action in ["describe", "delete", "reset-offsets"] {
        if given.has(action) && !has_groups {
            return Err(Failure::Usage(format!(
                "Option [{action}] takes one of these options: [all-groups], [group]"
            )));
        }
    }
    if given.has("describe") && given.present(&["members", "offsets", "state"]).len() > 1 {
        return Err(Failure::Usage(
            "Option [describe] takes at most one of these options: [members], [offsets], [state]"
                .to_owned(),
        ));
    }
    if given.has("delete-offsets") && !(given.has("group") && given.has("topic")) {
        return Err(Failure::Usage(
            "Option [delete-offsets] takes the following options: [group], [topic]".to_owned(),
        ));
    }
    exclude(given, "dry-run", &["execute"])?;
    exclude(given, "group", &["all-groups"])?;
    for option in ["members", "offsets", "verbose"] {
        exclude(
            given,
            option,
            &["list", "delete", "reset-offsets", "delete-offsets"],
        )?;
    }
    Ok(())
}

/// The groups that were named, or all of them.
async fn groups(admin: &Admin, given: &Given) -> Result<Vec<String>, Failure> {
    if given.has("all-groups") {
        return list::names(admin).await;
    }
    Ok(given.values("group").to_vec())
}

/// The partitions of `--topic t` and `--topic t:0,1`.
async fn partitions_of_topics(
    admin: &Admin,
    given: &Given,
) -> Result<Vec<TopicPartition>, Failure> {
    let mut found = Vec::new();
    for argument in given.values("topic") {
        found.extend(partitions_of_topic(admin, argument).await??);
    }
    Ok(found)
}

/// The partitions of `t` or `t:0,1`; the inner error is the cluster's, of this topic.
async fn partitions_of_topic(
    admin: &Admin,
    argument: &str,
) -> Result<Result<Vec<TopicPartition>, ClientError>, Failure> {
    let (name, numbers) = argument.split_once(':').unwrap_or((argument, ""));
    let topic = TopicName::new(name).map_err(|error| Failure::Errors(error.to_string()))?;
    if numbers.is_empty() {
        return Ok(all_partitions(admin, &topic).await?);
    }
    let partition = |number: &str| {
        let id = number
            .trim()
            .parse()
            .ok()
            .and_then(|id| PartitionId::new(id).ok());
        let id = id.ok_or_else(|| {
            Failure::Usage(format!(
                "Invalid partition '{number}' specified in topic arg '{argument}''"
            ))
        })?;
        Ok(TopicPartition::new(topic.clone(), id))
    };
    let partitions: Result<Vec<_>, Failure> = numbers.split(',').map(partition).collect();
    Ok(Ok(partitions?))
}

async fn all_partitions(
    admin: &Admin,
    topic: &TopicName,
) -> Result<Result<Vec<TopicPartition>, ClientError>, ClientError> {
    let names = [topic.as_str().to_owned()];
    let mut described = admin.describe_topics(&names).await?;
    let Some(description) = described.remove(topic.as_str()) else {
        return Ok(Ok(Vec::new()));
    };
    Ok(description.map(|description| {
        let partitions = description.topic.partitions.iter();
        partitions
            .map(|p| TopicPartition::new(topic.clone(), p.id))
            .collect()
    }))
}
