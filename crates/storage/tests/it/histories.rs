//! Random histories of a log, compared step by step with a plain one.

use crate::support::world::{Workload, World};
use crate::support::*;

const STEPS: u64 = 25;

fn run(seed: u64, workload: Workload) {
    let mut world = World::new(seed, workload);
    world.begin().unwrap();
    for _ in 0..STEPS {
        world.step().unwrap();
        world.check();
    }
}

#[test]
fn a_log_does_what_a_plain_list_of_batches_does() {
    let name = "a_log_does_what_a_plain_list_of_batches_does";
    for_each_seed(name, scaled(60_000), |seed| run(seed, Workload::All));
}

#[test]
fn producers_and_transactions_are_what_the_batches_say() {
    let name = "producers_and_transactions_are_what_the_batches_say";
    for_each_seed(name, scaled(60_000), |seed| run(seed, Workload::Leader));
}
