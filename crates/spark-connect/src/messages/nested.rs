//! A message inside a message of its own kind.
//!
//! Always true: no message is decoded deeper than [`NESTING_LEVELS_MAX`] of these, so that a plan cannot exhaust the
//! stack of whoever reads, analyses or drops it. Between two of them prost's own limit applies.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};

use bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType};
use prost::{DecodeError, Message};

/// How many relations, expressions, literals and types may be inside one another. One is about two levels of
/// protobuf nesting, of which Spark allows 1024.
pub const NESTING_LEVELS_MAX: usize = 512;

thread_local! {
    static LEVEL: Cell<usize> = const { Cell::new(0) };
}

/// A boxed message that knows how deep it is while it is decoded.
#[derive(Clone, Default, PartialEq)]
pub struct Nested<T>(Box<T>);

impl<T> Nested<T> {
    pub fn new(message: T) -> Self {
        Self(Box::new(message))
    }

    pub fn into_inner(self) -> T {
        *self.0
    }
}

impl<T> From<T> for Nested<T> {
    fn from(message: T) -> Self {
        Self::new(message)
    }
}

impl<T> Deref for Nested<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Nested<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Nested<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<T: Message> Message for Nested<T> {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        self.0.encode_raw(buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        _ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        let _level = Level::enter()?;
        self.0
            .merge_field(tag, wire_type, buf, DecodeContext::default())
    }

    fn encoded_len(&self) -> usize {
        self.0.encoded_len()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// One level, left when dropped: by success, error and panic alike.
struct Level;

impl Level {
    fn enter() -> Result<Self, DecodeError> {
        let level = LEVEL.get();
        if level >= NESTING_LEVELS_MAX {
            #[expect(deprecated, reason = "prost offers no other way to refuse a field")]
            return Err(DecodeError::new(
                "the plan nests deeper than this server reads",
            ));
        }
        LEVEL.set(level + 1);
        Ok(Self)
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        LEVEL.set(LEVEL.get() - 1);
    }
}
