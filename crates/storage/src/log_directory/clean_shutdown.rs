//! The `.kafka_cleanshutdown` file: its presence says that nothing needs to be verified.
//!
//! ```text
//! {"version":0,"brokerEpoch":17}
//! ```
//! Older brokers left it empty. That it is there is what counts.

/// The file's text.
pub fn encode_clean_shutdown(broker_epoch: i64) -> String {
    format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}")
}

/// The broker's epoch when it stopped, if the file says one (KIP-966).
pub fn decode_clean_shutdown(content: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(content).ok()?;
    let (_, value) = text.split_once("\"brokerEpoch\"")?;
    let value = value.trim_start().strip_prefix(':')?.trim_start();
    let end = value.find(|symbol: char| symbol != '-' && !symbol.is_ascii_digit());
    value[..end.unwrap_or(value.len())].parse().ok()
}
