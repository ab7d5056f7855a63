//! The intermediate representation: what a protocol plan or an SQL text asks for, before any name is resolved.
//!
//! Always true: nothing in here is resolved or checked, and nothing in here knows DataFusion, Arrow or the protocol.
//! Start at [`Relation`], [`Expression`] and [`Command`].

mod catalog;
mod command;
mod data_type;
mod expression;
mod literal;
mod relation;

pub use catalog::CatalogCall;
pub use command::{
    Command, InsertMode, SaveMode, StreamTrigger, TableDefinition, WriteDestination,
    WriteOperation, WriteOperationV2, WriteStream, WriteV2Mode,
};
pub use data_type::{
    DataType, DayTimeField, StringConstraint, StructField, StructType, YearMonthField,
};
pub use expression::{
    EvalMode, Expression, ExternalFunction, FrameBoundary, FrameUnits, NullOrdering, Origin,
    SortDirection, SortOrder, SubqueryKind, WindowFrame,
};
pub use literal::Literal;
pub use relation::{
    GroupType, JoinType, NaReplacement, Options, Pivot, QUALIFIED, ReadSource, Relation,
    RelationNode, SetOperationKind,
};
