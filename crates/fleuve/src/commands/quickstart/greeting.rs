//! What is said at the start: where everything is, what is real, and what to try next.

use std::ffi::OsStr;
use std::path::Path;

use super::place::Place;
use super::queries::{BOROUGHS, TRIPS, next_batch};
use super::table::grouped;
use super::topic;
use super::trips::PARTITIONS;
use crate::commands::embedded::Server;

const CONSUMER: &str = "kafka-console-consumer.sh";
const OWN_NAME: &str = "fleuve";
/// The PySpark client whose protocol the server speaks.
const PYSPARK: &str = "'pyspark-client==4.2.0' 'pandas<3'";

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
         {consumer}\n\n\
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
        consumer = consumer(&server.bootstrap()),
        kafka = server.bootstrap(),
        topic = topic::NAME,
        spark = server.remote(),
        parquet = place.parquet().display(),
    )
}

/// Five trips on the screen: by Kafka's script where there is one, else by our own command.
fn consumer(kafka: &str) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let topic = topic::NAME;
    match script(CONSUMER, Path::new("."), &path) {
        Some(script) => format!(
            "{script} --bootstrap-server {kafka} --topic {topic} --from-beginning --max-messages 5"
        ),
        None => format!("{} consume {topic} --count 5 -b {kafka}", own_name(&path)),
    }
}

/// A script as it is called from the folder `here`, or by its name alone if it is on the `path`.
fn script(name: &str, here: &Path, path: &OsStr) -> Option<String> {
    let beside = Path::new("bin").join(name);
    match here.join(&beside).exists() {
        true => Some(beside.display().to_string()),
        false => is_on(path, name).then(|| name.to_owned()),
    }
}

/// This program as it is called: by its name if that finds one, else by its place.
fn own_name(path: &OsStr) -> String {
    match std::env::current_exe() {
        Ok(own) if !is_on(path, OWN_NAME) => own.display().to_string(),
        _ => OWN_NAME.to_owned(),
    }
}

fn is_on(path: &OsStr, name: &str) -> bool {
    std::env::split_paths(path).any(|folder| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_named_as_it_can_be_called_from_here() {
        let folder = tempfile::tempdir().unwrap();
        let clone = folder.path().join("clone");
        let installed = folder.path().join("links");
        for made in [clone.join("bin"), installed.clone()] {
            std::fs::create_dir_all(&made).unwrap();
            std::fs::write(made.join(CONSUMER), "").unwrap();
        }
        let beside = script(CONSUMER, &clone, OsStr::new(""));
        assert_eq!(beside.as_deref(), Some("bin/kafka-console-consumer.sh"));
        let linked = script(CONSUMER, folder.path(), installed.as_os_str());
        assert_eq!(linked.as_deref(), Some(CONSUMER));
        assert_eq!(
            script(CONSUMER, folder.path(), OsStr::new("/nowhere")),
            None
        );
    }
}
