//! How much room state takes, and that it gives it back.
//!
//! `FLEUVE_TEST_SCALE=100 cargo test -p fleuve-engine state_size -- --nocapture` is the long run.

use fleuve_sql::ir::StreamTrigger;

use crate::crash_state::plan_over;
use crate::state_figures::resident_bytes;
use crate::support::{World, settings, write};

fn scale() -> u64 {
    std::env::var("FLEUVE_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap())
}

/// Each batch is a second later than the one before; every two seconds a window of ten closes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_that_closed_take_no_room() {
    let batches = 60 * scale();
    let world = World::new(settings());
    let text = "SELECT w, k, count(*) AS n, sum(value) AS s FROM \
        (SELECT window(timestamp, '10 seconds', '2 seconds') AS w, value % 200 AS k, value \
        FROM timed) GROUP BY w, k";
    let plan = plan_over(400, text).await;
    let mut request = write("noop", &[]);
    request.output_mode = "append".to_owned();
    request.trigger = StreamTrigger::AsSoonAsPossible;
    let query = world.start(&plan, &request).await.unwrap();
    let mut events = world.manager.subscribe();
    let mut seen = Vec::new();
    while let Some(last) = next_progress(&query, &mut events).await {
        let state = &last.state_operators[0];
        seen.push((
            state.num_rows_total,
            state.memory_used_bytes,
            resident_bytes(),
        ));
        if last.batch_id >= batches {
            break;
        }
    }
    query.stop().await;
    let (warm, late) = seen.split_at(seen.len() / 2);
    let most = |of: &[(u64, u64, u64)]| {
        let rows = of.iter().map(|figures| figures.0).max();
        let bytes = of.iter().map(|figures| figures.1).max();
        (rows.unwrap(), bytes.unwrap(), of.last().unwrap().2)
    };
    println!(
        "rows, counted and resident bytes: {:?}, then {:?}",
        most(warm),
        most(late)
    );
    assert!(most(late).0 <= most(warm).0, "rows stay: {seen:?}");
    assert!(
        most(late).1 <= most(warm).1 * 11 / 10,
        "memory stays: {seen:?}"
    );
}

async fn next_progress(
    query: &fleuve_engine::query::StreamingQuery,
    events: &mut tokio::sync::broadcast::Receiver<fleuve_engine::query::StreamEvent>,
) -> Option<fleuve_engine::progress::StreamingQueryProgress> {
    loop {
        match events.recv().await {
            Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(_) => return None,
        }
        if let Some(last) = query.last_progress() {
            return Some(last);
        }
    }
}
