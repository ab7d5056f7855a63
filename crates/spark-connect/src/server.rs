//! The door itself: a listener, its connections, and the threads behind it.
//!
//! Always true: no thread is started and no engine is touched before the first connection; requests and queries run on
//! different threads, so that a busy query never keeps a client from interrupting it. Start at [`SparkConnect::start`].

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::config::ConnectConfig;
use crate::engine::EngineFactory;
use crate::service::Service;
use crate::transport::Transport;

/// Deep enough for the deepest plan that is decoded: reading, analysing and dropping it are recursive.
const STACK_BYTES: usize = 64 << 20;
const TRANSPORT_THREADS: usize = 2;
/// How often idle sessions and abandoned operations are looked for.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);
/// A client that answers no HTTP/2 ping within these is gone.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(60);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("Spark Connect cannot listen on {address}: {reason}")]
    Bind {
        address: SocketAddr,
        reason: std::io::Error,
    },
}

/// A running Spark Connect server.
pub struct SparkConnect {
    address: SocketAddr,
    stopped: CancellationToken,
    inside: Arc<Inside>,
}

/// What exists only once somebody came.
struct Inside {
    config: ConnectConfig,
    factory: Arc<dyn EngineFactory>,
    opened: OnceLock<std::io::Result<Opened>>,
}

struct Opened {
    transport: Runtime,
    /// Kept alive for the handle inside of the service.
    engine: Runtime,
    service: Service,
}

impl SparkConnect {
    /// Listens on the configured address, from within a tokio runtime.
    pub async fn start(
        config: ConnectConfig,
        factory: Arc<dyn EngineFactory>,
    ) -> Result<Self, StartError> {
        let bind = |reason| StartError::Bind {
            address: config.address,
            reason,
        };
        let listener = TcpListener::bind(config.address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let inside = Arc::new(Inside {
            config,
            factory,
            opened: OnceLock::new(),
        });
        let stopped = CancellationToken::new();
        tokio::spawn(accept(listener, inside.clone(), stopped.clone()));
        Ok(Self {
            address,
            stopped,
            inside,
        })
    }

    /// Where clients find it: the port that was taken, if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many sessions are open.
    pub fn open_sessions(&self) -> usize {
        self.inside
            .service()
            .map_or(0, |service| service.registry.open_sessions())
    }

    /// Takes no more connections, and ends sessions and what runs in them.
    pub fn stop(&self) {
        self.stopped.cancel();
        if let Some(service) = self.inside.service() {
            service.registry.close_all();
        }
    }
}

impl Drop for SparkConnect {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Inside {
    fn service(&self) -> Option<&Service> {
        self.opened
            .get()?
            .as_ref()
            .ok()
            .map(|opened| &opened.service)
    }

    fn open(&self, stopped: &CancellationToken) -> Option<&Opened> {
        let opened = self.opened.get_or_init(|| {
            Opened::new(self.config.clone(), self.factory.clone())
                .inspect(|opened| opened.keep_tidy(stopped.clone()))
        });
        opened
            .as_ref()
            .inspect_err(|error| tracing::error!(%error, "Spark Connect has no threads"))
            .ok()
    }
}

impl Opened {
    fn new(config: ConnectConfig, factory: Arc<dyn EngineFactory>) -> std::io::Result<Self> {
        let transport = runtime("connect", TRANSPORT_THREADS)?;
        let engine = runtime(
            "query",
            std::thread::available_parallelism().map_or(1, usize::from),
        )?;
        let service = Service::new(config, factory, engine.handle().clone());
        Ok(Self {
            transport,
            engine,
            service,
        })
    }

    fn keep_tidy(&self, stopped: CancellationToken) {
        let registry = self.service.registry.clone();
        self.transport
            .spawn(stopped.run_until_cancelled_owned(async move {
                let mut interval = tokio::time::interval(TIDY_INTERVAL);
                loop {
                    interval.tick().await;
                    registry.tidy();
                }
            }));
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // Runtimes must not be waited for where this may be dropped: on threads of a runtime.
        if let Some(Ok(opened)) = self.opened.take() {
            opened.transport.shutdown_background();
            opened.engine.shutdown_background();
        }
    }
}

fn runtime(name: &str, threads: usize) -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(name)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
}

async fn accept(listener: TcpListener, inside: Arc<Inside>, stopped: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stopped.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let Some(opened) = inside.open(&stopped) else {
                    return;
                };
                let transport = Transport::new(opened.service.clone());
                // A socket belongs to the runtime that polls it.
                if let Ok(stream) = stream.into_std() {
                    opened
                        .transport
                        .spawn(serve(stream, transport, stopped.clone()));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "Spark Connect could not take a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(stream: std::net::TcpStream, transport: Transport, stopped: CancellationToken) {
    let Ok(stream) = TcpStream::from_std(stream) else {
        return;
    };
    let _ = stream.set_nodelay(true);
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .serve_connection(TokioIo::new(stream), transport);
    tokio::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stopped.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a Spark Connect connection broke");
    }
}
