//! `fleuve config`: the configs of topics, brokers and groups.

mod change;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use fleuve_broker::config::did_you_mean;
use fleuve_client::Admin;
use fleuve_client::admin::{ConfigEntry, ConfigResource, ConfigResourceType};

use super::cluster::{self, ClusterOptions, OutputOptions};
use super::terminal::Problem;

pub(super) use change::change;

#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArguments {
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Lists the configs that were set, or all of them.
    #[command(visible_alias = "ls")]
    List(show::ListArguments),
    /// Prints the value of configs.
    Get(show::GetArguments),
    /// Sets configs.
    Set(change::SetArguments),
    /// Takes configs back to their defaults.
    Unset(change::UnsetArguments),
}

/// What has configs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Topic,
    Broker,
    Group,
}

/// One thing that has configs.
#[derive(Clone, Debug, Args)]
pub(crate) struct Entity {
    /// What has the configs.
    #[arg(value_enum)]
    kind: Kind,
    /// Its name; of a broker its id, or `default` for all brokers.
    name: String,
}

pub(crate) fn run(arguments: ConfigArguments) -> anyhow::Result<ExitCode> {
    let ConfigArguments {
        cluster,
        output,
        action,
    } = arguments;
    cluster::run(output.output, async |mut terminal| {
        let admin = cluster.admin().await?;
        let terminal = &mut terminal;
        match action {
            Action::List(arguments) => show::list(&admin, &arguments, terminal).await,
            Action::Get(arguments) => show::get(&admin, &arguments, terminal).await,
            Action::Set(arguments) => change::set(&admin, &arguments, terminal).await,
            Action::Unset(arguments) => change::unset(&admin, &arguments, terminal).await,
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Topic => "topic",
            Kind::Broker => "broker",
            Kind::Group => "group",
        }
    }
}

impl Entity {
    fn title(&self) -> String {
        match (self.kind, self.name.as_str()) {
            (Kind::Broker, "default") => "all brokers".to_owned(),
            (kind, name) => format!("{} {name}", kind.name()),
        }
    }

    /// The entity as the brokers know it.
    ///
    /// # Errors
    /// A topic or broker of this name is not there.
    async fn resource(&self, admin: &Admin) -> Result<ConfigResource, Problem> {
        let (kind, name) = match self.kind {
            Kind::Topic => {
                super::topic::named(admin, std::slice::from_ref(&self.name)).await?;
                (ConfigResourceType::Topic, self.name.as_str())
            }
            Kind::Group => (ConfigResourceType::Group, self.name.as_str()),
            Kind::Broker if self.name == "default" => (ConfigResourceType::Broker, ""),
            Kind::Broker => {
                let brokers = admin.describe_cluster().await?.brokers;
                let ids: Vec<String> = brokers.iter().map(|b| b.id.to_string()).collect();
                if !ids.contains(&self.name) {
                    return Err(Problem::new(format!("broker {} does not exist", self.name))
                        .because(format!("the cluster has {}", ids.join(", ")))
                        .next("name one of these, or `default` for all brokers"));
                }
                (ConfigResourceType::Broker, self.name.as_str())
            }
        };
        let name = name.to_owned();
        Ok(ConfigResource { kind, name })
    }
}

/// All configs of a resource, by key.
async fn entries(admin: &Admin, resource: &ConfigResource) -> Result<Vec<ConfigEntry>, Problem> {
    let mut described = admin
        .describe_configs(std::slice::from_ref(resource), false)
        .await?;
    let mut entries = described.remove(resource).unwrap_or(Ok(Vec::new()))?;
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

/// There is no such key among `entries`.
fn unknown_key(title: &str, key: &str, entries: &[ConfigEntry]) -> Problem {
    let problem = Problem::new(format!("{title} has no config {key}"));
    let known = entries.iter().map(|entry| entry.name.as_str());
    let problem = match did_you_mean(key, known) {
        Some(near) => problem.next(format!("did you mean {near}?")),
        None => problem,
    };
    problem.next(format!(
        "`fleuve config list {title} --all` shows all of them"
    ))
}
