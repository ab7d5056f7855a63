use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleuve_model::{ErrorCode, TopicId, TopicPartition};
use fleuve_protocol::api::consumer_group_heartbeat::{Assignment, TopicPartitions};
use fleuve_protocol::api::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use fleuve_protocol::{ApiKey, Str};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::{Action, Coordinator, Identity, Notice, Signals, Speaker, Subscription};
use crate::ClientError;
use crate::cluster::{TopicSelection, partition_from_wire};
use crate::consumer::settings::GroupSettings;

/// A member of a consumer group (KIP-848): the broker assigns, and one call does everything.
///
/// A task sends heartbeats and takes assignments in; the consumer gives up what is not in the
/// assignment, takes on what is, and the next heartbeat, sent at once, says so.
pub(in crate::consumer) struct ServerSide {
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

struct Shared {
    coordinator: Coordinator,
    settings: GroupSettings,
    rack: Option<Str>,
    signals: Arc<Signals>,
    state: Mutex<State>,
    /// The heartbeat is due now.
    hurry: Notify,
}

struct State {
    subscription: Subscription,
    member_id: Str,
    epoch: i32,
    /// What the consumer reads.
    owned: BTreeSet<TopicPartition>,
    /// What it is to read; none until the broker has said.
    target: Option<BTreeSet<TopicPartition>>,
    /// Whether the next heartbeat has to say what is owned.
    tells_owned: bool,
    /// Whether the next heartbeat has to say what is subscribed to.
    tells_subscription: bool,
    /// Whether the task has given up; noted before it is signalled.
    has_ended: bool,
    /// Ids of topics by name, learned with assignments.
    ids: BTreeMap<String, TopicId>,
}

const LEAVE_EPOCH: i32 = -1;
const LEAVE_FOR_A_WHILE_EPOCH: i32 = -2;

/// From this version on a member chooses its own id, and may subscribe by a pattern.
const OWN_MEMBER_ID_FROM: i16 = 1;

impl ServerSide {
    pub(in crate::consumer) fn new(
        coordinator: Coordinator,
        settings: GroupSettings,
        rack: Option<Str>,
        signals: Arc<Signals>,
        subscription: Subscription,
    ) -> ServerSide {
        let state = State {
            subscription,
            member_id: new_member_id(),
            epoch: 0,
            owned: BTreeSet::new(),
            target: None,
            tells_owned: true,
            tells_subscription: true,
            has_ended: false,
            ids: BTreeMap::new(),
        };
        let (state, hurry) = (Mutex::new(state), Notify::new());
        let shared = Arc::new(Shared {
            coordinator,
            settings,
            rack,
            signals,
            state,
            hurry,
        });
        let task = Some(tokio::spawn(shared.clone().run()));
        ServerSide { shared, task }
    }

    pub(super) fn next(&mut self) -> Action {
        match self.shared.signals.take() {
            Some(Notice::Fatal(error)) => return Action::Fail(error),
            Some(Notice::Lost) => {
                let owned = std::mem::take(&mut self.shared.state().owned);
                return Action::Lose(owned);
            }
            Some(Notice::Rebalance) | None => {}
        }
        if std::mem::take(&mut self.shared.state().has_ended) {
            // It had left because nobody polled, and now somebody does; or it could not be
            // helped, and the caller has come back nevertheless.
            self.task = Some(tokio::spawn(self.shared.clone().run()));
        }
        let state = self.shared.state();
        let Some(target) = &state.target else {
            return Action::None;
        };
        let gone: BTreeSet<TopicPartition> = state.owned.difference(target).cloned().collect();
        if !gone.is_empty() {
            return Action::Revoke(gone);
        }
        Action::Assign(target.clone())
    }

    pub(super) fn revoked(&mut self, partitions: &BTreeSet<TopicPartition>) {
        self.shared
            .state()
            .owned
            .retain(|owned| !partitions.contains(owned));
    }

    pub(super) fn assigned(&mut self, partitions: &BTreeSet<TopicPartition>) {
        let mut state = self.shared.state();
        state.owned = partitions.clone();
        if state.target.as_ref() == Some(partitions) {
            state.target = None;
        }
        state.tells_owned = true;
        drop(state);
        self.shared.hurry.notify_one();
    }

    pub(super) fn speaker(&self) -> Speaker {
        let shared = self.shared.clone();
        Speaker::live(move || {
            let state = shared.state();
            Identity {
                member_id: state.member_id.clone(),
                generation: state.epoch,
                instance_id: shared.settings.instance_id.clone(),
            }
        })
    }

    pub(super) fn subscribe(&mut self, subscription: Subscription) {
        let mut state = self.shared.state();
        state.subscription = subscription;
        state.tells_subscription = true;
        drop(state);
        self.shared.hurry.notify_one();
    }

    pub(super) async fn leave(mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        self.shared.leave().await;
    }
}

impl Drop for ServerSide {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends heartbeats until the member is out for good.
    async fn run(self: Arc<Shared>) {
        let mut backoff = self.coordinator.cluster().backoff();
        loop {
            let result = self.beat().await;
            let pause = match result {
                Ok(interval) => {
                    backoff = self.coordinator.cluster().backoff();
                    interval
                }
                Err(error) => match self.failed(error) {
                    Failure::Passes => backoff.next(),
                    Failure::Rejoins => continue,
                    Failure::Ends(error) => {
                        return self.end(Notice::Fatal(error));
                    }
                },
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.hurry.notified() => {}
            }
            let poll_interval_max = self.settings.poll_interval_max;
            if Instant::now() > self.signals.last_poll() + poll_interval_max {
                tracing::warn!(
                    group = %self.settings.id,
                    "leaving the group: nobody has polled for {poll_interval_max:?} \
                     (max.poll.interval.ms)"
                );
                self.leave().await;
                self.forget();
                return self.end(Notice::Lost);
            }
        }
    }

    fn end(&self, notice: Notice) {
        self.state().has_ended = true;
        self.signals.notify(Some(notice));
    }

    /// One heartbeat; gives the time to the next.
    async fn beat(&self) -> Result<Duration, ClientError> {
        let (told_owned, told_subscription) = {
            let state = self.state();
            (state.tells_owned, state.tells_subscription)
        };
        let connection = self.coordinator.connection().await?;
        let version = connection.version_of::<ConsumerGroupHeartbeatRequest>()?;
        let is_pattern = matches!(self.state().subscription, Subscription::Pattern { .. });
        if is_pattern && version < OWN_MEMBER_ID_FROM {
            return Err(ClientError::UnsupportedApi {
                broker: connection.broker().to_owned(),
                api: ApiKey::ConsumerGroupHeartbeat.name(),
                offered: connection
                    .offered(ApiKey::ConsumerGroupHeartbeat)
                    .map(|o| o.to_string()),
                needed: "1, to subscribe by a pattern".to_owned(),
            });
        }
        let request = self.request(version);
        let answer = connection.start_at(request, version).await?;
        let response = answer
            .receive()
            .await
            .inspect_err(|error| self.coordinator.note(error))?;
        if response.error_code != 0 {
            let subject = format!("group {}", self.settings.id);
            let message = response.error_message.as_ref();
            ClientError::check(response.error_code, subject, message)
                .inspect_err(|error| self.coordinator.note(error))?;
        }
        let interval = Duration::from_millis(response.heartbeat_interval_ms.max(1) as u64);
        self.accept(response, told_owned, told_subscription).await?;
        Ok(interval)
    }

    fn request(&self, version: i16) -> ConsumerGroupHeartbeatRequest {
        let state = self.state();
        let is_joining = state.epoch == 0;
        let mut request = ConsumerGroupHeartbeatRequest {
            group_id: self.settings.id.clone(),
            member_id: match version {
                OWN_MEMBER_ID_FROM.. => state.member_id.clone(),
                _ if is_joining => Str::EMPTY,
                _ => state.member_id.clone(),
            },
            member_epoch: state.epoch,
            instance_id: self.settings.instance_id.clone(),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        if is_joining {
            let timeout = self.settings.poll_interval_max.as_millis();
            request.rack_id = self.rack.clone();
            request.rebalance_timeout_ms = timeout.min(i32::MAX as u128) as i32;
            request.server_assignor = self.settings.remote_assignor.clone();
        }
        if is_joining || state.tells_subscription {
            match &state.subscription {
                Subscription::Topics(topics) => {
                    let names = topics.iter().map(|topic| Str::from(topic.as_str()));
                    request.subscribed_topic_names = Some(names.collect());
                    if version >= OWN_MEMBER_ID_FROM && !is_joining {
                        request.subscribed_topic_regex = Some(Str::EMPTY);
                    }
                }
                Subscription::Pattern { pattern, .. } => {
                    request.subscribed_topic_regex = Some(Str::from(pattern.as_str()));
                    if !is_joining {
                        request.subscribed_topic_names = Some(Vec::new());
                    }
                }
            }
        }
        if is_joining || state.tells_owned {
            let mut topics: BTreeMap<TopicId, Vec<i32>> = BTreeMap::new();
            for owned in state.owned.iter().filter(|_| !is_joining) {
                if let Some(id) = state.ids.get(owned.topic.as_str()) {
                    topics.entry(*id).or_default().push(owned.partition.value());
                }
            }
            let topics = topics.into_iter().map(|(id, partitions)| TopicPartitions {
                topic_id: Some(id),
                partitions,
            });
            request.topic_partitions = Some(topics.collect());
        }
        request
    }

    async fn accept(
        &self,
        response: ConsumerGroupHeartbeatResponse,
        told_owned: bool,
        told_subscription: bool,
    ) -> Result<(), ClientError> {
        let assigned = match &response.assignment {
            Some(assignment) => Some(self.named(assignment).await?),
            None => None,
        };
        let mut state = self.state();
        if let Some(member_id) = response.member_id.filter(|id| !id.is_empty()) {
            state.member_id = member_id;
        }
        state.epoch = response.member_epoch;
        // What has changed since the request was written is told by the next one.
        state.tells_owned &= !told_owned;
        state.tells_subscription &= !told_subscription;
        if let Some((partitions, ids)) = assigned {
            state.ids.extend(ids);
            state.target = Some(partitions);
            drop(state);
            self.signals.notify(None);
        }
        Ok(())
    }

    /// An assignment with names instead of ids.
    async fn named(
        &self,
        assignment: &Assignment,
    ) -> Result<(BTreeSet<TopicPartition>, Vec<(String, TopicId)>), ClientError> {
        let cluster = self.coordinator.cluster();
        let wanted: BTreeSet<TopicId> = assignment
            .topic_partitions
            .iter()
            .filter_map(|topic| topic.topic_id)
            .collect();
        let known = || -> BTreeMap<TopicId, String> {
            let metadata = cluster.metadata();
            let topics = metadata.topics.values();
            let named =
                topics.filter_map(|topic| Some((topic.id?, topic.name.as_str().to_owned())));
            named.filter(|(id, _)| wanted.contains(id)).collect()
        };
        let mut names = known();
        if names.len() < wanted.len() {
            cluster.refresh(TopicSelection::All, false).await?;
            names = known();
        }
        let mut partitions = BTreeSet::new();
        for topic in &assignment.topic_partitions {
            // A topic that is not known any more is being deleted.
            let Some(name) = topic.topic_id.and_then(|id| names.get(&id)) else {
                continue;
            };
            let indexes = topic.partitions.iter();
            partitions.extend(indexes.filter_map(|index| partition_from_wire(name, *index)));
        }
        let ids = names.into_iter().map(|(id, name)| (name, id)).collect();
        Ok((partitions, ids))
    }

    fn failed(&self, error: ClientError) -> Failure {
        use ErrorCode::{FencedMemberEpoch, UnknownMemberId};
        match error.code() {
            Some(FencedMemberEpoch | UnknownMemberId) => {
                tracing::debug!(%error, "joining again");
                self.forget();
                self.signals.notify(Some(Notice::Lost));
                Failure::Rejoins
            }
            _ if error.is_retriable() => {
                // What was said may not have been heard.
                let mut state = self.state();
                state.tells_owned = true;
                state.tells_subscription = true;
                Failure::Passes
            }
            _ => Failure::Ends(error),
        }
    }

    fn forget(&self) {
        let mut state = self.state();
        state.epoch = 0;
        state.target = None;
        state.tells_owned = true;
        state.tells_subscription = true;
    }

    async fn leave(&self) {
        let (member_id, epoch) = {
            let state = self.state();
            (state.member_id.clone(), state.epoch)
        };
        if epoch <= 0 {
            return;
        }
        let instance_id = self.settings.instance_id.clone();
        let request = |_| ConsumerGroupHeartbeatRequest {
            group_id: self.settings.id.clone(),
            member_id,
            member_epoch: match &instance_id {
                Some(_) => LEAVE_FOR_A_WHILE_EPOCH,
                None => LEAVE_EPOCH,
            },
            instance_id: instance_id.clone(),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        if let Err(error) = self.coordinator.call(i16::MAX, request).await {
            tracing::debug!(%error, "the coordinator will find out by itself");
        }
    }
}

enum Failure {
    /// The next heartbeat may succeed.
    Passes,
    /// The next heartbeat joins anew.
    Rejoins,
    /// None will.
    Ends(ClientError),
}

/// A random uuid in Kafka's text form.
fn new_member_id() -> Str {
    let uuid = uuid::Uuid::new_v4();
    let id = TopicId::new(uuid).map(|id| id.to_string());
    Str::from(id.unwrap_or_else(|| uuid.to_string()))
}
