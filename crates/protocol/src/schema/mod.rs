//! What a derived message looks like, for tools that work on any message: tests that make one
//! up, programs that print one.
//!
//! Start at [`crate::Message::schema`] and [`crate::ApiKey::schemas`]; [`to_json`] prints a
//! message from its bytes, [`sample`] makes up the bytes of one.

mod json;
mod sample;

pub use json::to_json;
pub use sample::sample;

use crate::VersionRange;

/// A struct's fields, in the order of the wire.
#[derive(Debug)]
pub struct Struct {
    /// The Rust name, which is mostly Kafka's.
    pub name: &'static str,
    /// The fields, tagged ones among them.
    pub fields: &'static [Field],
}

/// One field.
#[derive(Debug)]
pub struct Field {
    /// The Rust name; [`Field::json_name`] has Kafka's.
    pub name: &'static str,
    /// Where it exists.
    pub versions: VersionRange,
    /// Where it may be null.
    pub nullable: Option<VersionRange>,
    /// Its tag, and in which versions it is a tagged field.
    pub tag: Option<(u32, VersionRange)>,
    /// What it holds.
    pub kind: Kind,
}

impl Field {
    /// Whether `version` has the field.
    pub fn exists_in(&self, version: i16) -> bool {
        self.versions.contains(version)
    }

    /// Whether null is allowed in `version`.
    pub fn is_nullable_in(&self, version: i16) -> bool {
        self.nullable
            .is_some_and(|versions| versions.contains(version))
    }

    /// The tag, if the field is tagged in `version`.
    pub fn tag_in(&self, version: i16) -> Option<u32> {
        self.tag
            .filter(|(_, versions)| versions.contains(version))
            .map(|(tag, _)| tag)
    }

    /// The name in Kafka's JSON form of messages: `throttleTimeMs`.
    pub fn json_name(&self) -> String {
        let mut words = self.name.split('_');
        let mut name = words.next().unwrap_or_default().to_owned();
        for word in words {
            let (first, rest) = word.split_at(word.len().min(1));
            name.push_str(&first.to_ascii_uppercase());
            name.push_str(rest);
        }
        name
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Kind {
    Bool,
    Int8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    Float64,
    Uuid,
    String,
    Bytes,
    Records,
    Array(&'static Kind),
    Struct(&'static Struct),
}
