use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fleuve_model::TopicPartition;
use fleuve_protocol::Str;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::task::JoinHandle;

use super::heartbeat::{Heartbeat, leave};
use super::join::{Join, Joined};
use super::{Action, Coordinator, Identity, Notice, Signals, Subscription};
use crate::ClientError;
use crate::consumer::settings::GroupSettings;

/// A member of a classic group: it joins, syncs and, if it leads, assigns (KIP-62, KIP-429).
///
/// With eager assignors everything is given up before joining. With the cooperative one what
/// is owned stays, and only what goes to another member is given up, followed by another join.
pub(in crate::consumer) struct Classic {
    coordinator: Coordinator,
    settings: GroupSettings,
    rack: Option<Str>,
    signals: Arc<Signals>,
    subscription: Subscription,
    identity: Identity,
    owned: BTreeSet<TopicPartition>,
    heartbeat: Option<Heartbeat>,
    joining: Option<Joining>,
    /// Why to join, if that is due.
    join_reason: Option<&'static str>,
    /// Whether what had to be given up before joining was.
    is_prepared: bool,
    /// What a finished join is to lead to.
    pending: Option<BTreeSet<TopicPartition>>,
    /// What the last assignment was made for, if this member has made it.
    assigned_for: Option<BTreeMap<String, i32>>,
    /// The topics that were subscribed to at the last join.
    joined_topics: BTreeSet<String>,
}

/// A join that goes on; it ends when this is dropped.
struct Joining {
    task: JoinHandle<()>,
    /// The result, which is there before it is signalled.
    result: oneshot::Receiver<Result<Joined, ClientError>>,
}

impl Drop for Joining {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Classic {
    pub(in crate::consumer) fn new(
        coordinator: Coordinator,
        settings: GroupSettings,
        rack: Option<Str>,
        signals: Arc<Signals>,
        subscription: Subscription,
    ) -> Classic {
        let identity = Identity {
            instance_id: settings.instance_id.clone(),
            ..Identity::nobody()
        };
        Classic {
            coordinator,
            settings,
            rack,
            signals,
            subscription,
            identity,
            owned: BTreeSet::new(),
            heartbeat: None,
            joining: None,
            join_reason: Some("a new member"),
            is_prepared: false,
            pending: None,
            assigned_for: None,
            joined_topics: BTreeSet::new(),
        }
    }

    pub(super) fn next(&mut self) -> Action {
        if let Some(notice) = self.signals.take() {
            match notice {
                Notice::Rebalance => self.join_reason = Some("the group is rebalancing"),
                Notice::Lost => return self.lose("the member was forgotten"),
                Notice::Fatal(error) => return Action::Fail(error),
            }
        }
        if let Some(action) = self.take_joined() {
            return action;
        }
        if let Some(assignment) = &self.pending {
            let gone: BTreeSet<TopicPartition> =
                self.owned.difference(assignment).cloned().collect();
            if gone.is_empty() {
                return Action::Assign(assignment.clone());
            }
            // Only a cooperative member still owns anything here; whoever gets it waits.
            self.join_reason = Some("partitions were given up");
            return Action::Revoke(gone);
        }
        if self.join_reason.is_some() && self.joining.is_none() {
            return self.prepare_or_join();
        }
        Action::None
    }

    /// A join that has ended, in whatever way.
    fn take_joined(&mut self) -> Option<Action> {
        let result = match self.joining.as_mut()?.result.try_recv() {
            Ok(result) => result,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Closed) => Err(ClientError::Closed("consumer")),
        };
        self.joining = None;
        let joined = match result {
            Ok(joined) => joined,
            Err(error) => {
                self.join_reason = Some("the last attempt failed");
                return Some(Action::Fail(error));
            }
        };
        tracing::debug!(
            generation = joined.identity.generation,
            assignor = joined.assignor.name(),
            partitions = joined.assignment.len(),
            "joined group {}",
            self.settings.id
        );
        self.identity = joined.identity;
        self.assigned_for = joined.assigned_for;
        self.pending = Some(joined.assignment);
        self.heartbeat = Some(Heartbeat::start(
            self.coordinator.clone(),
            self.identity.clone(),
            self.settings.heartbeat_interval,
            self.settings.poll_interval_max,
            self.signals.clone(),
        ));
        if joined.has_lost && !self.owned.is_empty() {
            return Some(Action::Lose(std::mem::take(&mut self.owned)));
        }
        None
    }

    fn prepare_or_join(&mut self) -> Action {
        if !self.is_prepared {
            self.is_prepared = true;
            let given_up = if self.is_cooperative() {
                let topics = self.topics();
                let is_unwanted = |owned: &&TopicPartition| !topics.contains(owned.topic.as_str());
                self.owned.iter().filter(is_unwanted).cloned().collect()
            } else {
                self.owned.clone()
            };
            // Even with nothing to give up: this is when offsets are committed.
            return Action::Revoke(given_up);
        }
        self.heartbeat = None;
        self.is_prepared = false;
        self.joined_topics = self.topics();
        let reason = self.join_reason.take().unwrap_or("");
        let join = Join {
            coordinator: self.coordinator.clone(),
            settings: self.settings.clone(),
            rack: self.rack.clone(),
            subscription: self.subscription.clone(),
            identity: self.identity.clone(),
            owned: self.owned.clone(),
            reason,
        };
        let signals = self.signals.clone();
        let (sender, result) = oneshot::channel();
        let task = tokio::spawn(async move {
            let _ = sender.send(join.run().await);
            signals.notify(None);
        });
        self.joining = Some(Joining { task, result });
        Action::None
    }

    fn lose(&mut self, reason: &'static str) -> Action {
        self.heartbeat = None;
        self.identity.member_id = Str::EMPTY;
        self.identity.generation = -1;
        self.join_reason = Some(reason);
        self.is_prepared = true;
        self.pending = None;
        Action::Lose(std::mem::take(&mut self.owned))
    }

    pub(super) fn revoked(&mut self, partitions: &BTreeSet<TopicPartition>) {
        self.owned.retain(|owned| !partitions.contains(owned));
    }

    pub(super) fn assigned(&mut self, partitions: &BTreeSet<TopicPartition>) {
        self.owned = partitions.clone();
        self.pending = None;
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity.clone()
    }

    pub(super) fn subscribe(&mut self, subscription: Subscription) {
        self.subscription = subscription;
        self.join_reason = Some("the subscription has changed");
    }

    /// The leader watches the number of partitions, and who subscribes by a pattern the topics.
    pub(super) fn metadata_changed(&mut self) {
        let metadata = self.coordinator.cluster().metadata();
        if let Some(assigned_for) = &self.assigned_for {
            let differs = |(name, count): (&String, &i32)| {
                let topic = metadata
                    .topics
                    .iter()
                    .find(|(known, _)| known.as_str() == name);
                topic.is_some_and(|(_, topic)| topic.partitions.len() as i32 != *count)
            };
            let is_new = |name: &String| {
                !assigned_for.contains_key(name)
                    && metadata.topics.keys().any(|known| known.as_str() == name)
            };
            if assigned_for.iter().any(differs) || self.joined_topics.iter().any(is_new) {
                self.join_reason = Some("the topics have changed");
            }
        }
        let is_pattern = matches!(self.subscription, Subscription::Pattern { .. });
        if is_pattern && self.joining.is_none() && self.topics() != self.joined_topics {
            self.join_reason = Some("the topics of the pattern have changed");
        }
    }

    pub(super) async fn leave(mut self) {
        self.joining = None;
        self.heartbeat = None;
        leave(
            &self.coordinator,
            &self.identity,
            "the consumer is being closed",
        )
        .await;
    }

    fn topics(&self) -> BTreeSet<String> {
        self.subscription
            .topics(&self.coordinator.cluster().metadata())
    }

    /// Whether all that may be chosen let a member keep what it owns.
    fn is_cooperative(&self) -> bool {
        self.settings
            .assignors
            .iter()
            .all(|assignor| assignor.is_cooperative())
    }
}
