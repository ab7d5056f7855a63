//! Requests that no client means: bytes changed at random in requests of every API.

use std::sync::atomic::{AtomicUsize, Ordering};

use fleuve_protocol::api::MetadataRequest;
use fleuve_protocol::{Str, encode_request};

use crate::connection::default_request;
use crate::support::{Client, broker, served};

static PANICS: AtomicUsize = AtomicUsize::new(0);

const ROUNDS_DEFAULT: u64 = 2;

fn rounds() -> u64 {
    let scale = std::env::var("FLEUVE_TEST_SCALE")
        .ok()
        .and_then(|it| it.parse::<u64>().ok());
    ROUNDS_DEFAULT * scale.unwrap_or(1)
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % end
    }
}

/// Header bytes that decide which request it is; they stay.
const HEADER_BYTES: usize = 12;

#[tokio::test]
async fn no_request_whatever_its_bytes_makes_the_broker_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic
            .location()
            .is_some_and(|it| !it.file().contains("tests/it"))
        {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        before(panic);
    }));
    let broker = broker().await;
    let mut good = Client::connect(&broker).await;
    good.create_topic("target", 2, &[]).await;
    let mut dice = Dice(7);
    for round in 0..rounds() {
        for key in served(&mut good).await {
            for version in key.versions().iter() {
                let name = Str::from_static("test");
                let frame = encode_request(&default_request(key), version, 1, Some(&name));
                let frame = frame.expect("a request of its version").into_bytes();
                let mut bytes = frame.to_vec();
                // Room for what changed counts and lengths make of it.
                bytes.extend_from_slice(&[0; 40]);
                for _ in 0..=dice.below(6) {
                    let place = HEADER_BYTES + dice.below(bytes.len() - HEADER_BYTES);
                    bytes[place] = dice.below(256) as u8;
                }
                let size = bytes.len() as i32 - 4;
                bytes[..4].copy_from_slice(&size.to_be_bytes());
                let mut client = Client::connect(&broker).await;
                client.send_bytes(&bytes).await;
                let panics = PANICS.load(Ordering::SeqCst);
                assert_eq!(
                    panics, 0,
                    "before {key} {version}, round {round}: {bytes:?}"
                );
            }
        }
    }
    assert_eq!(good.ask(MetadataRequest::default()).await.brokers.len(), 1);
    broker.stop().await;
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}
