//! Whether brokers and this program have a version of each API in common.

use fleuve_client::Admin;
use fleuve_client::admin::{BrokerDescription, OfferedApi};

use super::{Finding, bad, good};

const CHECK: &str = "versions";

/// Without these nothing can be read or written.
const NEEDED: [&str; 5] = [
    "Produce",
    "Fetch",
    "ListOffsets",
    "Metadata",
    "FindCoordinator",
];

const REMEDY: &str =
    "take a broker and a client of nearer age: this one speaks to Apache Kafka 2.1 and later";

pub(super) async fn check(admin: &Admin) -> Vec<Finding> {
    match admin.api_versions().await {
        Ok(all) => all
            .iter()
            .map(|(broker, apis)| of_broker(broker, apis))
            .collect(),
        Err(error) => vec![bad(CHECK, error.to_string(), REMEDY)],
    }
}

fn of_broker(broker: &BrokerDescription, apis: &[OfferedApi]) -> Finding {
    let id = broker.id;
    let absent = NEEDED
        .iter()
        .find(|needed| !apis.iter().any(|api| api.name == Some(**needed)));
    if let Some(absent) = absent {
        return bad(CHECK, format!("broker {id} has no {absent}"), REMEDY);
    }
    let apart = apis
        .iter()
        .find(|api| api.name.is_some() && api.version_used.is_none());
    if let Some(api) = apart {
        let (name, min, max) = (
            api.name.unwrap_or_default(),
            api.version_min,
            api.version_max,
        );
        let what = format!(
            "broker {id} has {name} in versions {min} to {max}, none of which this program knows"
        );
        return bad(CHECK, what, REMEDY);
    }
    let common = apis.iter().filter(|api| api.version_used.is_some()).count();
    good(
        CHECK,
        format!("broker {id} and this program have {common} APIs in common"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use fleuve_model::BrokerId;

    fn broker() -> BrokerDescription {
        BrokerDescription {
            id: BrokerId::new(1).unwrap(),
            host: "localhost".to_owned(),
            port: 9092,
            rack: None,
            is_fenced: false,
        }
    }

    fn apis(version_used: Option<i16>) -> Vec<OfferedApi> {
        let api = |name| OfferedApi {
            key: 0,
            name: Some(name),
            version_min: 0,
            version_max: 3,
            version_used,
        };
        NEEDED.into_iter().map(api).collect()
    }

    #[test]
    fn a_broker_without_a_common_version_is_a_problem() {
        assert_eq!(of_broker(&broker(), &apis(Some(3))).state, State::Good);
        let finding = of_broker(&broker(), &apis(None));
        assert_eq!(finding.state, State::Bad);
        assert!(
            finding.what.contains("Produce in versions 0 to 3"),
            "{finding:?}"
        );
        assert_eq!(of_broker(&broker(), &apis(Some(3))[1..]).state, State::Bad);
    }
}
