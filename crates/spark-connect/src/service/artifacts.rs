//! `AddArtifacts` and `ArtifactStatus`.

use tonic::{Request, Response, Status, Streaming};

use super::{Service, report};
use crate::messages::artifact_statuses_response::ArtifactStatus;
use crate::messages::{
    AddArtifactsRequest, AddArtifactsResponse, ArtifactStatusesRequest, ArtifactStatusesResponse,
};
use crate::operation::lock;
use crate::session::artifacts::Upload;

impl Service {
    pub(crate) async fn add_artifacts(
        &self,
        request: Request<Streaming<AddArtifactsRequest>>,
    ) -> Result<Response<AddArtifactsResponse>, Status> {
        let mut stream = request.into_inner();
        let first = stream
            .message()
            .await?
            .ok_or_else(|| Status::invalid_argument("an upload without a message"))?;
        let observed = first.client_observed_server_side_session_id.as_deref();
        let session = self.session(
            first.user_context.clone(),
            first.session_id.clone(),
            observed,
        )?;
        let room = lock(&session.artifacts).room();
        let mut upload = Upload::default();
        let mut next = Some(first);
        while let Some(message) = next {
            if let Some(payload) = message.payload {
                upload
                    .receive(payload, room)
                    .map_err(|failure| report(&session, &failure))?;
            }
            next = stream.message().await?;
        }
        let added = lock(&session.artifacts).add(upload);
        let artifacts = added.map_err(|failure| report(&session, &failure))?;
        Ok(Response::new(AddArtifactsResponse {
            session_id: session.key.session_id.clone(),
            server_side_session_id: session.server_side_id.clone(),
            artifacts,
        }))
    }

    pub(crate) async fn artifact_status(
        &self,
        request: Request<ArtifactStatusesRequest>,
    ) -> Result<Response<ArtifactStatusesResponse>, Status> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id.as_deref();
        let session = self.session(request.user_context, request.session_id, observed)?;
        let artifacts = lock(&session.artifacts);
        let status = |name: String| {
            let exists = artifacts.contains(&name);
            (name, ArtifactStatus { exists })
        };
        let statuses = request.names.into_iter().map(status).collect();
        Ok(Response::new(ArtifactStatusesResponse {
            session_id: session.key.session_id.clone(),
            server_side_session_id: session.server_side_id.clone(),
            statuses,
        }))
    }
}
