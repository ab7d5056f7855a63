//! Whether a broker is reached at the address that it tells its clients.
//!
//! A client asks the first address only who the brokers are, and then goes where they say they
//! are. It is the most frequent trap of all: everything seems to answer and nothing works.

use std::net::IpAddr;

use fleuve_client::admin::{BrokerDescription, ClusterDescription};
use fleuve_client::{Admin, Config};

use super::address::reach;
use super::{ANSWER_PATIENCE_MS, Finding, PATIENCE_MS, bad, good, warning};

const CHECK: &str = "advertised";

pub(super) async fn check(
    broker: &BrokerDescription,
    cluster: &ClusterDescription,
    asked: &[String],
) -> Finding {
    let id = broker.id;
    let address = written(&broker.host, broker.port);
    let remedy = format!(
        "set advertised.listeners of broker {id} to an address that its clients reach, such as \
         PLAINTEXT://{}",
        suggestion(asked, broker.port)
    );
    let says = format!("broker {id} tells its clients that it is at {address}");
    if is_unspecified(&broker.host) {
        return bad(CHECK, format!("{says}, which is nowhere"), remedy);
    }
    if let Err(trouble) = reach(&address).await {
        return bad(CHECK, format!("{says}: {}", trouble.text()), remedy);
    }
    match cluster_at(&address).await {
        Some(other) if Some(&other) != cluster.cluster_id.as_ref() => {
            return bad(
                CHECK,
                format!("{says}, and another cluster answers there ({other})"),
                remedy,
            );
        }
        None => {
            return bad(
                CHECK,
                format!("{says}, and no broker answers there"),
                remedy,
            );
        }
        Some(_) => {}
    }
    if is_loopback(&broker.host) && !asked.iter().any(|server| is_loopback(host(server))) {
        return warning(
            CHECK,
            format!("{says}, which on any other machine is that machine itself"),
            remedy,
        );
    }
    good(CHECK, format!("broker {id} is reached at {address}"))
}

/// The cluster that answers at an address.
async fn cluster_at(address: &str) -> Option<String> {
    let config = Config::bootstrap(address)
        .set("request.timeout.ms", ANSWER_PATIENCE_MS)
        .set("default.api.timeout.ms", PATIENCE_MS);
    let admin = Admin::new(&config).ok()?;
    let found = admin.describe_cluster().await.ok();
    admin.close();
    found?.cluster_id
}

fn written(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

fn host(server: &str) -> &str {
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    host.trim_matches(['[', ']'])
}

/// An address that has just answered.
fn suggestion(asked: &[String], port: u16) -> String {
    let first = asked.first().map_or("HOST", |server| host(server));
    asked
        .first()
        .filter(|server| server.contains(':'))
        .cloned()
        .unwrap_or_else(|| written(first, port))
}

fn is_unspecified(host: &str) -> bool {
    host.is_empty() || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified())
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

pub(super) fn is_on_this_machine(server: &str) -> bool {
    is_loopback(host(server))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_are_told_from_others() {
        assert!(is_on_this_machine("localhost:9092") && is_on_this_machine("[::1]:9092"));
        assert!(!is_on_this_machine("kafka.example:9092"));
        assert!(is_unspecified("0.0.0.0") && is_unspecified("::"));
    }
}
