//! `fleuve quickstart`: the main job in one command.
//!
//! A server in this process, taxi trips into a topic of it, and two streaming queries over them, on
//! the engine that Spark Connect serves. Everything is kept in one folder, and the next run goes on
//! where this one stops, however it stopped.
//! Start at [`play`].

mod check;
mod city_time;
mod figures;
mod greeting;
mod place;
mod production;
mod queries;
mod table;
mod topic;
mod trips;
mod view;
mod zones;

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use figures::Gauge;
use place::Place;
use production::Production;
use queries::{Pace, Queries};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use topic::Topic;
use view::View;

use crate::commands::embedded::Server;
use crate::commands::terminal::Problem;
use crate::logging;

/// Trips a second while they stream.
const RATE_DEFAULT: u64 = 1_000;
/// How long figures may stay as they are when no batch comes.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long the trips under way may take once no more are wanted.
const LAST_TRIPS: Duration = Duration::from_secs(3);
/// After this without a trip somebody should look whether the disk is full.
const STUCK: Duration = Duration::from_secs(3);
/// What a shell gives a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

#[derive(Clone, Debug, Args)]
pub(crate) struct QuickstartArguments {
    /// Where everything is kept; removing the folder starts over. By default
    /// `fleuve-quickstart` in the user's data directory.
    #[arg(long, value_name = "FOLDER")]
    data_directory: Option<PathBuf>,
    /// How many trips a second are added.
    #[arg(long, value_name = "TRIPS", allow_negative_numbers = true, default_value_t = RATE_DEFAULT, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    /// Adds the trips that `--rows` says, lets the queries catch up, checks what they wrote, and
    /// ends. The last line is JSON.
    #[arg(long, requires = "rows")]
    once: bool,
    /// How many trips `--once` adds.
    #[arg(long, value_name = "TRIPS", allow_negative_numbers = true, requires = "once", value_parser = clap::value_parser!(u64).range(1..))]
    rows: Option<u64>,
}

pub(crate) fn run(arguments: QuickstartArguments) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let place = Place::open(arguments.data_directory.clone())?;
    let messages = place.messages_file();
    logging::start_in(messages.with_context(|| format!("{}", place.messages().display()))?);
    crate::commands::server::raise_open_files_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(play(&arguments, &place, began));
    outcome.map_err(|error| match error.downcast_ref::<io::Error>() {
        Some(gone) if gone.kind() == ErrorKind::BrokenPipe => Problem::reader_gone().into(),
        _ => place.problem(&error).into(),
    })
}

/// Prints a text for whoever reads it, if somebody does.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Starts everything, runs to the end, and stops everything.
async fn play(
    arguments: &QuickstartArguments,
    place: &Place,
    began: Instant,
) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals()?;
    let server = Server::start(&place.log()).await?;
    let topic = Topic::open(&server.client()).await?;
    let ends = topic.ends().await?;
    let production = Production::new(&server.client(), &topic, ends)?;
    let written = ends.iter().sum();
    let greeting = greeting::greeting(&server, place, written, production.real());
    if let Err(error) = say(&greeting) {
        server.stop().await;
        return Err(error.into());
    }
    let quickstart = Quickstart {
        place,
        server: &server,
        topic,
        gauge: Gauge::new(began, production.written()),
        stop,
    };
    let outcome = match arguments.rows {
        Some(rows) => quickstart.once(production, rows).await,
        None => quickstart.watch(production, arguments.rate).await,
    };
    server.stop().await;
    outcome
}

/// What both ways to run it need.
struct Quickstart<'a> {
    place: &'a Place,
    server: &'a Server,
    topic: Topic,
    gauge: Gauge,
    stop: CancellationToken,
}

impl Quickstart<'_> {
    /// Streams trips and shows what becomes of them until somebody stops it.
    async fn watch(mut self, mut production: Production, rate: u64) -> anyhow::Result<ExitCode> {
        say(&greeting::suggestions(self.server, self.place))?;
        say("Ctrl-C stops; the next run goes on from there.\n")?;
        // There is something to count before the first batch begins.
        tokio::select! {
            added = production.add(rate.min(production.real())) => added?,
            () = self.stop.cancelled() => return Ok(ExitCode::from(INTERRUPTED)),
        }
        let queries = Queries::start(self.server, self.place, Pace::Watched).await?;
        let written = production.written();
        let stop_production = CancellationToken::new();
        let stopped = stop_production.clone();
        let mut streaming = tokio::spawn(async move { production.stream(rate, &stopped).await });
        let mut view = View::new(false);
        let shown = tokio::select! {
            shown = self.show(&queries, &mut view) => shown,
            ended = &mut streaming => ended?,
        };
        stop_production.cancel();
        if !streaming.is_finished() {
            match tokio::time::timeout(LAST_TRIPS, &mut streaming).await {
                Ok(ended) => ended??,
                Err(_) => streaming.abort(),
            }
        }
        queries.stop().await;
        shown?;
        say(&format!(
            "\nStopped: {} trips are in the topic. The next run goes on from there.",
            table::grouped(written.get())
        ))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Adds trips, lets the queries catch up, and checks.
    async fn once(mut self, mut production: Production, rows: u64) -> anyhow::Result<ExitCode> {
        let queries = Queries::start(self.server, self.place, Pace::Fast).await?;
        let mut adding = tokio::spawn(async move { production.add(rows).await });
        let mut view = View::new(true);
        let stop = self.stop.clone();
        let work = async {
            (&mut adding).await??;
            queries.catch_up().await
        };
        let interrupted = tokio::select! {
            done = work => { done?; false }
            shown = self.show(&queries, &mut view) => { shown?; true }
            () = stop.cancelled() => true,
        };
        if interrupted {
            adding.abort();
            queries.stop().await;
            say("Stopped before the end; the next run goes on from there.")?;
            return Ok(ExitCode::from(INTERRUPTED));
        }
        view.show_last(&self.gauge.read(&queries).await?)?;
        let verdict = check::check(&queries, self.place, self.topic.ends().await?).await?;
        queries.stop().await;
        self.report(&verdict)
    }

    fn report(&self, verdict: &check::Verdict) -> anyhow::Result<ExitCode> {
        for fault in &verdict.faults {
            eprintln!("error: {fault}");
        }
        match verdict.faults.is_empty() {
            true => say(&format!(
                "Checked: each of the {} trips is in parquet exactly once, and the windows' counts and \
                 fares add up to the same.",
                table::grouped(verdict.produced)
            ))?,
            false => eprintln!(
                "  next:  nothing but this program may write into {}, and parquet and checkpoints stay together: \
                 take another folder (--data-directory FOLDER), or remove this one to start over",
                self.place.root().display()
            ),
        }
        say(&format!(
            r#"{{"produced":{},"parquet_rows":{},"window_rows":{},"parquet_path":{}}}"#,
            verdict.produced,
            verdict.parquet_rows,
            verdict.window_rows,
            serde_json::json!(self.place.parquet().display().to_string()),
        ))?;
        Ok(match verdict.faults.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }

    /// Shows figures until it is told to stop, a query fails, or nobody reads any more.
    async fn show(&mut self, queries: &Queries, view: &mut View) -> anyhow::Result<()> {
        let mut progress = queries.progress();
        let mut moved = (self.gauge.written(), Instant::now());
        while !self.stop.is_cancelled() {
            queries.check()?;
            if self.gauge.written() > moved.0 {
                moved = (self.gauge.written(), Instant::now());
            }
            // The producer would try again for minutes before it says so.
            if moved.1.elapsed() > STUCK && self.place.is_full() {
                anyhow::bail!("no trip could be written for {STUCK:?}");
            }
            if view.show(&self.gauge.read(queries).await?).is_err() {
                return Ok(());
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                // Whether something happened or much did, there is something new to see.
                _ = progress.recv() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
        Ok(())
    }
}

/// Cancelled by the first signal to stop; the second ends the process there and then.
fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stopped.is_cancelled() {
                std::process::exit(i32::from(INTERRUPTED));
            }
            stopped.cancel();
        }
    });
    Ok(stop)
}
