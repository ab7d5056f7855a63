//! The engine that ships: `sql` for the language, and whatever streams are given to it.
//!
//! Always true: sessions share sources, sinks and tables; memory is each session's own. Start at
//! [`SqlEngineFactory`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use fleuve_sql::ir::{self, Command, DataType, Relation, RelationNode, StructType, WriteStream};
use fleuve_sql::{AnalyzedPlan, Environment, Observation, Session, Statement, types};
use futures::stream::{self, BoxStream, StreamExt};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::engine::{
    Analysis, CommandOutput, EngineFactory, ExplainMode, ObservedMetrics, QueryResult,
    QuerySummary, Result, SessionEngine, SessionOptions,
};
use crate::streams::{NoStreams, StartedQuery, StreamStarter, StreamingQueries};

/// Opens sessions of the language over shared sources and tables.
pub struct SqlEngineFactory {
    environment: Arc<Environment>,
    streams: Option<Arc<dyn StreamStarter>>,
}

impl SqlEngineFactory {
    /// Sessions that share `environment`; without `streams` they refuse streaming queries.
    pub fn new(environment: Arc<Environment>, streams: Option<Arc<dyn StreamStarter>>) -> Self {
        Self {
            environment,
            streams,
        }
    }
}

impl EngineFactory for SqlEngineFactory {
    fn open(&self, options: &SessionOptions) -> Result<Arc<dyn SessionEngine>> {
        let session = Session::new(Arc::new(own_memory(&self.environment, options)?));
        session.set_user(&options.user_id);
        session.with_configuration(|configuration| {
            for (key, value) in &options.defaults {
                configuration.set_initial(key, value);
            }
        });
        Ok(Arc::new(SqlEngine::new(session, self.streams.clone())?))
    }
}

/// The shared environment, with a bound on memory that is this session's alone.
fn own_memory(shared: &Environment, options: &SessionOptions) -> Result<Environment> {
    let pool = Arc::new(FairSpillPool::new(options.memory_bytes_max));
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(pool)
        .build_arc()?;
    Ok(Environment {
        registry: shared.registry.clone(),
        catalog: shared.catalog.clone(),
        runtime,
        warehouse: shared.warehouse.clone(),
        allowed_folders: shared.allowed_folders.clone(),
        parallelism: shared.parallelism,
    })
}

struct SqlEngine {
    session: Session,
    starter: Option<Arc<dyn StreamStarter>>,
    streams: Arc<dyn StreamingQueries>,
}

impl SqlEngine {
    fn new(session: Session, starter: Option<Arc<dyn StreamStarter>>) -> Result<Self> {
        let streams = match &starter {
            Some(starter) => starter.open(&session)?,
            None => Arc::new(NoStreams::default()),
        };
        Ok(Self {
            session,
            starter,
            streams,
        })
    }

    /// SQL text whose kind only its parser knows.
    async fn run_sql(
        &self,
        relation: Relation,
        cancellation: CancellationToken,
    ) -> Result<CommandOutput> {
        if let RelationNode::Sql {
            query,
            named_arguments,
            positional_arguments,
        } = relation.node.as_ref()
            && let Statement::Command(command) =
                self.session
                    .parse_sql(query, named_arguments, positional_arguments)?
        {
            return self.run_command(command, cancellation).await;
        }
        self.session.analyze(&relation).await?;
        Ok(CommandOutput::Query)
    }

    async fn run_command(
        &self,
        command: Command,
        cancellation: CancellationToken,
    ) -> Result<CommandOutput> {
        let answer = self
            .session
            .run_command(command, cancellation.clone())
            .await?;
        let plan = match answer {
            Some(plan) => plan,
            None => AnalyzedPlan::from_batches(StructType::default(), Vec::new())?,
        };
        let rows = self.session.execute(&plan, cancellation).await?;
        Ok(CommandOutput::Rows {
            schema: rows.schema.clone(),
            batches: rows.collect().await?,
        })
    }
}

#[async_trait]
impl SessionEngine for SqlEngine {
    async fn analyze(&self, relation: Relation) -> Result<Analysis> {
        let plan = self.session.analyze(&relation).await?;
        Ok(Analysis {
            schema: plan.schema,
            is_streaming: plan.is_streaming,
            is_local: is_local(&relation),
        })
    }

    async fn execute(
        &self,
        relation: Relation,
        cancellation: CancellationToken,
    ) -> Result<QueryResult> {
        let plan = self.session.analyze(&relation).await?;
        let rows = self.session.execute(&plan, cancellation.clone()).await?;
        let observed = Arc::new(Mutex::new(Vec::new()));
        let observing = observe(
            self.session.clone(),
            plan.observed,
            cancellation,
            Arc::clone(&observed),
        );
        Ok(QueryResult {
            schema: plan.schema,
            arrow_schema: rows.schema,
            batches: rows.batches.chain(observing).boxed(),
            summary: Box::new(move || QuerySummary {
                observed: std::mem::take(
                    &mut *observed.lock().unwrap_or_else(PoisonError::into_inner),
                ),
                ..QuerySummary::default()
            }),
        })
    }

    async fn explain(&self, relation: Relation, mode: ExplainMode) -> Result<String> {
        let plan = self.session.analyze(&relation).await?;
        self.session
            .explain(&plan, mode != ExplainMode::Simple)
            .await
    }

    async fn input_files(&self, relation: Relation) -> Result<Vec<String>> {
        self.session.input_files(&relation).await
    }

    async fn same_semantics(&self, left: Relation, right: Relation) -> Result<bool> {
        let left = self.session.analyze(&left).await?;
        let right = self.session.analyze(&right).await?;
        Ok(meaning(&left) == meaning(&right))
    }

    async fn semantic_hash(&self, relation: Relation) -> Result<i32> {
        let plan = self.session.analyze(&relation).await?;
        let mut crc = flate2::Crc::new();
        crc.update(meaning(&plan).as_bytes());
        Ok(crc.sum() as i32)
    }

    async fn run(
        &self,
        command: Command,
        cancellation: CancellationToken,
    ) -> Result<CommandOutput> {
        match command {
            Command::Sql(relation) => self.run_sql(relation, cancellation).await,
            command => self.run_command(command, cancellation).await,
        }
    }

    fn schema_tree(&self, schema: &StructType, level: Option<i32>) -> String {
        types::tree_string(schema, level)
    }

    fn parse_ddl(&self, text: &str) -> Result<DataType> {
        types::parse_schema(text)
    }

    fn json_to_ddl(&self, json: &str) -> Result<String> {
        match types::parse_json_data_type(json)? {
            DataType::Struct(schema) => Ok(types::struct_ddl(&schema)),
            other => Ok(types::sql_name(&other)),
        }
    }

    fn set(&self, key: &str, value: &str) -> Result<()> {
        self.session
            .with_configuration(|configuration| configuration.set(key, value))
    }

    fn unset(&self, key: &str) -> Result<()> {
        self.session
            .with_configuration(|configuration| configuration.unset(key))
    }

    fn get(&self, key: &str) -> Result<String> {
        self.session.configuration().get(key)
    }

    fn get_option(&self, key: &str) -> Option<String> {
        self.session.configuration().get_option(key)
    }

    fn get_set(&self, key: &str) -> Option<String> {
        self.session.configuration().set_values().get(key).cloned()
    }

    fn get_all(&self, prefix: Option<&str>) -> BTreeMap<String, String> {
        self.session.configuration().get_all(prefix)
    }

    fn is_modifiable(&self, key: &str) -> bool {
        self.session.configuration().is_modifiable(key)
    }

    fn forget_relation(&self, relation_id: &str) {
        self.session.release_data_frame(relation_id);
    }

    async fn checkpoint(
        &self,
        relation: Relation,
        cancellation: CancellationToken,
    ) -> Result<String> {
        let plan = self.session.analyze(&relation).await?;
        let batches = self
            .session
            .execute(&plan, cancellation)
            .await?
            .collect()
            .await?;
        let id = Uuid::new_v4().to_string();
        self.session
            .hold_data_frame(&id, AnalyzedPlan::from_batches(plan.schema, batches)?);
        Ok(id)
    }

    fn clone_session(&self, options: &SessionOptions) -> Result<Arc<dyn SessionEngine>> {
        let session = self.session.fork();
        session.set_user(&options.user_id);
        Ok(Arc::new(Self::new(session, self.starter.clone())?))
    }

    fn streams(&self) -> Arc<dyn StreamingQueries> {
        self.streams.clone()
    }

    async fn start_stream(&self, write: WriteStream) -> Result<StartedQuery> {
        self.streams.start(write).await
    }

    fn close(&self) {
        self.streams.close();
    }
}

/// Computes what is observed once the rows before it have been read; yields an error or nothing.
fn observe(
    session: Session,
    observations: Vec<Observation>,
    cancellation: CancellationToken,
    into: Arc<Mutex<Vec<ObservedMetrics>>>,
) -> BoxStream<'static, Result<RecordBatch>> {
    let observing = async move {
        for observation in &observations {
            let values = session.observe(observation, cancellation.clone()).await?;
            let (keys, values) = values.into_iter().unzip();
            let metrics = ObservedMetrics {
                name: observation.name.clone(),
                keys,
                values,
                plan_id: observation.plan_id,
            };
            into.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(metrics);
        }
        Ok(())
    };
    stream::once(observing)
        .filter_map(|done| async move { done.err().map(Err) })
        .boxed()
}

/// True of rows that came with their plan and need no work.
fn is_local(relation: &ir::Relation) -> bool {
    matches!(
        relation.node.as_ref(),
        RelationNode::LocalRelation { .. }
            | RelationNode::ChunkedLocalRelation { .. }
            | RelationNode::Values { .. }
    )
}

/// A plan's text without the names of its columns: equal for plans that compute the same.
fn meaning(plan: &AnalyzedPlan) -> String {
    let text = plan.plan.display_indent_schema().to_string() + &tables(&plan.plan);
    let mut meaning = String::with_capacity(text.len());
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    let is_of_word = |character: char| character.is_alphanumeric() || "#_".contains(character);
    for word in text.split_inclusive(|character: char| !is_of_word(character)) {
        let (name, end) = match word.char_indices().last() {
            Some((at, last)) if !is_of_word(last) => word.split_at(at),
            _ => (word, ""),
        };
        // Columns and tables are numbered anew in every analysis: what counts is which are the same.
        let id = name.find('#').map(|hash| &name[hash..]);
        match id.or_else(|| is_numbered_table(name).then_some(name)) {
            Some(id) => {
                let next = ids.len();
                let number = *ids.entry(id.to_owned()).or_insert(next);
                meaning.push_str(&format!("#{number}"));
            }
            None => meaning.push_str(name),
        }
        meaning.push_str(end);
    }
    meaning
}

/// True of the names that analysis gives to tables without one: `t12`, `range12`.
fn is_numbered_table(name: &str) -> bool {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.len() < name.len() && ["t", "range", "deferred", "held"].contains(&letters)
}

/// What the tables of a plan hold or read, in their order.
fn tables(plan: &LogicalPlan) -> String {
    let mut text = String::new();
    // The closure never fails.
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(provider) = source_as_provider(&scan.source)
        {
            text.push_str(&format!("{provider:?}\n"));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    text
}
