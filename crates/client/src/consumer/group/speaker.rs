use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fleuve_model::ErrorCode;
use tokio::time::{Instant, sleep};

use super::Identity;
use crate::ClientError;

/// Who speaks for a consumer, as of the moment it is asked.
///
/// A heartbeat may change a member's epoch while a request with the earlier one is on its way.
#[derive(Clone)]
pub(in crate::consumer) struct Speaker {
    identity: Arc<dyn Fn() -> Identity + Send + Sync>,
}

impl Speaker {
    /// Somebody who stays who he is.
    pub(in crate::consumer) fn fixed(identity: Identity) -> Speaker {
        Speaker::live(move || identity.clone())
    }

    /// Whoever `identity` says at the time.
    pub(super) fn live(identity: impl Fn() -> Identity + Send + Sync + 'static) -> Speaker {
        let identity = Arc::new(identity);
        Speaker { identity }
    }

    /// Makes `attempt`, and makes it again as long as it is refused for an epoch that the answer
    /// to a heartbeat is about to renew, which is to be seen within `deadline`.
    pub(in crate::consumer) async fn speak<T, F>(
        &self,
        deadline: Instant,
        pause: Duration,
        attempt: impl Fn(Identity) -> F,
    ) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        loop {
            let result = attempt((self.identity)()).await;
            let is_stale = matches!(
                &result,
                Err(error) if error.code() == Some(ErrorCode::StaleMemberEpoch)
            );
            let is_member = (self.identity)().generation > 0;
            if !is_stale || !is_member || Instant::now() + pause >= deadline {
                return result;
            }
            sleep(pause).await;
        }
    }
}
