use crate::{ApiKey, RequestHeader};

/// Why bytes are not the message they claim to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The message goes on where its bytes have ended.
    #[error("{needed} bytes are needed at byte {position}, {remaining} are left")]
    Truncated {
        /// Where reading stopped.
        position: usize,
        /// How many bytes the next value takes.
        needed: usize,
        /// How many there are.
        remaining: usize,
    },
    /// A length is negative other than the -1 of null.
    #[error("a length of {length} at byte {position}")]
    NegativeLength {
        /// Where it stands.
        position: usize,
        /// What it says.
        length: i32,
    },
    /// A varint has more than five bytes or more than 32 bits.
    #[error("a varint that does not end at byte {position}")]
    Varint {
        /// Where it ends too late.
        position: usize,
    },
    /// Null where the schema allows none.
    #[error("null at byte {position}, where the schema allows none")]
    Null {
        /// Where the value begins.
        position: usize,
    },
    /// A string is not UTF-8.
    #[error("a string at byte {position} is not UTF-8")]
    Utf8 {
        /// Where the string begins.
        position: usize,
    },
    /// More elements or tagged fields are claimed than any message has.
    #[error("{count} {what} are claimed at byte {position}; at most {max} are allowed")]
    TooMany {
        /// "array elements" or "tagged fields".
        what: &'static str,
        /// Where the count stands.
        position: usize,
        /// What it says.
        count: usize,
        /// The largest that is read.
        max: usize,
    },
    /// The decoded form would need far more memory than the message has bytes.
    #[error("the decoded message would take more than {budget} bytes of memory")]
    TooLarge {
        /// What the message may take.
        budget: usize,
    },
    /// No API has this key.
    #[error("no API has the key {0}")]
    UnknownApiKey(i16),
    /// The API is known and the version of the request is not; its header was read, since an
    /// `ApiVersions` request is answered even so.
    #[error("{key} has no version {}", header.api_version)]
    UnsupportedRequestVersion {
        /// Which API.
        key: ApiKey,
        /// The header of the request.
        header: RequestHeader,
    },
    /// The message has no such version.
    #[error("{message} has no version {version}")]
    UnsupportedVersion {
        /// Which message.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// A record's frame (its type or framing version) is not one that is known.
    #[error("a record of an unknown {what}: {value}")]
    UnknownRecord {
        /// "type" or "frame version".
        what: &'static str,
        /// What it says.
        value: i64,
    },
}

/// Why a message cannot be written at a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The message has no such version.
    #[error("{message} has no version {version}")]
    UnsupportedVersion {
        /// Which message.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// A field is set that the version does not have, and losing it would change the meaning.
    #[error("{message} at version {version} cannot carry {field}")]
    FieldLost {
        /// The struct that holds the field.
        message: &'static str,
        /// The field.
        field: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// A field is null in a version that allows none.
    #[error("{field} cannot be null at version {version}")]
    Null {
        /// The field.
        field: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// A value is longer than its length field can say.
    #[error("a {what} of {length} bytes or elements is too long for the wire")]
    TooLong {
        /// "string", "bytes" or "array".
        what: &'static str,
        /// Its length.
        length: usize,
    },
}

impl EncodeError {
    /// [`EncodeError::FieldLost`]; called by derived code.
    #[doc(hidden)]
    #[cold]
    pub fn field_lost(message: &'static str, field: &'static str, version: i16) -> EncodeError {
        EncodeError::FieldLost {
            message,
            field,
            version,
        }
    }

    /// [`EncodeError::Null`]; called by derived code.
    #[doc(hidden)]
    #[cold]
    pub fn null(field: &'static str, version: i16) -> EncodeError {
        EncodeError::Null { field, version }
    }
}
