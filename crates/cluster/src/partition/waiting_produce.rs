//! Producers that wait until what they appended is held by enough replicas.

use std::collections::{BTreeMap, BTreeSet};

use fleuve_model::{Deadline, Offset};

use super::{AwaitProduceError, Effect};
use crate::machine::Token;

/// What an append needs before it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Requirement {
    /// This broker holds the log up to here (`acks=1`).
    Held(Offset),
    /// The high watermark has reached this (`acks=all`).
    Committed(Offset),
}

/// How far the partition is, as producers see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) held_end: Offset,
    pub(super) high_watermark: Offset,
    pub(super) in_sync: usize,
    pub(super) required: usize,
}

#[derive(Debug, Default)]
pub(super) struct WaitingProduces {
    by_token: BTreeMap<Token, (Requirement, Deadline)>,
    by_requirement: BTreeSet<(Requirement, Token)>,
    by_deadline: BTreeSet<(Deadline, Token)>,
}

impl WaitingProduces {
    pub(super) fn insert(&mut self, token: Token, requirement: Requirement, deadline: Deadline) {
        let former = self.by_token.insert(token, (requirement, deadline));
        assert!(former.is_none(), "a token names one caller");
        self.by_requirement.insert((requirement, token));
        self.by_deadline.insert((deadline, token));
    }

    pub(super) fn remove(&mut self, token: Token) {
        if let Some((requirement, deadline)) = self.by_token.remove(&token) {
            self.by_requirement.remove(&(requirement, token));
            self.by_deadline.remove(&(deadline, token));
        }
    }

    /// Answers all whose requirement `progress` meets, in the order of their offsets.
    pub(super) fn complete(&mut self, progress: Progress, effects: &mut Vec<Effect>) {
        if self.by_token.is_empty() {
            return;
        }
        let Progress {
            held_end,
            high_watermark,
            in_sync,
            required,
        } = progress;
        let held = Requirement::Held(Offset::ZERO)..=Requirement::Held(held_end);
        self.answer(held, Ok(()), effects);

        let enough = in_sync >= required;
        let shortfall = AwaitProduceError::NotEnoughReplicasAfterAppend { in_sync, required };
        let result = if enough { Ok(()) } else { Err(shortfall) };
        let committed =
            Requirement::Committed(Offset::ZERO)..=Requirement::Committed(high_watermark);
        self.answer(committed, result, effects);
    }

    /// Answers all whose time has passed.
    pub(super) fn expire(&mut self, now: Deadline, effects: &mut Vec<Effect>) {
        while let Some(&(deadline, token)) = self.by_deadline.first()
            && deadline <= now
        {
            self.remove(token);
            let result = Err(AwaitProduceError::TimedOut);
            effects.push(Effect::ProduceDone { token, result });
        }
    }

    pub(super) fn fail_all(&mut self, why: AwaitProduceError, effects: &mut Vec<Effect>) {
        for (_, token) in std::mem::take(&mut self.by_requirement) {
            effects.push(Effect::ProduceDone {
                token,
                result: Err(why),
            });
        }
        self.by_token.clear();
        self.by_deadline.clear();
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }

    fn answer(
        &mut self,
        met: std::ops::RangeInclusive<Requirement>,
        result: Result<(), AwaitProduceError>,
        effects: &mut Vec<Effect>,
    ) {
        let any = Token(0);
        let last = Token(u64::MAX);
        while let Some(&(_, token)) = self
            .by_requirement
            .range((*met.start(), any)..=(*met.end(), last))
            .next()
        {
            self.remove(token);
            effects.push(Effect::ProduceDone { token, result });
        }
    }
}
