//! The order of the driver: append, apply, commit, reply.

use std::time::Duration;

use fleuve_cluster::driver::{Driver, Effect, Input};
use fleuve_cluster::machine::{Chance, Deadline, Machine, Now, Outcome, SeededChance, Token};
use fleuve_model::Offset;

/// Adds numbers; parks whoever asks to wait; answers those parked at its deadline.
#[derive(Default)]
struct Sum {
    total: u64,
    parked: Vec<Token>,
    deadline: Option<Deadline>,
}

#[derive(Clone, Copy)]
enum Command {
    Add(u64),
    Read,
    WaitUntil(Deadline),
}

impl Machine for Sum {
    type Command = Command;
    type Record = u64;
    type Reply = u64;

    fn handle(
        &mut self,
        _now: Now,
        _chance: &mut dyn Chance,
        token: Token,
        command: Command,
    ) -> Outcome<Sum> {
        match command {
            Command::Add(number) => {
                Outcome::record_and_reply(vec![number], token, self.total + number)
            }
            Command::Read => Outcome::reply(token, self.total),
            Command::WaitUntil(deadline) => {
                self.parked.push(token);
                self.deadline = Some(deadline);
                Outcome::nothing()
            }
        }
    }

    fn expire(&mut self, _now: Now) -> Outcome<Sum> {
        self.deadline = None;
        let total = self.total;
        let replies = self.parked.drain(..).map(|token| (token, total)).collect();
        Outcome {
            records: vec![],
            replies,
        }
    }

    fn cancel(&mut self, token: Token) {
        self.parked.retain(|parked| *parked != token);
    }

    fn apply(&mut self, record: &u64) {
        self.total += record;
    }

    fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }
}

struct Bench {
    driver: Driver<Sum>,
    chance: SeededChance,
    now: Now,
}

impl Bench {
    fn loaded() -> Bench {
        let mut bench = Bench {
            driver: Driver::loading(),
            chance: SeededChance::new(1),
            now: Now::default(),
        };
        bench
            .driver
            .load(Sum::default(), Offset::ZERO, &mut Vec::new());
        bench
    }

    /// Takes a step, and prints what it asks for.
    fn step(&mut self, input: Input<Sum>) -> Vec<String> {
        let mut effects = Vec::new();
        self.driver
            .step(self.now, &mut self.chance, input, &mut effects);
        effects.iter().map(show).collect()
    }

    fn command(&mut self, token: u64, command: Command) -> Vec<String> {
        self.step(Input::Command {
            token: Token(token),
            command,
        })
    }

    fn appended(&mut self, log_end: i64) -> Vec<String> {
        self.step(Input::Appended {
            log_end: Offset::new(log_end).unwrap(),
        })
    }

    fn committed(&mut self, up_to: i64) -> Vec<String> {
        self.step(Input::Committed {
            up_to: Offset::new(up_to).unwrap(),
        })
    }
}

fn show(effect: &Effect<Sum>) -> String {
    match effect {
        Effect::Append(records) => format!("append {records:?}"),
        Effect::Reply {
            token,
            reply: Ok(total),
        } => format!("reply {} {total}", token.0),
        Effect::Reply {
            token,
            reply: Err(why),
        } => format!("refuse {} {why:?}", token.0),
        Effect::ArmTimer(Some(at)) => format!("arm {}s", at.since_origin().as_secs()),
        Effect::ArmTimer(None) => "disarm".to_owned(),
        Effect::Dropped => "dropped".to_owned(),
    }
}

fn second(second: u64) -> Deadline {
    Deadline::at(Duration::from_secs(second))
}

#[test]
fn a_write_is_answered_once_its_records_are_committed() {
    let mut bench = Bench::loaded();
    assert_eq!(bench.command(1, Command::Add(5)), ["append [5]"]);
    assert!(bench.appended(1).is_empty());
    assert_eq!(bench.committed(1), ["reply 1 5"]);
}

#[test]
fn a_read_waits_for_what_was_appended_before_it() {
    let mut bench = Bench::loaded();
    bench.command(1, Command::Add(5));
    assert!(bench.command(2, Command::Read).is_empty());
    bench.appended(1);
    assert_eq!(bench.committed(1), ["reply 1 5", "reply 2 5"]);
    assert_eq!(bench.command(3, Command::Read), ["reply 3 5"]);
}

#[test]
fn a_command_sees_the_records_of_the_one_before_it_though_not_committed() {
    let mut bench = Bench::loaded();
    bench.command(1, Command::Add(5));
    bench.command(2, Command::Add(6));
    bench.appended(1);
    bench.appended(2);
    assert_eq!(bench.committed(1), ["reply 1 5"]);
    assert_eq!(bench.committed(2), ["reply 2 11"]);
}

#[test]
fn a_commit_that_is_reported_before_its_append_still_counts() {
    let mut bench = Bench::loaded();
    bench.command(1, Command::Add(5));
    assert!(bench.committed(1).is_empty());
    assert_eq!(bench.appended(1), ["reply 1 5"]);
}

#[test]
fn a_failed_append_drops_the_machine_and_tells_everyone() {
    let mut bench = Bench::loaded();
    bench.command(1, Command::Add(5));
    bench.command(2, Command::WaitUntil(second(3)));
    assert_eq!(
        bench.step(Input::AppendFailed),
        [
            "refuse 1 AppendFailed",
            "refuse 2 AppendFailed",
            "dropped",
            "disarm"
        ]
    );
    assert_eq!(bench.command(3, Command::Read), ["refuse 3 AppendFailed"]);
    bench.driver.reloading();
    assert_eq!(bench.command(4, Command::Read), ["refuse 4 Loading"]);

    let mut replayed = Sum::default();
    replayed.apply(&7);
    bench
        .driver
        .load(replayed, Offset::new(1).unwrap(), &mut Vec::new());
    assert_eq!(bench.command(5, Command::Read), ["reply 5 7"]);
}

#[test]
fn a_broker_that_lost_leadership_sends_its_callers_elsewhere() {
    let mut bench = Bench::loaded();
    bench.command(1, Command::WaitUntil(second(3)));
    assert_eq!(
        bench.step(Input::LeadershipLost),
        ["refuse 1 NotLeader", "dropped", "disarm"]
    );
    assert!(bench.step(Input::Time).is_empty());
    assert!(bench.committed(9).is_empty());
}

#[test]
fn a_timer_is_armed_when_the_deadline_changes_and_answers_the_parked() {
    let mut bench = Bench::loaded();
    assert_eq!(bench.command(1, Command::WaitUntil(second(3))), ["arm 3s"]);
    assert!(bench.command(2, Command::WaitUntil(second(3))).is_empty());
    assert_eq!(
        bench.step(Input::Time),
        ["arm 3s"],
        "an early ring is armed again"
    );
    bench.now.monotonic = second(3);
    assert_eq!(bench.step(Input::Time), ["reply 1 0", "reply 2 0"]);
}

#[test]
fn a_caller_that_has_gone_is_not_answered() {
    let mut bench = Bench::loaded();
    bench.command(1, Command::WaitUntil(second(3)));
    bench.command(2, Command::Add(1));
    bench.step(Input::Cancel { token: Token(1) });
    bench.step(Input::Cancel { token: Token(2) });
    bench.appended(1);
    assert!(bench.committed(1).is_empty());
}
