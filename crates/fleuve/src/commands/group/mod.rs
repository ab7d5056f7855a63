//! `fleuve group`: consumer groups, how far they have read, and where they go on.

mod delete;
mod describe;
mod lag;
mod list;
mod reset;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use fleuve_broker::config::did_you_mean;
use fleuve_client::admin::{GroupDescription, GroupsFilter};
use fleuve_client::{Admin, ClientError};
use fleuve_model::{ErrorCode, PartitionId, TopicPartition};

use super::cluster::{self, ClusterOptions, OutputOptions};
use super::terminal::{Cell, Problem, Style};

#[derive(Clone, Debug, Args)]
pub(crate) struct GroupArguments {
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Lists groups.
    #[command(visible_alias = "ls")]
    List(list::ListArguments),
    /// Shows groups: members, offsets and lag of each partition.
    Describe(describe::DescribeArguments),
    /// Shows how many records groups have still to read.
    Lag(lag::LagArguments),
    /// Sets where a group goes on; without --execute only shows what would be set.
    Reset(reset::ResetArguments),
    /// Deletes groups, or what they have committed for some topics.
    #[command(visible_alias = "rm")]
    Delete(delete::DeleteArguments),
}

pub(crate) fn run(arguments: GroupArguments) -> anyhow::Result<ExitCode> {
    let GroupArguments {
        cluster,
        output,
        action,
    } = arguments;
    cluster::run(output.output, async |mut terminal| {
        let admin = cluster.admin().await?;
        let terminal = &mut terminal;
        match action {
            Action::List(arguments) => list::run(&admin, &arguments, terminal).await,
            Action::Describe(arguments) => describe::run(&admin, &arguments, terminal).await,
            Action::Lag(arguments) => lag::run(&admin, &arguments, terminal).await,
            Action::Reset(arguments) => reset::run(&admin, &arguments, terminal).await,
            Action::Delete(arguments) => delete::run(&admin, &arguments, terminal).await,
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

/// A group; if it is not there, the nearest name that is there is told.
async fn described(admin: &Admin, name: &str) -> Result<GroupDescription, Problem> {
    match admin.describe_group(name).await {
        Ok(group) if group.state == "Dead" => Err(missing(admin, name).await?),
        Ok(group) => Ok(group),
        Err(error) if is_missing(&error) => Err(missing(admin, name).await?),
        Err(error) => Err(error.into()),
    }
}

fn is_missing(error: &ClientError) -> bool {
    error.code() == Some(ErrorCode::GroupIdNotFound)
}

async fn missing(admin: &Admin, name: &str) -> Result<Problem, Problem> {
    let groups = admin.list_groups(&GroupsFilter::default()).await?;
    let near = did_you_mean(name, groups.iter().map(|group| group.id.as_str()));
    Ok(Problem::missing("group", name, near))
}

/// The partitions of `TOPIC` and `TOPIC:0,1`.
async fn partitions(admin: &Admin, topics: &[String]) -> Result<Vec<TopicPartition>, Problem> {
    let mut found = Vec::new();
    for argument in topics {
        let (name, numbers) = argument.split_once(':').unwrap_or((argument, ""));
        let topic = super::topic::named(admin, &[name.to_owned()])
            .await?
            .remove(0);
        let wanted = chosen(argument, numbers)?;
        if let Some(absent) = wanted.iter().find(|id| topic.partition(**id).is_none()) {
            let count = topic.partitions.len();
            return Err(
                Problem::new(format!("topic {name} has no partition {absent}"))
                    .because(format!("it has {count}, the first of which is 0")),
            );
        }
        let meant = topic.partitions.iter().map(|partition| partition.id);
        let meant = meant.filter(|id| wanted.is_empty() || wanted.contains(id));
        found.extend(meant.map(|id| TopicPartition::new(topic.name.clone(), id)));
    }
    Ok(found)
}

/// `0,1` as partitions; none means all.
fn chosen(argument: &str, numbers: &str) -> Result<Vec<PartitionId>, Problem> {
    let numbers = numbers.split(',').map(str::trim).filter(|n| !n.is_empty());
    let id = |number: &str| PartitionId::new(number.parse().ok()?).ok();
    let ids: Option<Vec<PartitionId>> = numbers.map(id).collect();
    ids.ok_or_else(|| {
        Problem::new(format!("{argument} names no partitions"))
            .next("write TOPIC, or TOPIC:0,1 for some of its partitions")
    })
}

/// A group's state, coloured by how well it is.
fn state_cell(state: &str) -> Cell {
    let style = match state {
        "Stable" => Style::Good,
        "Empty" => Style::Dim,
        "Dead" => Style::Bad,
        _ => Style::Warning,
    };
    Cell::styled(state, style)
}

/// A lag, coloured if there is any.
fn lag_cell(lag: Option<i64>) -> Cell {
    match lag {
        Some(0) => Cell::styled(0, Style::Good),
        Some(lag) => Cell::styled(lag, Style::Warning),
        None => Cell::styled("-", Style::Dim),
    }
}
