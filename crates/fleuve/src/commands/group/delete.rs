//! `fleuve group delete`.

use clap::Args;
use fleuve_client::Admin;
use serde_json::{Value, json};

use crate::commands::terminal::{Block, Problem, Report, Terminal};

#[derive(Clone, Debug, Args)]
pub(crate) struct DeleteArguments {
    /// The groups to delete.
    #[arg(required = true, value_name = "GROUP")]
    names: Vec<String>,
    /// Forget only what the groups have committed for this topic, or TOPIC:0,1 for some of its
    /// partitions; may be repeated.
    #[arg(long, short, value_name = "TOPIC")]
    topic: Vec<String>,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn run(
    admin: &Admin,
    arguments: &DeleteArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    for name in &arguments.names {
        super::described(admin, name).await?;
        let what = match arguments.topic.as_slice() {
            [] => "Delete group".to_owned(),
            topics => format!("Forget the offsets of {} of group", topics.join(", ")),
        };
        if !arguments.yes && !terminal.confirm(&format!("{what} {name}?"))? {
            return Err(Problem::new("nothing was deleted"));
        }
    }
    if arguments.topic.is_empty() {
        groups(admin, &arguments.names, terminal).await
    } else {
        offsets(admin, arguments, terminal).await
    }
}

async fn groups(admin: &Admin, names: &[String], terminal: &mut Terminal) -> Result<(), Problem> {
    let (mut blocks, mut values, mut failed) = (Vec::new(), Vec::new(), None);
    for (name, result) in admin.delete_groups(names).await {
        match result {
            Ok(()) => {
                blocks.push(Block::Line(format!("Deleted group {name}.")));
                values.push(json!({ "name": name, "deleted": true }));
            }
            Err(error) => failed = Some(error),
        }
    }
    if !blocks.is_empty() {
        let value = Value::Array(values);
        terminal.show(&Report { value, blocks })?;
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

async fn offsets(
    admin: &Admin,
    arguments: &DeleteArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let partitions = super::partitions(admin, &arguments.topic).await?;
    let (mut blocks, mut values) = (Vec::new(), Vec::new());
    for name in &arguments.names {
        for result in admin
            .delete_group_offsets(name, &partitions)
            .await?
            .into_values()
        {
            result?;
        }
        let topics = arguments.topic.join(", ");
        let line = format!("Group {name} has forgotten its offsets of {topics}.");
        blocks.push(Block::Line(line));
        values.push(json!({ "name": name, "forgotten": arguments.topic }));
    }
    let value = Value::Array(values);
    Ok(terminal.show(&Report { value, blocks })?)
}
