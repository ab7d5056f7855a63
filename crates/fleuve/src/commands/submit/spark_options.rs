//! The options of Spark's own `spark-submit`, and what each means here.
//!
//! Always true: an option either does here what it does in Spark, or is named as ignored, or is refused by name.

/// What an option does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// What it does in Spark.
    Taken,
    /// Nothing, and that is said with this reason.
    Ignored(&'static str),
    /// The whole command line is refused, with this reason.
    Refused(&'static str),
}

/// One option.
#[derive(Debug)]
pub(super) struct SparkOption {
    /// Its long name, then others.
    pub names: &'static [&'static str],
    pub takes_value: bool,
    pub effect: Effect,
}

const IN_SERVER: &str = "the program runs here, its queries in the server";
const NO_JVM: &str = "no Java runs here; the Kafka source and sink are built in";
const ONE_PROCESS: &str = "one server does it all, with what the machine has";
const FILES_STAY: &str = "programs find files where they are";
const NO_CLUSTER: &str = "there is no cluster of Spark's to ask";
const NO_KERBEROS: &str = "a server is entered with a token: --remote 'sc://HOST:PORT/;token=...'";

const fn taken(names: &'static [&'static str], takes_value: bool) -> SparkOption {
    SparkOption {
        names,
        takes_value,
        effect: Effect::Taken,
    }
}

const fn ignored(name: &'static [&'static str], why: &'static str) -> SparkOption {
    SparkOption {
        names: name,
        takes_value: true,
        effect: Effect::Ignored(why),
    }
}

const fn ignored_switch(name: &'static [&'static str], why: &'static str) -> SparkOption {
    SparkOption {
        names: name,
        takes_value: false,
        effect: Effect::Ignored(why),
    }
}

const fn refused(name: &'static [&'static str], why: &'static str) -> SparkOption {
    SparkOption {
        names: name,
        takes_value: true,
        effect: Effect::Refused(why),
    }
}

/// Every option of Spark 4.3's `spark-submit`, and `--lenient`, which is ours.
const OPTIONS: &[SparkOption] = &[
    taken(&["--remote"], true),
    taken(&["--conf", "-c"], true),
    taken(&["--properties-file"], true),
    taken(&["--py-files"], true),
    taken(&["--verbose", "-v"], false),
    taken(&["--version"], false),
    taken(&["--help", "-h"], false),
    taken(&["--usage-error"], false),
    taken(&["--lenient"], false),
    ignored(&["--master"], IN_SERVER),
    ignored(&["--deploy-mode"], IN_SERVER),
    ignored(
        &["--name"],
        "over Spark Connect the name is the program's appName",
    ),
    ignored(&["--class"], "a Python program has no main class"),
    ignored(&["--packages"], NO_JVM),
    ignored(&["--exclude-packages"], NO_JVM),
    ignored(&["--repositories"], NO_JVM),
    ignored(&["--jars"], NO_JVM),
    ignored(&["--driver-java-options"], NO_JVM),
    ignored(&["--driver-library-path"], NO_JVM),
    ignored(&["--driver-class-path"], NO_JVM),
    ignored(&["--files"], FILES_STAY),
    ignored(&["--archives"], FILES_STAY),
    ignored(&["--driver-memory"], ONE_PROCESS),
    ignored(&["--driver-cores"], ONE_PROCESS),
    ignored(&["--executor-memory"], ONE_PROCESS),
    ignored(&["--executor-cores"], ONE_PROCESS),
    ignored(&["--total-executor-cores"], ONE_PROCESS),
    ignored(&["--num-executors"], ONE_PROCESS),
    ignored(&["--queue"], ONE_PROCESS),
    ignored_switch(&["--supervise"], ONE_PROCESS),
    ignored_switch(
        &["--load-spark-defaults"],
        "there is no installation of Spark to have defaults",
    ),
    refused(&["--kill"], NO_CLUSTER),
    refused(&["--status"], NO_CLUSTER),
    refused(&["--proxy-user"], NO_KERBEROS),
    refused(&["--principal"], NO_KERBEROS),
    refused(&["--keytab"], NO_KERBEROS),
];

/// The option of that name.
pub(super) fn find(name: &str) -> Option<&'static SparkOption> {
    OPTIONS.iter().find(|option| option.names.contains(&name))
}

/// What `--help` says.
pub(super) fn usage() -> String {
    let names = |wanted: fn(&Effect) -> bool| {
        let wanted = OPTIONS.iter().filter(|option| wanted(&option.effect));
        let names: Vec<_> = wanted.map(|option| option.names[0]).collect();
        names
            .chunks(5)
            .map(|row| row.join(" "))
            .collect::<Vec<_>>()
            .join("\n  ")
    };
    format!(
        "\
Usage: spark-submit [options] <python file> [app arguments]

Runs a PySpark program over Spark Connect. The program sees SPARK_REMOTE; its exit code is this one's.

Options:
  --remote CONNECT_URL        The server, as sc://host:port. By default that of SPARK_REMOTE, else
                              sc://localhost:15002 if one answers there, else one that is started for
                              the program and ends with it.
  --conf, -c PROP=VALUE       A setting; PySpark hands over those that begin with spark.sql.
  --properties-file FILE      A file of settings.
  --py-files PY_FILES         Comma-separated .zip, .egg and .py files for the program's PYTHONPATH.
  --lenient                   Lets lines of the program pass that speak to a Spark in its own process,
                              such as .master(\"local[*]\"), each named once. Not an option of Spark's.
  --verbose, -v               Says what is run.
  --help, -h                  Shows this.
  --version                   Shows the versions.

Taken and named as ignored, for a server needs none of them:
  {}
Refused: {}

PYSPARK_DRIVER_PYTHON or PYSPARK_PYTHON names the Python, by default python3. A jar or an R file is refused.
",
        names(|effect| matches!(effect, Effect::Ignored(_))),
        names(|effect| matches!(effect, Effect::Refused(_))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_there_once_and_in_the_help() {
        let usage = usage();
        let mut names: Vec<_> = OPTIONS.iter().flat_map(|option| option.names).collect();
        let count = names.len();
        for name in names.iter().filter(|name| **name != &"--usage-error") {
            assert!(usage.contains(**name), "{name} is not in the help");
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
