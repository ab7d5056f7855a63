//! The life of sessions and operations: interrupt, release, clone, status, error details.

use std::collections::BTreeSet;

use tonic::{Request, Response, Status};

use super::{Service, key, report};
use crate::failure::Failure;
use crate::messages::get_status_response::{OperationStatus, operation_status::OperationState};
use crate::messages::interrupt_request::{Interrupt, InterruptType};
use crate::messages::release_execute_request::Release;
use crate::messages::{
    CloneSessionRequest, CloneSessionResponse, FetchErrorDetailsRequest, FetchErrorDetailsResponse,
    GetStatusRequest, GetStatusResponse, InterruptRequest, InterruptResponse,
    ReleaseExecuteRequest, ReleaseExecuteResponse, ReleaseSessionRequest, ReleaseSessionResponse,
};
use crate::operation::{Operation, lock};
use crate::status::{to_error, to_status};

impl Service {
    pub(crate) async fn interrupt(
        &self,
        request: Request<InterruptRequest>,
    ) -> Result<Response<InterruptResponse>, Status> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id.as_deref();
        let session = self.session(request.user_context, request.session_id, observed)?;
        let wanted = which(request.interrupt_type, request.interrupt)
            .map_err(|failure| report(&session, &failure))?;
        let interrupted = session
            .operations()
            .into_iter()
            .filter(|operation| wanted.takes(operation));
        let interrupted_ids = interrupted
            .filter(|operation| operation.interrupt())
            .map(|operation| operation.id.clone())
            .collect();
        Ok(Response::new(InterruptResponse {
            session_id: session.key.session_id.clone(),
            server_side_session_id: session.server_side_id.clone(),
            interrupted_ids,
        }))
    }

    pub(crate) async fn release_execute(
        &self,
        request: Request<ReleaseExecuteRequest>,
    ) -> Result<Response<ReleaseExecuteResponse>, Status> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id.as_deref();
        let key = key(request.user_context, request.session_id);
        let session = self
            .registry
            .existing(&key, observed)
            .map_err(|failure| to_status(&failure, None))?;
        let released = match session.operation(&request.operation_id) {
            Err(_) => None,
            Ok(operation) => {
                match request.release {
                    Some(Release::ReleaseUntil(until)) => {
                        operation.responses.release_until(&until.response_id)
                    }
                    Some(Release::ReleaseAll(_)) | None => {
                        drop(session.release(&operation.id, false))
                    }
                }
                Some(operation.id.clone())
            }
        };
        Ok(Response::new(ReleaseExecuteResponse {
            session_id: session.key.session_id.clone(),
            server_side_session_id: session.server_side_id.clone(),
            operation_id: released,
        }))
    }

    pub(crate) async fn release_session(
        &self,
        request: Request<ReleaseSessionRequest>,
    ) -> Result<Response<ReleaseSessionResponse>, Status> {
        let request = request.into_inner();
        let key = key(request.user_context, request.session_id);
        let closed = self.registry.close(&key, request.allow_reconnect);
        Ok(Response::new(ReleaseSessionResponse {
            session_id: key.session_id,
            server_side_session_id: closed
                .map(|session| session.server_side_id.clone())
                .unwrap_or_default(),
        }))
    }

    pub(crate) async fn clone_session(
        &self,
        request: Request<CloneSessionRequest>,
    ) -> Result<Response<CloneSessionResponse>, Status> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id.as_deref();
        let key = key(request.user_context, request.session_id);
        let session = self
            .registry
            .existing(&key, observed)
            .map_err(|failure| to_status(&failure, None))?;
        let clone = self
            .registry
            .clone_session(&session, request.new_session_id);
        let clone = clone.map_err(|failure| report(&session, &failure))?;
        Ok(Response::new(CloneSessionResponse {
            session_id: session.key.session_id.clone(),
            server_side_session_id: session.server_side_id.clone(),
            new_session_id: clone.key.session_id.clone(),
            new_server_side_session_id: clone.server_side_id.clone(),
        }))
    }

    pub(crate) async fn get_status(
        &self,
        request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id.as_deref();
        let session = self.session(request.user_context, request.session_id, observed)?;
        let operation_statuses = match request.operation_status {
            None => Vec::new(),
            Some(ask) => {
                let known = session.operation_states();
                let asked: BTreeSet<String> = match ask.operation_ids.is_empty() {
                    true => known.keys().cloned().collect(),
                    false => ask.operation_ids.into_iter().collect(),
                };
                let status = |operation_id: String| OperationStatus {
                    state: known
                        .get(&operation_id)
                        .copied()
                        .unwrap_or(OperationState::Unknown) as i32,
                    operation_id,
                    extensions: Vec::new(),
                };
                asked.into_iter().map(status).collect()
            }
        };
        Ok(Response::new(GetStatusResponse {
            session_id: session.key.session_id.clone(),
            server_side_session_id: session.server_side_id.clone(),
            operation_statuses,
            extensions: Vec::new(),
        }))
    }

    pub(crate) async fn fetch_error_details(
        &self,
        request: Request<FetchErrorDetailsRequest>,
    ) -> Result<Response<FetchErrorDetailsResponse>, Status> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id.as_deref();
        let session = self.session(request.user_context, request.session_id, observed)?;
        let failure = lock(&session.failures).take(&request.error_id);
        Ok(Response::new(FetchErrorDetailsResponse {
            session_id: session.key.session_id.clone(),
            server_side_session_id: session.server_side_id.clone(),
            root_error_idx: failure.as_ref().map(|_| 0),
            errors: failure.iter().map(to_error).collect(),
        }))
    }
}

/// Which operations to interrupt.
enum Wanted {
    All,
    Tagged(String),
    One(String),
}

impl Wanted {
    fn takes(&self, operation: &Operation) -> bool {
        match self {
            Self::All => true,
            Self::Tagged(tag) => operation.tags.contains(tag),
            Self::One(id) => operation.id == *id,
        }
    }
}

fn which(interrupt_type: i32, interrupt: Option<Interrupt>) -> Result<Wanted, Failure> {
    match (InterruptType::try_from(interrupt_type), interrupt) {
        (Ok(InterruptType::All), _) => Ok(Wanted::All),
        (Ok(InterruptType::Tag), Some(Interrupt::OperationTag(tag))) if !tag.is_empty() => {
            Ok(Wanted::Tagged(tag))
        }
        (Ok(InterruptType::OperationId), Some(Interrupt::OperationId(id))) if !id.is_empty() => {
            Ok(Wanted::One(id))
        }
        (Ok(InterruptType::Tag), _) => Err(Failure::empty_field(
            "spark.connect.InterruptRequest",
            "operation_tag",
        )),
        (Ok(InterruptType::OperationId), _) => Err(Failure::empty_field(
            "spark.connect.InterruptRequest",
            "operation_id",
        )),
        _ => Err(Failure::invalid_enum(
            "spark.connect.InterruptRequest.InterruptType",
            interrupt_type,
        )),
    }
}
