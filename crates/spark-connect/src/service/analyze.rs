//! `AnalyzePlan`: what can be said about a plan without running it.

use std::sync::Arc;

use fleuve_sql::ir;
use prost::Message;
use tonic::{Request, Response, Status};

use super::{Service, plan, report};
use crate::SPARK_VERSION;
use crate::decode::Decoder;
use crate::encode;
use crate::engine::ExplainMode;
use crate::failure::Failure;
use crate::messages::analyze_plan_request::{Analyze, explain};
use crate::messages::analyze_plan_response as answer;
use crate::messages::{self, AnalyzePlanRequest, AnalyzePlanResponse, Nested, Plan, StorageLevel};
use crate::operation::lock;
use crate::session::Session;

impl Service {
    pub(crate) async fn analyze_plan(
        &self,
        request: Request<AnalyzePlanRequest>,
    ) -> Result<Response<AnalyzePlanResponse>, Status> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id.as_deref();
        let session = self.session(request.user_context, request.session_id, observed)?;
        let analyst = Analyst {
            session: session.clone(),
            plan_bytes_max: self.config.message_bytes_max,
        };
        let analyze = request
            .analyze
            .ok_or_else(|| Failure::not_set("spark.connect.AnalyzePlanRequest", "analyze"));
        let result = match analyze {
            Ok(analyze) => {
                self.on_engine(async move { analyst.answer(analyze).await })
                    .await
            }
            Err(failure) => Err(failure),
        };
        match result {
            Ok(result) => Ok(Response::new(AnalyzePlanResponse {
                session_id: session.key.session_id.clone(),
                server_side_session_id: session.server_side_id.clone(),
                result: Some(result),
            })),
            Err(failure) => Err(report(&session, &failure)),
        }
    }
}

struct Analyst {
    session: Arc<Session>,
    plan_bytes_max: usize,
}

impl Analyst {
    async fn answer(&self, analyze: Analyze) -> Result<answer::Result, Failure> {
        let engine = &self.session.engine;
        Ok(match analyze {
            Analyze::Schema(ask) => {
                let analysis = engine.analyze(self.relation(ask.plan)?).await?;
                let schema = Some(Nested::new(encode::struct_type(&analysis.schema)));
                answer::Result::Schema(answer::Schema { schema })
            }
            Analyze::Explain(ask) => {
                let mode = explain_mode(ask.explain_mode)?;
                let explain_string = engine.explain(self.relation(ask.plan)?, mode).await?;
                answer::Result::Explain(answer::Explain { explain_string })
            }
            Analyze::TreeString(ask) => {
                let analysis = engine.analyze(self.relation(ask.plan)?).await?;
                let tree_string = engine.schema_tree(&analysis.schema, ask.level);
                answer::Result::TreeString(answer::TreeString { tree_string })
            }
            Analyze::IsLocal(ask) => {
                let is_local = engine.analyze(self.relation(ask.plan)?).await?.is_local;
                answer::Result::IsLocal(answer::IsLocal { is_local })
            }
            Analyze::IsStreaming(ask) => {
                let is_streaming = engine.analyze(self.relation(ask.plan)?).await?.is_streaming;
                answer::Result::IsStreaming(answer::IsStreaming { is_streaming })
            }
            Analyze::InputFiles(ask) => {
                let files = engine.input_files(self.relation(ask.plan)?).await?;
                answer::Result::InputFiles(answer::InputFiles { files })
            }
            Analyze::SparkVersion(_) => answer::Result::SparkVersion(answer::SparkVersion {
                version: SPARK_VERSION.to_owned(),
            }),
            Analyze::DdlParse(ask) => {
                let parsed = Some(Nested::new(encode::data_type(
                    &engine.parse_ddl(&ask.ddl_string)?,
                )));
                answer::Result::DdlParse(answer::DdlParse { parsed })
            }
            Analyze::SameSemantics(ask) => {
                let left = self.relation(ask.target_plan)?;
                let right = self.relation(ask.other_plan)?;
                let result = engine.same_semantics(left, right).await?;
                answer::Result::SameSemantics(answer::SameSemantics { result })
            }
            Analyze::SemanticHash(ask) => {
                let result = engine.semantic_hash(self.relation(ask.plan)?).await?;
                answer::Result::SemanticHash(answer::SemanticHash { result })
            }
            Analyze::Persist(ask) => {
                self.persist(ask.relation, ask.storage_level).await?;
                answer::Result::Persist(answer::Persist {})
            }
            Analyze::Unpersist(ask) => {
                lock(&self.session.storage_levels).remove(&identity(&ask.relation));
                answer::Result::Unpersist(answer::Unpersist {})
            }
            Analyze::GetStorageLevel(ask) => {
                let levels = lock(&self.session.storage_levels);
                let storage_level = Some(
                    levels
                        .get(&identity(&ask.relation))
                        .cloned()
                        .unwrap_or(NOT_STORED),
                );
                answer::Result::GetStorageLevel(answer::GetStorageLevel { storage_level })
            }
            Analyze::JsonToDdl(ask) => answer::Result::JsonToDdl(answer::JsonToDdl {
                ddl_string: engine.json_to_ddl(&ask.json_string)?,
            }),
        })
    }

    fn relation(&self, message: Option<Plan>) -> Result<ir::Relation, Failure> {
        let root = plan::root(message, self.plan_bytes_max)?;
        Decoder::new(self.session.as_ref()).relation(root)
    }

    /// Nothing is kept: plans are run anew. What a client asked for is remembered, so that it reads it back.
    async fn persist(
        &self,
        relation: Option<Nested<messages::Relation>>,
        level: Option<StorageLevel>,
    ) -> Result<(), Failure> {
        let identity = identity(&relation);
        let root = relation.ok_or_else(|| {
            Failure::empty_field("spark.connect.AnalyzePlanRequest.Persist", "relation")
        })?;
        let relation = Decoder::new(self.session.as_ref()).relation(root.into_inner())?;
        self.session.engine.analyze(relation).await?;
        lock(&self.session.storage_levels).insert(identity, level.unwrap_or(MEMORY_AND_DISK));
        Ok(())
    }
}

/// A relation as its client knows it: by the plan it sent.
fn identity(relation: &Option<Nested<messages::Relation>>) -> Vec<u8> {
    relation
        .as_ref()
        .map(Message::encode_to_vec)
        .unwrap_or_default()
}

const NOT_STORED: StorageLevel = StorageLevel {
    use_disk: false,
    use_memory: false,
    use_off_heap: false,
    deserialized: false,
    replication: 1,
};
const MEMORY_AND_DISK: StorageLevel = StorageLevel {
    use_disk: true,
    use_memory: true,
    use_off_heap: false,
    deserialized: true,
    replication: 1,
};

fn explain_mode(mode: i32) -> Result<ExplainMode, Failure> {
    match explain::ExplainMode::try_from(mode) {
        Ok(explain::ExplainMode::Simple) => Ok(ExplainMode::Simple),
        Ok(explain::ExplainMode::Extended) => Ok(ExplainMode::Extended),
        Ok(explain::ExplainMode::Codegen) => Ok(ExplainMode::Codegen),
        Ok(explain::ExplainMode::Cost) => Ok(ExplainMode::Cost),
        Ok(explain::ExplainMode::Formatted) => Ok(ExplainMode::Formatted),
        _ => Err(Failure::invalid_enum(
            "spark.connect.AnalyzePlanRequest.Explain.ExplainMode",
            mode,
        )),
    }
}
