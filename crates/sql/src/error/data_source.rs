//! Data sources, their options, and the files behind them.

use super::{Exception, SparkError};

impl SparkError {
    pub fn data_source_not_found(name: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "DATA_SOURCE_NOT_FOUND",
            "42K02",
            format!("Failed to find the data source: {name}. Make sure the provider name is correct and the package is properly registered."),
        )
        .with("provider", name)
    }

    pub fn path_not_found(path: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "PATH_NOT_FOUND",
            "42K03",
            format!("Path does not exist: {path}."),
        )
        .with("path", path)
    }

    pub fn path_already_exists(path: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "PATH_ALREADY_EXISTS",
            "42K04",
            format!("Path {path} already exists. Set mode as \"overwrite\" to overwrite the existing path."),
        )
        .with("outputPath", path)
    }

    pub fn unable_to_infer_schema(format: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "UNABLE_TO_INFER_SCHEMA",
            "42KD9",
            format!("Unable to infer schema for {format}. It must be specified manually."),
        )
        .with("format", format)
    }

    pub fn unsupported_data_type_for_data_source(
        format: &str,
        column: &str,
        data_type: &str,
    ) -> Self {
        Self::new(
            Exception::Analysis,
            "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
            "0A000",
            format!("The {format} datasource doesn't support the column `{column}` of the type \"{data_type}\"."),
        )
        .with("format", format)
        .with("columnName", format!("`{column}`"))
        .with("columnType", format!("\"{data_type}\""))
    }

    pub fn text_needs_one_string_column(columns: usize) -> Self {
        Self::new(
            Exception::Analysis,
            "_LEGACY_ERROR_TEMP_1290",
            "42000",
            format!(
                "Text data source supports only a single column, and you have {columns} columns."
            ),
        )
        .with("columnNum", columns.to_string())
    }

    pub fn data_source_option_missing(option: &str, message: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "STDS_REQUIRED_OPTION_UNSPECIFIED",
            "42000",
            message.to_owned(),
        )
        .with("optionName", option)
    }

    pub fn invalid_data_source_option(option: &str, value: &str, requirement: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "STDS_INVALID_OPTION_VALUE.WITH_MESSAGE",
            "42616",
            format!("Invalid value '{value}' for the option '{option}': {requirement}"),
        )
        .with("optionName", option)
        .with("message", requirement)
    }

    pub fn cannot_read_file(path: &str, reason: &str) -> Self {
        Self::new(
            Exception::Spark,
            "FAILED_READ_FILE.NO_HINT",
            "KD001",
            format!("Encountered error while reading file {path}. {reason}"),
        )
        .with("path", path)
    }

    pub fn cannot_write(path: &str, reason: &str) -> Self {
        Self::new(
            Exception::Spark,
            "TASK_WRITE_FAILED",
            "58030",
            format!("Task failed while writing rows to {path}. {reason}"),
        )
        .with("path", path)
    }

    pub fn partition_column_not_found(column: &str, schema: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA",
            "42000",
            format!("Partition column `{column}` not found in schema {schema}. Please provide the existing column for partitioning."),
        )
        .with("column", column)
        .with("schema", schema)
    }

    pub fn all_partition_columns() -> Self {
        Self::new(
            Exception::Analysis,
            "ALL_PARTITION_COLUMNS_NOT_ALLOWED",
            "KD005",
            "Cannot use all columns for partition columns.",
        )
    }

    pub fn column_already_exists(column: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "COLUMN_ALREADY_EXISTS",
            "42711",
            format!("The column `{column}` already exists. Choose another name or rename the existing column."),
        )
        .with("columnName", format!("`{column}`"))
    }

    pub fn unsupported_data_source_for_direct_query(format: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "UNSUPPORTED_DATASOURCE_FOR_DIRECT_QUERY",
            "0A000",
            format!("Unsupported data source type for direct query on files: {format}"),
        )
        .with("dataSourceType", format)
    }

    pub fn unsupported_parse_mode(function: &str, mode: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "PARSE_MODE_UNSUPPORTED",
            "42601",
            format!("The function `{function}` doesn't support the {mode} mode. Acceptable modes are PERMISSIVE and FAILFAST."),
        )
        .with("funcName", format!("`{function}`"))
        .with("mode", mode)
    }

    pub fn malformed_csv_record(record: &str) -> Self {
        Self::new(
            Exception::Runtime,
            "MALFORMED_CSV_RECORD",
            "KD000",
            format!("Malformed CSV record: {record}"),
        )
        .with("badRecord", record)
    }

    pub fn save_mode_unsupported(format: &str, mode: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "UNSUPPORTED_DATA_SOURCE_SAVE_MODE",
            "0A000",
            format!("The data source \"{format}\" cannot be written in the {mode} mode."),
        )
        .with("source", format)
        .with("createMode", mode)
    }

    /// A file outside of the folders that clients may reach.
    pub fn path_not_allowed(path: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "FLEUVE_PATH_NOT_ALLOWED",
            "42501",
            format!("{path} is outside of what fleuve.files.allowed names."),
        )
        .with("path", path)
    }
}
