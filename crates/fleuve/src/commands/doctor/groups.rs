//! Whether somebody coordinates groups.
//!
//! Groups keep their offsets in a topic of Kafka's own. If that cannot be made, because its
//! replication factor is 3 by default and there are fewer brokers, then members wait for ever.

use fleuve_client::{Admin, ClientError};
use fleuve_model::ErrorCode;

use super::{Finding, bad, good};

const CHECK: &str = "groups";

/// A group that need not be there: the question is who would answer for it.
const GROUP: &str = "fleuve-doctor";

pub(super) async fn check(admin: &Admin, brokers: usize) -> Finding {
    match admin.describe_group(GROUP).await {
        Ok(_) => good(CHECK, "consumer groups have a coordinator"),
        Err(error) if error.code() == Some(ErrorCode::GroupIdNotFound) => {
            good(CHECK, "consumer groups have a coordinator")
        }
        Err(error) => of_failure(&error, brokers),
    }
}

fn of_failure(error: &ClientError, brokers: usize) -> Finding {
    let what = format!("consumer groups have no coordinator ({error})");
    let remedy = format!(
        "set offsets.topic.replication.factor={} in server.properties, for there are so many \
         brokers, and start them again",
        brokers.clamp(1, 3)
    );
    bad(CHECK, what, remedy)
}
