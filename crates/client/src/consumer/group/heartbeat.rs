use std::sync::Arc;
use std::time::Duration;

use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::leave_group::MemberIdentity;
use fleuve_protocol::api::{HeartbeatRequest, LeaveGroupRequest};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::{Coordinator, Identity, Notice, Signals};
use crate::ClientError;

/// The first version in which several members leave at once.
const LEAVE_MEMBERS_FROM: i16 = 3;

/// Keeps a member of a classic group alive until it is dropped.
pub(super) struct Heartbeat {
    task: JoinHandle<()>,
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Heartbeat {
    pub(super) fn start(
        coordinator: Coordinator,
        identity: Identity,
        interval: Duration,
        poll_interval_max: Duration,
        signals: Arc<Signals>,
    ) -> Heartbeat {
        let task = tokio::spawn(async move {
            let beat = beat(
                &coordinator,
                &identity,
                interval,
                poll_interval_max,
                &signals,
            );
            let notice = beat.await;
            signals.notify(Some(notice));
        });
        Heartbeat { task }
    }
}

/// Beats until there is something to tell.
async fn beat(
    coordinator: &Coordinator,
    identity: &Identity,
    interval: Duration,
    poll_interval_max: Duration,
    signals: &Signals,
) -> Notice {
    loop {
        sleep(interval).await;
        if Instant::now() > signals.last_poll() + poll_interval_max {
            tracing::warn!(
                group = %coordinator.group(),
                "leaving the group: nobody has polled for {poll_interval_max:?} \
                 (max.poll.interval.ms); poll more often, or take fewer records \
                 (max.poll.records)"
            );
            leave(coordinator, identity, "consumer poll timeout has expired.").await;
            return Notice::Lost;
        }
        let request = |_| HeartbeatRequest {
            group_id: coordinator.group().clone(),
            generation_id: identity.generation,
            member_id: identity.member_id.clone(),
            group_instance_id: identity.instance_id.clone(),
        };
        let result = coordinator.call(i16::MAX, request).await;
        let result = result.and_then(|response| coordinator.check(response.error_code));
        if let Some(notice) = result.err().and_then(notice) {
            return notice;
        }
    }
}

/// What an error means for the member; nothing if the next beat may succeed.
fn notice(error: ClientError) -> Option<Notice> {
    use ErrorCode::{IllegalGeneration, RebalanceInProgress, UnknownMemberId};
    match error.code() {
        Some(RebalanceInProgress) => Some(Notice::Rebalance),
        Some(IllegalGeneration | UnknownMemberId) => Some(Notice::Lost),
        _ if error.is_retriable() => None,
        _ => Some(Notice::Fatal(error)),
    }
}

/// Tells the coordinator that a dynamic member is gone; static ones are expected back.
pub(super) async fn leave(coordinator: &Coordinator, identity: &Identity, reason: &str) {
    if identity.instance_id.is_some() || identity.member_id.is_empty() {
        return;
    }
    let request = |version| {
        let mut request = LeaveGroupRequest {
            group_id: coordinator.group().clone(),
            ..LeaveGroupRequest::default()
        };
        if version >= LEAVE_MEMBERS_FROM {
            request.members = vec![MemberIdentity {
                member_id: identity.member_id.clone(),
                group_instance_id: None,
                reason: Some(Str::from(reason)),
            }];
        } else {
            request.member_id = identity.member_id.clone();
        }
        request
    };
    if let Err(error) = coordinator.call(i16::MAX, request).await {
        tracing::debug!(%error, "the coordinator will find out by itself");
    }
}
