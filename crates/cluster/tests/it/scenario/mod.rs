//! Scenarios of groups, as data: `tests/scenarios/group/*.txt`.
//!
//! `> restart setting=value` loads the log into a new coordinator. A line `> label = command ...` or `> command ...` is a step, `@ 3s` lets time pass until then;
//! the lines below it, up to the next step, are exactly what the coordinator does: records as
//! they are appended, replies by the label of their command. Every step goes through the driver
//! with a log that appends and commits at once. Member ids that the coordinator makes up are
//! shown as `client#1`, `client#2`.
//!
//! A scenario whose output has changed on purpose is rewritten with
//! `FLEUVE_UPDATE_SCENARIOS=1 cargo test -p fleuve-cluster scenario`; read the difference.

#![allow(clippy::disallowed_methods)]

mod parse;
mod show;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fleuve_cluster::controller::MetadataImage;
use fleuve_cluster::driver::{Driver, Effect, Input};
use fleuve_cluster::group::{GroupConfig, GroupCoordinator, Record};
use fleuve_cluster::machine::{Chance, Deadline, Machine, Now, Token};
use fleuve_model::{Offset, Timestamp};

/// Numbers the member ids.
struct Counting(u64);

impl Chance for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        // Only the second half of a uuid keeps all its low bits.
        self.0 / 2
    }
}

struct World {
    driver: Driver<GroupCoordinator>,
    chance: Counting,
    now: Duration,
    timer: Option<Deadline>,
    log: Vec<Record>,
    labels: BTreeMap<Token, String>,
    config: GroupConfig,
    image: Arc<MetadataImage>,
    output: Vec<String>,
}

impl World {
    fn new(config: GroupConfig) -> World {
        let mut world = World {
            driver: Driver::loading(),
            chance: Counting(0),
            now: Duration::ZERO,
            timer: None,
            log: Vec::new(),
            labels: BTreeMap::new(),
            config,
            image: Arc::new(MetadataImage::default()),
            output: Vec::new(),
        };
        world.load();
        world
    }

    fn now(&self) -> Now {
        let wall = Timestamp::EPOCH.saturating_add(self.now);
        Now {
            wall,
            monotonic: Deadline::at(self.now),
        }
    }

    fn log_end(&self) -> Offset {
        Offset::new(self.log.len() as i64).unwrap()
    }

    fn load(&mut self) {
        let mut machine = GroupCoordinator::new(self.config.clone(), self.image.clone());
        self.log.iter().for_each(|record| machine.apply(record));
        machine.loaded(self.now());
        let mut effects = Vec::new();
        self.driver.load(machine, self.log_end(), &mut effects);
        self.perform(effects);
    }

    fn restart(&mut self) {
        self.input(Input::LeadershipLost);
        self.driver.reloading();
        self.load();
    }

    fn input(&mut self, input: Input<GroupCoordinator>) {
        let mut effects = Vec::new();
        self.driver
            .step(self.now(), &mut self.chance, input, &mut effects);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect<GroupCoordinator>>) {
        for effect in effects {
            match effect {
                Effect::Append(records) => {
                    for record in &records {
                        self.output.push(show::record(record));
                    }
                    self.log.extend(records);
                    let log_end = self.log_end();
                    self.input(Input::Appended { log_end });
                    self.input(Input::Committed { up_to: log_end });
                }
                Effect::Reply { token, reply } => {
                    let label = &self.labels[&token];
                    self.output
                        .push(format!("{label}: {}", show::reply(&reply)));
                }
                Effect::ArmTimer(deadline) => self.timer = deadline,
                Effect::Dropped => {}
            }
        }
    }

    fn pass_until(&mut self, until: Duration) {
        while let Some(deadline) = self.timer
            && deadline.since_origin() <= until
        {
            self.now = self.now.max(deadline.since_origin());
            self.timer = None;
            self.input(Input::Time);
        }
        self.now = until;
    }

    fn step(&mut self, line: &str) {
        match parse::step(line, self.labels.len() + 1) {
            parse::Step::Until(until) => self.pass_until(until),
            parse::Step::Restart(settings) => {
                parse::config(&mut self.config, &settings);
                self.restart();
            }
            parse::Step::Image(image) => {
                self.image = image.clone();
                self.command("image".to_owned(), parse::update_image(image));
            }
            parse::Step::Command { label, command } => self.command(label, *command),
        }
    }

    fn command(&mut self, label: String, command: fleuve_cluster::group::Command) {
        let token = Token(self.labels.len() as u64);
        self.labels.insert(token, label);
        self.input(Input::Command { token, command });
    }
}

/// Runs one scenario; returns it with the output that it has.
fn run(text: &str) -> String {
    let mut config = GroupConfig::default();
    let mut shown = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next_if(|line| !line.starts_with(['>', '@'])) {
        if let Some(settings) = line.strip_prefix("config ") {
            parse::config(&mut config, settings);
        }
        shown.push_str(line);
        shown.push('\n');
    }
    let mut world = World::new(config);
    for line in lines {
        if line.starts_with(['>', '@']) {
            world.step(line);
            shown.push_str(line);
            shown.push('\n');
            for output in world.output.drain(..) {
                shown.push_str(&format!("    {output}\n"));
            }
        } else if line.is_empty() || line.starts_with('#') {
            shown.push_str(line);
            shown.push('\n');
        }
    }
    shown
}

#[test]
fn every_scenario_of_groups_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/group");
    let update = std::env::var("FLEUVE_UPDATE_SCENARIOS").is_ok();
    let mut files: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 40, "{} scenarios", files.len());
    let mut differing = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let shown = run(&text);
        assert_eq!(
            shown,
            run(&shown),
            "{} is not deterministic",
            file.display()
        );
        if shown == text {
            continue;
        }
        if update {
            std::fs::write(&file, shown).unwrap();
        } else {
            differing.push(difference(&file, &text, &shown));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// The first place where the output is not as written.
fn difference(file: &Path, text: &str, shown: &str) -> String {
    let name = file.file_name().unwrap().to_string_lossy();
    let number = text
        .lines()
        .zip(shown.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let line = |of: &str| of.lines().nth(number).unwrap_or("(nothing)").to_owned();
    format!(
        "{name}:{}\n  written: {}\n  is:      {}",
        number + 1,
        line(text),
        line(shown)
    )
}
