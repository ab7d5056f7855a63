//! Belonging to a group: joining it, staying in it, and learning what to read.
//!
//! Both protocols have one face: [`Membership::next`] tells the consumer what to do, never
//! waits, and is asked again once that is done. Heartbeats and joins run in tasks of their own,
//! which signal through [`Signals`].

mod classic;
mod commit;
mod coordinator;
mod heartbeat;
mod join;
mod server_side;
mod speaker;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use fleuve_model::{TopicName, TopicPartition};
use fleuve_protocol::Str;
use regex::Regex;
use tokio::sync::Notify;
use tokio::time::Instant;

pub(super) use classic::Classic;
pub(super) use commit::{OffsetsToCommit, commit};
pub(super) use coordinator::Coordinator;
pub(super) use server_side::ServerSide;
pub(super) use speaker::Speaker;

use crate::ClientError;
use crate::cluster::metadata::ClusterMetadata;

/// What a consumer subscribes to.
#[derive(Clone, Debug)]
pub(super) enum Subscription {
    /// Topics by name.
    Topics(BTreeSet<TopicName>),
    /// All topics whose name an expression matches.
    Pattern {
        pattern: Regex,
        excludes_internal: bool,
    },
}

impl Subscription {
    /// The topics that are meant, as far as `metadata` knows them.
    pub(super) fn topics(&self, metadata: &ClusterMetadata) -> BTreeSet<String> {
        match self {
            Subscription::Topics(topics) => topics
                .iter()
                .map(|topic| topic.as_str().to_owned())
                .collect(),
            Subscription::Pattern {
                pattern,
                excludes_internal,
            } => metadata
                .topics
                .values()
                .filter(|topic| !(*excludes_internal && topic.is_internal))
                .map(|topic| topic.name.as_str())
                .filter(|name| matches_whole(pattern, name))
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// Java's `matches`: the whole name, not a part of it.
fn matches_whole(pattern: &Regex, name: &str) -> bool {
    pattern
        .find_iter(name)
        .any(|found| found.start() == 0 && found.end() == name.len())
}

/// What the consumer is to do next for its group.
#[derive(Debug)]
pub(super) enum Action {
    /// Nothing, until something is signalled.
    None,
    /// Commit if that is automatic, stop reading these, tell the listener, and report
    /// [`Membership::revoked`].
    Revoke(BTreeSet<TopicPartition>),
    /// The same without a commit: they belong to somebody else already.
    Lose(BTreeSet<TopicPartition>),
    /// Read exactly these and report [`Membership::assigned`].
    Assign(BTreeSet<TopicPartition>),
    /// Tell the one who polls.
    Fail(ClientError),
}

/// In whose name offsets are committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) member_id: Str,
    /// Generation or member epoch; -1 for nobody.
    pub(super) generation: i32,
    pub(super) instance_id: Option<Str>,
}

impl Identity {
    /// For a consumer that assigns partitions to itself.
    pub(super) fn nobody() -> Identity {
        Identity {
            generation: -1,
            ..Identity::default()
        }
    }
}

/// What the tasks of a group tell the consumer, and it them.
#[derive(Debug)]
pub(super) struct Signals {
    notice: Mutex<Option<Notice>>,
    changed: Notify,
    last_poll: Mutex<Instant>,
}

/// What a heartbeat has found.
#[derive(Clone, Debug)]
pub(super) enum Notice {
    /// The group rebalances: join again.
    Rebalance,
    /// The coordinator does not know the member any more, or the member left for not polling.
    Lost,
    /// Nothing can be done.
    Fatal(ClientError),
}

impl Signals {
    pub(super) fn new() -> Arc<Signals> {
        Arc::new(Signals {
            notice: Mutex::new(None),
            changed: Notify::new(),
            last_poll: Mutex::new(Instant::now()),
        })
    }

    fn notify(&self, notice: Option<Notice>) {
        if notice.is_some() {
            *self.notice.lock().unwrap_or_else(PoisonError::into_inner) = notice;
        }
        self.changed.notify_one();
    }

    fn take(&self) -> Option<Notice> {
        self.notice
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Notes that the consumer is alive.
    pub(super) fn polled(&self) {
        *self
            .last_poll
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last_poll(&self) -> Instant {
        *self
            .last_poll
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to ask [`Membership::next`] about.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// A member of a group, by either protocol.
pub(super) enum Membership {
    Classic(Box<Classic>),
    ServerSide(ServerSide),
}

impl Membership {
    pub(super) fn next(&mut self) -> Action {
        match self {
            Membership::Classic(member) => member.next(),
            Membership::ServerSide(member) => member.next(),
        }
    }

    pub(super) fn revoked(&mut self, partitions: &BTreeSet<TopicPartition>) {
        match self {
            Membership::Classic(member) => member.revoked(partitions),
            Membership::ServerSide(member) => member.revoked(partitions),
        }
    }

    pub(super) fn assigned(&mut self, partitions: &BTreeSet<TopicPartition>) {
        match self {
            Membership::Classic(member) => member.assigned(partitions),
            Membership::ServerSide(member) => member.assigned(partitions),
        }
    }

    /// In whose name offsets are committed and asked for.
    pub(super) fn speaker(&self) -> Speaker {
        match self {
            Membership::Classic(member) => Speaker::fixed(member.identity()),
            Membership::ServerSide(member) => member.speaker(),
        }
    }

    /// Changes what is subscribed to.
    pub(super) fn subscribe(&mut self, subscription: Subscription) {
        match self {
            Membership::Classic(member) => member.subscribe(subscription),
            Membership::ServerSide(member) => member.subscribe(subscription),
        }
    }

    /// Looks whether new metadata changes what is subscribed to.
    pub(super) fn metadata_changed(&mut self) {
        if let Membership::Classic(member) = self {
            member.metadata_changed();
        }
    }

    /// Tells the coordinator that the member is gone.
    pub(super) async fn leave(self) {
        match self {
            Membership::Classic(member) => member.leave().await,
            Membership::ServerSide(member) => member.leave().await,
        }
    }
}
