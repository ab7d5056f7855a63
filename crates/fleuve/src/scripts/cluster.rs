//! `kafka-cluster`: the cluster's id and its endpoints.

use fleuve_client::Admin;
use fleuve_client::admin::BrokerDescription;

use super::connect::{COMMAND_CONFIG, client_config};
use super::grammar::{Given, Grammar, text};
use super::script::{Console, Failure, Running, Script};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-cluster",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "The Kafka cluster tool. Commands: cluster-id (Get information about the ID of a \
              cluster), list-endpoints (List endpoints), unregister (Unregister a broker).",
    options: &[
        text(
            "bootstrap-server",
            "servers",
            "The broker to ask first, as host:port.",
        ),
        text("config", "file", "DEPRECATED, use --command-config."),
        COMMAND_CONFIG,
    ],
};

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    let command = given.positional().first().map(String::as_str);
    if !matches!(command, Some("cluster-id" | "list-endpoints")) {
        return Err(match command {
            Some("unregister") => Failure::Errors(
                "unregister is not supported yet: a cluster has one broker".to_owned(),
            ),
            _ => Failure::Usage(GRAMMAR.purpose.to_owned()),
        });
    }
    let Some(config) = client_config(given, console)? else {
        let message = "You must specify --bootstrap-server.";
        return Err(Failure::Errors(message.to_owned()));
    };
    let admin = Admin::new(&config)?;
    let description = admin.describe_cluster().await?;
    admin.close();
    if command == Some("list-endpoints") {
        return print_endpoints(&description.brokers, console);
    }
    match description.cluster_id {
        Some(id) => writeln!(console.output, "Cluster ID: {id}")?,
        None => {
            writeln!(
                console.output,
                "No cluster ID found. The Kafka version is probably too old."
            )?;
        }
    }
    Ok(())
}

fn print_endpoints(
    brokers: &[BrokerDescription],
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let host_width = brokers
        .iter()
        .map(|broker| broker.host.len())
        .max()
        .unwrap_or(0)
        .max(10);
    let rack_of = |broker: &BrokerDescription| broker.rack.clone().unwrap_or("null".to_owned());
    let rack_width = brokers
        .iter()
        .map(|broker| rack_of(broker).len())
        .max()
        .unwrap_or(0)
        .max(10);
    writeln!(
        console.output,
        "{:<10} {:<host_width$} {:<10} {:<rack_width$} {:<15}",
        "ID", "HOST", "PORT", "RACK", "ENDPOINT_TYPE"
    )?;
    for broker in brokers {
        let (id, port) = (broker.id.to_string(), broker.port.to_string());
        writeln!(
            console.output,
            "{id:<10} {:<host_width$} {port:<10} {:<rack_width$} {:<15}",
            broker.host,
            rack_of(broker),
            "broker"
        )?;
    }
    Ok(())
}
