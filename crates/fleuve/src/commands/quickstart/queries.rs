//! The two streaming queries, in Spark's language and on the engine that Spark Connect serves.
//!
//! `trips` writes every trip to parquet, with the partition and offset it came from. `boroughs`
//! counts trips and sums fares by hour and borough, for which it joins the trips with the zones; it
//! runs in complete mode, so its table holds every window there ever was and its counts add up to
//! the trips. Start at [`Queries::start`].

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, bail};
use fleuve_engine::checkpoint::{Checkpoint, QueryId};
use fleuve_engine::file_system::LocalFileSystem;
use fleuve_engine::query::{StreamEvent, StreamingQuery, StreamingQueryManager};
use fleuve_sql::ir::{Options, ReadSource, Relation, RelationNode, StreamTrigger, WriteStream};
use fleuve_sql::{Session, Statement};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::place::Place;
use super::topic;
use crate::commands::embedded::Server;

pub(super) const TRIPS: &str = "trips";
pub(super) const BOROUGHS: &str = "boroughs";

/// The name of the session that the queries belong to.
const SESSION: &str = "quickstart";
/// How many trips a batch takes at most, which bounds its memory.
const TRIPS_PER_BATCH_MAX: u64 = 100_000;
/// How late a trip may be against the latest one before its hour counts as closed.
const WATERMARK_DELAY: &str = "2 hours";
/// How often trips are written while they stream: seldom enough for files of a sensible size.
const TRIPS_INTERVAL: &str = "5 seconds";
const BOROUGHS_INTERVAL: &str = "1 second";

/// The fields of a trip, which are all strings in the city's JSON.
const TRIP_SCHEMA: &str = "vendorid STRING, lpep_pickup_datetime STRING, lpep_dropoff_datetime STRING, \
     store_and_fwd_flag STRING, ratecodeid STRING, pulocationid STRING, dolocationid STRING, \
     passenger_count STRING, trip_distance STRING, fare_amount STRING, extra STRING, mta_tax STRING, \
     tip_amount STRING, tolls_amount STRING, improvement_surcharge STRING, total_amount STRING, \
     payment_type STRING, trip_type STRING, congestion_surcharge STRING";

/// What anybody may have written into the topic besides is kept and counted too: in the first hour
/// of 1970, in no known borough.
const PICKUPS: &str = "SELECT \
       coalesce(try_cast(trip.lpep_pickup_datetime AS TIMESTAMP), TIMESTAMP '1970-01-01 00:00:00') AS pickup, \
       try_cast(trip.pulocationid AS INT) AS zone, \
       try_cast(trip.fare_amount AS DECIMAL(10, 2)) AS fare \
     FROM (SELECT from_json(CAST(value AS STRING), \
             'lpep_pickup_datetime STRING, pulocationid STRING, fare_amount STRING') AS trip \
           FROM tripdata)";

const COUNT_BY_BOROUGH: &str = "SELECT hour, borough, count(*) AS trips, sum(fare) AS fare \
     FROM (SELECT window(pickup, '1 hour') AS hour, coalesce(zones.borough, 'Unknown') AS borough, fare \
           FROM pickups LEFT JOIN zones ON pickups.zone = zones.zone) \
     GROUP BY hour, borough";

/// How the queries are triggered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// At intervals, for somebody who watches.
    Watched,
    /// As fast as possible, for somebody who waits.
    Fast,
}

/// The running queries, and the session that sees their tables.
pub(super) struct Queries {
    session: Session,
    manager: Arc<StreamingQueryManager>,
    pub(super) trips: Arc<StreamingQuery>,
    pub(super) boroughs: Arc<StreamingQuery>,
}

impl Queries {
    pub(super) async fn start(
        server: &Server,
        place: &Place,
        pace: Pace,
    ) -> anyhow::Result<Queries> {
        let session = server.door().session();
        session.with_configuration(|settings| settings.set("spark.sql.session.timeZone", "UTC"))?;
        define_views(&session, &server.bootstrap(), place).await?;
        let manager = Arc::clone(server.door().queries());
        let start = async |write: WriteStream| manager.start(SESSION, &session, &write).await;
        let boroughs = start(boroughs(&session, place, pace)?).await;
        let boroughs = boroughs.context("the query boroughs cannot be started")?;
        let trips = start(trips(&session, place, pace)?).await;
        let trips = trips.context("the query trips cannot be started")?;
        Ok(Queries {
            session,
            manager,
            trips,
            boroughs,
        })
    }

    /// Fails as the first query did that has failed.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for query in [&self.trips, &self.boroughs] {
            let name = query.name().unwrap_or_default();
            if let Some(error) = query.exception() {
                bail!("the query {name} failed: {error}");
            }
            if !query.is_active() {
                bail!("the query {name} was stopped");
            }
        }
        Ok(())
    }

    /// Waits until all trips that are in the topic are in the tables.
    pub(super) async fn catch_up(&self) -> anyhow::Result<()> {
        let (trips, boroughs) = tokio::join!(
            self.trips.process_all_available(),
            self.boroughs.process_all_available()
        );
        trips?;
        boroughs?;
        self.check()
    }

    /// What the queries tell of themselves from now on: something new to show.
    pub(super) fn progress(&self) -> broadcast::Receiver<StreamEvent> {
        self.manager.subscribe()
    }

    /// The rows that a query over the tables gives, as text.
    pub(super) async fn rows(&self, text: &str) -> anyhow::Result<Vec<Vec<Option<String>>>> {
        let plan = self
            .session
            .analyze(&relation(&self.session, text)?)
            .await?;
        let rows = self
            .session
            .execute_as_text(&plan, CancellationToken::new());
        Ok(rows.await?)
    }

    pub(super) async fn stop(self) {
        tokio::join!(self.trips.stop(), self.boroughs.stop());
    }
}

/// The number of the batch with which a query goes on, if its checkpoint has any.
pub(super) fn next_batch(place: &Place, query: &str) -> anyhow::Result<Option<u64>> {
    let root = place.checkpoint(query);
    if !root.join("offsets").is_dir() {
        return Ok(None);
    }
    let files = Arc::new(LocalFileSystem::default());
    let checkpoint = Checkpoint::open(&root, files, QueryId::new(Uuid::new_v4()))?;
    let last = checkpoint.last_run()?;
    Ok(last.map(|last| match last.commit {
        Some(_) => last.planned.next().get(),
        None => last.planned.get(),
    }))
}

async fn define_views(session: &Session, bootstrap: &str, place: &Place) -> anyhow::Result<()> {
    let kafka = [
        ("kafka.bootstrap.servers", bootstrap),
        ("subscribe", topic::NAME),
        ("startingOffsets", "earliest"),
        ("maxOffsetsPerTrigger", &TRIPS_PER_BATCH_MAX.to_string()),
    ];
    define(session, topic::NAME, read_stream("kafka", &kafka)).await?;
    let zones = format!("SELECT * FROM json.`{}`", place.zones().display());
    define(session, "zones", relation(session, &zones)?).await?;
    let pickups = Relation::new(RelationNode::WithWatermark {
        input: relation(session, PICKUPS)?,
        event_time: "pickup".to_owned(),
        delay: WATERMARK_DELAY.to_owned(),
    });
    define(session, "pickups", pickups).await
}

async fn define(session: &Session, name: &str, relation: Relation) -> anyhow::Result<()> {
    let plan = Arc::new(session.analyze(&relation).await?);
    session.with_catalog(|catalog| catalog.put_view(name, plan, true))?;
    Ok(())
}

fn read_stream(format: &str, options: &[(&str, &str)]) -> Relation {
    Relation::new(RelationNode::Read {
        source: ReadSource::DataSource {
            format: Some(format.to_owned()),
            schema: None,
            options: as_options(options),
            paths: Vec::new(),
            predicates: Vec::new(),
        },
        is_streaming: true,
    })
}

fn relation(session: &Session, text: &str) -> anyhow::Result<Relation> {
    match session.parse_sql(text, &BTreeMap::new(), &[])? {
        Statement::Query(relation) => Ok(relation),
        Statement::Command(_) => bail!("`{text}` is not a query"),
    }
}

fn as_options(pairs: &[(&str, &str)]) -> Options {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn trips(session: &Session, place: &Place, pace: Pace) -> anyhow::Result<WriteStream> {
    let text = format!(
        "SELECT kafka_partition, kafka_offset, trip.* FROM \
         (SELECT partition AS kafka_partition, offset AS kafka_offset, \
            from_json(CAST(value AS STRING), '{TRIP_SCHEMA}') AS trip FROM tripdata)"
    );
    let mut write = write(place, relation(session, &text)?, TRIPS, "parquet");
    write.output_mode = "append".to_owned();
    write.path = Some(place.parquet().display().to_string());
    write.trigger = trigger(pace, TRIPS_INTERVAL);
    Ok(write)
}

fn boroughs(session: &Session, place: &Place, pace: Pace) -> anyhow::Result<WriteStream> {
    let input = relation(session, COUNT_BY_BOROUGH)?;
    let mut write = write(place, input, BOROUGHS, "memory");
    write.output_mode = "complete".to_owned();
    write.trigger = trigger(pace, BOROUGHS_INTERVAL);
    Ok(write)
}

fn write(place: &Place, input: Relation, name: &str, format: &str) -> WriteStream {
    let checkpoint = place.checkpoint(name).display().to_string();
    WriteStream {
        input,
        format: Some(format.to_owned()),
        options: as_options(&[("checkpointLocation", &checkpoint)]),
        partition_columns: Vec::new(),
        trigger: StreamTrigger::AsSoonAsPossible,
        output_mode: String::new(),
        query_name: Some(name.to_owned()),
        path: None,
        table: None,
        foreach_writer: None,
        foreach_batch: None,
    }
}

fn trigger(pace: Pace, interval: &str) -> StreamTrigger {
    match pace {
        Pace::Watched => StreamTrigger::ProcessingTime(interval.to_owned()),
        Pace::Fast => StreamTrigger::AsSoonAsPossible,
    }
}
