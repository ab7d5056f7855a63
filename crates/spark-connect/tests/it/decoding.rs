//! Plans that mean harm, or nothing.

use fleuve_spark_connect::messages::expression::{ExprType, UnresolvedFunction};
use fleuve_spark_connect::messages::plan::OpType;
use fleuve_spark_connect::messages::relation::RelType;
use fleuve_spark_connect::messages::{
    self, Expression, Filter, Limit, NESTING_LEVELS_MAX, Plan, Relation,
};
use fleuve_spark_connect::read_plan;
use prost::Message;
use uuid::Uuid;

use crate::support::client::{Received, range};
use crate::support::{Client, serve};

/// A chain of `levels` limits over a range.
fn nested_limits(levels: usize) -> Relation {
    (0..levels).fold(range(0, 10), |input, _| Relation {
        common: None,
        rel_type: Some(RelType::Limit(Limit {
            input: Some(input.into()),
            limit: 1,
        })),
    })
}

/// `levels` calls inside one another, as a filter's condition.
fn nested_calls(levels: usize) -> Relation {
    let literal = messages::expression::Literal {
        literal_type: Some(messages::expression::literal::LiteralType::Boolean(true)),
        data_type: None,
    };
    let innermost = Expression {
        common: None,
        expr_type: Some(ExprType::Literal(literal.into())),
    };
    let condition = (0..levels).fold(innermost, |argument, _| Expression {
        common: None,
        expr_type: Some(ExprType::UnresolvedFunction(UnresolvedFunction {
            function_name: "not".to_owned(),
            arguments: vec![argument.into()],
            ..UnresolvedFunction::default()
        })),
    });
    let filter = Filter {
        input: Some(range(0, 10).into()),
        condition: Some(condition.into()),
    };
    Relation {
        common: None,
        rel_type: Some(RelType::Filter(filter)),
    }
}

fn plan_bytes(relation: Relation) -> Vec<u8> {
    Plan {
        op_type: Some(OpType::Root(relation.into())),
    }
    .encode_to_vec()
}

/// Runs `work` where the server runs it: on a deep stack.
fn on_a_deep_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(work);
    thread.expect("a thread").join().expect("no panic");
}

#[test]
fn plans_nest_up_to_the_bound_and_no_deeper() {
    on_a_deep_stack(|| {
        for nest in [nested_limits as fn(usize) -> Relation, nested_calls] {
            let deepest = plan_bytes(nest(NESTING_LEVELS_MAX - 4));
            assert!(read_plan(&deepest).is_ok());
            let too_deep = plan_bytes(nest(NESTING_LEVELS_MAX + 1));
            assert!(read_plan(&too_deep).unwrap_err().contains("nests deeper"));
        }
    });
}

#[test]
fn a_megabyte_of_nesting_is_an_error() {
    // Hand-made, for no encoder could: Plan.root, then Relation.limit and Limit.input in turn, each with the length
    // of what is left, as far as three bytes can say it.
    let mut bytes = Vec::new();
    let mut left: usize = 1_000_000;
    for tag in std::iter::once(0x0a).chain([0x42, 0x0a].into_iter().cycle()) {
        let Some(next) = left.checked_sub(4).filter(|next| *next >= 0x4000) else {
            break;
        };
        left = next;
        bytes.extend([
            tag,
            (left & 0x7f) as u8 | 0x80,
            (left >> 7 & 0x7f) as u8 | 0x80,
            (left >> 14) as u8,
        ]);
    }
    bytes.resize(bytes.len() + left, 0);
    on_a_deep_stack(move || assert!(read_plan(&bytes).is_err()));
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    on_a_deep_stack(|| {
        let samples = [nested_limits(3), nested_calls(5)].map(plan_bytes);
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        for round in 0..20_000_usize {
            let mut bytes = samples[round % samples.len()].clone();
            for _ in 0..=chance.below(4) {
                chance.damage(&mut bytes);
            }
            let _ = read_plan(&bytes);
        }
        for length in 0..200 {
            let _ = read_plan(&(0..length).map(|_| chance.next() as u8).collect::<Vec<_>>());
        }
    });
}

/// A generator of numbers, the same every time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let position = self.below(bytes.len());
        match self.below(4) {
            0 => bytes[position] ^= 1 << self.below(8),
            1 => bytes.truncate(position),
            2 => bytes.insert(position, self.next() as u8),
            _ => {
                let copy = bytes[position..].to_vec();
                bytes.extend(copy);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_outlives_a_plan_that_nests_too_deep() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let (deep, request_session) = (NESTING_LEVELS_MAX * 4, session.clone());
    let request = tokio::task::spawn_blocking(move || {
        let (sender, receiver) = std::sync::mpsc::channel();
        on_a_deep_stack(move || {
            let request =
                request_session.execute_request(nested_limits(deep), &Uuid::new_v4().to_string());
            // Encoded here, sent as the one field that is deep: the test's own threads have small stacks.
            sender
                .send(request.plan.expect("a plan").encode_to_vec())
                .expect("the test waits");
        });
        receiver.recv().expect("the bytes")
    })
    .await
    .unwrap();
    let compressed = messages::plan::CompressedOperation {
        data: zstd::encode_all(&request[..], 0).unwrap().into(),
        op_type: messages::plan::compressed_operation::OpType::Relation as i32,
        compression_codec: messages::CompressionCodec::Zstd as i32,
    };
    let mut execute = session.execute_request(range(0, 1), &Uuid::new_v4().to_string());
    execute.plan = Some(Plan {
        op_type: Some(OpType::CompressedOperation(compressed)),
    });
    let refused = Received::all(session.client.stream("ExecutePlan", execute).await.unwrap()).await;
    assert!(refused.error.unwrap().contains("[CONNECT_INVALID_PLAN."));
    let fine = Received::all(
        session
            .execute(range(0, 10), &Uuid::new_v4().to_string())
            .await
            .unwrap(),
    )
    .await;
    assert!(fine.complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_plan_runs_and_a_bomb_does_not() {
    let (server, _) = serve(&[("spark.connect.grpc.maxInboundMessageSize", "1m")]).await;
    let session = Client::connect(server.address()).await.session();
    for (data, passes) in [
        (range(0, 10).encode_to_vec(), true),
        (vec![0; 64 << 20], false),
    ] {
        let compressed = messages::plan::CompressedOperation {
            data: zstd::encode_all(&data[..], 0).unwrap().into(),
            op_type: messages::plan::compressed_operation::OpType::Relation as i32,
            compression_codec: messages::CompressionCodec::Zstd as i32,
        };
        let mut request = session.execute_request(range(0, 1), &Uuid::new_v4().to_string());
        request.plan = Some(Plan {
            op_type: Some(OpType::CompressedOperation(compressed)),
        });
        let received =
            Received::all(session.client.stream("ExecutePlan", request).await.unwrap()).await;
        match passes {
            true => assert_eq!(received.row_count(), 10),
            false => assert!(
                received
                    .error
                    .unwrap()
                    .contains("PLAN_SIZE_LARGER_THAN_MAX")
            ),
        }
    }
}
