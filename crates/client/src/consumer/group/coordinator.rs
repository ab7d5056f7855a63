use std::sync::{Arc, Mutex, PoisonError};

use fleuve_model::ErrorCode;
use fleuve_protocol::{Request, Str};

use crate::ClientError;
use crate::cluster::metadata::Broker;
use crate::cluster::{Cluster, CoordinatorType};
use crate::connection::Connection;

/// The broker that coordinates a group, found when it is needed and again when it has moved.
#[derive(Clone)]
pub(in crate::consumer) struct Coordinator {
    cluster: Cluster,
    group: Str,
    known: Arc<Mutex<Option<Broker>>>,
}

impl Coordinator {
    pub(in crate::consumer) fn new(cluster: Cluster, group: Str) -> Coordinator {
        Coordinator {
            cluster,
            group,
            known: Arc::default(),
        }
    }

    pub(in crate::consumer) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(super) fn group(&self) -> &Str {
        &self.group
    }

    /// The connection to it.
    pub(super) async fn connection(&self) -> Result<Connection, ClientError> {
        let known = self.lock().clone();
        let broker = match known {
            Some(broker) => broker,
            None => {
                let kind = CoordinatorType::Group;
                let found = self
                    .cluster
                    .find_coordinator(kind, self.group.as_str())
                    .await?;
                *self.lock() = Some(found.clone());
                found
            }
        };
        let connection = self.cluster.coordinator_connection(&broker).await;
        connection.inspect_err(|error| self.note(error))
    }

    /// Makes one request; `request` is given the version it will have.
    pub(super) async fn call<R: Request>(
        &self,
        version_max: i16,
        request: impl FnOnce(i16) -> R,
    ) -> Result<R::Response, ClientError> {
        let connection = self.connection().await?;
        let version = connection.version_of::<R>()?.min(version_max);
        let answer = connection.start_at(request(version), version).await?;
        answer.receive().await.inspect_err(|error| self.note(error))
    }

    /// Turns a code into an error, and forgets the broker if that is what it means.
    pub(super) fn check(&self, code: i16) -> Result<(), ClientError> {
        let subject = format!("group {}", self.group);
        ClientError::check(code, subject, None).inspect_err(|error| self.note(error))
    }

    /// Forgets the broker if `error` says that it is the wrong one.
    pub(super) fn note(&self, error: &ClientError) {
        use ErrorCode::{CoordinatorNotAvailable, NotCoordinator};
        let is_gone = match error.code() {
            Some(code) => matches!(code, CoordinatorNotAvailable | NotCoordinator),
            None => error.is_retriable(),
        };
        if is_gone {
            *self.lock() = None;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Broker>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
