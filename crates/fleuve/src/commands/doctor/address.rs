//! Whether a name resolves, somebody listens there, and that somebody speaks Kafka's protocol.

use std::io;
use std::time::Duration;

use fleuve_client::ClientError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::{Finding, bad, good};
use crate::commands::cluster::plain;

const CHECK: &str = "address";

/// How long an address has to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Looks at `HOST:PORT`.
pub(super) async fn check(server: &str) -> Finding {
    match reach(server).await {
        Ok(peer) => good(CHECK, format!("{server} answers ({peer})")),
        Err(trouble) => {
            let what = format!("{server}: {}", trouble.text());
            bad(CHECK, what, trouble.remedy())
        }
    }
}

/// Why an address is not reached.
#[derive(Debug)]
pub(super) enum Trouble {
    NoPort,
    Unresolved(String),
    Refused,
    Silent,
    Other(String),
}

impl Trouble {
    pub(super) fn text(&self) -> String {
        match self {
            Trouble::NoPort => "it is not HOST:PORT".to_owned(),
            Trouble::Unresolved(why) => format!("the name cannot be resolved ({why})"),
            Trouble::Refused => "nothing listens on this port".to_owned(),
            Trouble::Silent => format!("nothing came back within {PATIENCE:?}"),
            Trouble::Other(why) => why.clone(),
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Trouble::NoPort => "write the address as HOST:PORT, such as localhost:9092",
            Trouble::Unresolved(_) => {
                "check the spelling; a name of a container or a cluster is known only inside of it"
            }
            Trouble::Refused => {
                "start a broker there (`fleuve server`), or take the port that its `listeners` has"
            }
            Trouble::Silent => "a firewall may drop packets on the way: open the port on it",
            Trouble::Other(_) => "check the network between this machine and the broker",
        }
    }
}

/// Connects; gives the address that answered.
pub(super) async fn reach(server: &str) -> Result<std::net::SocketAddr, Trouble> {
    let server = server.rsplit("://").next().unwrap_or(server);
    let port = server
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none() {
        return Err(Trouble::NoPort);
    }
    let found = lookup_host(server).await;
    let addresses: Vec<_> = found
        .map_err(|error| Trouble::Unresolved(reason(&error)))?
        .collect();
    let mut trouble = Trouble::Unresolved("no address belongs to it".to_owned());
    for address in addresses {
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(address),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                trouble = Trouble::Refused;
            }
            Ok(Err(error)) => trouble = Trouble::Other(plain(&error)),
            Err(_) => trouble = Trouble::Silent,
        }
    }
    Err(trouble)
}

/// What the resolver said, without what it says every time.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit("information: ").next().unwrap_or(&text);
    text.to_lowercase()
}

/// Somebody answers and the cluster cannot be described: says who it may be.
pub(super) async fn not_kafka(server: &str, error: ClientError) -> Finding {
    const CHECK: &str = "protocol";
    if let ClientError::UnsupportedApi { .. } = error {
        let remedy = "take a broker and a client of nearer age: this one speaks to Apache Kafka 2.1 and later";
        return bad("versions", error.to_string(), remedy);
    }
    let (who, remedy) = match first_bytes(server).await.as_deref() {
        Some([b'H', b'T', b'T', b'P', ..]) => (
            "a web server answers there",
            "take the port of the broker's `listeners`, not that of a REST proxy or console",
        ),
        Some([0x15, 0x03, ..]) => (
            "the listener wants TLS",
            "take a PLAINTEXT listener of the broker: this client has no TLS yet",
        ),
        Some([0, 0, _, 0x04, ..]) => (
            "a gRPC server answers there, such as Spark Connect on 15002",
            "take the port of the broker's `listeners`, by default 9092",
        ),
        _ => (
            "whoever answers there does not speak Kafka's protocol",
            "take the port of the broker's `listeners`, by default 9092",
        ),
    };
    bad(CHECK, format!("{server}: {who} ({error})"), remedy)
}

/// An ApiVersions request of version 0, to which every broker has an answer.
const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

async fn first_bytes(server: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await.ok()?;
    stream.write_all(&API_VERSIONS).await.ok()?;
    // Some wait for the end of a line before they complain.
    stream.write_all(b"\r\n\r\n").await.ok()?;
    let mut bytes = vec![0; 16];
    let read = timeout(PATIENCE, stream.read(&mut bytes))
        .await
        .ok()?
        .ok()?;
    bytes.truncate(read);
    Some(bytes)
}
