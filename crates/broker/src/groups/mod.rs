//! The shells of the group coordinators: one machine for each partition of
//! `__consumer_offsets`, run over that partition's log.
//!
//! Start at [`GroupShells::coordinator`].

mod config;
mod consumer_record_format;
mod record_format;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use fleuve_cluster::controller::MetadataImage;
use fleuve_cluster::driver::Unavailable;
use fleuve_cluster::group::{
    Command, GroupCoordinator, GroupId, Record, Reply, coordinator_partition,
};
use fleuve_model::record::{BatchBuilder, BatchSettings, NO_HEADERS, RecordBatch};
use fleuve_model::{Now, PartitionId, TopicId, TopicName};
use tokio_util::sync::CancellationToken;

use crate::broker::BrokerState;
use crate::log::Replica;
use crate::machine_shell::{self, LoggedMachine, MachineHandle, NoObserver, ShellParts};
use crate::metadata::CONSUMER_OFFSETS;

pub(crate) type GroupHandle = MachineHandle<GroupCoordinator>;

impl LoggedMachine for GroupCoordinator {
    fn batch(records: &[Record], now: Now) -> RecordBatch {
        let mut batch = BatchBuilder::new();
        for record in records {
            let (key, value) = record_format::encode(record);
            batch
                .append(Some(now.wall), Some(&key), value.as_deref(), NO_HEADERS)
                .expect("the records of one command are far smaller than 2 GiB");
        }
        batch
            .build(&BatchSettings::default())
            .expect("an uncompressed batch is built")
    }

    fn replay(&mut self, batch: &RecordBatch) -> Result<(), String> {
        use fleuve_cluster::machine::Machine;
        for record in record_format::decode_batch(batch)? {
            self.apply(&record);
        }
        Ok(())
    }

    fn replayed(&mut self, now: Now) {
        self.loaded(now);
    }
}

/// The coordinators that this broker runs.
#[derive(Debug, Default)]
pub(crate) struct GroupShells {
    running: RwLock<Running>,
}

#[derive(Debug, Default)]
struct Running {
    /// The incarnation of `__consumer_offsets` that they belong to.
    topic_id: Option<TopicId>,
    /// How many partitions the topic has.
    partitions: u32,
    handles: BTreeMap<PartitionId, GroupHandle>,
    stop: CancellationToken,
}

impl GroupShells {
    /// The coordinator of `group`.
    pub(crate) fn coordinator(&self, group: &GroupId) -> Result<GroupHandle, Unavailable> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        if running.partitions == 0 {
            return Err(Unavailable::Loading);
        }
        let partition = coordinator_partition(group, running.partitions);
        running
            .handles
            .get(&partition)
            .cloned()
            .ok_or(Unavailable::NotLeader)
    }

    /// Asks the coordinator of `group`.
    pub(crate) async fn ask(
        &self,
        group: &GroupId,
        command: Command,
    ) -> Result<Reply, Unavailable> {
        self.coordinator(group)?.ask(command).await
    }

    /// Every coordinator.
    pub(crate) fn all(&self) -> Vec<GroupHandle> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        running.handles.values().cloned().collect()
    }

    /// Starts and stops coordinators as the image says, and tells them of it.
    pub(crate) fn follow(&self, broker: &Arc<BrokerState>, image: &Arc<MetadataImage>) {
        let name = TopicName::new(CONSUMER_OFFSETS).expect("a valid name");
        let topic = image.topic(&name);
        let mut running = self.running.write().unwrap_or_else(PoisonError::into_inner);
        if running.topic_id != topic.map(|topic| topic.id) {
            running.stop.cancel();
            *running = Running {
                stop: broker.stop_machines.child_token(),
                topic_id: topic.map(|topic| topic.id),
                ..Running::default()
            };
        }
        let Some(topic) = topic else { return };
        running.partitions = u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
        for handle in running.handles.values() {
            handle.tell(Command::UpdateImage(Arc::clone(image)));
        }
        for (number, _) in topic.numbered() {
            let of = fleuve_model::TopicPartition::new(name.clone(), number);
            let Ok(replica) = broker.replica(&of) else {
                continue;
            };
            let stop = running.stop.clone();
            running
                .handles
                .entry(number)
                .or_insert_with(|| spawn(broker, replica, stop));
        }
    }
}

fn spawn(broker: &Arc<BrokerState>, replica: Arc<Replica>, stop: CancellationToken) -> GroupHandle {
    let broker_of_machine = Arc::downgrade(broker);
    let make = move || {
        let broker = broker_of_machine.upgrade();
        let settings = broker.as_ref().map(|it| it.settings()).unwrap_or_default();
        let image = broker.map(|it| it.image()).unwrap_or_default();
        GroupCoordinator::new(config::of_settings(&settings), image)
    };
    let parts = ShellParts {
        replica,
        make,
        observer: NoObserver,
        clock: broker.clock,
        stop,
        machine: std::marker::PhantomData,
    };
    machine_shell::spawn(parts, &broker.machines)
}
