//! Keeps the one order of a [`Machine`]: append, apply, commit, reply.
//!
//! - The records of a command are appended, then applied before the next command is handled, so
//!   nobody decides on stale state.
//! - Every reply, a read's too, waits until all that was appended before it is committed, so
//!   nobody sees what a crash could take back.
//! - When an append fails or leadership is lost, the machine is dropped with everything it had
//!   not committed; callers get [`Unavailable`] and may try again, here or elsewhere.
//!
//! The driver does no I/O either: a shell performs its [`Effect`]s and reports with [`Input`]s.
//! Appends are answered in the order in which they were asked for. Records are applied when their
//! append is asked for, not when it is answered: the order is the same, a failed append drops the
//! machine anyway, and commands need not queue behind the disk. Start at [`Driver::step`].

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use fleuve_model::Offset;

use crate::machine::{Chance, Deadline, Machine, Now, Outcome, Token};

/// What a shell tells the driver.
pub enum Input<M: Machine> {
    /// A caller wants something.
    Command { token: Token, command: M::Command },
    /// The oldest append still under way is in the log, which now ends at `log_end`.
    Appended { log_end: Offset },
    /// All records below `up_to` are as durable as they will get.
    Committed { up_to: Offset },
    /// An append failed. Those behind it must not reach the log either.
    AppendFailed,
    /// The armed timer rang.
    Time,
    /// The caller of `token` has gone.
    Cancel { token: Token },
    /// Another broker leads the log from now on.
    LeadershipLost,
}

/// What a shell does for the driver, in the order given.
pub enum Effect<M: Machine> {
    /// Append these records as one batch, all or none, and report `Appended` or `AppendFailed`.
    Append(Vec<M::Record>),
    /// Answer the caller of `token`.
    Reply {
        token: Token,
        reply: Result<M::Reply, Unavailable>,
    },
    /// Ring at this time instead of the one armed before; with `None`, not at all.
    ArmTimer(Option<Deadline>),
    /// The machine is gone. If this broker still leads, settle the log (everything in it
    /// committed, or cut off), then load a new machine with [`Driver::load`]. Appends that were
    /// asked for earlier are not reported any more.
    Dropped,
}

/// Why a caller got no answer from the machine. What it asked for may or may not have happened;
/// asking again is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The log is being read; the machine will be there soon.
    #[error("the state is being loaded from its log")]
    Loading,
    /// The log could not be appended to.
    #[error("the log of this state could not be appended to")]
    AppendFailed,
    /// Another broker leads the log.
    #[error("another broker leads the log of this state")]
    NotLeader,
}

/// Runs one machine over one log.
pub struct Driver<M: Machine> {
    machine: Result<M, Unavailable>,
    /// Callers that got no answer yet, parked ones included.
    open: BTreeSet<Token>,
    /// How many appends have been asked for since the machine was loaded.
    asked: u64,
    /// How many of these are in the log.
    appended: u64,
    /// How many of these are committed.
    committed: u64,
    /// Where the log ended after each append that is in the log and not committed, oldest first.
    uncommitted: VecDeque<Offset>,
    committed_up_to: Offset,
    waiting: VecDeque<WaitingReply<M::Reply>>,
    armed: Option<Deadline>,
}

/// An answer that waits until `after` appends are committed.
struct WaitingReply<R> {
    after: u64,
    token: Token,
    reply: R,
}

impl<M: Machine> Driver<M> {
    /// A driver that answers [`Unavailable::Loading`] until [`Driver::load`] gives it a machine.
    pub fn loading() -> Driver<M> {
        Driver {
            machine: Err(Unavailable::Loading),
            open: BTreeSet::new(),
            asked: 0,
            appended: 0,
            committed: 0,
            uncommitted: VecDeque::new(),
            committed_up_to: Offset::ZERO,
            waiting: VecDeque::new(),
            armed: None,
        }
    }

    /// Takes over `machine`, to which the whole log, all of it committed and ending at
    /// `log_end`, has been applied.
    pub fn load(&mut self, machine: M, log_end: Offset, effects: &mut Vec<Effect<M>>) {
        assert!(
            self.machine.is_err(),
            "a loaded machine is dropped before another is loaded"
        );
        assert!(self.waiting.is_empty() && self.open.is_empty());
        self.asked = 0;
        self.appended = 0;
        self.committed = 0;
        self.committed_up_to = log_end;
        self.machine = Ok(machine);
        self.arm_timer(effects);
    }

    /// Says that a new machine is on its way: callers are told to wait rather than to look
    /// for another broker.
    pub fn reloading(&mut self) {
        if self.machine.is_err() {
            self.machine = Err(Unavailable::Loading);
        }
    }

    /// The machine, for reading what is not promised to anybody (metrics, listings).
    pub fn machine(&self) -> Result<&M, Unavailable> {
        self.machine.as_ref().map_err(|unavailable| *unavailable)
    }

    /// Takes one input, and says what to do.
    pub fn step(
        &mut self,
        now: Now,
        chance: &mut dyn Chance,
        input: Input<M>,
        effects: &mut Vec<Effect<M>>,
    ) {
        match input {
            Input::Command { token, command } => {
                self.command(now, chance, token, command, effects);
            }
            Input::Appended { log_end } => self.note_appended(log_end),
            Input::Committed { up_to } => {
                self.committed_up_to = self.committed_up_to.max(up_to);
            }
            Input::AppendFailed => self.drop_machine(Unavailable::AppendFailed, effects),
            Input::LeadershipLost => self.drop_machine(Unavailable::NotLeader, effects),
            Input::Time => self.expire(now, effects),
            Input::Cancel { token } => self.cancel(token),
        }
        self.release_replies(effects);
        self.arm_timer(effects);
    }

    fn command(
        &mut self,
        now: Now,
        chance: &mut dyn Chance,
        token: Token,
        command: M::Command,
        effects: &mut Vec<Effect<M>>,
    ) {
        match &mut self.machine {
            Err(unavailable) => {
                effects.push(Effect::Reply {
                    token,
                    reply: Err(*unavailable),
                });
            }
            Ok(machine) => {
                assert!(self.open.insert(token), "a token names one caller");
                let outcome = machine.handle(now, chance, token, command);
                self.take(outcome, effects);
            }
        }
    }

    fn expire(&mut self, now: Now, effects: &mut Vec<Effect<M>>) {
        self.armed = None;
        if let Ok(machine) = &mut self.machine
            && machine
                .deadline()
                .is_some_and(|deadline| deadline <= now.monotonic)
        {
            let outcome = machine.expire(now);
            self.take(outcome, effects);
        }
    }

    fn take(&mut self, outcome: Outcome<M>, effects: &mut Vec<Effect<M>>) {
        if !outcome.records.is_empty() {
            let machine = self
                .machine
                .as_mut()
                .unwrap_or_else(|_| unreachable!("an outcome comes from a machine that is loaded"));
            for record in &outcome.records {
                machine.apply(record);
            }
            self.asked += 1;
            effects.push(Effect::Append(outcome.records));
        }
        let after = self.asked;
        let waiting = outcome.replies.into_iter();
        self.waiting
            .extend(waiting.map(|(token, reply)| WaitingReply {
                after,
                token,
                reply,
            }));
    }

    fn note_appended(&mut self, log_end: Offset) {
        if self.machine.is_err() {
            return;
        }
        self.appended += 1;
        assert!(
            self.appended <= self.asked,
            "an append is reported once, and only if asked for"
        );
        self.uncommitted.push_back(log_end);
    }

    fn release_replies(&mut self, effects: &mut Vec<Effect<M>>) {
        while self
            .uncommitted
            .front()
            .is_some_and(|log_end| *log_end <= self.committed_up_to)
        {
            self.uncommitted.pop_front();
            self.committed += 1;
        }
        while let Some(reply) = self
            .waiting
            .pop_front_if(|reply| reply.after <= self.committed)
        {
            if self.open.remove(&reply.token) {
                effects.push(Effect::Reply {
                    token: reply.token,
                    reply: Ok(reply.reply),
                });
            }
        }
    }

    fn cancel(&mut self, token: Token) {
        if self.open.remove(&token)
            && let Ok(machine) = &mut self.machine
        {
            machine.cancel(token);
        }
    }

    fn drop_machine(&mut self, why: Unavailable, effects: &mut Vec<Effect<M>>) {
        let was_loaded = self.machine.is_ok();
        self.machine = Err(why);
        self.uncommitted.clear();
        self.waiting.clear();
        for token in std::mem::take(&mut self.open) {
            effects.push(Effect::Reply {
                token,
                reply: Err(why),
            });
        }
        if was_loaded {
            effects.push(Effect::Dropped);
        }
    }

    fn arm_timer(&mut self, effects: &mut Vec<Effect<M>>) {
        let deadline = self.machine.as_ref().ok().and_then(Machine::deadline);
        if deadline != self.armed {
            self.armed = deadline;
            effects.push(Effect::ArmTimer(deadline));
        }
    }
}

impl<M: Machine> fmt::Debug for Driver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("open", &self.open)
            .field("asked", &self.asked)
            .field("appended", &self.appended)
            .field("committed", &self.committed)
            .field("armed", &self.armed)
            .finish_non_exhaustive()
    }
}

impl<M: Machine> fmt::Debug for Effect<M>
where
    M::Record: fmt::Debug,
    M::Reply: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Append(records) => f.debug_tuple("Append").field(records).finish(),
            Effect::Reply { token, reply } => f
                .debug_struct("Reply")
                .field("token", token)
                .field("reply", reply)
                .finish(),
            Effect::ArmTimer(deadline) => f.debug_tuple("ArmTimer").field(deadline).finish(),
            Effect::Dropped => f.write_str("Dropped"),
        }
    }
}
