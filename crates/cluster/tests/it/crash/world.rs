//! A machine, its driver, its partition and its log.

use std::collections::VecDeque;
use std::time::Duration;

use fleuve_cluster::driver::{Driver, Effect, Input, Unavailable};
use fleuve_cluster::machine::{Chance, Deadline, Machine, Now, SeededChance, Token};
use fleuve_cluster::partition::{self, Durability, Partition, Standing};
use fleuve_model::{LeaderEpoch, Offset, Timestamp};

/// What happened, in order.
pub(super) enum Event<M: Machine> {
    /// The log was read and the machine loaded.
    Loaded,
    /// The driver asked for an append.
    Asked(Vec<M::Record>),
    /// The oldest append is in the log.
    Written(Offset),
    /// The log is committed up to here.
    Committed(Offset),
    /// A caller got its answer.
    Reply(Token, Result<M::Reply, Unavailable>),
}

pub(super) struct World<M: Machine> {
    driver: Driver<M>,
    partition: Partition,
    make: Box<dyn Fn() -> M>,
    pub(super) chance: SeededChance,
    now: Duration,
    timer: Option<Deadline>,
    /// Asked for and not written.
    asked: VecDeque<Vec<M::Record>>,
    /// Written, in whole appends.
    log: Vec<Vec<M::Record>>,
    tokens: u64,
    dropped: bool,
    loaded: fn(&mut M, Now),
    pub(super) events: VecDeque<Event<M>>,
}

impl<M: Machine> World<M>
where
    M::Record: Clone,
{
    pub(super) fn new(
        seed: u64,
        make: impl Fn() -> M + 'static,
        loaded: fn(&mut M, Now),
    ) -> World<M> {
        let mut world = World {
            driver: Driver::loading(),
            partition: led_partition(Offset::ZERO),
            make: Box::new(make),
            chance: SeededChance::new(seed),
            now: Duration::ZERO,
            timer: None,
            asked: VecDeque::new(),
            log: Vec::new(),
            tokens: 0,
            dropped: false,
            loaded,
            events: VecDeque::new(),
        };
        world.load();
        world
    }

    pub(super) fn now(&self) -> Now {
        let wall = Timestamp::EPOCH.saturating_add(self.now);
        Now {
            wall,
            monotonic: Deadline::at(self.now),
        }
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.chance.next_u64() % bound
    }

    pub(super) fn command(&mut self, command: M::Command) -> Token {
        self.tokens += 1;
        let token = Token(self.tokens);
        self.drive(Input::Command { token, command });
        token
    }

    /// One of the things that a disk and a clock do by themselves.
    pub(super) fn weather(&mut self) {
        match self.below(100) {
            0..40 => self.write(),
            40..70 => self.sync(),
            70..90 => self.pass(Duration::from_millis(500)),
            90..92 => self.fail_append(),
            92..93 => self.lose_leadership(),
            93..95 => {
                let kept = self.below(self.unsynced() as u64 + 1) as usize;
                self.crash(kept);
            }
            _ => {}
        }
    }

    /// Writes the oldest append that was asked for.
    pub(super) fn write(&mut self) {
        let Some(records) = self.asked.pop_front() else {
            return;
        };
        self.log.push(records);
        let log_end = self.log_end();
        self.step(partition::Input::Appended {
            log_end,
            bytes: 100,
            first_unstable: None,
        });
        self.events.push_back(Event::Written(log_end));
        self.drive(Input::Appended { log_end });
    }

    /// Makes everything written durable.
    pub(super) fn sync(&mut self) {
        self.step(partition::Input::Synced {
            synced_end: self.log_end(),
        });
    }

    pub(super) fn pass(&mut self, duration: Duration) {
        self.now += duration;
        while self
            .timer
            .is_some_and(|deadline| deadline.since_origin() <= self.now)
        {
            self.timer = None;
            self.drive(Input::Time);
        }
    }

    /// Writes and syncs until nothing is under way.
    pub(super) fn settle(&mut self) {
        while !self.asked.is_empty() {
            self.write();
        }
        self.sync();
    }

    pub(super) fn fail_append(&mut self) {
        if !self.asked.is_empty() {
            self.drive(Input::AppendFailed);
            self.reload_if_dropped();
        }
    }

    fn lose_leadership(&mut self) {
        self.drive(Input::LeadershipLost);
        self.reload_if_dropped();
    }

    /// How many appends a crash could take back.
    pub(super) fn unsynced(&self) -> usize {
        let synced = self.partition.synced_end();
        let mut end = Offset::ZERO;
        let kept = self.log.iter().take_while(|records| {
            end = end + records.len() as i64;
            end <= synced
        });
        self.log.len() - kept.count()
    }

    /// The power fails. Of what was not synced the first `kept` appends are there all the same.
    pub(super) fn crash(&mut self, kept: usize) {
        let synced = self.log.len() - self.unsynced();
        self.log.truncate(synced + kept);
        self.asked.clear();
        self.timer = None;
        self.driver = Driver::loading();
        self.partition = led_partition(self.log_end());
        self.load();
    }

    fn log_end(&self) -> Offset {
        Offset::new(self.log.iter().map(Vec::len).sum::<usize>() as i64).unwrap()
    }

    fn reload_if_dropped(&mut self) {
        if std::mem::take(&mut self.dropped) {
            self.asked.clear();
            // The log is settled first: what is in it is committed.
            self.partition.step(
                self.now(),
                partition::Input::Synced {
                    synced_end: self.log_end(),
                },
                &mut Vec::new(),
            );
            self.driver.reloading();
            self.load();
        }
    }

    fn load(&mut self) {
        let now = self.now();
        let mut machine = (self.make)();
        self.log
            .iter()
            .flatten()
            .for_each(|record| machine.apply(record));
        (self.loaded)(&mut machine, now);
        self.events.push_back(Event::Loaded);
        let mut effects = Vec::new();
        self.driver.load(machine, self.log_end(), &mut effects);
        self.perform(effects);
    }

    /// All records that are in the log.
    pub(super) fn records(&self) -> impl Iterator<Item = &M::Record> {
        self.log.iter().flatten()
    }

    fn step(&mut self, input: partition::Input) {
        let mut effects = Vec::new();
        self.partition.step(self.now(), input, &mut effects);
        for effect in effects {
            if let partition::Effect::HighWatermarkAdvanced(up_to) = effect {
                self.events.push_back(Event::Committed(up_to));
                self.drive(Input::Committed { up_to });
            }
        }
    }

    fn drive(&mut self, input: Input<M>) {
        let mut effects = Vec::new();
        self.driver
            .step(self.now(), &mut self.chance, input, &mut effects);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect<M>>) {
        for effect in effects {
            match effect {
                Effect::Append(records) => {
                    self.events.push_back(Event::Asked(records.clone()));
                    self.asked.push_back(records);
                }
                Effect::Reply { token, reply } => {
                    self.events.push_back(Event::Reply(token, reply));
                }
                Effect::ArmTimer(deadline) => self.timer = deadline,
                Effect::Dropped => self.dropped = true,
            }
        }
    }
}

/// A partition that this broker leads, all of its log durable.
fn led_partition(log_end: Offset) -> Partition {
    let standing = Standing {
        log_start: Offset::ZERO,
        log_end,
        high_watermark: log_end,
        first_unstable: None,
    };
    let mut partition = Partition::new(standing, Durability::Fsync, 1);
    let lead = partition::Input::Lead {
        leader_epoch: LeaderEpoch::ZERO,
        in_sync_followers: vec![],
    };
    partition.step(Now::default(), lead, &mut Vec::new());
    partition
}
