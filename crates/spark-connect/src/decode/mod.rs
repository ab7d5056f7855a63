//! Messages to `sql::ir`, and nothing more: no name is looked up, no type is checked.
//!
//! Always true: what has no meaning here is refused by the protocol's name for it; what a client left out is an error
//! that names message and field. Start at [`Decoder::relation`] and [`Decoder::command`].

mod catalog;
mod command;
mod data_type;
mod expression;
mod identifier;
mod literal;
mod relation;
mod statistics;

use std::cell::RefCell;
use std::collections::BTreeMap;

use bytes::Bytes;
use fleuve_sql::ir;

use crate::failure::Failure;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// What a session holds for plans that refer to it.
pub(crate) trait Uploads {
    /// The bytes uploaded under this hash.
    fn cached(&self, hash: &str) -> Option<Bytes>;
    fn session_id(&self) -> &str;
}

/// Decodes one plan.
pub(crate) struct Decoder<'a> {
    uploads: &'a dyn Uploads,
    /// Relations that subqueries of the plan refer to, by plan id.
    references: RefCell<BTreeMap<i64, ir::Relation>>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(uploads: &'a dyn Uploads) -> Self {
        Self {
            uploads,
            references: RefCell::default(),
        }
    }
}

/// The field's value, which the protocol allows to be absent but which has no meaning without.
fn required<T>(value: Option<T>, message: &str, field: &str) -> Result<T> {
    value.ok_or_else(|| Failure::empty_field(&format!("spark.connect.{message}"), field))
}

/// A kind of `message` that this server does not know how to run.
fn not_supported(message: &str, name: &str, number: u32) -> Failure {
    Failure::of(
        "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SUPPORTED",
        &[
            ("fullName", &format!("spark.connect.{message}")),
            ("name", name),
            ("number", &number.to_string()),
        ],
    )
}
