//! A session: what one client sees and has set.
//!
//! Always true: a session can be used from many tasks at once, and analysis sees one consistent set of settings.
//! Start at [`Session::analyze`] and [`Session::execute`].

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use datafusion::execution::runtime_env::RuntimeEnv;
use tokio_util::sync::CancellationToken;

use crate::Configuration;
use crate::analyzer;
use crate::catalog::{Catalog, SharedCatalog};
use crate::error::{Result, SparkError};
use crate::execution::{self, RowStream};
use crate::ir::{Command, Expression, Literal, Relation};
use crate::plan::{AnalyzedPlan, Observation};
use crate::source::Registry;

/// What all sessions of a server share.
pub struct Environment {
    pub registry: Registry,
    pub catalog: SharedCatalog,
    pub runtime: Arc<RuntimeEnv>,
    /// Where `saveAsTable` puts its files.
    pub warehouse: String,
    /// Folders that clients may read and write; nothing means everything.
    pub allowed_folders: Option<Vec<String>>,
    /// Partitions of ranges and local relations, as many as the machine has cores.
    pub parallelism: usize,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            registry: Registry::with_files(),
            catalog: SharedCatalog::default(),
            runtime: Arc::new(RuntimeEnv::default()),
            warehouse: "spark-warehouse".to_owned(),
            allowed_folders: None,
            parallelism: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// A session; clones share everything.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    environment: Arc<Environment>,
    configuration: RwLock<Configuration>,
    catalog: RwLock<Catalog>,
    data_frames: RwLock<BTreeMap<String, Arc<AnalyzedPlan>>>,
    user: RwLock<String>,
}

/// What an SQL text turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    Query(Relation),
    Command(Command),
}

impl Session {
    pub fn new(environment: Arc<Environment>) -> Self {
        let catalog = Catalog::new(environment.catalog.clone());
        Self::from_parts(environment, Configuration::default(), catalog)
    }

    fn from_parts(
        environment: Arc<Environment>,
        configuration: Configuration,
        catalog: Catalog,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                environment,
                configuration: RwLock::new(configuration),
                catalog: RwLock::new(catalog),
                data_frames: RwLock::default(),
                user: RwLock::new(String::new()),
            }),
        }
    }

    /// A session of its own that starts with this one's settings and views.
    pub fn fork(&self) -> Self {
        Self::from_parts(
            self.environment().clone(),
            self.configuration(),
            self.catalog(),
        )
    }

    pub fn environment(&self) -> &Arc<Environment> {
        &self.inner.environment
    }

    /// The name that `current_user()` gives.
    pub fn set_user(&self, user: &str) {
        *write(&self.inner.user) = user.to_owned();
    }

    pub fn user(&self) -> String {
        read(&self.inner.user).clone()
    }

    /// The settings as they are now.
    pub fn configuration(&self) -> Configuration {
        read(&self.inner.configuration).clone()
    }

    pub fn with_configuration<R>(&self, change: impl FnOnce(&mut Configuration) -> R) -> R {
        change(&mut write(&self.inner.configuration))
    }

    /// The views and tables as they are now.
    pub fn catalog(&self) -> Catalog {
        read(&self.inner.catalog).clone()
    }

    pub fn with_catalog<R>(&self, change: impl FnOnce(&mut Catalog) -> R) -> R {
        change(&mut write(&self.inner.catalog))
    }

    /// Holds a data frame under a name that [`crate::ir::RelationNode::CachedRemoteRelation`] can use.
    pub fn hold_data_frame(&self, id: &str, plan: AnalyzedPlan) {
        write(&self.inner.data_frames).insert(id.to_owned(), Arc::new(plan));
    }

    pub fn release_data_frame(&self, id: &str) -> bool {
        write(&self.inner.data_frames).remove(id).is_some()
    }

    pub fn data_frame(&self, id: &str) -> Option<Arc<AnalyzedPlan>> {
        read(&self.inner.data_frames).get(id).cloned()
    }

    /// Settles names and types.
    pub async fn analyze(&self, relation: &Relation) -> Result<AnalyzedPlan> {
        analyzer::analyze(self.clone(), relation.clone()).await
    }

    /// Runs a plan. Dropping the stream or cancelling the token stops the work.
    pub async fn execute(
        &self,
        plan: &AnalyzedPlan,
        cancellation: CancellationToken,
    ) -> Result<RowStream> {
        execution::execute(self, plan, cancellation).await
    }

    /// The rows of a plan with each value as `CAST(value AS STRING)` gives it, for callers that know nothing of Arrow.
    pub async fn execute_as_text(
        &self,
        plan: &AnalyzedPlan,
        cancellation: CancellationToken,
    ) -> Result<Vec<Vec<Option<String>>>> {
        let rows = self.execute(plan, cancellation).await?.collect().await?;
        Ok(execution::as_text(plan, &rows))
    }

    /// The values of an observation, with their names.
    pub async fn observe(
        &self,
        observation: &Observation,
        cancellation: CancellationToken,
    ) -> Result<Vec<(String, Literal)>> {
        execution::observe(self, observation, cancellation).await
    }

    /// Reads SQL text. Arguments are put in the places of `:name` and `?`.
    pub fn parse_sql(
        &self,
        text: &str,
        named_arguments: &BTreeMap<String, Expression>,
        positional_arguments: &[Expression],
    ) -> Result<Statement> {
        crate::sql::parse_statement(text, named_arguments, positional_arguments)
    }

    /// Runs a command. What it answers, if anything, are rows.
    pub async fn run_command(
        &self,
        command: Command,
        cancellation: CancellationToken,
    ) -> Result<Option<AnalyzedPlan>> {
        crate::command::run(self, command, cancellation).await
    }

    /// The plan as `explain` prints it.
    pub async fn explain(&self, plan: &AnalyzedPlan, extended: bool) -> Result<String> {
        execution::explain(self, plan, extended).await
    }

    /// The files that a relation's sources would read.
    pub async fn input_files(&self, relation: &Relation) -> Result<Vec<String>> {
        crate::command::input_files(self, relation).await
    }

    /// Refuses paths outside of the folders that clients may reach.
    pub fn check_path(&self, path: &str) -> Result<()> {
        let Some(allowed) = &self.environment().allowed_folders else {
            return Ok(());
        };
        let inside = allowed
            .iter()
            .any(|folder| crate::formats::is_inside(path, folder));
        if inside {
            Ok(())
        } else {
            Err(SparkError::path_not_allowed(path))
        }
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
