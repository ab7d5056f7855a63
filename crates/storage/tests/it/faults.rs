//! A disk that fails at any one call, and one that is full.

use fleuve_model::Offset;
use fleuve_storage::disk::{DiskCall, Fault, FaultKind};
use fleuve_storage::{AppendOrigin, StorageError};

use crate::support::world::{Step, StepError, Workload, World};
use crate::support::*;

const STEPS: u64 = 14;

fn run(world: &mut World) -> Step {
    world.begin()?;
    for _ in 0..STEPS {
        world.step()?;
    }
    Ok(())
}

/// How many calls the history of `seed` makes when nothing fails.
fn calls_of(seed: u64) -> u64 {
    let mut world = World::new(seed, Workload::All);
    run(&mut world).unwrap();
    world.disk.calls()
}

/// Runs the history of `seed` once for each of its calls, which fails by `kind`.
fn fail_each_call(name: &str, seeds: u64, kind: FaultKind, check: fn(&mut World, Step, u64)) {
    for_each_seed(name, scaled(seeds), |seed| {
        for call in 0..calls_of(seed) {
            let mut world = World::new(seed, Workload::All);
            world.disk.set_fault(Some(Fault {
                at_call: call,
                kind,
            }));
            let run = std::panic::AssertUnwindSafe(|| {
                let outcome = run(&mut world);
                check(&mut world, outcome, seed ^ call);
            });
            if let Err(panic) = std::panic::catch_unwind(run) {
                eprintln!("the history of seed {seed} failed with {kind:?} at call {call}");
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// What was durable is there after the process has ended, and after the machine has. After a
/// failed sync the process alone must not be started again: the operating system goes on to show
/// what it did not write.
fn everything_durable_is_there(world: &mut World, outcome: &Step, chance: u64) {
    world.disk.set_fault(None);
    world.disk.set_capacity(None);
    world.forget_log();
    if let Err(StepError::Storage(StorageError::Offline(_))) = outcome {
        world.lose_power(&mut Seeded(chance ^ 1));
    }
    if world.plain.durable_end == offset(0) && !world.has_partition() {
        return;
    }
    world.load().unwrap();
    world.check();
    world.lose_power(&mut Seeded(chance));
    world.load().unwrap();
    world.check();
    world.commit().unwrap();
    world.restart_cleanly().unwrap();
    world.check();
}

#[test]
fn an_input_output_error_at_any_call_loses_nothing_that_was_durable() {
    let name = "an_input_output_error_at_any_call_loses_nothing_that_was_durable";
    fail_each_call(
        name,
        120,
        FaultKind::InputOutput,
        |world, outcome, chance| {
            if outcome.is_err()
                && let Some(log) = &world.log
            {
                // What can still be read from memory and disk is right.
                let snapshot = log.reader().snapshot();
                let _ = try_read_all(&snapshot, snapshot.log_start());
            }
            everything_durable_is_there(world, &outcome, chance);
        },
    );
}

#[test]
fn a_full_disk_at_any_call_leaves_a_log_that_is_readable_and_goes_on() {
    let name = "a_full_disk_at_any_call_leaves_a_log_that_is_readable_and_goes_on";
    fail_each_call(name, 120, FaultKind::NoSpace, |world, outcome, chance| {
        if let Err(StepError::Storage(StorageError::NoSpace { .. })) = &outcome
            && world.log.is_some()
        {
            world.disk.set_fault(None);
            world.adopt_present().unwrap();
            world.check();
            for _ in 0..4 {
                world.step().unwrap();
                world.check();
            }
        }
        everything_durable_is_there(world, &outcome, chance);
    });
}

#[test]
fn every_kind_of_call_is_among_those_that_fail() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let mut world = World::new(seed, Workload::All);
        world.disk.start_trace();
        run(&mut world).unwrap();
        seen.extend(world.disk.take_trace());
    }
    for call in [
        DiskCall::Open,
        DiskCall::Create,
        DiskCall::CreateDir,
        DiskCall::SyncDir,
        DiskCall::Rename,
        DiskCall::Remove,
        DiskCall::List,
        DiskCall::Lock,
        DiskCall::Read,
        DiskCall::Append,
        DiskCall::Truncate,
        DiskCall::Sync,
        DiskCall::Length,
    ] {
        assert!(seen.contains(&call), "no history makes the call {call:?}");
    }
}

/// A disk that fills up by itself, wherever that is.
#[test]
fn a_disk_that_runs_full_leaves_a_log_that_goes_on_when_there_is_room() {
    let name = "a_disk_that_runs_full_leaves_a_log_that_goes_on_when_there_is_room";
    for_each_seed(name, scaled(3_000), |seed| {
        let mut world = World::new(seed, Workload::All);
        world.begin().unwrap();
        world.disk.set_capacity(Some(Seeded(seed).below(6_000)));
        let mut outcome = Ok(());
        for _ in 0..40 {
            outcome = world.step();
            match &outcome {
                Ok(()) => {}
                Err(StepError::Storage(StorageError::NoSpace { .. })) if world.log.is_some() => {
                    world.adopt_present().unwrap();
                    world.check();
                }
                // Where there is no way back the directory goes offline.
                Err(_) => break,
            }
        }
        everything_durable_is_there(&mut world, &outcome, seed);
    });
}

#[test]
fn a_failed_sync_takes_the_directory_offline_and_others_go_on() {
    let (sick, well) = (new_disk(), new_disk());
    let mut logs = Vec::new();
    let directories = [open(&sick), open(&well)];
    for directory in &directories {
        for number in 0..2 {
            let config = small_config();
            logs.push(
                directory
                    .create_partition(orders(number), None, config, at(0))
                    .unwrap(),
            );
        }
    }
    for log in &mut logs {
        log.append_as_leader(&plain(1, 0).build(), epoch(0), AppendOrigin::Client, at(0))
            .unwrap();
    }
    let fault = Fault {
        at_call: sick.calls(),
        kind: FaultKind::InputOutput,
    };
    sick.set_fault(Some(fault));
    let outcomes = fleuve_storage::commit_round(&mut logs, fleuve_storage::Durability::Fsync);
    let committed: Vec<bool> = outcomes
        .iter()
        .map(|outcome| outcome.committed_end.is_ok())
        .collect();
    assert_eq!(committed, [false, false, true, true]);
    assert!(directories[0].offline().is_some());
    assert!(directories[1].offline().is_none());
    assert_eq!(logs[0].durable_end(), Offset::ZERO);
    let batch = plain(1, 0).build();
    let append = logs[1].append_as_leader(&batch, epoch(0), AppendOrigin::Client, at(0));
    assert!(append.is_err(), "an offline directory takes no appends");
    assert_eq!(
        read_all(&logs[1].reader().snapshot(), Offset::ZERO).len(),
        1
    );
}
