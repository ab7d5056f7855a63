//! Which cluster a script talks to, and with which settings.
//!
//! `--bootstrap-server` is today's name; `--zookeeper` and `--broker-list` are those of old
//! courses, taken with a warning. Start at [`client_config`].

use std::collections::BTreeMap;
use std::path::Path;

use fleuve_broker::config::{Properties, ReadPropertiesError};
use fleuve_client::Config;

use super::grammar::{Given, OptionSpec, text};
use super::script::{Console, Failure};

/// The options that name the cluster. A script lists them among its own.
pub(super) const BOOTSTRAP_SERVER: OptionSpec = text(
    "bootstrap-server",
    "server to connect to",
    "REQUIRED: The broker to ask first, as host:port; several are separated by commas.",
);
pub(super) const BROKER_LIST: OptionSpec = text(
    "broker-list",
    "broker-list",
    "DEPRECATED, use --bootstrap-server: The broker to ask first.",
);
pub(super) const ZOOKEEPER: OptionSpec = text(
    "zookeeper",
    "urls",
    "DEPRECATED, use --bootstrap-server: There is no ZooKeeper; the broker on the same host is \
     asked, on port 9092.",
);
pub(super) const COMMAND_CONFIG: OptionSpec = text(
    "command-config",
    "config property file",
    "A properties file with settings of the client.",
);

/// The port of a broker, where only a host is known.
const PORT_DEFAULT: u16 = 9092;

/// The client's settings: the file of `--command-config`, then the cluster that was named.
///
/// `None` if no cluster was named; each script has its own words for that.
pub(super) fn client_config(
    given: &Given,
    console: &mut Console<'_>,
) -> Result<Option<Config>, Failure> {
    let Some(servers) = bootstrap_servers(given, console)? else {
        return Ok(None);
    };
    let file = given
        .value("command-config")
        .map(properties_file)
        .transpose()?;
    let config: Config = file.unwrap_or_default().into_iter().collect();
    Ok(Some(config.set("bootstrap.servers", servers)))
}

/// The brokers that were named, under today's option or an old one.
pub(super) fn bootstrap_servers(
    given: &Given,
    console: &mut Console<'_>,
) -> Result<Option<String>, Failure> {
    if let Some(servers) = given.value("bootstrap-server") {
        return Ok(Some(servers.to_owned()));
    }
    if let Some(servers) = given.value("broker-list") {
        warn(console, "--broker-list", servers)?;
        return Ok(Some(servers.to_owned()));
    }
    if let Some(urls) = given.value("zookeeper") {
        let servers = brokers_beside(urls);
        warn(console, "--zookeeper", &servers)?;
        return Ok(Some(servers));
    }
    Ok(None)
}

fn warn(console: &mut Console<'_>, old: &str, servers: &str) -> Result<(), Failure> {
    writeln!(
        console.errors,
        "Warning: {old} is deprecated; using --bootstrap-server {servers}"
    )?;
    Ok(())
}

/// The brokers on ZooKeeper's hosts: `a:2181,b:2181/chroot` becomes `a:9092,b:9092`.
fn brokers_beside(urls: &str) -> String {
    let hosts = urls.split('/').next().unwrap_or_default();
    let broker = |url: &str| {
        let host = url.rsplit_once(':').map_or(url, |(host, _)| host);
        format!("{host}:{PORT_DEFAULT}")
    };
    hosts.split(',').map(broker).collect::<Vec<_>>().join(",")
}

/// Reads a properties file.
pub(super) fn properties_file(path: &str) -> Result<BTreeMap<String, String>, Failure> {
    Ok(properties_of(path)?
        .iter()
        .map(|(key, property)| (key.to_owned(), property.value.clone()))
        .collect())
}

/// The same with where each stands.
pub(super) fn properties_of(path: &str) -> Result<Properties, Failure> {
    Properties::read(Path::new(path)).map_err(|error| match error {
        ReadPropertiesError::Unreadable { reason, .. } => {
            Failure::Errors(format!("cannot read {path}: {reason}"))
        }
        malformed => Failure::Errors(malformed.to_string()),
    })
}

/// `key=value` arguments of options like `--producer-property`; a key alone has an empty value.
pub(super) fn pairs(arguments: &[String]) -> BTreeMap<String, String> {
    let pair = |argument: &String| match argument.split_once('=') {
        Some((key, value)) => (key.to_owned(), value.to_owned()),
        None => (argument.clone(), String::new()),
    };
    arguments.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zookeepers_hosts_are_where_the_brokers_are() {
        assert_eq!(brokers_beside("localhost:2181"), "localhost:9092");
        assert_eq!(brokers_beside("a:2181,b:2181/kafka"), "a:9092,b:9092");
        assert_eq!(brokers_beside("a"), "a:9092");
    }

    #[test]
    fn values_may_hold_equals_signs() {
        let pairs = pairs(&["a=b=c".to_owned(), "alone".to_owned()]);
        assert_eq!(pairs["a"], "b=c");
        assert_eq!(pairs["alone"], "");
    }
}
