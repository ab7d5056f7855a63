//! How much memory the state of one query may take, `fleuve.state.memory.max`.

use std::str::FromStr;

/// A limit in bytes. As text it is a number with one of Spark's units (`k`, `m`, `g`, `t`, each a
/// power of 1024, a `b` behind is fine) or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemoryLimit(u64);

impl MemoryLimit {
    pub fn bytes(self) -> u64 {
        self.0
    }
}

/// The text is no number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of bytes such as 4g, 512m or 1048576")]
pub struct NoMemoryLimit;

impl FromStr for MemoryLimit {
    type Err = NoMemoryLimit;

    fn from_str(text: &str) -> Result<Self, NoMemoryLimit> {
        let text = text.trim().to_ascii_lowercase();
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let shift = match &text[digits.len()..] {
            "" | "b" => 0,
            "k" | "kb" => 10,
            "m" | "mb" => 20,
            "g" | "gb" => 30,
            "t" | "tb" => 40,
            _ => return Err(NoMemoryLimit),
        };
        let number: u64 = digits.parse().map_err(|_| NoMemoryLimit)?;
        let bytes = number.checked_mul(1 << shift).ok_or(NoMemoryLimit)?;
        Ok(Self(bytes))
    }
}
