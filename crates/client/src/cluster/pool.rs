//! The connections of one client, opened when they are first needed and shared from then on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fleuve_model::BrokerId;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::sleep;

use super::metadata::Broker;
use crate::ClientError;
use crate::config::{CommonSettings, Doors};
use crate::connection::{Connection, Identity};
use crate::transport;

/// What a connection is for: a long wait on one must not hold up what is urgent on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Metadata, admin, produce.
    Requests,
    /// Fetches, which wait for records.
    Fetch,
    /// Joins and heartbeats of a group.
    Coordinator,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Bootstrap(String, u16),
    Broker(BrokerId, Purpose),
}

type Opening = Shared<BoxFuture<'static, Result<Connection, ClientError>>>;

pub(crate) struct Pool {
    settings: CommonSettings,
    open: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    open: BTreeMap<Place, Opening>,
    /// How often in a row a place could not be connected to.
    failures: BTreeMap<Place, u32>,
}

impl Pool {
    pub(crate) fn new(settings: CommonSettings) -> Pool {
        Pool {
            settings,
            open: Mutex::default(),
        }
    }

    /// The connection to a broker.
    pub(crate) async fn broker(
        &self,
        broker: &Broker,
        purpose: Purpose,
    ) -> Result<Connection, ClientError> {
        self.get(
            Place::Broker(broker.id, purpose),
            broker.host.clone(),
            broker.port,
        )
        .await
    }

    /// A connection to a broker, only if one is open.
    pub(crate) fn open_broker(&self, id: BrokerId) -> Option<Connection> {
        let opening = self
            .lock()
            .open
            .get(&Place::Broker(id, Purpose::Requests))
            .cloned()?;
        let connection = opening.now_or_never()?.ok()?;
        (!connection.is_closed()).then_some(connection)
    }

    /// A connection to the first of the configured addresses that answers.
    pub(crate) async fn bootstrap(&self) -> Result<Connection, ClientError> {
        let addresses = match &self.settings.doors {
            Doors::Bootstrap(addresses) => addresses.clone(),
            Doors::Local(_) => vec![("the broker in this process".to_owned(), 0)],
        };
        let mut reason = String::new();
        for (host, port) in &addresses {
            let place = Place::Bootstrap(host.clone(), *port);
            match self.get(place, host.clone(), *port).await {
                Ok(connection) => return Ok(connection),
                Err(error) => reason = root_reason(&error),
            }
        }
        let tried: Vec<String> = addresses
            .iter()
            .map(|(host, port)| format!("{host}:{port}"))
            .collect();
        Err(ClientError::Unreachable {
            tried: tried.join(", "),
            reason,
        })
    }

    async fn get(&self, place: Place, host: String, port: u16) -> Result<Connection, ClientError> {
        let address = format!("{host}:{port}");
        let opening = self.opening(&place, host, port);
        let result = opening.clone().await;
        let mut places = self.lock();
        let is_current = places
            .open
            .get(&place)
            .is_some_and(|current| current.ptr_eq(&opening));
        match &result {
            Ok(_) => drop(places.failures.remove(&place)),
            Err(_) if is_current => {
                places.open.remove(&place);
                let failures = places.failures.entry(place).or_default();
                *failures += 1;
                // Told ever more seldom: whoever is away may stay away for long.
                if failures.is_power_of_two()
                    && let Err(ClientError::Unreachable { reason, .. }) = &result
                {
                    tracing::warn!("{address} cannot be reached: {reason}");
                }
            }
            Err(_) => {}
        }
        result
    }

    /// The connection that is open or being opened at `place`, or a new one. After failures
    /// the next attempt waits, longer each time (`reconnect.backoff.ms`).
    fn opening(&self, place: &Place, host: String, port: u16) -> Opening {
        let mut places = self.lock();
        if let Some(opening) = places.open.get(place) {
            let is_usable = match opening.peek() {
                Some(Ok(connection)) => !connection.is_closed(),
                Some(Err(_)) => false,
                None => true,
            };
            if is_usable {
                return opening.clone();
            }
        }
        let settings = self.settings.clone();
        let pause = places
            .failures
            .get(place)
            .map_or(Duration::ZERO, |failures| {
                let doubled = 2u32.saturating_pow((failures - 1).min(16));
                (settings.reconnect_backoff * doubled).min(settings.reconnect_backoff_max)
            });
        let opening = async move {
            sleep(pause).await;
            open_connection(settings, host, port).await
        };
        let opening = opening.boxed().shared();
        places.open.insert(place.clone(), opening.clone());
        opening
    }

    /// Hangs up on everybody.
    pub(crate) fn close(&self) {
        for opening in std::mem::take(&mut self.lock().open).into_values() {
            if let Some(Ok(connection)) = opening.peek() {
                connection.close();
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Places> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn open_connection(
    settings: CommonSettings,
    host: String,
    port: u16,
) -> Result<Connection, ClientError> {
    let identity = Identity {
        client_id: settings.client_id.clone(),
        request_timeout: settings.request_timeout,
    };
    let address = format!("{host}:{port}");
    let unreachable = |error: std::io::Error| ClientError::Unreachable {
        tried: address.clone(),
        reason: error.to_string(),
    };
    match &settings.doors {
        Doors::Local(broker) => {
            let connection = broker.connect().map_err(unreachable)?;
            Connection::in_process(connection, identity).await
        }
        Doors::Bootstrap(_) => {
            let io = transport::io_thread().map_err(unreachable)?;
            // A socket belongs to the thread that opens it.
            let tcp = settings.tcp.clone();
            let connect = async move { transport::connect(&host, port, &tcp).await };
            let connected = io.spawn(connect).await.expect("it does not panic");
            let stream = connected.map_err(unreachable)?;
            Connection::over_tcp(&io, stream, address, identity).await
        }
    }
}

fn root_reason(error: &ClientError) -> String {
    match error {
        ClientError::Unreachable { reason, .. } | ClientError::Disconnected { reason, .. } => {
            reason.clone()
        }
        other => other.to_string(),
    }
}
