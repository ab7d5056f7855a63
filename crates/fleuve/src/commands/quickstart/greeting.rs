//! What is said at the start: where everything is, what is real, and what to try next.

use std::path::Path;

use super::place::Place;
use super::queries::{BOROUGHS, TRIPS, next_batch};
use super::table::grouped;
use super::topic;
use super::trips::PARTITIONS;
use crate::commands::embedded::Server;

/// The PySpark client whose protocol the server speaks.
const PYSPARK: &str = "pyspark-client==4.2.0";

/// Everything that is said before the first figures.
pub(super) fn greeting(server: &Server, place: &Place, written: u64, real: u64) -> String {
    let mut text = format!(
        "fleuve {version} quickstart: New York's taxi trips through a log and two streaming queries\n\n\
         Kafka          {kafka}, topic {topic} with {PARTITIONS} partitions\n\
         Spark Connect  {spark}\n\
         Parquet        {parquet}\n\
         Checkpoints    {checkpoints}\n\
         Messages       {messages}\n\n\
         The first {real} trips are real ones, of the city's open data; those after them are drawn from\n\
         these by a seeded generator, at half a second of city time each.\n",
        version = env!("CARGO_PKG_VERSION"),
        kafka = server.bootstrap(),
        topic = topic::NAME,
        spark = server.remote(),
        parquet = place.parquet().display(),
        checkpoints = place.checkpoints().display(),
        messages = place.messages().display(),
    );
    for notice in &server.notices {
        text.push_str(&format!("Note: {notice}.\n"));
    }
    text.push_str(&resumption(place, written));
    text
}

/// How this run follows on the last one, if there was one.
fn resumption(place: &Place, written: u64) -> String {
    let next = |query: &str| next_batch(place, query).ok().flatten();
    let goes_on: Vec<String> = [TRIPS, BOROUGHS]
        .into_iter()
        .filter_map(|query| Some(format!("{query} with batch {}", next(query)?)))
        .collect();
    match written {
        0 => String::new(),
        _ if goes_on.is_empty() => format!(
            "\nThe topic holds {} trips of a former run.\n",
            grouped(written)
        ),
        _ => format!(
            "\nResuming from the checkpoint: the topic holds {} trips, and the queries go on: {}.\n",
            grouped(written),
            goes_on.join(", ")
        ),
    }
}

/// Commands to copy.
pub(super) fn suggestions(server: &Server, place: &Place) -> String {
    format!(
        "Try next, in another terminal:\n\n\
         {consumer} --bootstrap-server {kafka} --topic {topic} --from-beginning --max-messages 5\n\n\
         pip install {PYSPARK}\n\
         python3 - <<'END'\n\
         from pyspark.sql import SparkSession\n\
         spark = SparkSession.builder.remote(\"{spark}\").getOrCreate()\n\
         trips = spark.read.parquet(\"{parquet}\")\n\
         trips.groupBy(\"payment_type\").count().show()\n\
         stream = spark.readStream.format(\"kafka\").option(\"kafka.bootstrap.servers\", \"{kafka}\") \\\n    \
             .option(\"subscribe\", \"{topic}\").option(\"startingOffsets\", \"earliest\").load()\n\
         query = stream.groupBy(\"partition\").count().writeStream.format(\"memory\").queryName(\"counts\") \\\n    \
             .outputMode(\"complete\").trigger(availableNow=True).start()\n\
         query.awaitTermination()\n\
         spark.table(\"counts\").show()\n\
         END\n",
        consumer = script("kafka-console-consumer.sh"),
        kafka = server.bootstrap(),
        topic = topic::NAME,
        spark = server.remote(),
        parquet = place.parquet().display(),
    )
}

/// A script as it is called from here.
fn script(name: &str) -> String {
    let here = Path::new("bin").join(name);
    match here.exists() {
        true => here.display().to_string(),
        false => name.to_owned(),
    }
}
