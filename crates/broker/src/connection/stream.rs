//! What carries a connection's bytes.
//!
//! Sending waits until the other end takes something, and holds no bytes of a file meanwhile.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use fleuve_storage::LogSlice;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, Interest, ReadBuf};
use tokio::net::TcpStream;

/// What one call sends of a file at most: others have their turn in between.
const FILE_BYTES_PER_CALL: u64 = 1024 * 1024;
/// What is read at a time where the system cannot send from a file by itself.
const COPIED_BYTES_PER_CALL: u64 = 64 * 1024;

/// Bytes could not be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Socket(#[from] io::Error),
    #[error("the records of its answer cannot be read: {0}")]
    Records(io::Error),
}

/// A two-way stream of bytes: a socket, or later one wrapped in TLS.
pub(crate) trait Stream: AsyncRead + Send + Sync + Unpin {
    /// Sends some of `slices`, and tells the system if `more` follows at once.
    fn send_slices(
        &mut self,
        slices: &[IoSlice<'_>],
        more: bool,
    ) -> impl Future<Output = Result<u64, SendError>> + Send;

    /// Sends some of `slice`.
    fn send_file(
        &mut self,
        slice: &LogSlice,
    ) -> impl Future<Output = Result<u64, SendError>> + Send;
}

impl Stream for TcpStream {
    async fn send_slices(&mut self, slices: &[IoSlice<'_>], more: bool) -> Result<u64, SendError> {
        let socket = &*self;
        let sent = socket
            .async_io(Interest::WRITABLE, || send_slices(socket, slices, more))
            .await?;
        Ok(sent as u64)
    }

    async fn send_file(&mut self, slice: &LogSlice) -> Result<u64, SendError> {
        let sent = loop {
            // Before anything is read: bytes that nobody takes are not waited with.
            self.writable().await?;
            let mut failed = None;
            let sent = self.try_io(Interest::WRITABLE, || match send_file(self, slice) {
                Ok(sent) => Ok(sent),
                Err(SendError::Socket(error)) => Err(error),
                Err(error) => {
                    failed = Some(error);
                    Ok(0)
                }
            });
            match (sent, failed) {
                (_, Some(error)) => return Err(error),
                (Ok(sent), None) => break sent,
                (Err(error), None) if error.kind() == io::ErrorKind::WouldBlock => {}
                (Err(error), None) => return Err(SendError::Socket(error)),
            }
        };
        if sent == 0 {
            return Err(SendError::Records(io::ErrorKind::UnexpectedEof.into()));
        }
        if sent == FILE_BYTES_PER_CALL {
            tokio::task::yield_now().await;
        }
        Ok(sent)
    }
}

/// A stream that is no socket: files are read for it, a little at a time.
pub(crate) struct Copied<S>(pub(crate) S);

impl<S: AsyncRead + Unpin> AsyncRead for Copied<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(task, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for Copied<S> {
    async fn send_slices(&mut self, slices: &[IoSlice<'_>], more: bool) -> Result<u64, SendError> {
        let sent = self.0.write_vectored(slices).await?;
        if sent == 0 {
            return Err(SendError::Socket(io::ErrorKind::WriteZero.into()));
        }
        if !more {
            self.0.flush().await?;
        }
        Ok(sent as u64)
    }

    async fn send_file(&mut self, slice: &LogSlice) -> Result<u64, SendError> {
        let (chunk, more) = chunk(slice)?;
        self.send_slices(&[IoSlice::new(&chunk)], more).await
    }
}

/// The first bytes of `slice`, and whether there are more.
fn chunk(slice: &LogSlice) -> Result<(bytes::Bytes, bool), SendError> {
    let mut chunk = slice.clone();
    chunk.length_bytes = chunk.length_bytes.min(COPIED_BYTES_PER_CALL);
    let more = chunk.length_bytes < slice.length_bytes;
    let bytes = chunk.read().map_err(SendError::Records)?;
    Ok((bytes, more))
}

#[cfg(target_os = "linux")]
fn send_slices(socket: &TcpStream, slices: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
    let mut flags = SendFlags::NOSIGNAL;
    flags.set(SendFlags::MORE, more);
    let send = || sendmsg(socket, slices, &mut SendAncillaryBuffer::default(), flags);
    Ok(rustix::io::retry_on_intr(send)?)
}

#[cfg(not(target_os = "linux"))]
fn send_slices(socket: &TcpStream, slices: &[IoSlice<'_>], _more: bool) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| {
        rustix::io::writev(socket, slices)
    })?)
}

fn send_file(socket: &TcpStream, slice: &LogSlice) -> Result<u64, SendError> {
    #[cfg(target_os = "linux")]
    if let Some(file) = slice.file.descriptor() {
        let length = slice.length_bytes.min(FILE_BYTES_PER_CALL) as usize;
        let mut position = slice.position;
        let send = || rustix::fs::sendfile(socket, file, Some(&mut position), length);
        return match rustix::io::retry_on_intr(send) {
            Ok(sent) => Ok(sent as u64),
            Err(error) => Err(of_either_end(error.into())),
        };
    }
    let (bytes, more) = chunk(slice)?;
    let sent = send_slices(socket, &[IoSlice::new(&bytes)], more)?;
    Ok(sent as u64)
}

/// A call that reads and sends does not say which of both failed, but its error does.
#[cfg(target_os = "linux")]
fn of_either_end(error: io::Error) -> SendError {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::WouldBlock
        | ErrorKind::BrokenPipe
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::NotConnected
        | ErrorKind::TimedOut => SendError::Socket(error),
        _ => SendError::Records(error),
    }
}
