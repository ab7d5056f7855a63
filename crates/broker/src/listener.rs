//! Sockets that clients connect to.
//!
//! A listener whose host has several addresses (`localhost` has two) is bound on each of them,
//! all on one port. Start at [`bind`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::BrokerState;
use crate::config::{BrokerSettings, ListenerConfig};
use crate::connection::Connection;

/// How long a listener rests after an accept that failed (no descriptor left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often a port is tried that was free on the first address and taken on the second.
const SHARED_PORT_ATTEMPTS: usize = 16;

/// One listener's sockets.
#[derive(Debug)]
pub(crate) struct BoundListener {
    pub(crate) config: ListenerConfig,
    pub(crate) addresses: Vec<SocketAddr>,
    sockets: Vec<TcpListener>,
}

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{name}://{address} cannot be listened on: {reason}{}", holder_text(.holder))]
pub struct BindError {
    pub name: String,
    pub address: String,
    pub reason: io::Error,
    /// The process that holds the port, where that can be known.
    pub holder: Option<String>,
}

fn holder_text(holder: &Option<String>) -> String {
    holder
        .as_ref()
        .map(|holder| format!("; it is held by {holder}"))
        .unwrap_or_default()
}

/// Binds `config` on every address of its host.
pub(crate) async fn bind(
    config: &ListenerConfig,
    settings: &BrokerSettings,
) -> Result<BoundListener, BindError> {
    let shown = config.host.as_deref().unwrap_or("*");
    let error = |address: String, reason: io::Error| BindError {
        name: config.name.clone(),
        holder: (reason.kind() == io::ErrorKind::AddrInUse)
            .then(|| crate::port_holder::of_port(config.port))
            .flatten(),
        address,
        reason,
    };
    let hosts = addresses_of(config)
        .await
        .map_err(|reason| error(format!("{shown}:{}", config.port), reason))?;
    let mut attempts = SHARED_PORT_ATTEMPTS;
    loop {
        match bind_all(&hosts, config.port, settings) {
            Ok(sockets) => {
                let addresses = sockets
                    .iter()
                    .filter_map(|it| it.local_addr().ok())
                    .collect();
                return Ok(BoundListener {
                    config: config.clone(),
                    addresses,
                    sockets,
                });
            }
            Err((_, reason))
                if config.port == 0
                    && attempts > 0
                    && reason.kind() == io::ErrorKind::AddrInUse =>
            {
                attempts -= 1;
            }
            Err((address, reason)) => return Err(error(address.to_string(), reason)),
        }
    }
}

async fn addresses_of(config: &ListenerConfig) -> io::Result<Vec<IpAddr>> {
    let Some(host) = &config.host else {
        return Ok(vec![Ipv6Addr::UNSPECIFIED.into()]);
    };
    if host == "localhost" {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let mut addresses: Vec<IpAddr> = Vec::new();
    for found in tokio::net::lookup_host((host.as_str(), config.port)).await? {
        if !addresses.contains(&found.ip()) {
            addresses.push(found.ip());
        }
    }
    Ok(addresses)
}

/// Binds every address on one port; a machine without IPv6 is served by IPv4 alone.
fn bind_all(
    hosts: &[IpAddr],
    port: u16,
    settings: &BrokerSettings,
) -> Result<Vec<TcpListener>, (SocketAddr, io::Error)> {
    let mut sockets: Vec<TcpListener> = Vec::new();
    let mut port = port;
    let mut unsupported = None;
    for host in hosts {
        let address = SocketAddr::new(*host, port);
        match bind_one(address, settings) {
            Ok(socket) => {
                port = socket.local_addr().map_or(port, |bound| bound.port());
                sockets.push(socket);
            }
            Err(reason) if host.is_ipv6() && is_unsupported(&reason) => {
                unsupported = Some((address, reason));
            }
            Err(reason) => return Err((address, reason)),
        }
    }
    if !sockets.is_empty() {
        return Ok(sockets);
    }
    if hosts == [IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
        return bind_all(&[Ipv4Addr::UNSPECIFIED.into()], port, settings);
    }
    let nowhere = || {
        (
            SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
            io::ErrorKind::AddrNotAvailable.into(),
        )
    };
    Err(unsupported.unwrap_or_else(nowhere))
}

fn is_unsupported(reason: &io::Error) -> bool {
    matches!(
        reason.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
    ) || reason.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn bind_one(address: SocketAddr, settings: &BrokerSettings) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    // Buffers are inherited by accepted sockets; -1 leaves them to the system.
    let buffer = |name: &str| u32::try_from(settings.number_of(name)).ok();
    if let Some(bytes) = settings
        .set_value("socket.send.buffer.bytes")
        .and_then(|_| buffer("socket.send.buffer.bytes"))
    {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(bytes) = settings
        .set_value("socket.receive.buffer.bytes")
        .and_then(|_| buffer("socket.receive.buffer.bytes"))
    {
        socket.set_recv_buffer_size(bytes)?;
    }
    if address == SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), address.port()) {
        rustix::net::sockopt::set_ipv6_v6only(&socket, false)?;
    }
    socket.bind(address)?;
    let backlog = u32::try_from(settings.number_of("socket.listen.backlog.size")).unwrap_or(50);
    socket.listen(backlog.max(BACKLOG_MIN))
}

/// Clients that start together should not be turned away by a small backlog.
const BACKLOG_MIN: u32 = 1024;

impl BoundListener {
    /// Accepts connections until `stop`; each is served by a task of `tasks`.
    pub(crate) fn start(
        self,
        broker: &Arc<BrokerState>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let name: Arc<str> = Arc::from(self.config.name.as_str());
        for socket in self.sockets {
            let accepting = accept(
                socket,
                Arc::clone(&name),
                Arc::clone(broker),
                tasks.clone(),
                stop.clone(),
            );
            tasks.spawn(accepting);
        }
    }
}

async fn accept(
    socket: TcpListener,
    listener: Arc<str>,
    broker: Arc<BrokerState>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = accept_one(&socket, &broker) => accepted,
        };
        match accepted {
            Ok((stream, client)) => serve(stream, client, &listener, &broker, &tasks, &stop),
            Err(error) => {
                tracing::warn!(%listener, "a connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn accept_one(
    socket: &TcpListener,
    broker: &BrokerState,
) -> io::Result<(TcpStream, SocketAddr)> {
    broker.connection_limits.room().await;
    socket.accept().await
}

fn serve(
    stream: TcpStream,
    client: SocketAddr,
    listener: &Arc<str>,
    broker: &Arc<BrokerState>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let slot = match broker.connection_limits.enter(client.ip().to_canonical()) {
        Ok(slot) => slot,
        Err(refusal) => {
            tracing::warn!("connection refused: {refusal}");
            return;
        }
    };
    let prepared = stream.set_nodelay(true).and_then(|()| stream.local_addr());
    let Ok(reached) = prepared else { return };
    let connection = Connection {
        id: broker.next_connection_id(),
        listener: Arc::clone(listener),
        reached,
        client,
        broker: Arc::clone(broker),
        slot,
    };
    tasks.spawn(connection.serve(stream, stop.clone()));
}
