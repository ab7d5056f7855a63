//! `--list`.

use fleuve_client::Admin;
use fleuve_client::admin::{GroupListing, GroupsFilter};

use super::super::grammar::Given;
use super::super::script::{Console, Failure};

pub(super) async fn run(
    admin: &Admin,
    given: &Given,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let words = |option: &str| -> Vec<String> {
        let list = given.value(option).unwrap_or_default();
        list.split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(capitalised)
            .collect()
    };
    let filter = GroupsFilter {
        states: words("state"),
        types: words("type"),
    };
    let groups: Vec<_> = admin
        .list_groups(&filter)
        .await?
        .into_iter()
        .filter(is_of_consumers)
        .collect();
    if !given.has("state") && !given.has("type") {
        for group in groups {
            writeln!(console.output, "{}", group.id)?;
        }
        return Ok(());
    }
    print(&groups, given, console)
}

/// The ids of all groups of consumers.
pub(super) async fn names(admin: &Admin) -> Result<Vec<String>, Failure> {
    let groups = admin.list_groups(&GroupsFilter::default()).await?;
    Ok(groups
        .into_iter()
        .filter(is_of_consumers)
        .map(|group| group.id)
        .collect())
}

/// A group without members may have no protocol: it only has offsets.
fn is_of_consumers(group: &GroupListing) -> bool {
    group.protocol_type == "consumer" || group.protocol_type.is_empty()
}

fn print(groups: &[GroupListing], given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    let width = groups
        .iter()
        .map(|group| group.id.len())
        .max()
        .unwrap_or(0)
        .max(15)
        + 10;
    let line = |id: &str, kind: &str, state: &str| {
        let mut line = format!("{id:<width$}");
        if given.has("type") {
            line += &format!(" {kind:<20}");
        }
        if given.has("state") {
            line += &format!(" {state:<20}");
        }
        line
    };
    writeln!(console.output, "{}", line("GROUP", "TYPE", "STATE"))?;
    for group in groups {
        let kind = capitalised(group.kind.as_deref().unwrap_or("unknown"));
        let state = group.state.as_deref().unwrap_or("Unknown");
        writeln!(console.output, "{}", line(&group.id, &kind, state))?;
    }
    Ok(())
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
