//! The steps of [`Consumer::poll`]: what the group demands, what has to be asked for, and
//! waiting for whatever comes first.

use std::collections::{BTreeMap, BTreeSet};

use fleuve_model::TopicPartition;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::fetcher::Findings;
use super::group::{Action, Membership};
use super::locate::{Located, locate};
use super::positions::Place;
use super::{Consumer, RebalanceListener};
use crate::ClientError;
use crate::cluster::TopicSelection;

impl Consumer {
    /// Does what the group demands, until it demands nothing.
    pub(super) async fn follow_group(&mut self) -> Result<(), ClientError> {
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

    pub(super) fn tell(
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

    pub(super) fn send_fetches(&mut self) {
        if self
            .paused_until
            .is_some_and(|until| Instant::now() < until)
        {
            return;
        }
        self.paused_until = None;
        self.wants_metadata |= self.fetcher.send(&mut self.positions);
    }

    /// Takes what fetches have brought, so that the next are asked for while there still are
    /// records to hand out.
    pub(super) fn take_arrived(&mut self) -> Result<(), ClientError> {
        while let Some(findings) = self.fetcher.receive_arrived(&mut self.positions) {
            self.note(findings)?;
        }
        Ok(())
    }

    fn note(&mut self, findings: Findings) -> Result<(), ClientError> {
        if findings.is_retry {
            self.paused_until = Some(Instant::now() + self.settings.common.retry_backoff);
        }
        self.wants_metadata |= findings.wants_metadata;
        findings.error.map_or(Ok(()), Err)
    }

    /// Waits for whatever comes first.
    pub(super) async fn wait(&mut self, deadline: Instant) -> Result<(), ClientError> {
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
                self.note(findings)
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
    pub(super) fn refresh_metadata(&mut self) {
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

    pub(super) fn begin_locating(&mut self) {
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
            Some(membership @ Membership::ServerSide(_)) => Some(membership.speaker()),
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
