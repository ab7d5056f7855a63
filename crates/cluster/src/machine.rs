//! The shape of a replicated state machine: commands propose, records dispose.
//!
//! Replicated state changes in [`Machine::apply`] alone, live and on replay alike; whatever else
//! a machine remembers (parked callers, sessions) may be lost at any time without a promise
//! being broken. Start at [`Machine`]; [`crate::driver`] says in which order it is called.

use std::fmt;

pub use fleuve_model::{Deadline, Now};
use uuid::Uuid;

/// A state machine whose state is the sum of its records.
pub trait Machine: Sized {
    /// What a caller asks for.
    type Command;
    /// What the log holds.
    type Record;
    /// What a caller is answered.
    type Reply;

    /// Validates and decides. It may park `token` and answer it later. Changes no replicated
    /// state: that waits until the driver applies the records of the outcome.
    fn handle(
        &mut self,
        now: Now,
        chance: &mut dyn Chance,
        token: Token,
        command: Self::Command,
    ) -> Outcome<Self>;

    /// The time of [`Machine::deadline`] has come: a session expires, a rebalance ends.
    fn expire(&mut self, now: Now) -> Outcome<Self>;

    /// The caller of `token` has gone; an answer to it would reach nobody.
    fn cancel(&mut self, token: Token);

    /// The only way replicated state changes. Takes any record that an older version of this
    /// machine may have written, and cannot fail.
    fn apply(&mut self, record: &Self::Record);

    /// When [`Machine::expire`] wants to be called next.
    fn deadline(&self) -> Option<Deadline>;
}

/// What a machine decided: records to append as one, and answers that wait for them.
pub struct Outcome<M: Machine> {
    /// Appended all or none, in this order.
    pub records: Vec<M::Record>,
    /// Sent once these records, and all that were appended before them, are committed.
    pub replies: Vec<(Token, M::Reply)>,
}

impl<M: Machine> Outcome<M> {
    /// Nothing to append and nobody to answer.
    pub fn nothing() -> Outcome<M> {
        Outcome {
            records: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// An answer that changes nothing.
    pub fn reply(token: Token, reply: M::Reply) -> Outcome<M> {
        Outcome {
            records: Vec::new(),
            replies: vec![(token, reply)],
        }
    }

    /// An answer that waits for `records`.
    pub fn record_and_reply(records: Vec<M::Record>, token: Token, reply: M::Reply) -> Outcome<M> {
        Outcome {
            records,
            replies: vec![(token, reply)],
        }
    }

    /// Adds what `later` decided, behind what this outcome holds.
    pub fn extend(&mut self, later: Outcome<M>) {
        self.records.extend(later.records);
        self.replies.extend(later.replies);
    }
}

impl<M: Machine> Default for Outcome<M> {
    fn default() -> Outcome<M> {
        Outcome::nothing()
    }
}

impl<M: Machine> fmt::Debug for Outcome<M>
where
    M::Record: fmt::Debug,
    M::Reply: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("records", &self.records)
            .field("replies", &self.replies)
            .finish()
    }
}

/// Names a caller that waits for an answer. The shell that hands tokens out never repeats one
/// during the life of a driver or partition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(pub u64);

/// Where a machine gets random numbers from. The shell's come from the operating system, the
/// simulator's from a seed.
pub trait Chance {
    /// The next 64 random bits.
    fn next_u64(&mut self) -> u64;

    /// A random uuid (version 4), never all zeros.
    fn uuid(&mut self) -> Uuid {
        let bits = u128::from(self.next_u64()) << 64 | u128::from(self.next_u64());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }
}

/// A stream of numbers that a seed determines (splitmix64), for tests and simulation.
#[derive(Clone, Debug)]
pub struct SeededChance(u64);

impl SeededChance {
    /// The stream of `seed`.
    pub const fn new(seed: u64) -> SeededChance {
        SeededChance(seed)
    }
}

impl Chance for SeededChance {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }
}
