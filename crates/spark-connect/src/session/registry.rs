//! All sessions of this server.
//!
//! Always true: never more than the configured number; a session that was closed stays closed, as long as it is
//! remembered. Start at [`Registry::session`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use super::{Session, SessionKey};
use crate::config::{ConnectConfig, SESSIONS};
use crate::engine::{EngineFactory, SessionEngine, SessionOptions};
use crate::failure::Failure;
use crate::operation::lock;

pub(crate) struct Registry {
    config: ConnectConfig,
    factory: Arc<dyn EngineFactory>,
    sessions: Mutex<Sessions>,
}

#[derive(Default)]
struct Sessions {
    open: BTreeMap<SessionKey, Arc<Session>>,
    closed: VecDeque<SessionKey>,
}

impl Registry {
    pub(crate) fn new(config: ConnectConfig, factory: Arc<dyn EngineFactory>) -> Self {
        Self {
            config,
            factory,
            sessions: Mutex::default(),
        }
    }

    /// The session of this key, opened if it is new. `observed` is the server-side id that the client last saw.
    pub(crate) fn session(
        &self,
        key: SessionKey,
        observed: Option<&str>,
    ) -> Result<Arc<Session>, Failure> {
        check_id(&key.session_id)?;
        let mut sessions = lock(&self.sessions);
        if let Some(session) = sessions.open.get(&key) {
            return same_server(session, observed);
        }
        if sessions.closed.contains(&key) {
            return Err(Failure::invalid_handle("SESSION_CLOSED", &key.session_id));
        }
        if observed.is_some() {
            return Err(Failure::invalid_handle("SESSION_CHANGED", &key.session_id));
        }
        self.room(&sessions)?;
        let engine = self
            .factory
            .open(&self.options(&key))
            .map_err(Failure::from)?;
        Ok(self.insert(&mut sessions, key, engine))
    }

    /// The session of this key, which must exist.
    pub(crate) fn existing(
        &self,
        key: &SessionKey,
        observed: Option<&str>,
    ) -> Result<Arc<Session>, Failure> {
        let sessions = lock(&self.sessions);
        match sessions.open.get(key) {
            Some(session) => same_server(session, observed),
            None if sessions.closed.contains(key) => {
                Err(Failure::invalid_handle("SESSION_CLOSED", &key.session_id))
            }
            None => Err(Failure::invalid_handle(
                "SESSION_NOT_FOUND",
                &key.session_id,
            )),
        }
    }

    /// Closes a session, if it is open. With `allow_reconnect` its id may be used again.
    pub(crate) fn close(&self, key: &SessionKey, allow_reconnect: bool) -> Option<Arc<Session>> {
        let session = {
            let mut sessions = lock(&self.sessions);
            let session = sessions.open.remove(key);
            if !allow_reconnect && !sessions.closed.contains(key) {
                sessions.closed.push_back(key.clone());
                while sessions.closed.len() > self.config.closed_sessions_max {
                    sessions.closed.pop_front();
                }
            }
            session
        };
        if let Some(session) = &session {
            session.close();
        }
        session
    }

    /// A new session with what `source` holds, under `new_id` or one of our making.
    pub(crate) fn clone_session(
        &self,
        source: &Session,
        new_id: Option<String>,
    ) -> Result<Arc<Session>, Failure> {
        let new_id = match new_id {
            Some(id) if Uuid::try_parse(&id).is_err() => return Err(clone_failure("FORMAT", &id)),
            Some(id) => id,
            None => Uuid::new_v4().to_string(),
        };
        let key = SessionKey {
            user_id: source.key.user_id.clone(),
            session_id: new_id,
        };
        let mut sessions = lock(&self.sessions);
        if sessions.open.contains_key(&key) {
            return Err(clone_failure("ALREADY_EXISTS", &key.session_id));
        }
        if sessions.closed.contains(&key) {
            return Err(clone_failure("ALREADY_CLOSED", &key.session_id));
        }
        self.room(&sessions)?;
        let engine = source
            .engine
            .clone_session(&self.options(&key))
            .map_err(Failure::from)?;
        let session = self.insert(&mut sessions, key, engine);
        *lock(&session.artifacts) = lock(&source.artifacts).copy();
        Ok(session)
    }

    /// Closes what is idle, and abandons operations whose clients are gone.
    pub(crate) fn tidy(&self) {
        let sessions: Vec<_> = lock(&self.sessions).open.values().cloned().collect();
        for session in sessions {
            session.abandon_detached(self.config.operation_detached_max);
            if session.is_idle(self.config.session_idle_max) {
                tracing::info!(session = session.key.session_id, "closing an idle session");
                self.close(&session.key, false);
            }
        }
    }

    pub(crate) fn close_all(&self) {
        let keys: Vec<_> = lock(&self.sessions).open.keys().cloned().collect();
        for key in keys {
            self.close(&key, false);
        }
    }

    pub(crate) fn open_sessions(&self) -> usize {
        lock(&self.sessions).open.len()
    }

    fn room(&self, sessions: &Sessions) -> Result<(), Failure> {
        if sessions.open.len() < self.config.sessions_max {
            return Ok(());
        }
        let limit = self.config.sessions_max.to_string();
        Err(Failure::of(
            "FLEUVE_LIMIT.SESSIONS",
            &[("limit", &limit), ("key", SESSIONS)],
        ))
    }

    fn options(&self, key: &SessionKey) -> SessionOptions {
        SessionOptions {
            session_id: key.session_id.clone(),
            user_id: key.user_id.clone(),
            memory_bytes_max: self.config.session_memory_bytes_max,
            defaults: self.config.session_defaults.clone(),
        }
    }

    fn insert(
        &self,
        sessions: &mut Sessions,
        key: SessionKey,
        engine: Arc<dyn SessionEngine>,
    ) -> Arc<Session> {
        let session = Arc::new(Session::new(key.clone(), engine, &self.config));
        sessions.open.insert(key, session.clone());
        session
    }
}

fn same_server(session: &Arc<Session>, observed: Option<&str>) -> Result<Arc<Session>, Failure> {
    match observed {
        Some(observed) if observed != session.server_side_id => Err(Failure::invalid_handle(
            "SESSION_CHANGED",
            &session.key.session_id,
        )),
        _ => {
            session.touch();
            Ok(session.clone())
        }
    }
}

pub(crate) fn check_id(id: &str) -> Result<(), Failure> {
    match Uuid::try_parse(id) {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::invalid_handle("FORMAT", id)),
    }
}

fn clone_failure(reason: &str, id: &str) -> Failure {
    Failure::of(
        &format!("INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_{reason}"),
        &[("targetSessionId", id)],
    )
}
