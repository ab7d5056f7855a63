//! Reading records.
//!
//! A [`Consumer`] reads partitions that it was assigned or, as a member of a group, those that
//! the group gives it. All happens in [`Consumer::poll`], except that fetches, heartbeats and
//! joins go on by themselves between two polls. A position is the next record that `poll` will
//! return; what was returned counts as read when `poll` is called again.

mod assignor;
mod commits;
mod fetcher;
mod group;
mod locate;
mod positions;
mod record;
mod settings;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fleuve_model::{Offset, TopicName, TopicPartition};
use regex::Regex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use record::ConsumerRecord;

use crate::cluster::Cluster;
use crate::cluster::metadata::Topic;
use crate::offsets::{OffsetResults, list_offsets};
use crate::{ClientError, Config, OffsetSpec};
use fetcher::Fetcher;
use group::{Classic, Coordinator, Membership, ServerSide, Signals, Subscription};
use locate::Located;
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
            self.take_arrived()?;
            if self.positions.has_records() {
                let records = self.positions.take(self.settings.poll_records_max)?;
                self.send_fetches();
                if !records.is_empty() {
                    return Ok(records);
                }
            }
            self.send_fetches();
            if Instant::now() >= deadline {
                return Ok(Vec::new());
            }
            self.wait(deadline).await?;
        }
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
