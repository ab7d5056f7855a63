//! `fleuve topic delete`.

use clap::Args;
use fleuve_client::Admin;
use fleuve_client::admin::TopicChoice;
use serde_json::{Value, json};

use crate::commands::terminal::{Block, Problem, Report, Terminal, thousands};
use crate::tasks::topic_facts;

#[derive(Clone, Debug, Args)]
pub(crate) struct DeleteArguments {
    /// The topics to delete.
    #[arg(required = true, value_name = "TOPIC")]
    names: Vec<String>,
    /// Leave out topics that do not exist.
    #[arg(long)]
    if_exists: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn run(
    admin: &Admin,
    arguments: &DeleteArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let mut names = arguments.names.clone();
    if arguments.if_exists {
        let all = admin.list_topics().await?;
        names.retain(|name| all.keys().any(|known| known.as_str() == name));
    }
    let topics = super::named(admin, &names).await?;
    let facts = topic_facts::of_topics(admin, topics).await?;
    for facts in facts.iter().filter(|_| !arguments.yes) {
        let records = facts.records().map_or("all".to_owned(), thousands);
        let question = format!(
            "Delete topic {} with its {records} records?",
            facts.topic.name
        );
        if !terminal.confirm(&question)? {
            return Err(Problem::new("nothing was deleted"));
        }
    }
    let choices: Vec<_> = names.into_iter().map(TopicChoice::Name).collect();
    let (mut blocks, mut values, mut failed) = (Vec::new(), Vec::new(), None);
    if !choices.is_empty() {
        for (choice, result) in admin.delete_topics(&choices).await? {
            match (choice, result) {
                (TopicChoice::Name(name), Ok(())) => {
                    blocks.push(Block::Line(format!("Deleted topic {name}.")));
                    values.push(json!({ "name": name, "deleted": true }));
                }
                (_, Err(error)) => failed = Some(error),
                (TopicChoice::Id(_), Ok(())) => {}
            }
        }
    }
    if failed.is_none() || !blocks.is_empty() {
        let value = Value::Array(values);
        terminal.show(&Report { value, blocks })?;
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}
