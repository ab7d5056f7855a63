//! The twelve calls of the protocol.
//!
//! Always true: whatever fails is reported as Spark reports it, and kept so that the client may ask for details.
//! Start at [`Service`]; each file is one call or family of calls.
#![allow(clippy::result_large_err, reason = "calls end in tonic's `Status`")]

mod analyze;
mod artifacts;
mod commands;
mod configuration;
mod execute;
mod life;
mod plan;
mod streaming;

use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use tonic::Status;

use crate::config::ConnectConfig;
use crate::engine::EngineFactory;
use crate::failure::Failure;
use crate::messages::UserContext;
use crate::operation::lock;
use crate::session::registry::Registry;
use crate::session::{Session, SessionKey};
use crate::status::to_status;

/// What every call needs.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) registry: Arc<Registry>,
    pub(crate) config: Arc<ConnectConfig>,
    /// Where queries run: apart from the transport, so that a busy query keeps nobody from interrupting it.
    engine: tokio::runtime::Handle,
}

impl Service {
    pub(crate) fn new(
        config: ConnectConfig,
        factory: Arc<dyn EngineFactory>,
        engine: tokio::runtime::Handle,
    ) -> Self {
        Self {
            registry: Arc::new(Registry::new(config.clone(), factory)),
            config: Arc::new(config),
            engine,
        }
    }

    /// The session of a request, opened if it is new.
    fn session(
        &self,
        user: Option<UserContext>,
        session_id: String,
        observed: Option<&str>,
    ) -> Result<Arc<Session>, Status> {
        self.registry
            .session(key(user, session_id), observed)
            .map_err(|failure| to_status(&failure, None))
    }

    /// Runs `work` on the engine's threads. A panic is an error of this call alone.
    async fn on_engine<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        match self.engine.spawn(work).await {
            Ok(outcome) => outcome,
            Err(error) => Err(Failure::internal(&error.to_string())),
        }
    }
}

pub(crate) fn key(user: Option<UserContext>, session_id: String) -> SessionKey {
    SessionKey {
        user_id: user.map(|user| user.user_id).unwrap_or_default(),
        session_id,
    }
}

/// The status of a failure in `session`, under an id by which the client may fetch details.
pub(crate) fn report(session: &Session, failure: &Failure) -> Status {
    let error_id = lock(&session.failures).keep(failure);
    to_status(failure, Some(&error_id))
}

/// The outcome of `work`, a panic being an internal error.
async fn guarded<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match std::panic::AssertUnwindSafe(work).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("a panic without text");
            Err(Failure::internal(text))
        }
    }
}
