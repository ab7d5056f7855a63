//! Power cuts at every call of the disk, and what is there afterwards.
//!
//! A history is run once to count its calls. Then it is run again for each of them, with the
//! power cut at that call; by chance each unsynced page is kept, lost, zeroed or torn and each
//! unsynced name is kept or lost. The log is opened by the code that ships, must hold all that
//! it had called durable, byte for byte, and must go on.

use crate::support::world::{Step, Workload, World};
use crate::support::*;
use fleuve_storage::disk::{Fault, FaultKind};

/// How many steps a history has before the cut.
const STEPS: u64 = 14;

/// How many histories are cut at each of their calls.
const HISTORIES: u64 = 650;

fn run(world: &mut World, steps: u64) -> Step {
    world.begin()?;
    for _ in 0..steps {
        world.step()?;
    }
    Ok(())
}

/// Goes on after a cut: appends, syncs, stops cleanly and starts again.
fn go_on(world: &mut World) {
    for _ in 0..3 {
        world.step().unwrap();
        world.check();
    }
    world.commit().unwrap();
    world.restart_cleanly().unwrap();
    world.check();
}

fn cut_at(seed: u64, workload: Workload, call: u64) {
    let mut world = World::new(seed, workload);
    world.disk.set_fault(Some(Fault {
        at_call: call,
        kind: FaultKind::PowerCut,
    }));
    let outcome = run(&mut world, STEPS);
    assert!(
        outcome.is_err() || !world.disk.power_is_off(),
        "nobody noticed the power cut"
    );
    survive(&mut world, seed.wrapping_mul(1_000_003).wrapping_add(call));
}

fn survive(world: &mut World, chance: u64) {
    world.lose_power(&mut Seeded(chance));
    if !world.has_partition() {
        assert_eq!(world.plain.durable_end, offset(0));
        return;
    }
    world.load().unwrap();
    world.check();
    go_on(world);
}

fn sweep(seed: u64, workload: Workload) -> u64 {
    let mut world = World::new(seed, workload);
    run(&mut world, STEPS).unwrap();
    let calls = world.disk.calls();
    for call in 0..calls {
        let run = std::panic::AssertUnwindSafe(|| cut_at(seed, workload, call));
        if let Err(panic) = std::panic::catch_unwind(run) {
            eprintln!("the history of seed {seed} failed when cut at call {call} of {calls}");
            std::panic::resume_unwind(panic);
        }
    }
    calls
}

#[test]
fn what_was_durable_survives_a_power_cut_at_every_call() {
    let points = std::sync::atomic::AtomicU64::new(0);
    let name = "what_was_durable_survives_a_power_cut_at_every_call";
    for_each_seed(name, scaled(HISTORIES), |seed| {
        let workload = if seed % 3 == 0 {
            Workload::Leader
        } else {
            Workload::All
        };
        points.fetch_add(sweep(seed, workload), std::sync::atomic::Ordering::Relaxed);
    });
    let points = points.into_inner();
    println!("{points} points");
    assert!(
        only_seed().is_some() || points >= scaled(50_000),
        "only {points} points"
    );
}

/// A crash during the recovery of a crash, and again.
#[test]
fn what_was_durable_survives_power_cuts_during_recovery() {
    let name = "what_was_durable_survives_power_cuts_during_recovery";
    for_each_seed(name, scaled(4_000), |seed| {
        let mut world = World::new(seed, Workload::All);
        run(&mut world, STEPS).unwrap();
        let mut chance = Seeded(seed);
        world.disk.cut_power();
        for _ in 0..3 {
            world.lose_power(&mut chance);
            let at_call = world.disk.calls() + chance.below(40);
            world.disk.set_fault(Some(Fault {
                at_call,
                kind: FaultKind::PowerCut,
            }));
            let _ = world.load();
            world.forget_log();
            world.disk.cut_power();
        }
        survive(&mut world, seed);
    });
}
