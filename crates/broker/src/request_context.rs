//! Who asks, from where, and over what.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use fleuve_protocol::Str;

/// A name that access is granted to, printed as Kafka does: `User:alice`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Principal {
    kind: Arc<str>,
    name: Arc<str>,
}

impl Principal {
    /// The user called `name`.
    pub fn user(name: &str) -> Principal {
        Principal {
            kind: Arc::from("User"),
            name: Arc::from(name),
        }
    }

    /// Whoever connects to a listener that asks for no name.
    pub fn anonymous() -> Principal {
        Principal::user("ANONYMOUS")
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}

/// What a handler knows of its caller.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    pub(crate) principal: Principal,
    /// The listener the request came in by; in-process callers come in by the first.
    pub(crate) listener: Arc<str>,
    /// The address that the caller reached, where it came over a socket.
    pub(crate) reached: Option<std::net::SocketAddr>,
    /// What the client calls itself.
    pub(crate) client_id: Option<Str>,
    /// Where it comes from.
    pub(crate) host: ClientHost,
    /// The connection; fetch sessions and such belong to one.
    pub(crate) connection: ConnectionId,
    /// The version of the request, which a few handlers' semantics hang on.
    pub(crate) version: i16,
}

/// Tells connections of one broker apart; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// Where a client comes from, printed as Kafka does: `/127.0.0.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientHost {
    Address(IpAddr),
    InProcess,
}

impl fmt::Display for ClientHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientHost::Address(address) => write!(f, "/{}", address.to_canonical()),
            ClientHost::InProcess => f.write_str("/127.0.0.1"),
        }
    }
}
