//! What a connection may ask for before it has shown who it is.
//!
//! A plain-text listener knows nobody and lets everybody in as `User:ANONYMOUS`. Other listeners
//! will start in a state that admits only the handshake.

use fleuve_protocol::ApiKey;

use crate::request_context::Principal;

/// Who the other end is, as far as that is known.
#[derive(Clone, Debug)]
pub(crate) enum Authentication {
    /// It is this principal.
    Done(Principal),
}

/// The request is not admitted in this state.
#[derive(Debug, thiserror::Error)]
#[error("{key} is not admitted before authentication")]
pub(crate) struct NotAdmitted {
    key: ApiKey,
}

impl Authentication {
    /// The state in which connections of a plain-text listener begin.
    pub(crate) fn of_plain_text() -> Authentication {
        Authentication::Done(Principal::anonymous())
    }

    /// The principal in whose name a request of `key` is handled.
    pub(crate) fn admit(&self, _key: ApiKey) -> Result<&Principal, NotAdmitted> {
        match self {
            Authentication::Done(principal) => Ok(principal),
        }
    }
}
