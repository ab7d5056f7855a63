//! How many connections there may be, in all and from one address.
//!
//! At `max.connections` the listener accepts no more until one closes; above
//! `max.connections.per.ip` a connection is closed at once (Kafka does both alike).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::config::BrokerSettings;

/// Counts connections against what the settings allow.
#[derive(Debug, Default)]
pub(crate) struct ConnectionLimits {
    state: Mutex<LimitState>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct LimitState {
    in_all_max: usize,
    per_address_max: usize,
    overrides: BTreeMap<IpAddr, usize>,
    in_all: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

/// A counted connection; dropping it counts it out.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    limits: Arc<ConnectionLimits>,
    address: IpAddr,
}

/// More connections from one address than are allowed.
#[derive(Debug, thiserror::Error)]
#[error("{address} has {allowed} connections already, as many as max.connections.per.ip allows")]
pub(crate) struct TooManyFromAddress {
    address: IpAddr,
    allowed: usize,
}

impl ConnectionLimits {
    /// Takes over the limits of `settings`; connections that exist stay.
    pub(crate) fn configure(&self, settings: &BrokerSettings) {
        let mut state = self.locked();
        state.in_all_max = settings.count_of("max.connections");
        state.per_address_max = settings.count_of("max.connections.per.ip");
        state.overrides = settings
            .list("max.connections.per.ip.overrides")
            .into_iter()
            .filter_map(|entry| entry.rsplit_once(':'))
            .filter_map(|(host, count)| Some((host.trim().parse().ok()?, count.parse().ok()?)))
            .collect();
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until one more connection is allowed in all.
    pub(crate) async fn room(&self) {
        loop {
            let changed = self.changed.notified();
            let has_room = {
                let state = self.locked();
                state.in_all < state.in_all_max
            };
            if has_room {
                return;
            }
            changed.await;
        }
    }

    /// Counts a connection from `address`.
    pub(crate) fn enter(
        self: &Arc<ConnectionLimits>,
        address: IpAddr,
    ) -> Result<ConnectionSlot, TooManyFromAddress> {
        let mut state = self.locked();
        let allowed = state
            .overrides
            .get(&address)
            .copied()
            .unwrap_or(state.per_address_max);
        let from_address = state.by_address.entry(address).or_default();
        if *from_address >= allowed {
            return Err(TooManyFromAddress { address, allowed });
        }
        *from_address += 1;
        state.in_all += 1;
        Ok(ConnectionSlot {
            limits: Arc::clone(self),
            address,
        })
    }

    /// How many connections there are.
    pub(crate) fn in_all(&self) -> usize {
        self.locked().in_all
    }

    fn leave(&self, address: IpAddr) {
        let mut state = self.locked();
        state.in_all -= 1;
        if let Some(from_address) = state.by_address.get_mut(&address) {
            *from_address -= 1;
            if *from_address == 0 {
                state.by_address.remove(&address);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, LimitState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.limits.leave(self.address);
    }
}
