//! What the handlers of the group APIs have in common.

use std::sync::Arc;

use fleuve_cluster::driver::Unavailable;
use fleuve_cluster::group::{Client, GroupError};
use fleuve_model::ErrorCode;

use super::error_code::{of_denied, of_unavailable_coordinator};
use crate::authorize::{Operation, Resource, authorize};
use crate::request_context::RequestContext;

/// What anybody may do to a group where no authorizer is configured, as bits of Kafka's
/// `AclOperation`: read, delete, describe, describe configs, alter configs.
pub(super) const GROUP_OPERATIONS_ALL: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

/// Lets the caller do `operation` to `group`, or says with which code it is refused.
pub(super) fn admit(
    context: &RequestContext,
    operation: Operation,
    group: &str,
) -> Result<(), ErrorCode> {
    let resource = Resource::Group(group);
    authorize(context, operation, resource).map_err(|denied| of_denied(denied, resource))
}

/// The caller, as members are listed.
pub(super) fn client(context: &RequestContext) -> Client {
    Client {
        id: Arc::from(context.client_id.as_ref().map_or("", |id| id.as_str())),
        host: Arc::from(context.host.to_string()),
    }
}

/// A coordinator's result with the two ways in which it can go wrong made one.
pub(super) fn settled<T>(
    answer: Result<Result<T, GroupError>, Unavailable>,
) -> Result<T, ErrorCode> {
    answer
        .map_err(of_unavailable_coordinator)?
        .map_err(|error| error.code())
}

/// The coordinator answered another question than the one it was asked.
pub(super) const WRONG_REPLY: ErrorCode = ErrorCode::UnknownServerError;
