"""Spark's own clients as users of Fleuve: data frames, SQL, errors, settings, interruption, the taxi trips' batch program.

Needs a binary that was built with the feature `spark` (the default); a server without Spark Connect is skipped aloud.
`--remote sc://host:port` runs the checks of one client against a server that is there already, Apache Spark for instance;
`--basics` leaves out what clients before 4.2 do otherwise. Other versions of the client have environments of their own in
the folder of peers (`spark`, `spark-client-4.0`, `spark-client-3.5`), which `cargo xtask peers` makes; one that is not there is
skipped aloud.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import differential
import scala_client
import w6

CHECKS, BASICS = [], set()
# Environment, what is installed in it, and whether it has all that the checks use.
CLIENTS = [("spark", "pyspark[connect]==4.3.0", True),
           ("spark-client-4.0", "pyspark-client==4.0.4", False),
           ("spark-client-3.5", "pyspark[connect]==3.5.9", False)]
CLIENT_SECONDS = 300
failures = 0


def check(function):
    CHECKS.append(function)
    return function


def basic(function):
    """A check that clients since 3.5 pass."""
    BASICS.add(function)
    return check(function)


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} instead of {expected!r}")


@basic
def shows_a_range(spark):
    shown = spark.range(3)._show_string(20, True, False)
    equal(shown, "+---+\n| id|\n+---+\n|  0|\n|  1|\n|  2|\n+---+\n")


@basic
def answers_sql_with_arguments(spark):
    rows = spark.sql("select :a + 1 as b, 'x' as c", args={"a": 41}).collect()
    equal([tuple(row) for row in rows], [(42, "x")])


@basic
def brings_local_rows_back_as_pandas(spark):
    frame = spark.createDataFrame([(1, "a"), (2, None)], ["x", "y"]).toPandas()
    equal(frame["x"].tolist(), [1, 2])
    equal(frame["y"].tolist(), ["a", None])


@check
def caches_large_local_relations(spark):
    import pandas
    frame = spark.createDataFrame(pandas.DataFrame({"n": range(200_000), "s": ["0123456789"] * 200_000}))
    equal(frame.count(), 200_000)


@basic
def groups_filters_and_sorts(spark):
    from pyspark.sql import functions as F
    grouped = spark.range(100).groupBy((F.col("id") % 3).alias("r")).agg(F.sum("id").alias("s")).orderBy("r")
    equal([tuple(row) for row in grouped.collect()], [(0, 1683), (1, 1617), (2, 1650)])


@basic
def joins_views_by_name(spark):
    spark.range(5).createOrReplaceTempView("numbers")
    rows = spark.sql("select a.id from numbers a join numbers b on a.id = b.id + 3 order by 1").collect()
    equal([row.id for row in rows], [3, 4])


@check
def raises_the_exception_that_spark_raises(spark):
    from pyspark.errors import AnalysisException, ArithmeticException
    try:
        spark.sql("select nope").collect()
    except AnalysisException as error:
        equal(error.getCondition(), "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION")
        equal(error.getSqlState(), "42703")
    else:
        raise AssertionError("no error")
    try:
        spark.sql("select 1 / 0").collect()
    except ArithmeticException as error:
        equal(error.getCondition(), "DIVIDE_BY_ZERO")
    else:
        raise AssertionError("no error")


@basic
def keeps_settings(spark):
    spark.conf.set("spark.sql.shuffle.partitions", "7")
    equal(spark.conf.get("spark.sql.shuffle.partitions"), "7")
    spark.conf.unset("spark.sql.shuffle.partitions")
    equal(spark.conf.get("spark.sql.shuffle.partitions"), "200")
    equal(spark.conf.get("no.such.key", "default"), "default")


@basic
def interrupts_a_query_by_tag(spark):
    from pyspark.errors import PySparkException
    outcome = []

    def run():
        spark.addTag("endless")
        try:
            outcome.append(spark.sql("select count(*) from range(1000000000) a, range(1000000000) b").collect())
        except PySparkException as error:
            # Clients before 4.0 have the class in the text only.
            outcome.append("OPERATION_CANCELED" if "[OPERATION_CANCELED]" in str(error) else str(error))

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 30
    while not spark.interruptTag("endless") and time.monotonic() < deadline:
        time.sleep(0.05)
    started = time.monotonic()
    thread.join(30)
    equal(outcome, ["OPERATION_CANCELED"])
    if time.monotonic() - started > 5:
        raise AssertionError("the query took seconds to stop")


@check
def takes_artifacts(spark):
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write("x = 1\n")
        file.flush()
        spark.addArtifact(file.name, pyfile=True)


@check
def refuses_python_functions_by_name(spark):
    from pyspark.errors import PySparkException
    from pyspark.sql.functions import udf
    try:
        spark.range(1).select(udf(lambda n: n, "long")("id")).collect()
    except PySparkException as error:
        if "UNSUPPORTED_FEATURE" not in str(error):
            raise
    else:
        raise AssertionError("a Python function ran")


def data_frames_answer_as_spark_did(spark):
    """The cases of `differential`: columns, nullability, rows and error classes that Apache Spark has given."""
    known = set(differential.KNOWN_FRAMES.read_text().splitlines())
    zone = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", differential.TIME_ZONE)
    cases = [(case, told) for path in differential.frame_files() for kind, case, told in differential.read(path)
             if kind == "case"]
    found = {case for case, told in cases
             if [line.rstrip() for line in differential.ask(spark, case, is_sql=False)] != told}
    spark.conf.set("spark.sql.session.timeZone", zone)
    equal(sorted(found - known), [])
    equal(sorted(known - found), [])


def session(remote):
    from pyspark.sql import SparkSession
    return SparkSession.builder.remote(remote).appName("compat").getOrCreate()


def wanted(name):
    return os.environ.get("COMPAT_ONLY", "") in name


def say(outcome, name, detail=""):
    global failures
    failures += outcome == "FAILED"
    print(f"{outcome} {name}{': ' if detail else ''}{detail}", flush=True)


def run_checks(remote, basics=False, prefix=""):
    spark = session(remote)
    # One client's answers are enough: all send the same plans.
    checks = CHECKS if prefix else [*CHECKS, data_frames_answer_as_spark_did]
    for function in checks:
        name = prefix + function.__name__
        if not wanted(name) or (basics and function not in BASICS):
            continue
        try:
            function(spark)
        except Exception as error:  # one failed check must not hide the others
            say("FAILED", name, " ".join(f"{type(error).__name__}: {error}".split())[:300])
        else:
            say("ok", name)
    spark.stop()


def run_other_clients(remote):
    peers = Path(os.environ.get("FLEUVE_PEERS", Path.home() / ".cache/fleuve/peers"))
    for name, package, whole in CLIENTS:
        check_name = f"client_{package}"
        if not wanted(check_name) and not any(wanted(f"{package} {one.__name__}") for one in CHECKS):
            continue
        python = peers / name / "bin/python"
        if not (peers / name / "installed-requirements").exists():
            say("SKIPPED", check_name, f"no environment at {peers / name}; `cargo xtask peers` makes one")
            continue
        command = [str(python), __file__, "--remote", remote, "--prefix", f"{package} "]
        command += [] if whole else ["--basics"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SPARK_")}
        done = subprocess.run(command, capture_output=True, text=True, timeout=CLIENT_SECONDS, env=environment)
        lines = [line for line in done.stdout.splitlines() if line.startswith(("ok ", "FAILED ", "SKIPPED "))]
        for line in lines:
            outcome, rest = line.split(" ", 1)
            say(outcome, rest)
        if done.returncode and not any(line.startswith("FAILED") for line in lines):
            say("FAILED", check_name, " ".join(done.stderr.split())[-300:])


def run_programs(folder, remote, bootstrap):
    programs = [("w6_batch_is_equal_on_both_engines", lambda sub: w6.compare(sub, remote, bootstrap)),
                ("w6_batch_runs_in_scala",
                 lambda sub: scala_client.check(sub, remote, bootstrap, w6.create_topics, w6.trips))]
    for name, program in programs:
        if not wanted(name):
            continue
        sub = Path(folder, name)
        sub.mkdir()
        try:
            outcome, detail = program(sub)
        except Exception as error:  # one failed program must not hide the other
            outcome, detail = "FAILED", " ".join(f"{type(error).__name__}: {error}".split())[:800]
        say(outcome, name, detail)


def serve(folder):
    """A server of its own; its process and where Spark Connect listens, if it does."""
    ready = Path(folder, "ready.json")
    properties = Path(folder, "server.properties")
    properties.write_text(f"listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs={folder}/data\n"
                          "offsets.topic.replication.factor=1\n"
                          "spark.connect.grpc.binding.port=0\n")
    command = [os.environ["FLEUVE_BIN"], "server", str(properties), "--ready-file", str(ready)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if not ready.exists():
        process.kill()
        return process, {}, process.stderr.read().strip()
    return process, json.loads(ready.read_text()), ""


def skip(why):
    for function in CHECKS:
        say("SKIPPED", function.__name__, why)


def run_all(folder):
    process, addresses, why = serve(folder)
    address = addresses.get("spark_connect")
    try:
        if address is None and "no Spark Connect" in why:
            return skip("this binary was built without Spark Connect")
        if address is None:
            raise SystemExit(f"FAILED start: {why or 'the server named no Spark Connect address'}")
        remote = f"sc://{address}"
        run_checks(remote)
        # Both wait for processes of others most of the time, so they wait together.
        with ThreadPoolExecutor() as pool:
            others = [pool.submit(run_other_clients, remote),
                      pool.submit(run_programs, folder, remote, addresses["kafka"].rsplit("//", 1)[-1])]
        for other in others:
            other.result()
    finally:
        process.terminate()
        process.wait(20)


def main():
    try:
        import pyspark.sql.connect.client  # noqa: F401
    except ImportError as error:
        return skip(f"pyspark-client is not installed ({error})")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--remote")
    parser.add_argument("--basics", action="store_true")
    parser.add_argument("--prefix", default="")
    arguments = parser.parse_args()
    if arguments.remote:
        return run_checks(arguments.remote, arguments.basics, arguments.prefix)
    with tempfile.TemporaryDirectory() as folder:
        run_all(folder)


if __name__ == "__main__":
    main()
    sys.exit(1 if failures else 0)
