//! MD5, SHA and HMAC.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::functions::crypto;

use crate::error::{Result, SparkError};
use crate::functions::math::{hex_bytes, hex_text};
use crate::functions::{Invocation, engine};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// The block length that HMAC pads its key to.
    fn block_bytes(self) -> usize {
        match self {
            Self::Sha384 | Self::Sha512 => 128,
            _ => 64,
        }
    }

    fn of_bits(bits: i32) -> Option<Self> {
        Some(match bits {
            0 | 256 => Self::Sha256,
            224 => Self::Sha224,
            384 => Self::Sha384,
            512 => Self::Sha512,
            _ => return None,
        })
    }

    /// The digests of all values, as bytes.
    fn compute(self, values: ArrayRef) -> Result<BinaryArray> {
        let rows = values.len();
        let text = |function| -> Result<BinaryArray> {
            let texts: ArrayRef =
                engine::call(function, vec![values.clone()], rows, &ArrowType::Utf8)?;
            Ok(texts
                .as_string::<i32>()
                .iter()
                .map(|t| t.and_then(hex_bytes))
                .collect())
        };
        let bytes = |function| -> Result<BinaryArray> {
            let digests = engine::call(function, vec![values.clone()], rows, &ArrowType::Binary)?;
            Ok(digests.as_binary::<i32>().clone())
        };
        match self {
            Self::Md5 => text(&crypto::md5()),
            Self::Sha1 => text(&datafusion_spark::function::hash::sha1()),
            Self::Sha224 => bytes(&crypto::sha224()),
            Self::Sha256 => bytes(&crypto::sha256()),
            Self::Sha384 => bytes(&crypto::sha384()),
            Self::Sha512 => bytes(&crypto::sha512()),
        }
    }

    fn one(self, bytes: &[u8]) -> Result<Vec<u8>> {
        let digest = self.compute(Arc::new(BinaryArray::from(vec![bytes])))?;
        Ok(digest.value(0).to_vec())
    }
}

/// Digests as texts of small hexadecimal digits.
pub(super) fn texts(inv: &Invocation<'_>, digest: Digest) -> Result<ArrayRef> {
    let digests = digest.compute(inv.expanded(0)?)?;
    let mut digests = digests.iter();
    inv.build_strings(|_| Ok(digests.next().flatten().map(|d| hex_text(d).to_lowercase())))
}

pub(super) fn sha2(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let lengths = inv.ints(1)?;
    if let Some(digest) = lengths.constant().map(Digest::of_bits) {
        return match digest {
            Some(digest) => texts(inv, digest),
            None => inv.build_strings(|_| Ok(None::<String>)),
        };
    }
    let values = inv.binaries(0)?;
    inv.build_strings(|row| {
        let digest = lengths.get(row).and_then(Digest::of_bits);
        match values.get(row).zip(digest) {
            Some((value, digest)) => Ok(Some(hex_text(&digest.one(value)?).to_lowercase())),
            None => Ok(None),
        }
    })
}

/// RFC 2104.
pub(super) fn hmac(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (keys, messages, names) = (inv.binaries(0)?, inv.binaries(1)?, inv.strings(2)?);
    inv.build_binaries(|row| {
        let (Some(key), Some(message), Some(name)) =
            (keys.get(row), messages.get(row), names.get(row))
        else {
            return Ok(None);
        };
        let digest = match name.to_uppercase().as_str() {
            "MD5" => Digest::Md5,
            "SHA1" | "SHA-1" => Digest::Sha1,
            "SHA224" | "SHA-224" => Digest::Sha224,
            "SHA256" | "SHA-256" => Digest::Sha256,
            "SHA384" | "SHA-384" => Digest::Sha384,
            "SHA512" | "SHA-512" => Digest::Sha512,
            _ => {
                return Err(SparkError::invalid_parameter_value(
                    "HMAC_ALGORITHM",
                    "hmac",
                    "algorithm",
                    format!("the algorithm {name} is not known."),
                ));
            }
        };
        let mut key = if key.len() > digest.block_bytes() {
            digest.one(key)?
        } else {
            key.to_vec()
        };
        key.resize(digest.block_bytes(), 0);
        let padded = |pad: u8| key.iter().map(|b| b ^ pad).collect::<Vec<u8>>();
        let inner = digest.one(&[&padded(0x36), message].concat())?;
        Ok(Some(digest.one(&[padded(0x5c), inner].concat())?))
    })
}
