"""Streaming programs as data: `programs/*.py` give on our engine what they gave on Apache Spark, batch for batch.

What Apache Spark gave is in `programs/expected.json`; `python run.py --record` writes that file anew, with the Apache
Spark and its Kafka connector of the peers. A program has

    topics, topics_later   partitions by topic, made before the first and the second step
    steps                  for each run of the query what comes before it: records (topic, partition, key, value, and
                           perhaps milliseconds and headers), or files (name, content)
    sink                   format (parquet), options, partition_by, topic (of a topic), read (topics to look at after)
    stream(spark, kafka, folder)   the frame that is written; `kafka(topics, **options)` reads topics of the program

and `PREFIX` stands for what its topics' names begin with.
"""

import json
import time

from pyspark.errors import PySparkException
from support import HERE, Skip, create_topic, equal, produce

PROGRAMS = HERE / "programs"
EXPECTED = PROGRAMS / "expected.json"


def run_step(spark, source, bootstrap, prefix, folder):
    """Runs a program's query over what is there; what it wrote so far. Runs in whichever process has the session."""
    import decimal
    import json
    import os
    import sys

    def plain(value):
        if isinstance(value, (bytes, bytearray)):
            return bytes(value).hex()
        return str(value.normalize() if isinstance(value, decimal.Decimal) else value)

    def reader(topics):
        own = ",".join(prefix + topic for topic in topics.split(","))
        return {"kafka.bootstrap.servers": bootstrap, "subscribe": own}

    def kafka(topics="in", **options):
        given = {key: value.replace("PREFIX", prefix) for key, value in options.items()}
        every = {**reader(topics), "startingOffsets": "earliest", **given}
        if "assign" in given or "subscribePattern" in given:
            del every["subscribe"]
        return spark.readStream.format("kafka").options(**every).load()

    program = {}
    exec(source.replace("PREFIX", prefix), program)
    sink = program.get("sink", {})
    form, out = sink.get("format", "parquet"), os.path.join(folder, "out")
    frame = program["stream"](spark, kafka, os.path.join(folder, "in"))
    writer = frame.writeStream.format(form).option("checkpointLocation", os.path.join(folder, "checkpoint"))
    writer = writer.options(**sink.get("options", {})).partitionBy(*sink.get("partition_by", []))
    if form == "kafka":
        writer = writer.option("kafka.bootstrap.servers", bootstrap)
        writer = writer.option("topic", prefix + sink["topic"]) if "topic" in sink else writer
    else:
        writer = writer.option("path", out)
    query = writer.trigger(availableNow=True).start()
    error = None
    try:
        query.awaitTermination()
    except Exception as failure:
        error = failure.getCondition()
        print(f"{prefix}: {failure}", file=sys.stderr)
    batches = [[read["numInputRows"] for read in report["sources"]] for report in query.recentProgress]
    if form == "kafka":
        read = spark.read.format("kafka").options(**reader(sink.get("read", sink.get("topic"))), includeHeaders="true")
        rows = read.load().selectExpr("topic", "partition", "key", "value", "headers")
    elif not os.path.isdir(os.path.join(out, "_spark_metadata")):
        rows = None
    else:
        rows = spark.read.format(form).schema(frame.schema).options(**sink.get("options", {})).load(out)
    shown = [] if rows is None else [json.dumps(row.asDict(recursive=True), default=plain, sort_keys=True,
                                                ensure_ascii=False) for row in rows.collect()]
    return {"schema": frame.schema.simpleString(), "batches": batches, "error": error,
            "rows": sorted(row.replace(prefix, "") for row in shown)}


def run_program(path, server, folder, engine, run):
    """All steps of a program; `run` runs `run_step` with these arguments."""
    program, source, prefix = {}, path.read_text(), f"{path.stem}-{engine}-"
    exec(source, program)
    (folder / "in").mkdir(parents=True)
    results = []
    for number, step in enumerate(program["steps"]):
        for topic, partitions in program.get(("topics", "topics_later")[number] if number < 2 else "", {}).items():
            create_topic(server, prefix + topic, partitions)
        for item in step:
            if len(item) == 2:
                put_file(folder, *item)
            else:
                names = ("topic", "partition", "key", "value", "timestamp", "headers")
                record = {name: part for name, part in zip(names, item) if part is not None}
                produce(server, prefix + record.pop("topic"), [record])
        results.append(run(source=source, bootstrap=server.bootstrap, prefix=prefix, folder=str(folder)))
    return results


def put_file(folder, name, content):
    """Files come one after the other, and whole."""
    beside = folder / f"{name}.tmp"
    beside.write_text(content)
    time.sleep(0.01)
    beside.rename(folder / "in" / name)


def check_of(path):
    def check(world):
        if str(path.stem) not in expected():
            raise AssertionError("what Apache Spark gives is not recorded")
        try:
            results = run_program(path, world.server, world.folder, "ours", lambda **arguments:
                                  run_step(world.spark, **arguments))
        except PySparkException as error:
            raise not_there_yet(error) from error
        wanted = expected()[path.stem]
        for number, (ours, theirs) in enumerate(zip(results, wanted)):
            for what in ("error", "schema", "batches", "rows"):
                if ours[what] != theirs[what]:
                    raise AssertionError(f"step {number}, {what}: {difference(ours[what], theirs[what])}")
        equal(len(results), len(wanted))
    check.__name__ = f"program_{path.stem}"
    return check


def not_there_yet(error):
    """What is refused by name is said aloud; any other error is one."""
    refused = error.getCondition() in ("UNSUPPORTED_FEATURE", "DATA_SOURCE_NOT_FOUND")
    return Skip(f"not there yet: {' '.join(str(error).split())[:160]}") if refused else error


def difference(ours, theirs):
    if isinstance(ours, list) and isinstance(theirs, list) and ours and theirs and isinstance(theirs[0], str):
        return f"only ours {[row for row in ours if row not in theirs]}, only Apache Spark's " \
               f"{[row for row in theirs if row not in ours]}"
    return f"{ours!r} instead of {theirs!r}"


def expected():
    return json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}


def record(server, folder, only):
    """Runs the programs on Apache Spark and writes down what they give."""
    from checks_spark import Spark
    spark = Spark(folder)
    recorded, paths = expected(), sorted(PROGRAMS.glob("*.py"))
    try:
        for path in paths:
            if not any(word in path.stem for word in only.split(",")):
                continue
            try:
                recorded[path.stem] = run_program(path, server, folder / path.stem, "spark", lambda **arguments:
                                                  spark.run(run_step, **arguments))
            except AssertionError as error:
                print(f"FAILED {path.stem}: {error}", flush=True)
                continue
            print(f"recorded {path.stem}: {[len(step['rows']) for step in recorded[path.stem]]} rows", flush=True)
            kept = {path.stem: recorded[path.stem] for path in paths if path.stem in recorded}
            EXPECTED.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    finally:
        spark.stop()


CHECKS = [check_of(path) for path in sorted(PROGRAMS.glob("*.py"))]
