//! Clusters, brokers and their blocks of producer ids.

use fleuve_model::{BrokerId, ProducerId};

use super::{
    BrokerEpoch, Controller, ControllerError, ProducerIdBlock, Record, RegisterBroker, Reply,
};

/// How many producer ids a broker gets at once, as in Kafka.
pub const PRODUCER_ID_BLOCK_LENGTH: u32 = 1_000;

impl Controller {
    pub(super) fn create_cluster(&self, cluster_id: String) -> (Vec<Record>, Reply) {
        match self.image.cluster_id() {
            Some(existing) => {
                let error = ControllerError::ClusterExists(existing.to_owned());
                (vec![], Reply::CreateCluster(Err(error)))
            }
            None => (
                vec![Record::ClusterCreated { cluster_id }],
                Reply::CreateCluster(Ok(())),
            ),
        }
    }

    /// Registers a broker process. Asked twice by the same process with the same particulars,
    /// it gives the same answer and records nothing.
    pub(super) fn register_broker(&self, registration: RegisterBroker) -> (Vec<Record>, Reply) {
        let RegisterBroker {
            broker,
            incarnation,
            endpoints,
            rack,
        } = registration;
        let former = self
            .image
            .broker(broker)
            .filter(|former| former.incarnation == incarnation);
        let epoch = former.map_or_else(|| self.next_broker_epoch(), |former| former.epoch);
        let unchanged =
            former.is_some_and(|former| former.endpoints == endpoints && former.rack == rack);
        let records = if unchanged {
            vec![]
        } else {
            vec![Record::BrokerRegistered {
                broker,
                incarnation,
                epoch,
                endpoints,
                rack,
            }]
        };
        (records, Reply::RegisterBroker(Ok(epoch)))
    }

    pub(super) fn unregister_broker(&self, broker: BrokerId) -> (Vec<Record>, Reply) {
        if self.image.broker(broker).is_none() {
            let error = ControllerError::BrokerNotRegistered(broker);
            return (vec![], Reply::UnregisterBroker(Err(error)));
        }
        (
            vec![Record::BrokerUnregistered { broker }],
            Reply::UnregisterBroker(Ok(())),
        )
    }

    pub(super) fn allocate_producer_ids(&self, broker: BrokerId) -> (Vec<Record>, Reply) {
        if self.image.broker(broker).is_none() {
            let error = ControllerError::BrokerNotRegistered(broker);
            return (vec![], Reply::AllocateProducerIds(Err(error)));
        }
        let first = self.image.next_producer_id();
        let length = PRODUCER_ID_BLOCK_LENGTH;
        let end = first.value().checked_add(i64::from(length));
        let Some(next) = end.and_then(ProducerId::from_wire) else {
            let error = ControllerError::ProducerIdsExhausted;
            return (vec![], Reply::AllocateProducerIds(Err(error)));
        };
        let block = ProducerIdBlock { first, length };
        let record = Record::ProducerIdsAllocated { broker, next };
        (vec![record], Reply::AllocateProducerIds(Ok(block)))
    }

    /// Larger than every epoch before: each registration adds a record.
    fn next_broker_epoch(&self) -> BrokerEpoch {
        let applied = i64::try_from(self.image.records_applied()).unwrap_or(i64::MAX);
        BrokerEpoch::new(applied).expect("a count is not negative")
    }
}
