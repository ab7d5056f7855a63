"""What a program learns of its queries, how it stops them, and how it hears of their failures."""

import threading
import time

from checks_sinks import lines_of, put
from support import create_topic, equal, eventually, holds, produce, raises, values

DURATIONS = {"addBatch", "commitOffsets", "getBatch", "latestOffset", "queryPlanning", "triggerExecution", "walCommit"}


def a_query_tells_what_it_does(world):
    create_topic(world.server, "told", 2)
    produce(world.server, "told", [str(n) for n in range(10)])
    stream = world.spark.readStream.format("kafka").option("kafka.bootstrap.servers", world.server.bootstrap) \
        .option("subscribe", "told").option("startingOffsets", "earliest").load()
    query = stream.writeStream.format("memory").queryName("told").start()
    equal(query.name, "told")
    query.processAllAvailable()
    holds(query.isActive, "the query is not active")
    eventually(lambda: query.status["message"] == "Waiting for data to arrive", "an idle query waits")
    equal(query.status, {"message": "Waiting for data to arrive", "isDataAvailable": False, "isTriggerActive": False})
    produce(world.server, "told", ["more"])
    query.processAllAvailable()
    progress = query.lastProgress
    equal(str(progress["id"]), str(query.id))
    equal(str(progress["runId"]), str(query.runId))
    equal((progress["name"], progress["batchId"]), ("told", 1))
    equal(set(progress["durationMs"]), DURATIONS)
    source = progress["sources"][0]
    equal(source["description"], "KafkaV2[Subscribe[told]]")
    equal(sum(eval(source["endOffset"])["told"].values()), 11)
    equal(sum(eval(source["startOffset"])["told"].values()), 10)
    equal(progress["sink"]["description"], "MemorySink")
    equal(progress["sink"]["numOutputRows"], 1)
    equal(rows_read(query), [10, 1])
    equal(query.exception(), None)
    holds("MicroBatchScan" in capture(query.explain), "the plan is not explained")
    query.stop()
    equal(query.isActive, False)
    equal(query.status["message"], "Stopped")
    equal(query.awaitTermination(1), True)


def rows_read(query):
    """By batch. Spark counts them by source here, and in sum only for listeners."""
    return [report["sources"][0]["numInputRows"] for report in query.recentProgress]


def capture(action):
    import contextlib
    import io
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        action()
    return out.getvalue()


def waiting_ends_with_the_time_or_with_the_query(world):
    stream, folder = lines_of(world, "in")
    query = stream.writeStream.format("noop").start()
    equal(query.awaitTermination(1), False)
    stopper = threading.Timer(0.5, query.stop)
    stopper.start()
    equal(query.awaitTermination(30), True)
    stopper.join()


def triggers_run_when_they_say(world):
    stream, folder = lines_of(world, "in")
    put(folder, "a.txt", "a")
    put(folder, "b.txt", "b")
    limited = world.spark.readStream.option("maxFilesPerTrigger", 1).text(str(folder))

    def write(name):
        return limited.writeStream.format("memory").queryName(name)

    once = write("once").trigger(once=True).start()
    equal(once.awaitTermination(30), True)
    equal(len(once.recentProgress), 1)
    equal(values(world.spark.table("once")), [("a",), ("b",)])
    available = write("available").trigger(availableNow=True).start()
    equal(available.awaitTermination(30), True)
    equal(rows_read(available), [1, 1])
    paced = write("paced").trigger(processingTime="1 second").start()
    eventually(lambda: len(paced.recentProgress) == 2, "two batches of one file each")
    first, second = (int(report["timestamp"].replace(":", ".").split(".")[2]) for report in paced.recentProgress)
    equal((second - first) % 60, 1)
    equal(paced.recentProgress[1]["timestamp"].endswith("Z"), True)
    paced.stop()


def the_sessions_queries_are_listed_and_awaited(world):
    streams = world.spark.streams
    streams.resetTerminated()
    equal(streams.active, [])
    stream, _ = lines_of(world, "in")
    one = stream.writeStream.format("noop").queryName("one").start()
    two = stream.writeStream.format("noop").queryName("two").start()
    equal(sorted(query.name for query in streams.active), ["one", "two"])
    equal(streams.get(one.id).name, "one")
    equal(streams.awaitAnyTermination(1), False)
    two.stop()
    equal(streams.awaitAnyTermination(30), True)
    equal([query.name for query in streams.active], ["one"])
    equal(streams.get(two.id), None)
    streams.resetTerminated()
    equal(streams.awaitAnyTermination(1), False)
    from pyspark.errors import PySparkException
    raises(PySparkException, "Cannot start query with name one as a query with that name is already active",
           lambda: stream.writeStream.format("noop").queryName("one").start())
    one.stop()
    streams.resetTerminated()


def a_failing_query_raises_what_pyspark_users_know(world):
    from pyspark.errors import StreamingQueryException
    stream, folder = lines_of(world, "in")
    put(folder, "one.txt", "12", "no number")
    query = stream.selectExpr("cast(value as int) as n").writeStream.format("memory").queryName("failing").start()
    error = raises(StreamingQueryException, "CAST_INVALID_INPUT", lambda: query.awaitTermination(30))
    equal(error.getCondition(), "STREAM_FAILED")
    holds(f"[STREAM_FAILED] Query [id = {query.id}, runId = {query.runId}] terminated with exception: "
          in str(error), str(error))
    equal(query.isActive, False)
    holds("CAST_INVALID_INPUT" in str(query.exception()), str(query.exception()))
    holds(query.status["message"].startswith("Terminated with exception:"), query.status["message"])
    raises(StreamingQueryException, "CAST_INVALID_INPUT", lambda: world.spark.streams.awaitAnyTermination(30))
    raises(StreamingQueryException, "CAST_INVALID_INPUT", query.processAllAvailable)
    world.spark.streams.resetTerminated()


def an_unknown_topic_fails_the_query(world):
    from pyspark.errors import StreamingQueryException
    stream = world.spark.readStream.format("kafka").option("kafka.bootstrap.servers", world.server.bootstrap) \
        .option("subscribe", "no-such-topic").load()
    query = stream.writeStream.format("noop").start()
    raises(StreamingQueryException, "no-such-topic", lambda: query.awaitTermination(30))
    world.spark.streams.resetTerminated()


def a_broker_out_of_reach_fails_the_query(world):
    from pyspark.errors import StreamingQueryException
    stream = world.spark.readStream.format("kafka").option("kafka.bootstrap.servers", "127.0.0.1:1") \
        .option("kafka.default.api.timeout.ms", "2000").option("kafka.request.timeout.ms", "1000") \
        .option("subscribe", "any").load()
    query = stream.writeStream.format("noop").start()
    raises(StreamingQueryException, "127.0.0.1:1", lambda: query.awaitTermination(60))
    world.spark.streams.resetTerminated()


def a_checkpoint_has_one_run(world):
    stream, folder = lines_of(world, "in")
    put(folder, "one.txt", "a")
    write = stream.writeStream.format("parquet").option("checkpointLocation", str(world.folder / "checkpoint"))
    first = write.start(str(world.folder / "out"))
    first.processAllAvailable()
    second = write.start(str(world.folder / "out"))
    equal((first.isActive, second.isActive), (False, True))
    equal(str(first.id), str(second.id))
    holds(str(first.runId) != str(second.runId), "both runs have one id")
    second.stop()


def batches_and_streams_are_not_mixed_up(world):
    from pyspark.errors import AnalysisException
    stream, _ = lines_of(world, "in")
    raises(AnalysisException, "Queries with streaming sources must be executed with writeStream.start()",
           stream.collect)
    raises(AnalysisException, "WRITE_STREAM_NOT_ALLOWED",
           lambda: world.spark.range(3).writeStream.format("noop").start())
    equal((stream.isStreaming, world.spark.range(3).isStreaming), (True, False))


def a_listener_hears_of_start_progress_and_end(world):
    from pyspark.sql.streaming.listener import StreamingQueryListener
    heard = []

    class Listener(StreamingQueryListener):
        def onQueryStarted(self, event):
            heard.append(("started", event.name))

        def onQueryProgress(self, event):
            heard.append(("progress", event.progress.numInputRows))

        def onQueryIdle(self, event):
            pass

        def onQueryTerminated(self, event):
            heard.append(("terminated", event.exception))

    listener = Listener()
    world.spark.streams.addListener(listener)
    try:
        stream, folder = lines_of(world, "in")
        put(folder, "one.txt", "a", "b")
        query = stream.writeStream.format("noop").queryName("heard").trigger(availableNow=True).start()
        query.awaitTermination(30)
        eventually(lambda: len(heard) == 3, f"three events, not {heard}", 10)
        equal(heard, [("started", "heard"), ("progress", 2), ("terminated", None)])
    finally:
        world.spark.streams.removeListener(listener)


CHECKS = [a_query_tells_what_it_does, waiting_ends_with_the_time_or_with_the_query, triggers_run_when_they_say,
          the_sessions_queries_are_listed_and_awaited, a_failing_query_raises_what_pyspark_users_know,
          an_unknown_topic_fails_the_query, a_broker_out_of_reach_fails_the_query, a_checkpoint_has_one_run,
          batches_and_streams_are_not_mixed_up, a_listener_hears_of_start_progress_and_end]
