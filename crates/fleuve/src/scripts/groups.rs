//! `kafka-groups`: the groups of a cluster, of every kind.

use fleuve_client::Admin;
use fleuve_client::admin::{GroupListing, GroupsFilter};

use super::connect::{self, client_config};
use super::grammar::{Given, Grammar, switch, text};
use super::script::{Console, Failure, Running, Script, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-groups",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool helps to list groups of all types.",
    options: &[
        connect::BOOTSTRAP_SERVER,
        connect::COMMAND_CONFIG,
        switch("list", "List the groups."),
        text(
            "group-type",
            "type",
            "Only groups of this type: classic, consumer, share, streams.",
        ),
        text(
            "protocol",
            "protocol",
            "Only groups of this protocol, such as consumer or connect.",
        ),
        switch(
            "consumer",
            "Only groups of consumers, those that only have offsets too.",
        ),
        switch("share", "Only share groups."),
        switch("streams", "Only streams groups."),
    ],
};

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    let Some(config) = client_config(given, console)? else {
        return require(given, &["bootstrap-server"]);
    };
    if !given.has("list") {
        return Err(Failure::Usage(
            "Command must include exactly one action: --list.".to_owned(),
        ));
    }
    let admin = Admin::new(&config)?;
    let listed = admin.list_groups(&GroupsFilter::default()).await;
    admin.close();
    let groups: Vec<_> = listed?
        .into_iter()
        .filter(|group| is_wanted(given, group))
        .collect();
    print(&groups, console)
}

fn is_wanted(given: &Given, group: &GroupListing) -> bool {
    let kind = group.kind.as_deref().unwrap_or("");
    let is = |wanted: &str| kind.eq_ignore_ascii_case(wanted);
    let speaks_consumer = group.protocol_type == "consumer" || group.protocol_type.is_empty();
    given.value("group-type").is_none_or(is)
        && given
            .value("protocol")
            .is_none_or(|protocol| protocol == group.protocol_type)
        && (!given.has("consumer") || is("consumer") || (is("classic") && speaks_consumer))
        && (!given.has("share") || is("share"))
        && (!given.has("streams") || is("streams"))
}

fn print(groups: &[GroupListing], console: &mut Console<'_>) -> Result<(), Failure> {
    let width = groups
        .iter()
        .map(|group| group.id.len())
        .max()
        .unwrap_or(0)
        .max(15)
        + 10;
    writeln!(
        console.output,
        "{:<width$} {:<20} {:<20}",
        "GROUP", "TYPE", "PROTOCOL"
    )?;
    for group in groups {
        let kind = capitalised(group.kind.as_deref().unwrap_or("Unknown"));
        writeln!(
            console.output,
            "{:<width$} {kind:<20} {:<20}",
            group.id, group.protocol_type
        )?;
    }
    Ok(())
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
