//! What a consumer fetches, remembered between its requests (KIP-227).
//!
//! An incremental request names only the partitions that changed, and is answered only with
//! those that have news. A partition that was answered with records goes to the end of the line,
//! so that a small response limit starves nobody. Start at [`FetchSessions::begin`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleuve_model::{Deadline, LeaderEpoch, Offset, TopicId, TopicName};

use crate::request_context::ConnectionId;

/// The epoch of a request that begins a session, or wants none.
const EPOCH_INITIAL: i32 = 0;
/// The epoch of a request that ends its session.
const EPOCH_FINAL: i32 = -1;
/// How long a session must have been idle before another may take its place.
const EVICTION_IDLE_MIN: Duration = Duration::from_secs(120);

/// A topic as a fetch names it: by id from version 13 on, by name before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FetchTopic {
    Id(Option<TopicId>),
    Name(TopicName),
    /// A name that cannot be one.
    Invalid(String),
}

/// One partition as a fetch names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FetchTarget {
    pub(crate) topic: FetchTopic,
    pub(crate) partition: i32,
}

/// What a fetch wants of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FetchPosition {
    pub(crate) offset: i64,
    pub(crate) current_leader_epoch: Option<LeaderEpoch>,
    pub(crate) last_fetched_epoch: Option<LeaderEpoch>,
    pub(crate) bytes_max: i32,
}

/// What a client last heard of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) high_watermark: Option<Offset>,
    pub(crate) log_start: Option<Offset>,
}

/// Which session a request belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionClaim {
    pub(crate) session_id: i32,
    pub(crate) epoch: i32,
    /// Whether this version of the request names topics by id.
    pub(crate) uses_topic_ids: bool,
}

/// Why a claim is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("no fetch session has this id")]
    NotFound,
    #[error("the fetch session is at another epoch")]
    InvalidEpoch,
    #[error("the fetch session names topics in the other way")]
    TopicIds,
}

#[derive(Debug, Default)]
struct CachedPartition {
    position: Option<FetchPosition>,
    heard: Option<Heard>,
    /// The place in line.
    turn: u64,
}

#[derive(Debug)]
struct Session {
    connection: ConnectionId,
    epoch: i32,
    uses_topic_ids: bool,
    partitions: BTreeMap<FetchTarget, CachedPartition>,
    line: BTreeMap<u64, FetchTarget>,
    turn_next: u64,
    used: Deadline,
}

/// The sessions of all connections.
#[derive(Debug)]
pub(crate) struct FetchSessions {
    slots: usize,
    state: Mutex<SessionTable>,
}

#[derive(Debug, Default)]
struct SessionTable {
    sessions: BTreeMap<i32, Arc<Mutex<Session>>>,
    id_last: i32,
}

/// One request's view: what to fetch, and of what its answer consists.
#[derive(Debug)]
pub(crate) enum FetchContext {
    /// No session: everything asked for is answered.
    Sessionless,
    /// A session begins if there is room; everything asked for is answered.
    Full {
        connection: ConnectionId,
        uses_topic_ids: bool,
    },
    /// Only news is answered.
    Incremental {
        session_id: i32,
        session: SessionHandle,
    },
}

/// A session that a request is working on.
#[derive(Debug)]
pub(crate) struct SessionHandle(Arc<Mutex<Session>>);

impl FetchSessions {
    pub(crate) fn new(slots: usize) -> FetchSessions {
        FetchSessions {
            slots,
            state: Mutex::default(),
        }
    }

    /// Takes up the session that `claim` names. `wanted` is what the request names, `forgotten`
    /// what it wants no more; what is to be fetched, in order, is returned with the context.
    pub(crate) fn begin(
        &self,
        connection: ConnectionId,
        claim: SessionClaim,
        wanted: Vec<(FetchTarget, FetchPosition)>,
        forgotten: &[FetchTarget],
        now: Deadline,
    ) -> Result<(FetchContext, Vec<(FetchTarget, FetchPosition)>), SessionError> {
        if claim.epoch == EPOCH_INITIAL || claim.epoch == EPOCH_FINAL {
            self.locked().sessions.remove(&claim.session_id);
            let context = if claim.epoch == EPOCH_FINAL || wanted.is_empty() {
                FetchContext::Sessionless
            } else {
                FetchContext::Full {
                    connection,
                    uses_topic_ids: claim.uses_topic_ids,
                }
            };
            return Ok((context, wanted));
        }
        let found = self.locked().sessions.get(&claim.session_id).cloned();
        let session = found.ok_or(SessionError::NotFound)?;
        let mut state = locked(&session);
        if state.epoch != claim.epoch {
            return Err(SessionError::InvalidEpoch);
        }
        if state.uses_topic_ids != claim.uses_topic_ids {
            return Err(SessionError::TopicIds);
        }
        state.update(wanted, forgotten);
        state.used = now;
        if state.partitions.is_empty() {
            drop(state);
            self.locked().sessions.remove(&claim.session_id);
            return Ok((FetchContext::Sessionless, Vec::new()));
        }
        state.epoch = next_epoch(state.epoch);
        let targets = state.targets();
        drop(state);
        let context = FetchContext::Incremental {
            session_id: claim.session_id,
            session: SessionHandle(session),
        };
        Ok((context, targets))
    }

    /// Remembers a session of `partitions`, if there is room; its id, or 0 for none.
    pub(crate) fn remember(
        &self,
        connection: ConnectionId,
        uses_topic_ids: bool,
        partitions: Vec<(FetchTarget, FetchPosition, Heard)>,
        now: Deadline,
    ) -> i32 {
        let mut table = self.locked();
        if table.sessions.len() >= self.slots && !table.evict(now) {
            return 0;
        }
        let mut session = Session {
            connection,
            epoch: next_epoch(EPOCH_INITIAL),
            uses_topic_ids,
            partitions: BTreeMap::new(),
            line: BTreeMap::new(),
            turn_next: 0,
            used: now,
        };
        for (target, position, heard) in partitions {
            session.insert(target, position, Some(heard));
        }
        let id = table.fresh_id();
        table.sessions.insert(id, Arc::new(Mutex::new(session)));
        id
    }

    /// A connection has gone, and nobody can go on with its sessions.
    pub(crate) fn connection_closed(&self, connection: ConnectionId) {
        let mut table = self.locked();
        table
            .sessions
            .retain(|_, session| locked(session).connection != connection);
    }

    fn locked(&self) -> MutexGuard<'_, SessionTable> {
        locked(&self.state)
    }
}

impl SessionHandle {
    /// Notes what `target` is about to be answered with, and says whether that is news.
    pub(crate) fn is_news(
        &self,
        target: &FetchTarget,
        heard: Heard,
        has_records_or_error: bool,
    ) -> bool {
        let mut session = locked(&self.0);
        let Some(partition) = session.partitions.get_mut(target) else {
            return true;
        };
        let is_news = has_records_or_error || partition.heard != Some(heard);
        partition.heard = Some(heard);
        if has_records_or_error {
            session.move_to_end(target);
        }
        is_news
    }
}

impl SessionTable {
    fn fresh_id(&mut self) -> i32 {
        loop {
            self.id_last = if self.id_last == i32::MAX {
                1
            } else {
                self.id_last + 1
            };
            if !self.sessions.contains_key(&self.id_last) {
                return self.id_last;
            }
        }
    }

    /// Removes the session that was idle longest, if that was long enough.
    fn evict(&mut self, now: Deadline) -> bool {
        let idlest = self
            .sessions
            .iter()
            .map(|(id, session)| (locked(session).used, *id))
            .min();
        match idlest {
            Some((used, id)) if now - used >= EVICTION_IDLE_MIN => {
                self.sessions.remove(&id);
                true
            }
            _ => false,
        }
    }
}

impl Session {
    fn update(&mut self, wanted: Vec<(FetchTarget, FetchPosition)>, forgotten: &[FetchTarget]) {
        for (target, position) in wanted {
            match self.partitions.get_mut(&target) {
                Some(known) => known.position = Some(position),
                None => self.insert(target, position, None),
            }
        }
        for target in forgotten {
            if let Some(gone) = self.partitions.remove(target) {
                self.line.remove(&gone.turn);
            }
        }
    }

    fn insert(&mut self, target: FetchTarget, position: FetchPosition, heard: Option<Heard>) {
        let turn = self.turn_next;
        self.turn_next += 1;
        self.line.insert(turn, target.clone());
        let cached = CachedPartition {
            position: Some(position),
            heard,
            turn,
        };
        if let Some(former) = self.partitions.insert(target, cached) {
            self.line.remove(&former.turn);
        }
    }

    fn move_to_end(&mut self, target: &FetchTarget) {
        let Some(partition) = self.partitions.get_mut(target) else {
            return;
        };
        self.line.remove(&partition.turn);
        partition.turn = self.turn_next;
        self.line.insert(self.turn_next, target.clone());
        self.turn_next += 1;
    }

    fn targets(&self) -> Vec<(FetchTarget, FetchPosition)> {
        self.line
            .values()
            .filter_map(|target| {
                let position = self.partitions.get(target)?.position.clone()?;
                Some((target.clone(), position))
            })
            .collect()
    }
}

fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
