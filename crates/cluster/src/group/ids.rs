use std::fmt;
use std::sync::Arc;

/// Defines a newtype over text; cloning copies a reference.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id that `text` names. Any text is one: what names nothing is simply not found.
            pub fn new(text: &str) -> $name {
                $name(Arc::from(text))
            }

            /// Reads a wire field in which the empty string means "none".
            pub fn from_wire(text: &str) -> Option<$name> {
                (!text.is_empty()).then(|| $name::new(text))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The name of a group (`group.id`).
    GroupId
}
text_id! {
    /// The name of a group's member, given out by the coordinator or chosen by the client.
    MemberId
}
text_id! {
    /// The name of a static member (`group.instance.id`, KIP-345).
    InstanceId
}

/// Counts the rebalances of a classic group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(i32);

impl Generation {
    /// Of a group that has not rebalanced yet.
    pub const ZERO: Generation = Generation(0);

    /// Reads a wire field in which every negative value means "none".
    pub const fn from_wire(value: i32) -> Option<Generation> {
        if value < 0 {
            None
        } else {
            Some(Generation(value))
        }
    }

    /// The integer that the wire carries.
    pub const fn value(self) -> i32 {
        self.0
    }

    /// The generation that follows; after the largest comes the first.
    pub(super) const fn next(self) -> Generation {
        Generation(self.0.wrapping_add(1) & i32::MAX)
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
