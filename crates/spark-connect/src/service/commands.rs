//! Commands: plans with an effect.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use fleuve_sql::ir;

use super::execute::{Execution, local_relation_data};
use crate::engine::CommandOutput;
use crate::failure::Failure;
use crate::messages::command::CommandType;
use crate::messages::execute_plan_response::{ResponseType, SqlCommandResult};
use crate::messages::expression::literal::LiteralType;
use crate::messages::relation::RelType;
use crate::messages::{
    self, CachedRemoteRelation, CheckpointCommandResult, Command, GetResourcesCommandResult,
    MlCommandResult, Nested, ml_command, ml_command_result,
};
use crate::refusal::refused;

impl Execution {
    pub(super) async fn command(&self, command: Command) -> Result<(), Failure> {
        let not_set = || Failure::not_set("spark.connect.Command", "command_type");
        match command.command_type.ok_or_else(not_set)? {
            CommandType::SqlCommand(sql) => self.sql_command(sql).await,
            CommandType::CreateDataframeView(view) => {
                self.effect(self.decode(|decoder| decoder.create_view(view))?)
                    .await
            }
            CommandType::WriteOperation(write) => {
                self.effect(self.decode(|decoder| decoder.write(write))?)
                    .await
            }
            CommandType::WriteOperationV2(write) => {
                self.effect(self.decode(|decoder| decoder.write_v2(write))?)
                    .await
            }
            CommandType::RegisterFunction(function) => {
                self.effect(self.decode(|decoder| decoder.register_function(function))?)
                    .await
            }
            CommandType::WriteStreamOperationStart(write) => self.start_stream(write).await,
            CommandType::StreamingQueryCommand(command) => self.streaming_query(command).await,
            CommandType::StreamingQueryManagerCommand(command) => {
                self.streaming_manager(command).await
            }
            CommandType::StreamingQueryListenerBusCommand(command) => {
                self.listener_bus(command).await
            }
            CommandType::CheckpointCommand(checkpoint) => self.checkpoint(checkpoint).await,
            CommandType::RemoveCachedRemoteRelationCommand(remove) => {
                if let Some(relation) = remove.relation {
                    self.session.engine.forget_relation(&relation.relation_id);
                }
                Ok(())
            }
            CommandType::GetResourcesCommand(_) => {
                let none = GetResourcesCommandResult::default();
                self.respond(ResponseType::GetResourcesCommandResult(none))
                    .await;
                Ok(())
            }
            CommandType::MlCommand(ml) => self.machine_learning(&ml).await,
            CommandType::RegisterTableFunction(_) => {
                Err(refused("Command", "register_table_function"))
            }
            CommandType::RegisterDataSource(_) => Err(refused("Command", "register_data_source")),
            CommandType::CreateResourceProfileCommand(_) => {
                Err(refused("Command", "create_resource_profile_command"))
            }
            CommandType::MergeIntoTableCommand(_) => {
                Err(refused("Command", "merge_into_table_command"))
            }
            CommandType::ExecuteExternalCommand(_) => {
                Err(refused("Command", "execute_external_command"))
            }
            CommandType::PipelineCommand(_) => Err(refused("Command", "pipeline_command")),
            CommandType::Extension(any) => Err(Failure::of(
                "CONNECT_INVALID_PLAN.NO_HANDLER_FOR_EXTENSION",
                &[("extensionTypeUrl", &any.type_url)],
            )),
        }
    }

    /// Runs a command whose client waits for nothing but its end.
    async fn effect(&self, command: ir::Command) -> Result<(), Failure> {
        self.session
            .engine
            .run(command, self.operation.cancellation.clone())
            .await?;
        Ok(())
    }

    /// SQL text: a query comes back as the relation it is, anything else is done now and comes back as its rows.
    async fn sql_command(&self, command: messages::SqlCommand) -> Result<(), Failure> {
        let echo = echo(&command);
        let relation = self.decode(|decoder| decoder.sql_command(command))?;
        let plan_id = relation.plan_id;
        let command = ir::Command::Sql(relation);
        let output = self
            .session
            .engine
            .run(command, self.operation.cancellation.clone())
            .await?;
        let answer = match output {
            CommandOutput::Query => echo,
            CommandOutput::Rows { schema, batches } => rows(plan_id, &schema, &batches)?,
        };
        let result = SqlCommandResult {
            relation: Some(Nested::new(answer)),
        };
        self.respond(ResponseType::SqlCommandResult(result)).await;
        Ok(())
    }

    async fn checkpoint(&self, checkpoint: messages::CheckpointCommand) -> Result<(), Failure> {
        let relation = checkpoint
            .relation
            .ok_or_else(|| Failure::empty_field("spark.connect.CheckpointCommand", "relation"))?;
        let relation = self.decode(|decoder| decoder.relation(relation.into_inner()))?;
        let relation_id = self
            .session
            .engine
            .checkpoint(relation, self.operation.cancellation.clone())
            .await?;
        let result = CheckpointCommandResult {
            relation: Some(CachedRemoteRelation { relation_id }),
        };
        self.respond(ResponseType::CheckpointCommandResult(result))
            .await;
        Ok(())
    }

    /// There are no models here, so their cache is clean; clients ask for that when they leave.
    ///
    /// The count of what was cleaned is an answer of its own before the end of all answers, as
    /// Spark gives it. A leaving PySpark reads the first answer and no further; if that came
    /// together with the end of the stream, gRPC's thread could take its lock while the
    /// interpreter goes away, and the program would hang for good.
    async fn machine_learning(&self, command: &messages::MlCommand) -> Result<(), Failure> {
        let Some(ml_command::Command::CleanCache(_)) = &command.command else {
            return Err(refused("Command", "ml_command"));
        };
        let none = messages::expression::Literal {
            literal_type: Some(LiteralType::Integer(0)),
            data_type: None,
        };
        let result = MlCommandResult {
            result_type: Some(ml_command_result::ResultType::Param(Nested::new(none))),
        };
        self.respond(ResponseType::MlCommandResult(result)).await;
        Ok(())
    }
}

/// The relation that stands for the command's text.
fn echo(command: &messages::SqlCommand) -> messages::Relation {
    if let Some(input) = &command.input {
        return input.clone().into_inner();
    }
    let sql = messages::Sql {
        query: command.sql.clone(),
        args: command.args.clone(),
        pos_args: command.pos_args.clone(),
        named_arguments: command.named_arguments.clone(),
        pos_arguments: command.pos_arguments.clone(),
    };
    messages::Relation {
        common: None,
        rel_type: Some(RelType::Sql(sql)),
    }
}

fn rows(
    plan_id: Option<i64>,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<messages::Relation, Failure> {
    let data = local_relation_data(schema, batches)?;
    let local = messages::LocalRelation {
        data: Some(data.into()),
        schema: None,
    };
    let common = messages::RelationCommon {
        plan_id,
        ..Default::default()
    };
    Ok(messages::Relation {
        common: Some(common),
        rel_type: Some(RelType::LocalRelation(local)),
    })
}
