//! The power fails while idempotent producers write with acks=all: whatever was acknowledged is
//! there after the restart, once, and in order.

use fleuve_model::record::Compression;
use fleuve_model::{ErrorCode, TopicId};
use fleuve_protocol::api::InitProducerIdRequest;
use fleuve_storage::disk::SimulatedDisk;

use crate::support::{Client, Producer, batch_of, config_on, now, produce_request, start};

const PARTITIONS: i32 = 6;
const ROUNDS_DEFAULT: u64 = 20;

fn rounds() -> u64 {
    let scale = std::env::var("FLEUVE_TEST_SCALE")
        .ok()
        .and_then(|it| it.parse::<u64>().ok());
    ROUNDS_DEFAULT * scale.unwrap_or(1)
}

/// A producer of one partition that outlives the brokers it writes to.
struct Writer {
    partition: i32,
    id: i64,
    sequence: i32,
    acknowledged: Vec<String>,
    /// Sent, and not known to be in the log.
    pending: Option<String>,
    count: usize,
}

impl Writer {
    /// Writes until the power fails.
    async fn write(&mut self, client: &mut Client, topic: TopicId) {
        loop {
            let value = self.pending.clone().unwrap_or_else(|| {
                self.count += 1;
                format!("{}-{}", self.partition, self.count)
            });
            self.pending = Some(value.clone());
            let producer = Producer {
                id: self.id,
                epoch: 0,
                sequence: self.sequence,
            };
            let records = batch_of(&[&value], Some(producer), Compression::None, Some(now()));
            client
                .send(produce_request(topic, self.partition, records, -1), 13)
                .await;
            let Some(bytes) = client.receive_bytes().await else {
                return;
            };
            let (_, answer) =
                fleuve_protocol::decode_response(fleuve_protocol::ApiKey::Produce, 13, bytes)
                    .expect("an answer");
            let fleuve_protocol::AnyResponse::Produce(answer) = answer else {
                panic!()
            };
            match answer.responses[0].partition_responses[0].error_code {
                0 => {
                    self.acknowledged.push(value);
                    self.pending = None;
                    self.sequence += 1;
                }
                failed if failed == ErrorCode::KafkaStorageError.code() => return,
                failed if failed == ErrorCode::NotLeaderOrFollower.code() => return,
                other => panic!("{:?}", ErrorCode::from_wire(other)),
            }
        }
    }
}

struct Dice(u64);

impl fleuve_storage::disk::Chance for Dice {
    fn choose(&mut self, options: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(options)) as u32
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_duplicated_or_reordered_by_power_cuts() {
    use fleuve_storage::disk::Chance;
    let mut disk = SimulatedDisk::new();
    let mut dice = Dice(1);
    let broker = start(config_on(&disk)).await;
    let mut client = Client::connect(&broker).await;
    let topic = client.create_topic("safe", PARTITIONS, &[]).await;
    let mut writers = Vec::new();
    for partition in 0..PARTITIONS {
        let id = client
            .ask(InitProducerIdRequest {
                transactional_id: None,
                ..Default::default()
            })
            .await
            .producer_id;
        writers.push(Writer {
            partition,
            id,
            sequence: 0,
            acknowledged: Vec::new(),
            pending: None,
            count: 0,
        });
    }
    broker.stop().await;
    for round in 0..rounds() {
        let broker = start(config_on(&disk)).await;
        let calls = u64::from(dice.choose(400)) + 1;
        let at_call = disk.calls() + calls;
        disk.set_fault(Some(fleuve_storage::disk::Fault {
            at_call,
            kind: fleuve_storage::disk::FaultKind::PowerCut,
        }));
        let mut tasks = Vec::new();
        for mut writer in writers.drain(..) {
            let mut client = Client::connect(&broker).await;
            tasks.push(tokio::spawn(async move {
                writer.write(&mut client, topic).await;
                writer
            }));
        }
        for task in tasks {
            writers.push(task.await.expect("no writer panics"));
        }
        broker.stop().await;
        disk = disk.restart(&mut dice);
        let broker = start(config_on(&disk)).await;
        let mut client = Client::connect(&broker).await;
        for writer in &writers {
            let found = client.values(topic, writer.partition, 0).await;
            let acknowledged = &writer.acknowledged;
            assert_eq!(
                found.get(..acknowledged.len()),
                Some(&acknowledged[..]),
                "round {round}"
            );
            let rest = &found[acknowledged.len()..];
            let may_be_there = writer.pending.iter().cloned().collect::<Vec<_>>();
            assert!(
                rest.is_empty() || rest == may_be_there,
                "round {round}: {rest:?}"
            );
        }
        broker.stop().await;
    }
    let count: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    assert!(count > 0);
}
