use std::io;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

/// How sockets are opened.
#[derive(Clone, Debug)]
pub(crate) struct TcpSettings {
    pub(crate) setup_timeout: Duration,
    /// `None` leaves the size to the system.
    pub(crate) send_buffer_bytes: Option<u32>,
    /// `None` leaves the size to the system.
    pub(crate) receive_buffer_bytes: Option<u32>,
}

/// Connects to the first of the addresses of `host` that answers.
pub(crate) async fn connect(
    host: &str,
    port: u16,
    settings: &TcpSettings,
) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((host, port)).await? {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(bytes) = settings.send_buffer_bytes {
            socket.set_send_buffer_size(bytes)?;
        }
        if let Some(bytes) = settings.receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        match timeout(settings.setup_timeout, socket.connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, "no answer to connect"),
        }
    }
    Err(last)
}
