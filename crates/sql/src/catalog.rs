//! Databases, tables and views of a session.
//!
//! Always true: names are compared without regard to case; a temporary view hides a table of the same name; the plan
//! of a view was analyzed when the view was made.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use datafusion::catalog::TableProvider;

use crate::error::{Result, SparkError};
use crate::ir::{Options, Relation, StructType};
use crate::plan::AnalyzedPlan;

pub(crate) const CATALOG: &str = "spark_catalog";
pub(crate) const DEFAULT_DATABASE: &str = "default";
pub(crate) const GLOBAL_TEMP_DATABASE: &str = "global_temp";

/// What a name stands for.
#[derive(Clone)]
pub enum Entry {
    View(Arc<AnalyzedPlan>),
    Table(Arc<Table>),
}

/// A table of the catalog.
pub struct Table {
    pub name: String,
    pub database: String,
    pub source: String,
    pub schema: StructType,
    pub partition_columns: Vec<String>,
    pub options: Options,
    pub location: Option<String>,
    pub external: bool,
    pub description: Option<String>,
    /// The rows of a table in memory.
    pub provider: Option<Arc<dyn TableProvider>>,
    /// The text of a permanent view.
    pub view_text: Option<Relation>,
}

#[derive(Clone, Default)]
pub struct Database {
    pub description: String,
    pub location: String,
    pub tables: BTreeMap<String, Arc<Table>>,
}

/// Views that every session of a server sees, and the tables and databases of the server.
#[derive(Clone)]
pub struct SharedCatalog {
    inner: Arc<RwLock<Shared>>,
}

#[derive(Default)]
struct Shared {
    databases: BTreeMap<String, Database>,
    global_views: BTreeMap<String, Arc<AnalyzedPlan>>,
}

impl Default for SharedCatalog {
    fn default() -> Self {
        let default = Database {
            description: "default database".to_owned(),
            ..Database::default()
        };
        let databases = [(DEFAULT_DATABASE.to_owned(), default)].into();
        Self {
            inner: Arc::new(RwLock::new(Shared {
                databases,
                ..Shared::default()
            })),
        }
    }
}

impl SharedCatalog {
    fn read<R>(&self, f: impl FnOnce(&Shared) -> R) -> R {
        f(&self
            .inner
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn write<R>(&self, f: impl FnOnce(&mut Shared) -> R) -> R {
        f(&mut self
            .inner
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub fn database(&self, name: &str) -> Option<Database> {
        self.read(|shared| shared.databases.get(&name.to_lowercase()).cloned())
    }

    pub fn databases(&self) -> Vec<(String, Database)> {
        self.read(|shared| {
            shared
                .databases
                .iter()
                .map(|(n, d)| (n.clone(), d.clone()))
                .collect()
        })
    }

    pub fn create_database(&self, name: &str, database: Database) -> bool {
        self.write(|shared| match shared.databases.entry(name.to_lowercase()) {
            std::collections::btree_map::Entry::Occupied(_) => false,
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(database);
                true
            }
        })
    }

    pub fn drop_database(&self, name: &str) -> Option<Database> {
        self.write(|shared| shared.databases.remove(&name.to_lowercase()))
    }

    pub fn table(&self, database: &str, table: &str) -> Option<Arc<Table>> {
        self.read(|shared| {
            shared
                .databases
                .get(&database.to_lowercase())?
                .tables
                .get(&table.to_lowercase())
                .cloned()
        })
    }

    /// Adds a table or puts it in the place of another.
    pub fn put_table(&self, table: Arc<Table>) -> Result<()> {
        self.write(
            |shared| match shared.databases.get_mut(&table.database.to_lowercase()) {
                Some(database) => {
                    database.tables.insert(table.name.to_lowercase(), table);
                    Ok(())
                }
                None => Err(SparkError::schema_not_found(&format!(
                    "{CATALOG}.{}",
                    table.database
                ))),
            },
        )
    }

    pub fn drop_table(&self, database: &str, table: &str) -> Option<Arc<Table>> {
        self.write(|shared| {
            shared
                .databases
                .get_mut(&database.to_lowercase())?
                .tables
                .remove(&table.to_lowercase())
        })
    }

    pub fn global_view(&self, name: &str) -> Option<Arc<AnalyzedPlan>> {
        self.read(|shared| shared.global_views.get(&name.to_lowercase()).cloned())
    }

    pub fn global_views(&self) -> Vec<String> {
        self.read(|shared| shared.global_views.keys().cloned().collect())
    }

    pub fn put_global_view(
        &self,
        name: &str,
        plan: Arc<AnalyzedPlan>,
        replace: bool,
    ) -> Result<()> {
        self.write(|shared| {
            if !replace && shared.global_views.contains_key(&name.to_lowercase()) {
                return Err(SparkError::temp_view_already_exists(&format!(
                    "{GLOBAL_TEMP_DATABASE}.{name}"
                )));
            }
            shared.global_views.insert(name.to_lowercase(), plan);
            Ok(())
        })
    }

    pub fn drop_global_view(&self, name: &str) -> bool {
        self.write(|shared| shared.global_views.remove(&name.to_lowercase()).is_some())
    }
}

/// What one session sees: its own views above what is shared.
#[derive(Clone)]
pub struct Catalog {
    pub shared: SharedCatalog,
    pub current_database: String,
    views: BTreeMap<String, (String, Arc<AnalyzedPlan>)>,
    /// Names for which `cacheTable` was called: an answer for `isCached`, nothing more.
    pub cached: std::collections::BTreeSet<String>,
}

impl Catalog {
    pub fn new(shared: SharedCatalog) -> Self {
        Self {
            shared,
            current_database: DEFAULT_DATABASE.to_owned(),
            views: BTreeMap::new(),
            cached: Default::default(),
        }
    }

    pub fn put_view(&mut self, name: &str, plan: Arc<AnalyzedPlan>, replace: bool) -> Result<()> {
        let key = name.to_lowercase();
        if !replace && self.views.contains_key(&key) {
            return Err(SparkError::temp_view_already_exists(name));
        }
        self.views.insert(key, (name.to_owned(), plan));
        Ok(())
    }

    pub fn drop_view(&mut self, name: &str) -> bool {
        self.views.remove(&name.to_lowercase()).is_some()
    }

    pub fn view(&self, name: &str) -> Option<Arc<AnalyzedPlan>> {
        self.views
            .get(&name.to_lowercase())
            .map(|(_, plan)| plan.clone())
    }

    /// Temporary views by the names they were given.
    pub fn view_names(&self) -> Vec<String> {
        self.views.values().map(|(name, _)| name.clone()).collect()
    }

    /// Finds what a name of one to three parts stands for.
    pub fn find(&self, parts: &[String]) -> Option<Entry> {
        match parts {
            [name] => match self.view(name) {
                Some(view) => Some(Entry::View(view)),
                None => self
                    .shared
                    .table(&self.current_database, name)
                    .map(Entry::Table),
            },
            [database, name] if database.eq_ignore_ascii_case(GLOBAL_TEMP_DATABASE) => {
                self.shared.global_view(name).map(Entry::View)
            }
            [database, name] => self.shared.table(database, name).map(Entry::Table),
            [catalog, database, name] if catalog.eq_ignore_ascii_case(CATALOG) => {
                self.shared.table(database, name).map(Entry::Table)
            }
            _ => None,
        }
    }

    /// Database and table of a name, the current database filled in.
    pub fn qualify(&self, parts: &[String]) -> Result<(String, String)> {
        match parts {
            [name] => Ok((self.current_database.clone(), name.clone())),
            [database, name] => Ok((database.clone(), name.clone())),
            [catalog, database, name] if catalog.eq_ignore_ascii_case(CATALOG) => {
                Ok((database.clone(), name.clone()))
            }
            [catalog, ..] => Err(SparkError::catalog_not_found(catalog)),
            [] => Err(SparkError::parse_syntax("EOF", "")),
        }
    }
}
