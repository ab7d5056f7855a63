use std::sync::Arc;
use std::time::Duration;

use fleuve_protocol::Str;

use super::reader::invalid;
use super::{Config, ConfigError, Reader};
use crate::transport::{LocalBroker, TcpSettings};

/// What every kind of client is configured by.
#[derive(Clone)]
pub(crate) struct CommonSettings {
    pub(crate) doors: Doors,
    pub(crate) client_id: Str,
    pub(crate) request_timeout: Duration,
    pub(crate) retry_backoff: Duration,
    pub(crate) retry_backoff_max: Duration,
    pub(crate) reconnect_backoff: Duration,
    pub(crate) reconnect_backoff_max: Duration,
    pub(crate) metadata_max_age: Duration,
    pub(crate) tcp: TcpSettings,
}

/// Where the first broker is found.
#[derive(Clone)]
pub(crate) enum Doors {
    Bootstrap(Vec<(String, u16)>),
    Local(Arc<dyn LocalBroker>),
}

const BOOTSTRAP_ADVICE: &str = "give the address of a broker, such as localhost:9092";

/// Keys of Kafka's clients that are refused, so that nobody believes in them.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("sasl.*", "SASL is not there yet; use a PLAINTEXT listener"),
    ("ssl.*", "TLS is not there yet; use a PLAINTEXT listener"),
    ("interceptor.classes", "there are no interceptors"),
    ("metric.reporters", "there are no metric reporters"),
    (
        "bootstrap.controllers",
        "name a broker in bootstrap.servers",
    ),
    ("socks.proxy.*", "there are no proxies"),
];

impl CommonSettings {
    /// Reads the common keys; `request_timeout_ms` and `client_id` are the kind's defaults.
    pub(crate) fn read(
        config: &Config,
        reader: &Reader<'_>,
        client_id: &str,
        request_timeout_ms: u64,
    ) -> Result<CommonSettings, ConfigError> {
        reader.refuse(UNSUPPORTED)?;
        let security = reader.text("security.protocol").unwrap_or("PLAINTEXT");
        if !security.eq_ignore_ascii_case("PLAINTEXT") {
            return Err(ConfigError::Unsupported {
                key: format!("security.protocol={security}"),
                advice: "only PLAINTEXT is there yet".to_owned(),
            });
        }
        // Kafka's Java clients resolve every address in turn in any case; so does this one.
        reader.choice(
            "client.dns.lookup",
            (),
            &[
                ("use_all_dns_ips", ()),
                ("resolve_canonical_bootstrap_servers_only", ()),
            ],
        )?;
        let bootstrap = reader.text("bootstrap.servers");
        let doors = match (config.local(), bootstrap) {
            (Some(broker), _) => Doors::Local(broker),
            (None, Some(servers)) => Doors::Bootstrap(addresses(servers)?),
            (None, None) => {
                let key = "bootstrap.servers";
                return Err(ConfigError::Missing {
                    key,
                    advice: BOOTSTRAP_ADVICE,
                });
            }
        };
        Ok(CommonSettings {
            doors,
            client_id: Str::from(reader.text("client.id").unwrap_or(client_id)),
            request_timeout: reader.millis("request.timeout.ms", request_timeout_ms)?,
            retry_backoff: reader.millis("retry.backoff.ms", 100)?,
            retry_backoff_max: reader.millis("retry.backoff.max.ms", 1_000)?,
            reconnect_backoff: reader.millis("reconnect.backoff.ms", 50)?,
            reconnect_backoff_max: reader.millis("reconnect.backoff.max.ms", 1_000)?,
            metadata_max_age: reader.millis("metadata.max.age.ms", 300_000)?,
            tcp: TcpSettings {
                setup_timeout: reader.millis("socket.connection.setup.timeout.ms", 10_000)?,
                send_buffer_bytes: buffer_bytes(reader, "send.buffer.bytes")?,
                receive_buffer_bytes: buffer_bytes(reader, "receive.buffer.bytes")?,
            },
        })
    }
}

/// A size of a socket's buffer, in which -1 leaves it to the system.
///
/// That is the default, other than the Java client's, whose 64 KiB for what is received keep the
/// system from opening the window: an answer of several MiB then comes in some forty portions,
/// each of which waits for both processes to have their turn.
fn buffer_bytes(reader: &Reader<'_>, key: &'static str) -> Result<Option<u32>, ConfigError> {
    Ok(u32::try_from(reader.number(key, -1, -1..=i32::MAX)?).ok())
}

fn addresses(servers: &str) -> Result<Vec<(String, u16)>, ConfigError> {
    let key = "bootstrap.servers";
    let list: Result<Vec<_>, _> = servers
        .split(',')
        .map(str::trim)
        .filter(|server| !server.is_empty())
        .map(|server| {
            address(server).ok_or_else(|| {
                invalid(
                    key,
                    servers,
                    "host:port, or several separated by commas".to_owned(),
                )
            })
        })
        .collect();
    let list = list?;
    if list.is_empty() {
        return Err(ConfigError::Missing {
            key,
            advice: BOOTSTRAP_ADVICE,
        });
    }
    Ok(list)
}

/// `host:port`, `[ipv6]:port`, or either after a protocol such as `PLAINTEXT://`.
fn address(text: &str) -> Option<(String, u16)> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let (host, port) = text.rsplit_once(':')?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let is_host = !bare.is_empty() && (bare.len() < host.len() || !bare.contains(':'));
    is_host.then_some((bare.to_owned(), port.parse().ok()?))
}
