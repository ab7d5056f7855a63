//! `Config`: a session's settings.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{Service, report};
use crate::engine::SessionEngine;
use crate::failure::Failure;
use crate::messages::config_request::{self, operation::OpType};
use crate::messages::{ConfigRequest, ConfigResponse, KeyValue};

impl Service {
    pub(crate) async fn config(
        &self,
        request: Request<ConfigRequest>,
    ) -> Result<Response<ConfigResponse>, Status> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id.as_deref();
        let session = self.session(request.user_context, request.session_id, observed)?;
        let operation = request.operation.and_then(|operation| operation.op_type);
        let operation = operation
            .ok_or_else(|| Failure::not_set("spark.connect.ConfigRequest.Operation", "op_type"));
        match operation.and_then(|operation| perform(&session.engine, operation)) {
            Ok(Answer { pairs, warnings }) => Ok(Response::new(ConfigResponse {
                session_id: session.key.session_id.clone(),
                server_side_session_id: session.server_side_id.clone(),
                pairs,
                warnings,
            })),
            Err(failure) => Err(report(&session, &failure)),
        }
    }
}

#[derive(Default)]
struct Answer {
    pairs: Vec<KeyValue>,
    warnings: Vec<String>,
}

fn perform(engine: &Arc<dyn SessionEngine>, operation: OpType) -> Result<Answer, Failure> {
    let pairs = match operation {
        OpType::Set(set) => return self::set(engine, set),
        OpType::Get(get) => {
            let pair = |key: String| {
                Ok(KeyValue {
                    value: Some(engine.get(&key)?),
                    key,
                })
            };
            get.keys
                .into_iter()
                .map(pair)
                .collect::<Result<_, Failure>>()?
        }
        OpType::GetWithDefault(get) => get
            .pairs
            .into_iter()
            .map(|pair| KeyValue {
                value: engine.get_set(&pair.key).or(pair.value),
                key: pair.key,
            })
            .collect(),
        OpType::GetOption(get) => get
            .keys
            .into_iter()
            .map(|key| KeyValue {
                value: engine.get_option(&key),
                key,
            })
            .collect(),
        OpType::GetAll(get) => engine
            .get_all(get.prefix.as_deref())
            .into_iter()
            .map(|(key, value)| KeyValue {
                key,
                value: Some(value),
            })
            .collect(),
        OpType::Unset(unset) => {
            for key in &unset.keys {
                engine.unset(key)?;
            }
            unset
                .keys
                .into_iter()
                .map(|key| KeyValue { key, value: None })
                .collect()
        }
        OpType::IsModifiable(ask) => ask
            .keys
            .into_iter()
            .map(|key| KeyValue {
                value: Some(engine.is_modifiable(&key).to_string()),
                key,
            })
            .collect(),
    };
    Ok(Answer {
        pairs,
        warnings: Vec::new(),
    })
}

/// Sets all pairs in order. With `silent` what cannot be set is a warning.
fn set(engine: &Arc<dyn SessionEngine>, set: config_request::Set) -> Result<Answer, Failure> {
    let silent = set.silent.unwrap_or(false);
    let mut warnings = Vec::new();
    for pair in set.pairs {
        match engine.set(&pair.key, pair.value.as_deref().unwrap_or_default()) {
            Ok(()) => {}
            Err(error) if silent => warnings.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Answer {
        pairs: Vec::new(),
        warnings,
    })
}
