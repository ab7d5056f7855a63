//! `kafka-broker-api-versions`: which versions of which APIs each broker has.

use fleuve_client::Admin;
use fleuve_client::admin::{BrokerDescription, OfferedApi};

use super::connect::{self, client_config};
use super::grammar::{Given, Grammar};
use super::script::{Console, Failure, Running, Script, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-broker-api-versions",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool helps to retrieve broker version information.",
    options: &[connect::BOOTSTRAP_SERVER, connect::COMMAND_CONFIG],
};

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    let Some(config) = client_config(given, console)? else {
        return require(given, &["bootstrap-server"]);
    };
    let admin = Admin::new(&config)?;
    let all = admin.api_versions().await?;
    admin.close();
    for (broker, mut apis) in all {
        apis.sort_by_key(|api| api.key);
        writeln!(console.output, "{} -> (", heading(&broker))?;
        for (index, api) in apis.iter().enumerate() {
            let comma = if index + 1 < apis.len() { "," } else { "" };
            writeln!(console.output, "\t{}{comma}", line(api))?;
        }
        writeln!(console.output, ")")?;
    }
    Ok(())
}

/// `Fetch(1): 4 to 18 [usable: 18]`.
fn line(api: &OfferedApi) -> String {
    let name = api.name.map_or_else(
        || format!("UNKNOWN({})", api.key),
        |name| format!("{name}({})", api.key),
    );
    let range = if api.version_min == api.version_max {
        api.version_min.to_string()
    } else {
        format!("{} to {}", api.version_min, api.version_max)
    };
    let usable = api
        .version_used
        .map_or("UNSUPPORTED".to_owned(), |version| version.to_string());
    format!("{name}: {range} [usable: {usable}]")
}

fn heading(broker: &BrokerDescription) -> String {
    let rack = broker.rack.as_deref().unwrap_or("null");
    let fenced = broker.is_fenced;
    format!(
        "{}:{} (id: {} rack: {rack} isFenced: {fenced})",
        broker.host, broker.port, broker.id
    )
}
