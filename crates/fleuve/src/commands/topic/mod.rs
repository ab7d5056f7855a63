//! `fleuve topic`: topics, made, shown, changed and deleted.

mod add_partitions;
mod alter;
mod create;
mod delete;
mod describe;
mod list;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use fleuve_broker::config::did_you_mean;
use fleuve_client::Admin;
use fleuve_client::metadata::Topic;

use super::cluster::{self, ClusterOptions, OutputOptions};
use super::terminal::Problem;

#[derive(Clone, Debug, Args)]
pub(crate) struct TopicArguments {
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Lists topics.
    #[command(visible_alias = "ls")]
    List(list::ListArguments),
    /// Creates topics.
    Create(create::CreateArguments),
    /// Shows topics with their partitions, sizes and configs.
    Describe(describe::DescribeArguments),
    /// Deletes topics with all their records.
    #[command(visible_alias = "rm")]
    Delete(delete::DeleteArguments),
    /// Changes a topic's configs or the number of its partitions.
    Alter(alter::AlterArguments),
    /// Gives a topic more partitions.
    AddPartitions(add_partitions::AddPartitionsArguments),
}

pub(crate) fn run(arguments: TopicArguments) -> anyhow::Result<ExitCode> {
    let TopicArguments {
        cluster,
        output,
        action,
    } = arguments;
    cluster::run(output.output, async |mut terminal| {
        let admin = cluster.admin().await?;
        let terminal = &mut terminal;
        match action {
            Action::List(arguments) => list::run(&admin, &arguments, terminal).await,
            Action::Create(arguments) => create::run(&admin, &arguments, terminal).await,
            Action::Describe(arguments) => describe::run(&admin, &arguments, terminal).await,
            Action::Delete(arguments) => delete::run(&admin, &arguments, terminal).await,
            Action::Alter(arguments) => alter::run(&admin, &arguments, terminal).await,
            Action::AddPartitions(arguments) => {
                add_partitions::run(&admin, &arguments, terminal).await
            }
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The topics of these names, in their order.
///
/// # Errors
/// One is not there; the nearest name that is there is told.
pub(crate) async fn named(admin: &Admin, names: &[String]) -> Result<Vec<Topic>, Problem> {
    let all = admin.list_topics().await?;
    let find = |name: &String| {
        let found = all.values().find(|topic| topic.name.as_str() == name);
        found.cloned().ok_or_else(|| {
            let known = all.keys().map(|known| known.as_str());
            Problem::missing("topic", name, did_you_mean(name, known))
        })
    };
    names.iter().map(find).collect()
}

/// `KEY=VALUE`, as `--config` takes it.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write KEY=VALUE, such as retention.ms=60000".to_owned()),
    }
}
