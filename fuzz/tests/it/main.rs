//! Each target for a moment, on the stable compiler.

use fleuve_fuzz::{
    frames, frames_seeds, mutate, record_batch, record_batch_seeds, recovery, recovery_seeds,
    request, request_seeds, session, session_seeds,
};

/// How many mutations of each target; `FLEUVE_FUZZ_ROUNDS` says otherwise.
fn rounds(default: u64) -> u64 {
    let set = std::env::var("FLEUVE_FUZZ_ROUNDS").ok();
    set.map_or(default, |rounds| {
        rounds.parse().expect("FLEUVE_FUZZ_ROUNDS is a number")
    })
}

#[test]
fn mutated_frames_are_read_or_refused_within_their_memory() {
    mutate::run(frames, &frames_seeds(), rounds(3_000));
}

#[test]
fn mutated_sessions_are_answered_or_ended() {
    mutate::run(session, &session_seeds(), rounds(100));
}

#[test]
fn mutated_record_batches_are_read_or_refused() {
    mutate::run(record_batch, &record_batch_seeds(), rounds(30_000));
}

#[test]
fn mutated_log_directories_load_or_do_not() {
    mutate::run(recovery, &recovery_seeds(), rounds(10_000));
}

#[test]
fn mutated_requests_are_read_or_refused_within_their_memory() {
    mutate::run(request, &request_seeds(), rounds(100_000));
}
