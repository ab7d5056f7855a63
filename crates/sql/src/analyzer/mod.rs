//! From the intermediate representation to a typed plan: names, types, coercion and checks, all Spark's.
//!
//! Always true: every column of a plan made here has a name that no other column of the analysis has, so scopes are
//! ours alone; every expression has its final Arrow type. Start at [`analyze`] and, one relation kind a method, at
//! [`Analyzer::relation`].

mod aggregate;
mod cast;
mod column;
mod constant;
mod deferred;
mod expression;
mod function_call;
mod generate;
mod inline_table;
mod join;
mod lambda;
mod leaf;
mod literal;
mod local_data;
mod missing_values;
mod observe;
mod project;
mod range;
mod recursion;
mod relation;
mod reshape;
mod schema;
mod scope;
mod sequence;
mod set_operation;
mod show;
mod star;
mod statistics;
mod subquery;
mod table;
mod time_window;
mod typed;
mod unpivot;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicU64};

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use tokio::runtime::Handle;

use crate::Configuration;
use crate::catalog::Catalog;
use crate::context::Context;
use crate::error::{Result, SparkError};
use crate::ir::{Origin, Relation, StructField, StructType};
use crate::plan::{AnalyzedPlan, Observation};
use crate::session::Session;
use crate::time::TimeZone;

pub(crate) use cast::cast_mode;
pub(crate) use lambda::LambdaBody;
pub(crate) use literal::literal_of;
pub(crate) use scope::Scope;
pub(crate) use time_window::PendingWindow;
pub(crate) use typed::{Attribute, Maker, TypedExpr};
pub(crate) use window::Ordering;

/// Stack of a thread that analyzes: plans and expressions are trees, and users nest them.
const STACK_BYTES: usize = 256 * 1024 * 1024;
/// How deep relations and expressions may nest.
const DEPTH_MAX: usize = 1000;

/// Numbers columns, so that plans may be put into one another.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Settles a relation. The work is done on a thread of its own with a deep stack.
pub(crate) async fn analyze(session: Session, relation: Relation) -> Result<AnalyzedPlan> {
    let handle = Handle::current();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("analyzer".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let mut analyzer = Analyzer::new(session, handle);
            let analyzed = analyzer.analyze(&relation);
            drop(relation);
            let _ = sender.send(analyzed);
        })
        .map_err(|error| SparkError::internal(format!("no thread to analyze on: {error}")))?;
    receiver
        .await
        .unwrap_or_else(|_| Err(SparkError::internal("analysis ended without an answer")))
}

/// One analysis.
pub(crate) struct Analyzer {
    pub(crate) session: Session,
    pub(crate) configuration: Configuration,
    pub(crate) catalog: Catalog,
    pub(crate) context: Arc<Context>,
    /// Where the expression at hand was written.
    pub(crate) origin: Option<Arc<Origin>>,
    handle: Handle,
    depth: usize,
    /// Names that `WITH` defined, innermost last.
    definitions: Vec<(String, Relation)>,
    /// What recursive definitions around the relation at hand see of themselves, innermost last.
    work_tables: Vec<recursion::WorkTable>,
    /// Relations that expressions refer to by plan id.
    references: BTreeMap<i64, Relation>,
    /// Scopes around the subquery at hand, innermost last.
    outer: Vec<Scope>,
    /// Parameters of the lambdas around the expression at hand, innermost last.
    lambdas: Vec<lambda::LambdaScope>,
    /// Items of the select list at hand that have aliases: later items may name them.
    aliases: Vec<(String, TypedExpr)>,
    /// How many nodes of expressions aliases have been replaced by.
    alias_nodes: usize,
    /// Columns of the row around a lambda.
    pub(crate) lambda_columns: Vec<Attribute>,
    /// Columns that expressions of the operator at hand ask its input to have.
    pub(crate) pending: Vec<time_window::PendingWindow>,
    /// Such columns that the input of the aggregate or projection at hand has been given.
    planned: Vec<time_window::PendingWindow>,
    partitions: Option<usize>,
    observed: Vec<Observation>,
}

/// A relation whose columns are known.
#[derive(Clone)]
pub(crate) struct Analyzed {
    pub(crate) plan: LogicalPlan,
    pub(crate) scope: Scope,
    pub(crate) is_streaming: bool,
}

impl Analyzer {
    fn new(session: Session, handle: Handle) -> Self {
        let configuration = session.configuration();
        let catalog = session.catalog();
        let time_zone_name = configuration.time_zone();
        let context = Context {
            ansi: configuration.ansi_enabled(),
            time_zone: TimeZone::parse(&time_zone_name).unwrap_or(TimeZone::UTC),
            time_zone_name,
            now: chrono::Utc::now().timestamp_micros(),
            last_map_key_wins: configuration.last_map_key_wins(),
            case_sensitive: configuration.case_sensitive(),
            user: session.user(),
            database: catalog.current_database.clone(),
        };
        Self {
            session,
            configuration,
            catalog,
            context: Arc::new(context),
            origin: None,
            handle,
            depth: 0,
            definitions: Vec::new(),
            work_tables: Vec::new(),
            references: BTreeMap::new(),
            outer: Vec::new(),
            lambdas: Vec::new(),
            aliases: Vec::new(),
            alias_nodes: 0,
            lambda_columns: Vec::new(),
            pending: Vec::new(),
            planned: Vec::new(),
            partitions: None,
            observed: Vec::new(),
        }
    }

    fn analyze(&mut self, relation: &Relation) -> Result<AnalyzedPlan> {
        let analyzed = self.relation(relation)?;
        let mut plan = self.finish(analyzed)?;
        plan.observed = std::mem::take(&mut self.observed);
        Ok(plan)
    }

    /// The plan with exactly the columns that the user sees.
    pub(crate) fn finish(&mut self, analyzed: Analyzed) -> Result<AnalyzedPlan> {
        let attributes = &analyzed.scope.columns;
        let fields = attributes.iter().map(|a| StructField {
            name: a.name.clone(),
            data_type: a.data_type.clone(),
            nullable: a.nullable,
            metadata: a.metadata.clone(),
        });
        let schema = StructType::new(fields.collect());
        let wanted: Vec<Column> = attributes.iter().map(Attribute::column).collect();
        let plan = if analyzed.plan.schema().columns() == wanted {
            analyzed.plan
        } else {
            let mut seen = std::collections::BTreeSet::new();
            let columns = attributes.iter().map(|a| {
                if seen.insert(a.id) {
                    Expr::Column(a.column())
                } else {
                    Expr::Column(a.column()).alias(format!("{}#{}", a.name, next_id()))
                }
            });
            LogicalPlanBuilder::from(analyzed.plan)
                .project(columns.collect::<Vec<_>>())?
                .build()?
        };
        Ok(AnalyzedPlan {
            schema,
            plan,
            is_streaming: analyzed.is_streaming,
            time_zone: self.context.time_zone_name.clone(),
            partitions: self.partitions,
            observed: Vec::new(),
        })
    }

    pub(crate) fn maker(&self) -> Maker {
        Maker {
            context: self.context.clone(),
            origin: self.origin.clone(),
        }
    }

    /// Counts a level of nesting; the caller must call [`Analyzer::leave`] as often.
    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            Err(SparkError::plan_too_deep(DEPTH_MAX))
        } else {
            Ok(())
        }
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Waits for work that must be asynchronous: reading a schema from files, for instance.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.handle.block_on(work)
    }

    /// A new column for an expression.
    pub(crate) fn new_attribute(&self, typed: &TypedExpr) -> Attribute {
        Attribute {
            id: next_id(),
            name: typed.column_name().to_owned(),
            data_type: typed.data_type.clone(),
            nullable: typed.nullable,
            qualifier: Vec::new(),
            metadata: typed.metadata.clone(),
        }
    }
}

pub(crate) fn next_id() -> u64 {
    NEXT_ID.fetch_add(1, atomic::Ordering::Relaxed)
}
