//! Kafka's deserializers, by the names of their Java classes, as text for a terminal.
//!
//! A course's command line names Java classes; what is meant is a way to read bytes. Start at
//! [`Deserializer::by_class_name`].

use std::borrow::Cow;

/// How bytes become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deserializer {
    String,
    Boolean,
    Short,
    Integer,
    Long,
    Float,
    Double,
    Uuid,
    ByteArray,
    Void,
}

/// Why bytes could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DeserializeError {
    /// There is no such class among those we know.
    #[error("unknown deserializer {0}: known are {known}", known = KNOWN.map(|k| k.0).join(", "))]
    UnknownClass(String),
    /// The bytes have another length than the type.
    #[error("Size of data received by {class} is not {expected}")]
    WrongSize {
        class: &'static str,
        expected: usize,
    },
    /// The bytes are not what the type writes.
    #[error("{0} cannot read these bytes")]
    Malformed(&'static str),
}

const KNOWN: [(&str, Deserializer); 11] = [
    ("StringDeserializer", Deserializer::String),
    ("BooleanDeserializer", Deserializer::Boolean),
    ("ShortDeserializer", Deserializer::Short),
    ("IntegerDeserializer", Deserializer::Integer),
    ("LongDeserializer", Deserializer::Long),
    ("FloatDeserializer", Deserializer::Float),
    ("DoubleDeserializer", Deserializer::Double),
    ("UUIDDeserializer", Deserializer::Uuid),
    ("ByteArrayDeserializer", Deserializer::ByteArray),
    ("BytesDeserializer", Deserializer::ByteArray),
    ("VoidDeserializer", Deserializer::Void),
];

/// Where Kafka keeps these classes.
const PACKAGE: &str = "org.apache.kafka.common.serialization.";

impl Deserializer {
    /// The deserializer of a Java class, named in full or by its last part.
    pub(super) fn by_class_name(class: &str) -> Result<Deserializer, DeserializeError> {
        let short = class.strip_prefix(PACKAGE).unwrap_or(class);
        KNOWN
            .iter()
            .find(|(name, _)| *name == short)
            .map(|(_, deserializer)| *deserializer)
            .ok_or_else(|| DeserializeError::UnknownClass(class.to_owned()))
    }

    /// The text of `bytes`.
    pub(super) fn text(self, bytes: &[u8]) -> Result<Cow<'_, [u8]>, DeserializeError> {
        let shown = match self {
            Deserializer::String | Deserializer::ByteArray => return Ok(Cow::Borrowed(bytes)),
            Deserializer::Void => "null".to_owned(),
            Deserializer::Boolean => match fixed::<1>(bytes, "BooleanDeserializer")? {
                [0] => "false".to_owned(),
                [1] => "true".to_owned(),
                _ => return Err(DeserializeError::Malformed("BooleanDeserializer")),
            },
            Deserializer::Short => {
                i16::from_be_bytes(fixed(bytes, "ShortDeserializer")?).to_string()
            }
            Deserializer::Integer => {
                i32::from_be_bytes(fixed(bytes, "IntegerDeserializer")?).to_string()
            }
            Deserializer::Long => i64::from_be_bytes(fixed(bytes, "LongDeserializer")?).to_string(),
            Deserializer::Float => {
                java_decimal(f32::from_be_bytes(fixed(bytes, "FloatDeserializer")?))
            }
            Deserializer::Double => {
                java_decimal(f64::from_be_bytes(fixed(bytes, "DoubleDeserializer")?))
            }
            // Kafka writes a UUID as its text.
            Deserializer::Uuid => match std::str::from_utf8(bytes).map(uuid::Uuid::parse_str) {
                Ok(Ok(uuid)) => uuid.to_string(),
                _ => return Err(DeserializeError::Malformed("UUIDDeserializer")),
            },
        };
        Ok(Cow::Owned(shown.into_bytes()))
    }
}

fn fixed<const N: usize>(bytes: &[u8], class: &'static str) -> Result<[u8; N], DeserializeError> {
    bytes
        .try_into()
        .map_err(|_| DeserializeError::WrongSize { class, expected: N })
}

/// A number as Java prints it: plain between 10^-3 and 10^7, with an exponent otherwise.
fn java_decimal(number: impl Into<f64> + Copy + std::fmt::Display + std::fmt::LowerExp) -> String {
    let magnitude = number.into().abs();
    if number.into().is_nan() {
        return "NaN".to_owned();
    }
    if number.into().is_infinite() {
        return if number.into() > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        let plain = number.to_string();
        return if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        };
    }
    let scientific = format!("{number:e}").replace('e', "E");
    match scientific.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => scientific,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_known_in_full_and_in_short() {
        let long =
            Deserializer::by_class_name("org.apache.kafka.common.serialization.LongDeserializer");
        assert_eq!(long, Ok(Deserializer::Long));
        assert_eq!(
            Deserializer::by_class_name("LongDeserializer"),
            Ok(Deserializer::Long)
        );
        let error = Deserializer::by_class_name("com.acme.Avro")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("unknown deserializer com.acme.Avro: known are String"),
            "{error}"
        );
    }

    #[test]
    fn numbers_print_as_java_prints_them() {
        let double = |number: f64| {
            let text = Deserializer::Double
                .text(&number.to_be_bytes())
                .unwrap()
                .into_owned();
            String::from_utf8(text).unwrap()
        };
        for (number, text) in [
            (1.0, "1.0"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (1e7, "1.0E7"),
            (123456.5, "123456.5"),
            (f64::NEG_INFINITY, "-Infinity"),
            (-0.0, "-0.0"),
            (1.25e-9, "1.25E-9"),
        ] {
            assert_eq!(double(number), text);
        }
        assert_eq!(
            Deserializer::Long
                .text(&7i64.to_be_bytes())
                .unwrap()
                .as_ref(),
            b"7"
        );
    }

    #[test]
    fn bytes_of_another_length_are_refused() {
        let error = Deserializer::Long.text(b"abc").unwrap_err().to_string();
        assert_eq!(error, "Size of data received by LongDeserializer is not 8");
    }
}
