//! What the groups of one coordinator wait for.

use std::collections::{BTreeMap, BTreeSet};

use fleuve_model::Deadline;

use super::{GroupId, MemberId};

/// What a timer is for. There is at most one of each; arming it again moves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimerKey {
    /// A classic member has to be heard of.
    ClassicSession(GroupId, MemberId),
    /// A classic group stops waiting for its members to join.
    ClassicJoin(GroupId),
    /// A classic group stops waiting for its members to sync.
    ClassicSync(GroupId),
    /// A consumer member has to be heard of (KIP-848).
    ConsumerSession(GroupId, MemberId),
    /// A consumer member has to let go of partitions (KIP-848).
    ConsumerRevocation(GroupId, MemberId),
    /// Offsets are looked through for expired ones.
    OffsetExpiry,
}

impl TimerKey {
    /// The group that waits.
    pub(super) fn group(&self) -> Option<&GroupId> {
        match self {
            TimerKey::ClassicSession(group, _)
            | TimerKey::ClassicJoin(group)
            | TimerKey::ClassicSync(group)
            | TimerKey::ConsumerSession(group, _)
            | TimerKey::ConsumerRevocation(group, _) => Some(group),
            TimerKey::OffsetExpiry => None,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    by_key: BTreeMap<TimerKey, Deadline>,
    by_deadline: BTreeSet<(Deadline, TimerKey)>,
}

impl Timers {
    pub(super) fn arm(&mut self, key: TimerKey, deadline: Deadline) {
        self.cancel(&key);
        self.by_deadline.insert((deadline, key.clone()));
        self.by_key.insert(key, deadline);
    }

    pub(super) fn cancel(&mut self, key: &TimerKey) {
        if let Some(deadline) = self.by_key.remove(key) {
            self.by_deadline.remove(&(deadline, key.clone()));
        }
    }

    /// Takes out the timer that is due first, if one is due.
    pub(super) fn pop_due(&mut self, now: Deadline) -> Option<TimerKey> {
        let (deadline, key) = self.by_deadline.first()?;
        if *deadline > now {
            return None;
        }
        let key = key.clone();
        self.cancel(&key);
        Some(key)
    }

    pub(super) fn next(&self) -> Option<Deadline> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }
}
