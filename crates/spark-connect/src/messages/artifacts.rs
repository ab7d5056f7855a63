//! `AddArtifacts` and `ArtifactStatus`: files a client hands to its session.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct AddArtifactsRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(string, optional, tag = "7")]
    pub client_observed_server_side_session_id: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub client_type: Option<String>,
    #[prost(oneof = "add_artifacts_request::Payload", tags = "3, 4, 5")]
    pub payload: Option<add_artifacts_request::Payload>,
}

pub mod add_artifacts_request {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Payload {
        #[prost(message, tag = "3")]
        Batch(add_artifacts_request::Batch),
        #[prost(message, tag = "4")]
        BeginChunk(add_artifacts_request::BeginChunkedArtifact),
        #[prost(message, tag = "5")]
        Chunk(add_artifacts_request::ArtifactChunk),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ArtifactChunk {
        #[prost(bytes = "bytes", tag = "1")]
        pub data: Bytes,
        #[prost(int64, tag = "2")]
        pub crc: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct SingleChunkArtifact {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(message, optional, tag = "2")]
        pub data: Option<add_artifacts_request::ArtifactChunk>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Batch {
        #[prost(message, repeated, tag = "1")]
        pub artifacts: Vec<add_artifacts_request::SingleChunkArtifact>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct BeginChunkedArtifact {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(int64, tag = "2")]
        pub total_bytes: i64,
        #[prost(int64, tag = "3")]
        pub num_chunks: i64,
        #[prost(message, optional, tag = "4")]
        pub initial_chunk: Option<add_artifacts_request::ArtifactChunk>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct AddArtifactsResponse {
    #[prost(string, tag = "2")]
    pub session_id: String,
    #[prost(string, tag = "3")]
    pub server_side_session_id: String,
    #[prost(message, repeated, tag = "1")]
    pub artifacts: Vec<add_artifacts_response::ArtifactSummary>,
}

pub mod add_artifacts_response {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ArtifactSummary {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(bool, tag = "2")]
        pub is_crc_successful: bool,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ArtifactStatusesRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, optional, tag = "5")]
    pub client_observed_server_side_session_id: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(string, optional, tag = "3")]
    pub client_type: Option<String>,
    #[prost(string, repeated, tag = "4")]
    pub names: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ArtifactStatusesResponse {
    #[prost(string, tag = "2")]
    pub session_id: String,
    #[prost(string, tag = "3")]
    pub server_side_session_id: String,
    #[prost(btree_map = "string, message", tag = "1")]
    pub statuses: BTreeMap<String, artifact_statuses_response::ArtifactStatus>,
}

pub mod artifact_statuses_response {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ArtifactStatus {
        #[prost(bool, tag = "1")]
        pub exists: bool,
    }
}
