//! Whether somebody coordinates groups.
//!
//! Groups keep their offsets in a topic of Kafka's own. If that cannot be made, because its
//! replication factor is 3 by default and there are fewer brokers, then members wait for ever.

use fleuve_client::{Admin, ClientError};
use fleuve_model::ErrorCode;

use super::{Finding, bad, good, warning};

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
    match error.code() {
        Some(ErrorCode::CoordinatorNotAvailable) => {
            let remedy = format!(
                "set offsets.topic.replication.factor={} in server.properties, for there are so \
                 many brokers, and start them again",
                brokers.clamp(1, 3)
            );
            bad(CHECK, what, remedy)
        }
        Some(ErrorCode::NotCoordinator | ErrorCode::CoordinatorLoadInProgress) => {
            let remedy = "it may just have started: run this again";
            warning(CHECK, what, remedy)
        }
        _ => bad(CHECK, what, "look at the log of the broker"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_coordinator_that_is_on_its_way_is_no_problem_yet() {
        let finding = |code| {
            let subject = "group g".to_owned();
            let message = None;
            of_failure(
                &ClientError::Broker {
                    code,
                    subject,
                    message,
                },
                1,
            )
        };
        let absent = finding(ErrorCode::CoordinatorNotAvailable);
        assert_eq!(absent.state, State::Bad);
        assert!(absent.remedy.unwrap().contains("replication.factor=1"));
        assert_eq!(finding(ErrorCode::NotCoordinator).state, State::Warning);
    }
}
