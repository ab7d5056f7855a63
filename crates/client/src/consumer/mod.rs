//! Reading records.
//!
//! A [`Consumer`] reads partitions that it was assigned or, as a member of a group, those that
//! the group gives it. All happens in [`Consumer::poll`], except that fetches, heartbeats and
//! joins go on by themselves between two polls. A position is the next record that `poll` will
//! return; what was returned counts as read when `poll` is called again.

mod assignor;
mod fetcher;
mod group;
mod locate;
mod positions;
mod record;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fleuve_model::{Offset, TopicName, TopicPartition};
use regex::Regex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

pub use record::ConsumerRecord;

use crate::admin::{CommittedOffset, fetch_group_offsets};
use crate::cluster::metadata::Topic;
use crate::cluster::{Cluster, TopicSelection};
use crate::offsets::{OffsetResults, list_offsets};
use crate::{ClientError, Config, OffsetSpec};
use fetcher::Fetcher;
use group::{
    Action, Classic, Coordinator, Identity, Membership, OffsetsToCommit, ServerSide, Signals,
    Subscription, commit,
};
use locate::{Located, locate};
use positions::{Place, Position, Positions, Wanted};
use settings::{ConsumerSettings, GroupProtocol};

/// Is told when partitions come and go. It is called by [`Consumer::poll`] and must not wait.
pub trait RebalanceListener: Send + Sync {
    /// These were added.
    fn assigned(&self, partitions: &BTreeSet<TopicPartition>);

    /// These are about to go; with automatic commits their positions have been committed.
    fn revoked(&self, partitions: &BTreeSet<TopicPartition>);

    /// These have gone to somebody else already.
    fn lost(&self, partitions: &BTreeSet<TopicPartition>) {
        self.revoked(partitions);
    }
}

/// Reads records, alone or as a member of a group.
pub struct Consumer {
    cluster: Cluster,
    settings: ConsumerSettings,
    positions: Positions,
    fetcher: Fetcher,
    signals: Arc<Signals>,
    coordinator: Option<Coordinator>,
    membership: Option<Membership>,
    listener: Option<Arc<dyn RebalanceListener>>,
    locating: Option<JoinHandle<Located>>,
    refreshing: Option<JoinHandle<()>>,
    committing: Option<JoinHandle<()>>,
    commit_at: Option<Instant>,
    wants_metadata: bool,
    /// The topics that are subscribed to by name; they may not exist yet.
    subscribed: BTreeSet<String>,
    /// Metadata is not asked for again before this, if nothing but a missing topic wants it.
    refresh_again_at: Instant,
    /// Nothing is fetched before this, after an error that may pass.
    paused_until: Option<Instant>,
}

impl Consumer {
    /// A consumer; no broker is asked before the first poll.
    pub fn new(config: &Config) -> Result<Consumer, ClientError> {
        let settings = ConsumerSettings::read(config)?;
        let cluster = Cluster::new(settings.common.clone());
        let group = settings.group.as_ref().map(|group| group.id.clone());
        Ok(Consumer {
            fetcher: Fetcher::new(cluster.clone(), settings.clone()),
            coordinator: group.map(|group| Coordinator::new(cluster.clone(), group)),
            commit_at: settings
                .auto_commit
                .map(|interval| Instant::now() + interval),
            positions: Positions::default(),
            signals: Signals::new(),
            membership: None,
            listener: None,
            locating: None,
            refreshing: None,
            committing: None,
            wants_metadata: false,
            subscribed: BTreeSet::new(),
            refresh_again_at: Instant::now(),
            paused_until: None,
            cluster,
            settings,
        })
    }

    /// Reads these partitions and no others, without a group's say.
    ///
    /// # Errors
    /// The consumer is subscribed.
    pub fn assign(
        &mut self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<(), ClientError> {
        if self.membership.is_some() {
            let message = "a consumer is subscribed to topics or assigned partitions, not both";
            return Err(ClientError::Invalid(message.to_owned()));
        }
        self.positions.assign(&partitions.into_iter().collect());
        self.wants_metadata = true;
        Ok(())
    }

    /// Reads what the group gives it of these topics; replaces an earlier subscription.
    pub fn subscribe(
        &mut self,
        topics: impl IntoIterator<Item = TopicName>,
    ) -> Result<(), ClientError> {
        self.subscribe_to(Subscription::Topics(topics.into_iter().collect()))
    }

    /// Reads what the group gives it of all topics whose whole name matches.
    ///
    /// With `group.protocol=consumer` it is the broker that matches, by its own rules (RE2).
    pub fn subscribe_pattern(&mut self, pattern: &str) -> Result<(), ClientError> {
        let pattern = Regex::new(pattern).map_err(|error| {
            ClientError::Invalid(format!("{pattern} is not a regular expression: {error}"))
        })?;
        let excludes_internal = self.settings.excludes_internal;
        self.subscribe_to(Subscription::Pattern {
            pattern,
            excludes_internal,
        })
    }

    /// Has `listener` told of partitions that come and go.
    pub fn listen(&mut self, listener: Arc<dyn RebalanceListener>) {
        self.listener = Some(listener);
    }

    fn subscribe_to(&mut self, subscription: Subscription) -> Result<(), ClientError> {
        let (Some(coordinator), Some(group)) = (&self.coordinator, &self.settings.group) else {
            let message = "to subscribe, set group.id; to read without a group, assign partitions";
            return Err(ClientError::Invalid(message.to_owned()));
        };
        let topics = match &subscription {
            Subscription::Topics(topics) => topics
                .iter()
                .map(|topic| topic.as_str().to_owned())
                .collect(),
            Subscription::Pattern { .. } => BTreeSet::new(),
        };
        if let Some(membership) = &mut self.membership {
            membership.subscribe(subscription);
            self.subscribed = topics;
            return Ok(());
        }
        if !self.positions.assignment().is_empty() {
            let message = "a consumer is subscribed to topics or assigned partitions, not both";
            return Err(ClientError::Invalid(message.to_owned()));
        }
        self.subscribed = topics;
        let rack = Some(self.settings.rack.clone()).filter(|rack| !rack.is_empty());
        let (coordinator, group) = (coordinator.clone(), group.clone());
        let signals = self.signals.clone();
        self.signals.polled();
        self.membership = Some(match group.protocol {
            GroupProtocol::Classic => {
                let member = Classic::new(coordinator, group, rack, signals, subscription);
                Membership::Classic(Box::new(member))
            }
            GroupProtocol::Consumer => {
                let member = ServerSide::new(coordinator, group, rack, signals, subscription);
                Membership::ServerSide(member)
            }
        });
        Ok(())
    }

    /// Leaves the group, and reads nothing.
    pub async fn unsubscribe(&mut self) -> Result<(), ClientError> {
        let owned = self.positions.assignment();
        self.subscribed.clear();
        if let Some(membership) = self.membership.take() {
            let committed = self.commit_automatically(Some(&membership)).await;
            self.tell(&owned, |listener, partitions| listener.revoked(partitions));
            membership.leave().await;
            self.positions.assign(&BTreeSet::new());
            return committed;
        }
        self.positions.assign(&BTreeSet::new());
        Ok(())
    }

    /// Commits if that is automatic, leaves the group and hangs up.
    pub async fn close(mut self) -> Result<(), ClientError> {
        let result = match self.membership {
            Some(_) => self.unsubscribe().await,
            None => self.commit_automatically(None).await,
        };
        self.cluster.close();
        result
    }

    /// Waits for records, at most `timeout`; none may come. A group that rebalances, and
    /// positions that have to be found, are taken care of on the way.
    pub async fn poll(&mut self, timeout: Duration) -> Result<Vec<ConsumerRecord>, ClientError> {
        let deadline = Instant::now() + timeout;
        self.signals.polled();
        loop {
            self.follow_group().await?;
            self.commit_in_background();
            self.refresh_metadata();
            self.begin_locating();
            if self.positions.has_records() {
                let records = self.positions.take(self.settings.poll_records_max);
                self.send_fetches();
                return Ok(records);
            }
            self.send_fetches();
            if Instant::now() >= deadline {
                return Ok(Vec::new());
            }
            self.wait(deadline).await?;
        }
    }

    /// Does what the group demands, until it demands nothing.
    async fn follow_group(&mut self) -> Result<(), ClientError> {
        while let Some(mut membership) = self.membership.take() {
            let action = membership.next();
            match action {
                Action::None => {
                    self.membership = Some(membership);
                    break;
                }
                Action::Fail(error) => {
                    self.membership = Some(membership);
                    return Err(error);
                }
                Action::Revoke(gone) => {
                    // The group goes on even if the commit fails; whoever reads next begins at
                    // the last one that has not.
                    if let Err(error) = self.commit_automatically(Some(&membership)).await {
                        tracing::warn!(%error, "offsets were not committed");
                    }
                    self.tell(&gone, |listener, partitions| listener.revoked(partitions));
                    self.remove(&gone);
                    membership.revoked(&gone);
                }
                Action::Lose(gone) => {
                    self.tell(&gone, |listener, partitions| listener.lost(partitions));
                    self.remove(&gone);
                    membership.revoked(&gone);
                }
                Action::Assign(assignment) => {
                    let before = self.positions.assignment();
                    let added = assignment.difference(&before).cloned().collect();
                    self.positions.assign(&assignment);
                    self.wants_metadata |= !self.knows(&added);
                    membership.assigned(&assignment);
                    self.tell(&added, |listener, partitions| listener.assigned(partitions));
                }
            }
            self.membership = Some(membership);
        }
        Ok(())
    }

    fn remove(&mut self, gone: &BTreeSet<TopicPartition>) {
        let rest = self
            .positions
            .assignment()
            .difference(gone)
            .cloned()
            .collect();
        self.positions.assign(&rest);
    }

    fn tell(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        call: impl Fn(&dyn RebalanceListener, &BTreeSet<TopicPartition>),
    ) {
        if let Some(listener) = self.listener.as_ref().filter(|_| !partitions.is_empty()) {
            call(listener.as_ref(), partitions);
        }
    }

    fn knows(&self, partitions: &BTreeSet<TopicPartition>) -> bool {
        let metadata = self.cluster.metadata();
        partitions
            .iter()
            .all(|partition| metadata.topics.contains_key(&partition.topic))
    }

    fn send_fetches(&mut self) {
        if self
            .paused_until
            .is_some_and(|until| Instant::now() < until)
        {
            return;
        }
        self.paused_until = None;
        self.wants_metadata |= self.fetcher.send(&mut self.positions);
    }

    /// Waits for whatever comes first.
    async fn wait(&mut self, deadline: Instant) -> Result<(), ClientError> {
        let backoff = Instant::now() + self.settings.common.retry_backoff;
        let mut wake_at = self.commit_at.map_or(deadline, |at| at.min(deadline));
        if self.lacks_topic() {
            wake_at = wake_at.min(self.refresh_again_at.max(backoff));
        }
        if self.wants_metadata || self.paused_until.is_some() {
            wake_at = wake_at.min(backoff);
        }
        tokio::select! {
            findings = self.fetcher.receive(&mut self.positions) => {
                if findings.is_retry {
                    self.paused_until = Some(backoff);
                }
                self.wants_metadata |= findings.wants_metadata;
                findings.error.map_or(Ok(()), Err)
            }
            located = finished(&mut self.locating) => {
                self.locating = None;
                self.located(located)
            }
            () = finished(&mut self.refreshing) => {
                self.refreshing = None;
                if let Some(membership) = &mut self.membership {
                    membership.metadata_changed();
                }
                Ok(())
            }
            () = self.signals.changed() => Ok(()),
            () = sleep_until(wake_at) => Ok(()),
        }
    }

    /// Asks for metadata in the background if it misled somebody or is old.
    fn refresh_metadata(&mut self) {
        let is_due = self.lacks_topic() && Instant::now() >= self.refresh_again_at;
        let is_wanted = self.wants_metadata || is_due || self.cluster.is_metadata_old();
        if !is_wanted || self.refreshing.is_some() {
            return;
        }
        let mut names: BTreeSet<String> = self
            .positions
            .assignment()
            .iter()
            .map(|partition| partition.topic.as_str().to_owned())
            .collect();
        let metadata = self.cluster.metadata();
        names.extend(metadata.topics.keys().map(|name| name.as_str().to_owned()));
        names.extend(self.subscribed.iter().cloned());
        if names.is_empty() {
            return;
        }
        self.wants_metadata = false;
        self.refresh_again_at = Instant::now() + self.settings.common.retry_backoff_max;
        let (cluster, create) = (self.cluster.clone(), self.settings.auto_create_topics);
        let pause = self.settings.common.retry_backoff;
        self.refreshing = Some(tokio::spawn(async move {
            let selection = TopicSelection::Named(names.into_iter().collect());
            if let Err(error) = cluster.refresh(selection, create).await {
                tracing::debug!(%error, "metadata cannot be had");
                tokio::time::sleep(pause).await;
            }
        }));
    }

    /// Whether a topic that is subscribed to is not there, or not yet.
    fn lacks_topic(&self) -> bool {
        let metadata = self.cluster.metadata();
        let exists = |name: &String| metadata.topics.keys().any(|known| known.as_str() == name);
        !self.subscribed.iter().all(exists)
    }

    fn begin_locating(&mut self) {
        if self.locating.is_some() {
            return;
        }
        let wanted = self.positions.wanted().into_iter().map(|(partition, how)| {
            let epoch = self
                .positions
                .get(&partition)
                .map_or(0, |assigned| assigned.epoch);
            (partition, (how, epoch))
        });
        let wanted: BTreeMap<_, _> = wanted.collect();
        if wanted.is_empty() {
            return;
        }
        let member = match &self.membership {
            Some(membership @ Membership::ServerSide(_)) => {
                let identity = membership.identity();
                Some((identity.member_id, identity.generation))
            }
            _ => None,
        };
        let located = locate(self.cluster.clone(), self.settings.clone(), wanted, member);
        self.locating = Some(tokio::spawn(located));
    }

    fn located(&mut self, located: Located) -> Result<(), ClientError> {
        let mut failed = None;
        for (partition, epoch, result) in located {
            let is_current = self
                .positions
                .get(&partition)
                .is_some_and(|assigned| assigned.epoch == epoch);
            match result {
                _ if !is_current => {}
                Ok(position) => drop(self.positions.place(&partition, Place::Known(position))),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Commits the positions every `auto.commit.interval.ms`, if that is wanted.
    fn commit_in_background(&mut self) {
        let Some(interval) = self.settings.auto_commit else {
            return;
        };
        let now = Instant::now();
        if self.commit_at.is_some_and(|at| now < at) {
            return;
        }
        self.commit_at = Some(now + interval);
        if self
            .committing
            .as_ref()
            .is_some_and(|committing| !committing.is_finished())
        {
            return;
        }
        let Some(coordinator) = self.coordinator.clone() else {
            return;
        };
        let offsets = self.offsets_to_commit();
        let identity = self.identity();
        let deadline = now + self.settings.api_timeout;
        self.committing = Some(tokio::spawn(async move {
            let result = commit(&coordinator, &|| identity.clone(), &offsets, deadline).await;
            if let Err(error) = result {
                tracing::warn!(%error, "offsets were not committed");
            }
        }));
    }

    async fn commit_automatically(
        &mut self,
        membership: Option<&Membership>,
    ) -> Result<(), ClientError> {
        if self.settings.auto_commit.is_none() {
            return Ok(());
        }
        if let Some(committing) = self.committing.take() {
            let _ = committing.await;
        }
        let identity = || membership.map_or_else(Identity::nobody, Membership::identity);
        let identity = identity();
        self.commit_as(&identity, &self.offsets_to_commit()).await
    }

    async fn commit_as(
        &self,
        identity: &Identity,
        offsets: &OffsetsToCommit,
    ) -> Result<(), ClientError> {
        let coordinator = self
            .coordinator
            .as_ref()
            .ok_or_else(|| ClientError::Invalid("to commit offsets, set group.id".to_owned()))?;
        let deadline = Instant::now() + self.settings.api_timeout;
        commit(coordinator, &|| identity.clone(), offsets, deadline).await
    }

    fn identity(&self) -> Identity {
        self.membership
            .as_ref()
            .map_or_else(Identity::nobody, Membership::identity)
    }

    fn offsets_to_commit(&self) -> OffsetsToCommit {
        let known = self.positions.known().into_iter();
        known
            .map(|(partition, position)| {
                let Position {
                    offset,
                    leader_epoch,
                } = position;
                let metadata = String::new();
                (
                    partition,
                    CommittedOffset {
                        offset,
                        leader_epoch,
                        metadata,
                    },
                )
            })
            .collect()
    }

    /// Commits the positions: all that was returned by `poll` counts as read.
    pub async fn commit(&mut self) -> Result<(), ClientError> {
        self.commit_as(&self.identity(), &self.offsets_to_commit())
            .await
    }

    /// Commits these offsets: of each partition the next record to read.
    pub async fn commit_offsets(
        &mut self,
        offsets: &BTreeMap<TopicPartition, CommittedOffset>,
    ) -> Result<(), ClientError> {
        self.commit_as(&self.identity(), offsets).await
    }

    /// What the group has committed; partitions without an offset are left out.
    pub async fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, CommittedOffset>, ClientError> {
        let group = self.settings.group.as_ref().ok_or_else(|| {
            ClientError::Invalid("to have committed offsets, set group.id".to_owned())
        })?;
        let (id, deadline) = (
            group.id.as_str(),
            Instant::now() + self.settings.api_timeout,
        );
        let found =
            fetch_group_offsets(&self.cluster, id, Some(partitions), deadline, None).await?;
        found
            .into_iter()
            .map(|(partition, result)| Ok((partition, result?)))
            .collect()
    }

    /// Goes on at an offset.
    ///
    /// # Errors
    /// The partition is not assigned.
    pub fn seek(&mut self, partition: &TopicPartition, offset: Offset) -> Result<(), ClientError> {
        self.place(
            partition,
            Place::Known(Position {
                offset,
                leader_epoch: None,
            }),
        )
    }

    /// Goes on at the first or last offset, or at a time; found at the next poll.
    pub fn seek_to(
        &mut self,
        partition: &TopicPartition,
        spec: OffsetSpec,
    ) -> Result<(), ClientError> {
        self.place(partition, Place::Unknown(Wanted::At(spec)))
    }

    fn place(&mut self, partition: &TopicPartition, place: Place) -> Result<(), ClientError> {
        if self.positions.place(partition, place) {
            return Ok(());
        }
        Err(ClientError::Invalid(format!(
            "{partition} is not assigned to this consumer"
        )))
    }

    /// The next record that `poll` will return; nothing if it is not known yet.
    pub fn position(&self, partition: &TopicPartition) -> Option<Offset> {
        match self.positions.get(partition)?.place {
            Place::Known(position) => Some(position.offset),
            Place::Unknown(_) => None,
        }
    }

    /// How many records there are beyond the position, as far as fetches have told.
    pub fn lag(&self, partition: &TopicPartition) -> Option<i64> {
        let high_watermark = self.positions.get(partition)?.high_watermark?;
        Some((high_watermark - self.position(partition)?).max(0))
    }

    /// Returns no records of these partitions until they are resumed.
    pub fn pause<'a>(&mut self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        self.set_paused(partitions, true);
    }

    /// Returns records of these partitions again.
    pub fn resume<'a>(&mut self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        self.set_paused(partitions, false);
    }

    fn set_paused<'a>(
        &mut self,
        partitions: impl IntoIterator<Item = &'a TopicPartition>,
        is_paused: bool,
    ) {
        for partition in partitions {
            if let Some(assigned) = self.positions.get_mut(partition) {
                assigned.is_paused = is_paused;
            }
        }
    }

    /// The partitions that are paused.
    pub fn paused(&self) -> BTreeSet<TopicPartition> {
        let paused = self
            .positions
            .iter()
            .filter(|(_, assigned)| assigned.is_paused);
        paused.map(|(partition, _)| partition.clone()).collect()
    }

    /// The partitions that are read.
    pub fn assignment(&self) -> BTreeSet<TopicPartition> {
        self.positions.assignment()
    }

    /// A topic as a broker tells it now.
    pub async fn topic(&self, name: &TopicName) -> Result<Topic, ClientError> {
        self.cluster
            .fresh_topic(name, self.settings.auto_create_topics)
            .await
    }

    /// Finds offsets; see [`OffsetSpec`].
    pub async fn list_offsets(
        &self,
        partitions: &BTreeMap<TopicPartition, OffsetSpec>,
    ) -> OffsetResults {
        let deadline = Instant::now() + self.settings.api_timeout;
        list_offsets(&self.cluster, partitions, self.settings.isolation, deadline).await
    }
}

/// Waits for a task, if there is one; for ever if there is none or it has failed.
async fn finished<T>(task: &mut Option<JoinHandle<T>>) -> T {
    match task {
        Some(task) => match task.await {
            Ok(value) => value,
            Err(error) => {
                tracing::error!(%error, "a task of the consumer has ended early");
                std::future::pending().await
            }
        },
        None => std::future::pending().await,
    }
}
