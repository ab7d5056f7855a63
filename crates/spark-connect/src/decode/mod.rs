//! Messages to `sql::ir`, and nothing more: no name is looked up, no type is checked.
//!
//! Always true: what has no meaning here is refused by the protocol's name for it; what a client left out is an error
//! that names message and field. Start at [`Decoder::relation`]; commands are in `command`.

mod aggregate;
mod catalog;
mod command;
mod data_type;
mod expression;
mod identifier;
mod join;
mod literal;
mod local_data;
mod relation;
mod statistics;

use std::cell::RefCell;
use std::collections::BTreeMap;

use bytes::Bytes;
use fleuve_sql::ir;
use prost::Message;

use crate::failure::Failure;
use crate::messages;

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

/// Decodes a plan's bytes and forgets what they mean: what a fuzzer calls, on a stack as deep as the server's.
pub fn read_plan(bytes: &[u8]) -> std::result::Result<(), String> {
    struct Nothing;
    impl Uploads for Nothing {
        fn cached(&self, _hash: &str) -> Option<Bytes> {
            None
        }

        fn session_id(&self) -> &str {
            ""
        }
    }
    let plan = messages::Plan::decode(bytes).map_err(|error| error.to_string())?;
    let decoder = Decoder::new(&Nothing);
    match plan.op_type {
        Some(messages::plan::OpType::Root(relation)) => decoder
            .relation(relation.into_inner())
            .map(drop)
            .map_err(|failure| failure.message.clone()),
        _ => Err("not a relation".to_owned()),
    }
}
