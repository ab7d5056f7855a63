//! Ids for idempotent producers, drawn from blocks that the controller gives out once.

use fleuve_cluster::controller::{Command, ProducerIdBlock, Reply};
use fleuve_cluster::driver::Unavailable;
use fleuve_model::{BrokerId, ProducerId};
use tokio::sync::Mutex;

use crate::controller::ControllerHandle;

/// What is left of this broker's block.
#[derive(Debug, Default)]
pub(crate) struct ProducerIds {
    block: Mutex<Option<ProducerIdBlock>>,
}

impl ProducerIds {
    /// An id that nobody ever had.
    pub(crate) async fn next(
        &self,
        controller: &ControllerHandle,
        broker: BrokerId,
    ) -> Result<ProducerId, Unavailable> {
        // Held over the question to the controller: others need its answer as well.
        let mut block = self.block.lock().await;
        let current = match *block {
            Some(current) => current,
            None => match controller
                .ask(Command::AllocateProducerIds { broker })
                .await?
            {
                Reply::AllocateProducerIds(Ok(fresh)) => fresh,
                _ => return Err(Unavailable::AppendFailed),
            },
        };
        let next = ProducerId::new(current.first.value() + 1).ok();
        *block = next
            .filter(|_| current.length > 1)
            .map(|first| ProducerIdBlock {
                first,
                length: current.length - 1,
            });
        Ok(current.first)
    }
}
