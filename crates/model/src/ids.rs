use std::fmt;

use uuid::Uuid;

/// Defines a newtype over a non-negative integer: private field, checked constructor.
macro_rules! non_negative_id {
    ($(#[$doc:meta])* $name:ident($integer:ty), $error:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($integer);

        #[doc = concat!("A claimed ", $what, " is negative.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[error("a {} cannot be negative: {_0}", $what)]
        pub struct $error(pub $integer);

        impl $name {
            /// Checks that `value` is not negative.
            pub const fn new(value: $integer) -> Result<$name, $error> {
                if value < 0 { Err($error(value)) } else { Ok($name(value)) }
            }

            /// Reads a wire field in which every negative value means "none".
            pub const fn from_wire(value: $integer) -> Option<$name> {
                if value < 0 { None } else { Some($name(value)) }
            }

            /// The integer that Kafka's formats store.
            pub const fn value(self) -> $integer {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

non_negative_id! {
    /// A partition's number within its topic; the first is 0.
    PartitionId(i32), PartitionIdOutOfRange, "partition"
}
non_negative_id! {
    /// The id of a broker in its cluster (`node.id`, `broker.id`).
    BrokerId(i32), BrokerIdOutOfRange, "broker id"
}
non_negative_id! {
    /// The term of a partition's leader, raised at every election (KIP-101).
    LeaderEpoch(i32), LeaderEpochOutOfRange, "leader epoch"
}
non_negative_id! {
    /// The id that a broker gave to an idempotent producer (KIP-98).
    ProducerId(i64), ProducerIdOutOfRange, "producer id"
}
non_negative_id! {
    /// Tells the incarnations of one producer id apart (KIP-98).
    ProducerEpoch(i16), ProducerEpochOutOfRange, "producer epoch"
}

non_negative_id! {
    /// The number of a record within one producer's stream to one partition (KIP-98).
    Sequence(i32), SequenceOutOfRange, "sequence number"
}

impl Sequence {
    /// The number of a producer's first record.
    pub const ZERO: Sequence = Sequence(0);

    /// The number `records` further on; after `i32::MAX` comes 0.
    pub const fn advance(self, records: u32) -> Sequence {
        Sequence(((self.0 as u32).wrapping_add(records) & i32::MAX as u32) as i32)
    }
}

impl LeaderEpoch {
    /// The epoch of a partition's first leader.
    pub const ZERO: LeaderEpoch = LeaderEpoch(0);
}

/// The id of a topic's incarnation: a topic deleted and created again has a new one (KIP-516).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(Uuid);

impl TopicId {
    /// The id of `uuid`, or `None` for the all-zero uuid, which the wire uses for "none".
    pub const fn new(uuid: Uuid) -> Option<TopicId> {
        if uuid.is_nil() {
            None
        } else {
            Some(TopicId(uuid))
        }
    }

    /// Reads a wire field in which all zeros mean "none".
    pub const fn from_wire(bytes: [u8; 16]) -> Option<TopicId> {
        TopicId::new(Uuid::from_bytes(bytes))
    }

    /// The sixteen bytes that Kafka's formats store.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Reads the form that Kafka prints: unpadded URL-safe base64, 22 characters.
    pub fn parse(text: &str) -> Option<TopicId> {
        TopicId::from_wire(base64_url_decode(text)?)
    }
}

/// Kafka's form: unpadded URL-safe base64.
impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from_be_bytes(*self.as_bytes());
        for digit in 0..BASE64_DIGITS {
            let shift = 122 - 6 * digit as i32;
            let bits = if shift >= 0 {
                number >> shift
            } else {
                number << -shift
            };
            let symbol = BASE64_URL[(bits & 0x3f) as usize];
            fmt::Write::write_char(f, char::from(symbol))?;
        }
        Ok(())
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicId({self})")
    }
}

const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// 128 bits at 6 bits a digit; the last digit holds two bits and four zeros.
const BASE64_DIGITS: usize = 22;

fn base64_url_decode(text: &str) -> Option<[u8; 16]> {
    if text.len() != BASE64_DIGITS {
        return None;
    }
    let mut number: u128 = 0;
    let (last, head) = text.as_bytes().split_last()?;
    for symbol in head {
        number = number << 6 | digit_value(*symbol)?;
    }
    let tail = digit_value(*last)?;
    (tail & 0xf == 0).then(|| (number << 2 | tail >> 4).to_be_bytes())
}

fn digit_value(symbol: u8) -> Option<u128> {
    BASE64_URL
        .iter()
        .position(|known| *known == symbol)
        .map(|value| value as u128)
}
