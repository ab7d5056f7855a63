//! Committing positions, automatically or when asked.

use std::collections::BTreeMap;

use fleuve_model::TopicPartition;
use tokio::time::Instant;

use super::Consumer;
use super::group::{Identity, Membership, OffsetsToCommit, Speaker, commit};
use super::positions::Position;
use crate::ClientError;
use crate::admin::{CommittedOffset, fetch_group_offsets};

impl Consumer {
    /// Commits the positions every `auto.commit.interval.ms`, if that is wanted.
    pub(super) fn commit_in_background(&mut self) {
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
        let speaker = self.speaker();
        let deadline = now + self.settings.api_timeout;
        self.committing = Some(tokio::spawn(async move {
            let result = commit(&coordinator, &speaker, &offsets, deadline).await;
            if let Err(error) = result {
                tracing::warn!(%error, "offsets were not committed");
            }
        }));
    }

    pub(super) async fn commit_automatically(
        &mut self,
        membership: Option<&Membership>,
    ) -> Result<(), ClientError> {
        if self.settings.auto_commit.is_none() {
            return Ok(());
        }
        if let Some(committing) = self.committing.take() {
            let _ = committing.await;
        }
        let speaker = speaker_of(membership);
        self.commit_as(&speaker, &self.offsets_to_commit()).await
    }

    async fn commit_as(
        &self,
        speaker: &Speaker,
        offsets: &OffsetsToCommit,
    ) -> Result<(), ClientError> {
        let coordinator = self
            .coordinator
            .as_ref()
            .ok_or_else(|| ClientError::Invalid("to commit offsets, set group.id".to_owned()))?;
        let deadline = Instant::now() + self.settings.api_timeout;
        commit(coordinator, speaker, offsets, deadline).await
    }

    fn speaker(&self) -> Speaker {
        speaker_of(self.membership.as_ref())
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
        self.commit_as(&self.speaker(), &self.offsets_to_commit())
            .await
    }

    /// Commits these offsets: of each partition the next record to read.
    pub async fn commit_offsets(
        &mut self,
        offsets: &BTreeMap<TopicPartition, CommittedOffset>,
    ) -> Result<(), ClientError> {
        self.commit_as(&self.speaker(), offsets).await
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
}

fn speaker_of(membership: Option<&Membership>) -> Speaker {
    membership.map_or_else(|| Speaker::fixed(Identity::nobody()), Membership::speaker)
}
