//! Requests changed at random never stop the server: they are answered, well or with an error of Spark's.
//!
//! `FLEUVE_TEST_SCALE` multiplies the rounds, `FLEUVE_TEST_SEED` starts elsewhere; a failure prints both.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleuve_spark_connect::messages::plan::OpType;
use fleuve_spark_connect::messages::relation::RelType;
use fleuve_spark_connect::messages::{
    self, AnalyzePlanRequest, AnalyzePlanResponse, Plan, Relation, analyze_plan_request,
};
use fleuve_spark_connect::{ConnectConfig, SparkConnect, SqlEngineFactory, read_plan};
use fleuve_sql::Environment;
use prost::Message;

use crate::support::Client;
use crate::support::client::{error_class, range};

/// Decodings and requests of one short run.
const DECODINGS: u64 = 20_000;
const REQUESTS: u64 = 150;
/// An analysis may run small queries; one that the mutation made endless is left behind.
const PATIENCE: Duration = Duration::from_secs(20);

fn environment_number(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// xorshift64*: the same numbers for the same seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// Flips, cuts, copies and mixes bytes.
    fn mutate(&mut self, samples: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = samples[self.below(samples.len())].clone();
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len());
            match self.below(7) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 if !bytes.is_empty() => bytes[at] = self.next() as u8,
                2 => bytes.insert(at, self.next() as u8),
                3 if !bytes.is_empty() => {
                    bytes.remove(at);
                }
                4 => {
                    let end = at + self.below(bytes.len() - at.min(bytes.len()));
                    let piece = bytes[at..end].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
                5 => {
                    let other = &samples[self.below(samples.len())];
                    let from = self.below(other.len());
                    bytes.truncate(at);
                    bytes.extend(&other[from..]);
                }
                _ => bytes.truncate(self.below(bytes.len() + 1)),
            }
        }
        bytes
    }
}

fn relation(rel_type: RelType) -> Relation {
    Relation {
        common: None,
        rel_type: Some(rel_type),
    }
}

fn attribute(name: &str) -> messages::Expression {
    use messages::expression::{ExprType, UnresolvedAttribute};
    messages::Expression {
        common: None,
        expr_type: Some(ExprType::UnresolvedAttribute(UnresolvedAttribute {
            unparsed_identifier: name.to_owned(),
            ..UnresolvedAttribute::default()
        })),
    }
}

/// Plans of many kinds, small ones.
fn samples() -> Vec<Vec<u8>> {
    let sql = |query: &str| {
        relation(RelType::Sql(messages::Sql {
            query: query.to_owned(),
            ..messages::Sql::default()
        }))
    };
    let filter = relation(RelType::Filter(messages::Filter {
        input: Some(range(0, 5).into()),
        condition: Some(attribute("id").into()),
    }));
    let project = relation(RelType::Project(messages::Project {
        input: Some(range(0, 5).into()),
        expressions: vec![attribute("id").into(), attribute("id").into()],
    }));
    let join = relation(RelType::Join(messages::Join {
        left: Some(range(0, 3).into()),
        right: Some(range(0, 4).into()),
        join_condition: None,
        join_type: 2,
        using_columns: vec!["id".to_owned()],
        join_data_type: None,
    }));
    let show = relation(RelType::ShowString(messages::ShowString {
        input: Some(join.clone().into()),
        num_rows: 20,
        truncate: 20,
        vertical: false,
    }));
    let aggregate = relation(RelType::Aggregate(messages::Aggregate {
        input: Some(range(0, 3).into()),
        group_type: 1,
        grouping_expressions: vec![attribute("id").into()],
        ..messages::Aggregate::default()
    }));
    let texts = [
        "SELECT a, sum(b) FROM VALUES (1, 2), (1, 3) AS t(a, b) GROUP BY a HAVING sum(b) > 1 ORDER BY 2",
        "SELECT explode(split('a b', ' ')) AS w, CAST('1' AS INT), from_json('{}', 'a INT')",
        "SELECT id, row_number() OVER (PARTITION BY id ORDER BY id) FROM range(3) WHERE id IN (1, 2)",
        "SELECT * FROM range(2) a LEFT JOIN range(3) b USING (id) WHERE EXISTS (SELECT 1 FROM range(1))",
    ];
    let plans = [filter, project, join, show, aggregate, range(0, 9)];
    let all = plans.into_iter().chain(texts.map(sql));
    all.map(|relation| {
        Plan {
            op_type: Some(OpType::Root(relation.into())),
        }
        .encode_to_vec()
    })
    .collect()
}

fn on_a_deep_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(work);
    thread.expect("a thread").join().expect("no panic");
}

#[test]
fn plans_changed_at_random_are_decoded_or_refused() {
    let seed = environment_number("FLEUVE_TEST_SEED", 1);
    let rounds = DECODINGS * environment_number("FLEUVE_TEST_SCALE", 1);
    on_a_deep_stack(move || {
        let samples = samples();
        let mut decoded = 0;
        for round in 0..rounds {
            let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9).wrapping_add(round) | 1);
            let bytes = chance.mutate(&samples);
            let outcome = std::panic::catch_unwind(|| read_plan(&bytes).is_ok());
            let Ok(is_plan) = outcome else {
                panic!("FLEUVE_TEST_SEED={seed} round {round}: a panic");
            };
            decoded += u64::from(is_plan);
        }
        println!("{rounds} plans, {decoded} of them still plans");
        assert!(
            decoded > rounds / 100,
            "only {decoded} of {rounds} were plans"
        );
    });
}

/// The error of a server in which something panicked.
fn is_panic(status: &tonic::Status) -> bool {
    let message = status.message();
    error_class(status) == "INTERNAL_ERROR"
        && (message.contains("panic") || message.contains("without an answer"))
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_changed_at_random_are_analyzed_or_refused() {
    let seed = environment_number("FLEUVE_TEST_SEED", 1);
    let rounds = REQUESTS * environment_number("FLEUVE_TEST_SCALE", 1);
    let properties =
        BTreeMap::from([("spark.connect.grpc.binding.port".to_owned(), "0".to_owned())]);
    let config = ConnectConfig::from_properties(&properties).unwrap();
    // No files: a changed plan must not find its way to some.
    let environment = Environment {
        allowed_folders: Some(Vec::new()),
        ..Environment::default()
    };
    let factory = SqlEngineFactory::new(Arc::new(environment), None);
    let server = SparkConnect::start(config, Arc::new(factory))
        .await
        .unwrap();
    let session = Client::connect(server.address()).await.session();
    let samples = samples();
    let (mut well, mut refused, mut left) = (0, 0, 0);
    for round in 0..rounds {
        let mut chance = Chance(seed.wrapping_mul(0x51_7cc1).wrapping_add(round) | 1);
        // What does not decode says nothing about analysis.
        let Some(plan) = (0..50).find_map(|_| Plan::decode(&*chance.mutate(&samples)).ok()) else {
            continue;
        };
        let request = AnalyzePlanRequest {
            session_id: session.session_id.clone(),
            user_context: session.user(),
            analyze: Some(analyze_plan_request::Analyze::Schema(
                analyze_plan_request::Schema { plan: Some(plan) },
            )),
            ..AnalyzePlanRequest::default()
        };
        let answer = session
            .client
            .call::<_, AnalyzePlanResponse>("AnalyzePlan", request);
        match tokio::time::timeout(PATIENCE, answer).await {
            Err(_) => left += 1,
            Ok(Ok(_)) => well += 1,
            Ok(Err(status)) => {
                assert!(
                    !is_panic(&status),
                    "FLEUVE_TEST_SEED={seed} round {round}: {}",
                    status.message()
                );
                refused += 1;
            }
        }
    }
    println!("{rounds} plans: {well} have a schema, {refused} are refused, {left} took too long");
    assert!(well > 0 && refused > 0);
}
