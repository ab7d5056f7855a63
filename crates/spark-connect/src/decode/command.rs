//! Commands that change something: SQL statements, views, writes, streams.

use std::sync::Arc;

use fleuve_sql::ir;
use fleuve_sql::ir::{Command, SaveMode, StreamTrigger, WriteDestination, WriteV2Mode};

use super::expression::{python_function, scala_function};
use super::{Decoder, Result, required};
use crate::failure::Failure;
use crate::messages::write_operation::{SaveType, save_table::TableSaveMethod};
use crate::messages::write_stream_operation_start::{SinkDestination, Trigger};
use crate::messages::{self, streaming_foreach_function, write_operation, write_operation_v2};
use crate::refusal::refused;

impl Decoder<'_> {
    /// The relation inside of a `sql_command`: newer clients send one, older ones send text and arguments.
    pub(crate) fn sql_command(&self, command: messages::SqlCommand) -> Result<ir::Relation> {
        if let Some(input) = command.input {
            return self.relation(input.into_inner());
        }
        let sql = messages::Sql {
            query: command.sql,
            args: command.args,
            pos_args: command.pos_args,
            named_arguments: command.named_arguments,
            pos_arguments: command.pos_arguments,
        };
        let rel_type = Some(messages::relation::RelType::Sql(sql));
        self.relation(messages::Relation {
            common: None,
            rel_type,
        })
    }

    pub(crate) fn create_view(
        &self,
        view: messages::CreateDataFrameViewCommand,
    ) -> Result<Command> {
        Ok(Command::CreateView {
            input: self.input(view.input, "CreateDataFrameViewCommand")?,
            name: view.name,
            global: view.is_global,
            replace: view.replace,
            temporary: true,
            columns: Vec::new(),
        })
    }

    pub(crate) fn write(&self, write: messages::WriteOperation) -> Result<Command> {
        let mode = match write_operation::SaveMode::try_from(write.mode) {
            Ok(write_operation::SaveMode::Append) => SaveMode::Append,
            Ok(write_operation::SaveMode::Overwrite) => SaveMode::Overwrite,
            Ok(write_operation::SaveMode::Ignore) => SaveMode::Ignore,
            Ok(
                write_operation::SaveMode::ErrorIfExists | write_operation::SaveMode::Unspecified,
            ) => SaveMode::ErrorIfExists,
            Err(_) => {
                return Err(Failure::invalid_enum(
                    "spark.connect.WriteOperation.SaveMode",
                    write.mode,
                ));
            }
        };
        if write.with_schema_evolution {
            return Err(refused("WriteOperation", "with_schema_evolution"));
        }
        Ok(Command::Write(Box::new(ir::WriteOperation {
            input: self.input(write.input, "WriteOperation")?,
            source: write.source,
            destination: destination(write.save_type)?,
            mode,
            sort_columns: write.sort_column_names,
            partition_columns: write.partitioning_columns,
            clustering_columns: write.clustering_columns,
            bucket_by: write
                .bucket_by
                .map(|bucket| (bucket.bucket_column_names, bucket.num_buckets)),
            options: write.options,
        })))
    }

    pub(crate) fn write_v2(&self, write: messages::WriteOperationV2) -> Result<Command> {
        let mode = match write_operation_v2::Mode::try_from(write.mode) {
            Ok(write_operation_v2::Mode::Create) => WriteV2Mode::Create,
            Ok(write_operation_v2::Mode::Overwrite) => WriteV2Mode::Overwrite,
            Ok(write_operation_v2::Mode::OverwritePartitions) => WriteV2Mode::OverwritePartitions,
            Ok(write_operation_v2::Mode::Append) => WriteV2Mode::Append,
            Ok(write_operation_v2::Mode::Replace) => WriteV2Mode::Replace,
            Ok(write_operation_v2::Mode::CreateOrReplace) => WriteV2Mode::CreateOrReplace,
            _ => {
                return Err(Failure::invalid_enum(
                    "spark.connect.WriteOperationV2.Mode",
                    write.mode,
                ));
            }
        };
        if !write.clustering_columns.is_empty() {
            return Err(refused("WriteOperationV2", "clustering_columns"));
        }
        if write.with_schema_evolution {
            return Err(refused("WriteOperationV2", "with_schema_evolution"));
        }
        let overwrite_condition = write
            .overwrite_condition
            .map(|condition| self.expression(condition.into_inner()))
            .transpose()?;
        Ok(Command::WriteV2(Box::new(ir::WriteOperationV2 {
            input: self.input(write.input, "WriteOperationV2")?,
            table: write.table_name,
            provider: write.provider,
            partitioning: self.expressions(write.partitioning_columns)?,
            options: write.options,
            table_properties: write.table_properties,
            mode,
            overwrite_condition,
        })))
    }

    pub(crate) fn write_stream(
        &self,
        write: messages::WriteStreamOperationStart,
    ) -> Result<ir::WriteStream> {
        if !write.clustering_column_names.is_empty() {
            return Err(refused(
                "WriteStreamOperationStart",
                "clustering_column_names",
            ));
        }
        let (path, table) = match write.sink_destination {
            Some(SinkDestination::Path(path)) => (Some(path), None),
            Some(SinkDestination::TableName(table)) => (None, Some(table)),
            None => (None, None),
        };
        Ok(ir::WriteStream {
            input: self.input(write.input, "WriteStreamOperationStart")?,
            format: Some(write.format).filter(|format| !format.is_empty()),
            options: write.options,
            partition_columns: write.partitioning_column_names,
            trigger: trigger(write.trigger),
            output_mode: write.output_mode,
            query_name: Some(write.query_name).filter(|name| !name.is_empty()),
            path,
            table,
            foreach_writer: foreach_function(write.foreach_writer)?,
            foreach_batch: foreach_function(write.foreach_batch)?,
        })
    }

    pub(crate) fn register_function(
        &self,
        function: messages::CommonInlineUserDefinedFunction,
    ) -> Result<Command> {
        Ok(Command::RegisterFunction(Arc::new(
            self.external_function(function)?,
        )))
    }
}

fn destination(save_type: Option<SaveType>) -> Result<WriteDestination> {
    let table = match save_type {
        None => return Ok(WriteDestination::Path(None)),
        Some(SaveType::Path(path)) => return Ok(WriteDestination::Path(Some(path))),
        Some(SaveType::Table(table)) => table,
    };
    match TableSaveMethod::try_from(table.save_method) {
        Ok(TableSaveMethod::SaveAsTable) => Ok(WriteDestination::SaveAsTable(table.table_name)),
        Ok(TableSaveMethod::InsertInto) => Ok(WriteDestination::InsertInto(table.table_name)),
        _ => Err(Failure::invalid_enum(
            "spark.connect.WriteOperation.SaveTable.TableSaveMethod",
            table.save_method,
        )),
    }
}

fn trigger(trigger: Option<Trigger>) -> StreamTrigger {
    match trigger {
        None => StreamTrigger::AsSoonAsPossible,
        Some(Trigger::ProcessingTimeInterval(interval)) => StreamTrigger::ProcessingTime(interval),
        Some(Trigger::AvailableNow(_)) => StreamTrigger::AvailableNow,
        Some(Trigger::Once(_)) => StreamTrigger::Once,
        Some(Trigger::ContinuousCheckpointInterval(interval)) => {
            StreamTrigger::Continuous(interval)
        }
        Some(Trigger::RealTimeBatchDuration(duration)) => StreamTrigger::RealTime(duration),
    }
}

fn foreach_function(
    message: Option<messages::StreamingForeachFunction>,
) -> Result<Option<Arc<ir::ExternalFunction>>> {
    let Some(message) = message else {
        return Ok(None);
    };
    let function = match required(message.function, "StreamingForeachFunction", "function")? {
        streaming_foreach_function::Function::PythonFunction(python) => python_function(python)?,
        streaming_foreach_function::Function::ScalaFunction(scala) => scala_function(scala)?,
    };
    Ok(Some(Arc::new(function)))
}
