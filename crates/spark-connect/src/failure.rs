//! An error as Spark's clients understand it: error class, SQLSTATE, parameters, exception classes, query contexts.
//!
//! Always true: the message names its error class, so a client that reads nothing else still learns what happened.
//! Start at [`Failure::of`] for errors of this crate; what `sql` reports is converted.

use std::collections::BTreeMap;
use std::ops::Deref;

use fleuve_sql::error::{self as sql, SparkError};

use crate::messages::fetch_error_details_response::{QueryContext, query_context::ContextType};

/// Why a request failed, cheap to move.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure(Box<Report>);

/// What there is to say about a failure.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Report {
    /// Spark's error class, such as `INVALID_HANDLE.SESSION_CLOSED`.
    pub(crate) error_class: Option<String>,
    pub(crate) sql_state: Option<String>,
    /// The whole message, with class and SQLSTATE.
    pub(crate) message: String,
    pub(crate) parameters: BTreeMap<String, String>,
    /// The Java class of the exception, then its ancestors: clients choose their exception by it.
    pub(crate) exception_classes: Vec<String>,
    pub(crate) query_contexts: Vec<QueryContext>,
}

/// A kind of error that this crate itself raises.
struct Kind {
    error_class: &'static str,
    sql_state: &'static str,
    /// What happened; `<name>` is replaced by the parameter of that name.
    template: &'static str,
    exception: Exception,
}

#[derive(Clone, Copy)]
enum Exception {
    SparkSql,
    InvalidPlanInput,
    SparkUnsupportedOperation,
    Spark,
    SparkIllegalArgument,
}

impl Exception {
    fn classes(self) -> &'static [&'static str] {
        match self {
            Self::SparkSql => &[
                "org.apache.spark.SparkSQLException",
                "java.sql.SQLException",
                "java.lang.Exception",
            ],
            Self::InvalidPlanInput => &[
                "org.apache.spark.sql.connect.common.InvalidPlanInput",
                "java.lang.Exception",
            ],
            Self::SparkUnsupportedOperation => &[
                "org.apache.spark.SparkUnsupportedOperationException",
                "java.lang.UnsupportedOperationException",
                "java.lang.RuntimeException",
                "java.lang.Exception",
            ],
            Self::Spark => &["org.apache.spark.SparkException", "java.lang.Exception"],
            Self::SparkIllegalArgument => &[
                "org.apache.spark.SparkIllegalArgumentException",
                "java.lang.IllegalArgumentException",
                "java.lang.RuntimeException",
                "java.lang.Exception",
            ],
        }
    }
}

const fn kind(
    error_class: &'static str,
    sql_state: &'static str,
    exception: Exception,
    template: &'static str,
) -> Kind {
    Kind {
        error_class,
        sql_state,
        template,
        exception,
    }
}

const HANDLE: &str = "The handle <handle> is invalid. ";

/// Every error that this crate raises itself, by class.
const KINDS: &[Kind] = &[
    kind(
        "INVALID_HANDLE.FORMAT",
        "HY000",
        Exception::SparkSql,
        "Handle must be an UUID string of the format '00112233-4455-6677-8899-aabbccddeeff'",
    ),
    kind(
        "INVALID_HANDLE.OPERATION_ABANDONED",
        "HY000",
        Exception::SparkSql,
        "Operation was considered abandoned because of inactivity and removed.",
    ),
    kind(
        "INVALID_HANDLE.OPERATION_ALREADY_EXISTS",
        "HY000",
        Exception::SparkSql,
        "Operation already exists.",
    ),
    kind(
        "INVALID_HANDLE.OPERATION_NOT_FOUND",
        "HY000",
        Exception::SparkSql,
        "Operation not found.",
    ),
    kind(
        "INVALID_HANDLE.SESSION_CHANGED",
        "08003",
        Exception::SparkSql,
        "The existing Spark server driver instance has restarted. Please reconnect.",
    ),
    kind(
        "INVALID_HANDLE.SESSION_CLOSED",
        "08003",
        Exception::SparkSql,
        "Session was closed.",
    ),
    kind(
        "INVALID_HANDLE.SESSION_NOT_FOUND",
        "08003",
        Exception::SparkSql,
        "Session not found.",
    ),
    kind(
        "INVALID_CURSOR.DISCONNECTED",
        "HY109",
        Exception::SparkSql,
        "The cursor is invalid. The cursor has been disconnected by the server.",
    ),
    kind(
        "INVALID_CURSOR.NOT_REATTACHABLE",
        "HY109",
        Exception::SparkSql,
        "The cursor is invalid. The cursor is not reattachable.",
    ),
    kind(
        "INVALID_CURSOR.POSITION_NOT_AVAILABLE",
        "HY109",
        Exception::SparkSql,
        "The cursor is invalid. The cursor position id <responseId> is no longer available at index <index>.",
    ),
    kind(
        "INVALID_CURSOR.POSITION_NOT_FOUND",
        "HY109",
        Exception::SparkSql,
        "The cursor is invalid. The cursor position id <responseId> is not found.",
    ),
    kind(
        "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_CLOSED",
        "42K04",
        Exception::SparkSql,
        "Invalid session clone request. Cannot clone session to target session ID <targetSessionId> because a session with this ID was previously closed.",
    ),
    kind(
        "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_EXISTS",
        "42K04",
        Exception::SparkSql,
        "Invalid session clone request. Cannot clone session to target session ID <targetSessionId> because a session with this ID already exists.",
    ),
    kind(
        "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_FORMAT",
        "42K04",
        Exception::SparkSql,
        "Invalid session clone request. Target session ID <targetSessionId> for clone operation must be an UUID string of the format '00112233-4455-6677-8899-aabbccddeeff'.",
    ),
    kind(
        "OPERATION_CANCELED",
        "HY008",
        Exception::SparkSql,
        "Operation has been canceled.",
    ),
    kind(
        "CONNECT_INVALID_PLAN.ASSERTION_FAILURE",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. <message>",
    ),
    kind(
        "CONNECT_INVALID_PLAN.CANNOT_PARSE",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. Cannot decompress or parse the input plan (<errorMsg>) This may be caused by a corrupted compressed plan. To disable plan compression, set 'spark.connect.session.planCompression.threshold' to -1.",
    ),
    kind(
        "CONNECT_INVALID_PLAN.PLAN_SIZE_LARGER_THAN_MAX",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. The plan size is larger than max (<planSize> vs. <maxPlanSize>)",
    ),
    kind(
        "CONNECT_INVALID_PLAN.INVALID_ENUM",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. This enum value of <fullName> is invalid: <name>(<number>)",
    ),
    kind(
        "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SET",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. This oneOf field in <fullName> is not set: <name>",
    ),
    kind(
        "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SUPPORTED",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. This oneOf field message in <fullName> is not supported: <name>(<number>)",
    ),
    kind(
        "CONNECT_INVALID_PLAN.FIELD_CANNOT_BE_EMPTY",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. <fieldName> in <fullName> cannot be empty",
    ),
    kind(
        "CONNECT_INVALID_PLAN.NOT_FOUND_CACHED_LOCAL_RELATION",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. Not found any cached local relation with the hash: <hash> in the session with sessionUUID <sessionUUID>.",
    ),
    kind(
        "CONNECT_INVALID_PLAN.NOT_FOUND_CHUNKED_CACHED_LOCAL_RELATION",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. Not found chunked cached local relation block with the hash: <hash> in the session with sessionUUID <sessionUUID>.",
    ),
    kind(
        "CONNECT_INVALID_PLAN.CHUNKED_CACHED_LOCAL_RELATION_WITHOUT_DATA",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. ChunkedCachedLocalRelation should contain data.",
    ),
    kind(
        "CONNECT_INVALID_PLAN.LOCAL_RELATION_SIZE_LIMIT_EXCEEDED",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. Cached local relation size (<actualSize> bytes) exceeds the limit (<limit> bytes).",
    ),
    kind(
        "CONNECT_INVALID_PLAN.NO_HANDLER_FOR_EXTENSION",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. No handler found for extension type: <extensionTypeUrl>",
    ),
    kind(
        "CONNECT_INVALID_PLAN.UNSUPPORTED_LITERAL_TYPE",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. Unsupported Literal Type: <typeInfo>",
    ),
    kind(
        "CONNECT_INVALID_PLAN.DATA_TYPE_UNSUPPORTED_PROTO_TO_CATALYST",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. Does not support convert <kindCase> to catalyst types.",
    ),
    kind(
        "CONNECT_INVALID_PLAN.DEDUPLICATE_ALL_COLUMNS_AND_SUBSET",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. Cannot deduplicate on both all columns and a subset of columns",
    ),
    kind(
        "CONNECT_INVALID_PLAN.DEDUPLICATE_REQUIRES_COLUMNS_OR_ALL",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. Deduplicate requires to either deduplicate on all columns or a subset of columns",
    ),
    kind(
        "CONNECT_INVALID_PLAN.USING_COLUMNS_OR_JOIN_CONDITION_SET_IN_JOIN",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. Using columns or join conditions cannot be set at the same time in Join",
    ),
    kind(
        "CONNECT_INVALID_PLAN.STREAMING_QUERY_NOT_FOUND",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. Streaming query <id> is not found",
    ),
    kind(
        "CONNECT_INVALID_PLAN.STREAMING_QUERY_RUN_ID_MISMATCH",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. Run id mismatch for query id <id>. Run id in the request <runId> does not match one on the server <serverRunId>. The query might have restarted.",
    ),
    kind(
        "CONNECT_INVALID_PLAN.DATAFRAME_NOT_FOUND",
        "56K00",
        Exception::InvalidPlanInput,
        "The Spark Connect plan is invalid. No DataFrame with id <dfId> is found in the session <sessionId>",
    ),
    kind(
        "INVALID_ARTIFACT_PATH",
        "22023",
        Exception::SparkIllegalArgument,
        "Artifact with name <name> is invalid. The name must be a relative path and cannot reference parent/sibling/nephew directories.",
    ),
    kind(
        "ARTIFACT_ALREADY_EXISTS",
        "42713",
        Exception::SparkIllegalArgument,
        "The artifact <normalizedRemoteRelativePath> already exists. Please choose a different name for the new artifact because it cannot be overwritten.",
    ),
    kind(
        "UNSUPPORTED_FEATURE.FLEUVE",
        "0A000",
        Exception::SparkUnsupportedOperation,
        "The feature is not supported: <feature>.",
    ),
    kind(
        "FLEUVE_LIMIT.SESSIONS",
        "53000",
        Exception::Spark,
        "This server holds <limit> sessions already (<key>). Stop one, or wait until an idle one expires.",
    ),
    kind(
        "FLEUVE_LIMIT.RESULT_SIZE",
        "54000",
        Exception::Spark,
        "The result is larger than <limit> bytes (<key>). Select less, or raise the limit.",
    ),
    kind(
        "FLEUVE_LIMIT.ARTIFACTS",
        "53000",
        Exception::Spark,
        "The artifacts of this session are larger than <limit> bytes (<key>).",
    ),
    kind(
        "FLEUVE_LIMIT.OPERATIONS",
        "53000",
        Exception::Spark,
        "This session runs <limit> operations already (<key>).",
    ),
    kind("INTERNAL_ERROR", "XX000", Exception::Spark, "<message>"),
];

impl Deref for Failure {
    type Target = Report;

    fn deref(&self) -> &Report {
        &self.0
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Self(Box::new(report))
    }
}

impl Failure {
    /// The error of class `error_class`, which must be one of this crate's own.
    pub(crate) fn of(error_class: &str, parameters: &[(&str, &str)]) -> Self {
        let kind = KINDS
            .iter()
            .find(|kind| kind.error_class == error_class)
            .expect("errors of this crate are all in its table");
        let template = match error_class.starts_with("INVALID_HANDLE.") {
            true => format!("{HANDLE}{}", kind.template),
            false => kind.template.to_owned(),
        };
        let text = parameters.iter().fold(template, |text, (name, value)| {
            text.replace(&format!("<{name}>"), value)
        });
        Self::from(Report {
            error_class: Some(error_class.to_owned()),
            sql_state: Some(kind.sql_state.to_owned()),
            message: format!("[{error_class}] {text} SQLSTATE: {}", kind.sql_state),
            parameters: parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            exception_classes: with_throwable(kind.exception.classes()),
            query_contexts: Vec::new(),
        })
    }

    pub(crate) fn invalid_handle(reason: &str, handle: &str) -> Self {
        Self::of(&format!("INVALID_HANDLE.{reason}"), &[("handle", handle)])
    }

    pub(crate) fn canceled() -> Self {
        Self::of("OPERATION_CANCELED", &[])
    }

    pub(crate) fn internal(message: &str) -> Self {
        Self::of("INTERNAL_ERROR", &[("message", message)])
    }

    /// Something that this server does not do, by the protocol's or the user's name for it.
    pub(crate) fn unsupported(feature: &str) -> Self {
        Self::of("UNSUPPORTED_FEATURE.FLEUVE", &[("feature", feature)])
    }

    pub(crate) fn not_set(full_name: &str, name: &str) -> Self {
        Self::of(
            "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SET",
            &[("fullName", full_name), ("name", name)],
        )
    }

    pub(crate) fn empty_field(full_name: &str, field: &str) -> Self {
        Self::of(
            "CONNECT_INVALID_PLAN.FIELD_CANNOT_BE_EMPTY",
            &[("fieldName", field), ("fullName", full_name)],
        )
    }

    pub(crate) fn invalid_enum(full_name: &str, number: i32) -> Self {
        Self::of(
            "CONNECT_INVALID_PLAN.INVALID_ENUM",
            &[
                ("fullName", full_name),
                ("name", "UNRECOGNIZED"),
                ("number", &number.to_string()),
            ],
        )
    }

    pub(crate) fn is_canceled(&self) -> bool {
        self.error_class.as_deref() == Some("OPERATION_CANCELED")
    }
}

fn with_throwable(classes: &[&str]) -> Vec<String> {
    let ancestors = ["java.lang.Throwable", "java.lang.Object"];
    classes
        .iter()
        .chain(&ancestors)
        .map(|class| (*class).to_owned())
        .collect()
}

impl From<SparkError> for Failure {
    fn from(error: SparkError) -> Self {
        Self::from(Report {
            error_class: Some(error.class().to_owned()).filter(|class| !class.is_empty()),
            sql_state: error.sql_state().map(str::to_owned),
            message: error.message(),
            parameters: error.parameters().clone(),
            exception_classes: error
                .exception()
                .hierarchy()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            query_contexts: error.query_context().iter().map(query_context).collect(),
        })
    }
}

fn query_context(context: &sql::QueryContext) -> QueryContext {
    let fragment = context.fragment();
    let summary = context.summary();
    match context {
        sql::QueryContext::Sql {
            start,
            stop,
            object_type,
            object_name,
            ..
        } => QueryContext {
            context_type: ContextType::Sql as i32,
            object_type: object_type.clone(),
            object_name: object_name.clone(),
            start_index: *start as i32,
            // Spark's index is that of the last character.
            stop_index: stop.saturating_sub(1) as i32,
            fragment,
            call_site: String::new(),
            summary,
        },
        sql::QueryContext::DataFrame { call_site, .. } => QueryContext {
            context_type: ContextType::Dataframe as i32,
            start_index: -1,
            stop_index: -1,
            call_site: call_site.clone(),
            fragment,
            summary,
            ..QueryContext::default()
        },
    }
}
