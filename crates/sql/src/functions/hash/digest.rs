//! MD5, SHA and HMAC.

use arrow::array::ArrayRef;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use crate::error::{Result, SparkError};
use crate::functions::Invocation;
use crate::functions::math::hex_text;

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

    fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => Md5::digest(bytes).to_vec(),
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha224 => Sha224::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    /// The digest as text of small hexadecimal digits.
    fn text_of(self, bytes: &[u8]) -> String {
        hex_text(&self.of(bytes)).to_lowercase()
    }
}

/// Digests as texts of small hexadecimal digits.
pub(super) fn texts(inv: &Invocation<'_>, digest: Digest) -> Result<ArrayRef> {
    let values = inv.binaries(0)?;
    inv.build_strings(|row| Ok(values.get(row).map(|value| digest.text_of(value))))
}

pub(super) fn sha2(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (values, lengths) = (inv.binaries(0)?, inv.ints(1)?);
    inv.build_strings(|row| {
        let digest = lengths.get(row).and_then(Digest::of_bits);
        let both = values.get(row).zip(digest);
        Ok(both.map(|(value, digest)| digest.text_of(value)))
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
            digest.of(key)
        } else {
            key.to_vec()
        };
        key.resize(digest.block_bytes(), 0);
        let padded = |pad: u8| key.iter().map(|b| b ^ pad).collect::<Vec<u8>>();
        let inner = digest.of(&[&padded(0x36), message].concat());
        Ok(Some(digest.of(&[padded(0x5c), inner].concat())))
    })
}
