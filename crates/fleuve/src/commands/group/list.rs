//! `fleuve group list`.

use clap::Args;
use fleuve_client::Admin;
use fleuve_client::admin::{GroupListing, GroupsFilter};
use serde_json::{Value, json};

use super::state_cell;
use crate::commands::terminal::{Align, Cell, Problem, Report, Style, Table, Terminal};

#[derive(Clone, Debug, Args)]
pub(crate) struct ListArguments {
    /// Only groups whose names contain this.
    #[arg(value_name = "TEXT")]
    part: Option<String>,
    /// Only groups in this state, such as Stable or Empty; may be repeated.
    #[arg(long, value_name = "STATE")]
    state: Vec<String>,
}

pub(super) async fn run(
    admin: &Admin,
    arguments: &ListArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let mut groups = admin.list_groups(&GroupsFilter::default()).await?;
    let is_wanted = |group: &GroupListing| {
        let state = group.state.as_deref().unwrap_or_default();
        let has_state = |wanted: &String| wanted.eq_ignore_ascii_case(state);
        let part = arguments.part.as_deref().unwrap_or_default();
        group.id.contains(part)
            && (arguments.state.is_empty() || arguments.state.iter().any(has_state))
    };
    groups.retain(is_wanted);
    groups.sort_by(|one, other| one.id.cmp(&other.id));
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("STATE", Align::Left),
        ("TYPE", Align::Left),
        ("PROTOCOL", Align::Left),
    ]);
    for group in &groups {
        let protocol = Some(&group.protocol_type).filter(|protocol| !protocol.is_empty());
        table.row(vec![
            Cell::styled(&group.id, Style::Name),
            state_cell(group.state.as_deref().unwrap_or("Unknown")),
            Cell::optional(group.kind.as_ref()),
            Cell::optional(protocol),
        ]);
    }
    let empty = match arguments.part.is_some() || !arguments.state.is_empty() {
        true => "No group is as asked for.",
        false => "There are no groups. `fleuve consume TOPIC --group NAME` makes one.",
    };
    let value = groups.iter().map(value).collect();
    Ok(terminal.show(&Report::table(table, empty, value))?)
}

fn value(group: &GroupListing) -> Value {
    json!({
        "name": group.id,
        "state": group.state,
        "type": group.kind,
        "protocol": group.protocol_type,
    })
}
