//! What this server says in messages: types, literals, Arrow batches.

mod arrow_batch;
mod data_type;
mod literal;

pub(crate) use arrow_batch::{BatchLimits, arrow_batches};
pub(crate) use data_type::{data_type, struct_type};
pub(crate) use literal::literal;
