"""PySpark's own client as a user of Fleuve: data frames, SQL, errors, settings, interruption.

Needs a binary that was built with the feature `spark` (the default); a server without Spark Connect is skipped aloud.
`--remote sc://host:port` runs against a server that is there already, Apache Spark for instance.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CHECKS = []
failures = 0


def check(function):
    CHECKS.append(function)
    return function


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} instead of {expected!r}")


@check
def shows_a_range(spark):
    shown = spark.range(3)._show_string(20, True, False)
    equal(shown, "+---+\n| id|\n+---+\n|  0|\n|  1|\n|  2|\n+---+\n")


@check
def answers_sql_with_arguments(spark):
    rows = spark.sql("select :a + 1 as b, 'x' as c", args={"a": 41}).collect()
    equal([tuple(row) for row in rows], [(42, "x")])


@check
def brings_local_rows_back_as_pandas(spark):
    frame = spark.createDataFrame([(1, "a"), (2, None)], ["x", "y"]).toPandas()
    equal(frame["x"].tolist(), [1, 2])
    equal(frame["y"].tolist(), ["a", None])


@check
def caches_large_local_relations(spark):
    import pandas
    frame = spark.createDataFrame(pandas.DataFrame({"n": range(200_000), "s": ["0123456789"] * 200_000}))
    equal(frame.count(), 200_000)


@check
def groups_filters_and_sorts(spark):
    from pyspark.sql import functions as F
    grouped = spark.range(100).groupBy((F.col("id") % 3).alias("r")).agg(F.sum("id").alias("s")).orderBy("r")
    equal([tuple(row) for row in grouped.collect()], [(0, 1683), (1, 1617), (2, 1650)])


@check
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


@check
def keeps_settings(spark):
    spark.conf.set("spark.sql.shuffle.partitions", "7")
    equal(spark.conf.get("spark.sql.shuffle.partitions"), "7")
    spark.conf.unset("spark.sql.shuffle.partitions")
    equal(spark.conf.get("spark.sql.shuffle.partitions"), "200")
    equal(spark.conf.get("no.such.key", "default"), "default")


@check
def interrupts_a_query_by_tag(spark):
    from pyspark.errors import PySparkException
    outcome = []

    def run():
        spark.addTag("endless")
        try:
            outcome.append(spark.sql("select count(*) from range(1000000000) a, range(1000000000) b").collect())
        except PySparkException as error:
            outcome.append(error.getCondition())

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


def session(remote):
    from pyspark.sql import SparkSession
    return SparkSession.builder.remote(remote).appName("compat").getOrCreate()


def run_checks(remote):
    global failures
    spark = session(remote)
    for function in CHECKS:
        try:
            function(spark)
        except Exception as error:  # one failed check must not hide the others
            failures += 1
            text = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"FAILED {function.__name__}: {text[:300]}", flush=True)
        else:
            print(f"ok {function.__name__}", flush=True)
    spark.stop()


def serve(folder):
    """A server of its own; its process and where Spark Connect listens, if it does."""
    ready = Path(folder, "ready.json")
    properties = Path(folder, "server.properties")
    properties.write_text(f"listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs={folder}/data\n"
                          "spark.connect.grpc.binding.port=0\n")
    command = [os.environ["FLEUVE_BIN"], "server", str(properties), "--ready-file", str(ready)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if not ready.exists():
        process.kill()
        return process, None, process.stderr.read().strip()
    return process, json.loads(ready.read_text()).get("spark_connect"), ""


def skip(why):
    for function in CHECKS:
        print(f"SKIPPED {function.__name__}: {why}")


def main():
    try:
        import pyspark.sql.connect.client  # noqa: F401
    except ImportError as error:
        return skip(f"pyspark-client is not installed ({error})")
    if len(sys.argv) == 3 and sys.argv[1] == "--remote":
        return run_checks(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        process, address, why = serve(folder)
        try:
            if address is None and "no Spark Connect" in why:
                return skip("this binary was built without Spark Connect")
            if address is None:
                raise SystemExit(f"FAILED start: {why or 'the server named no Spark Connect address'}")
            run_checks(f"sc://{address}")
        finally:
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    main()
    sys.exit(1 if failures else 0)
