"""Where streams go: tables in memory, the console, topics, files of each format."""

import json

from support import create_topic, consume, equal, eventually, holds, part_files, produce, raises, values


def lines_of(world, name):
    """A stream of the lines of a folder's text files, and the folder."""
    folder = world.folder / name
    folder.mkdir()
    return world.spark.readStream.text(str(folder)), folder


def put(folder, name, *lines):
    """A file appears whole: it is written elsewhere and moved."""
    beside = folder.parent / f"{name}.tmp"
    beside.write_text("".join(f"{line}\n" for line in lines))
    beside.rename(folder / name)


def run_available(writer):
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    return query


def a_memory_sink_is_a_table_of_the_querys_name(world):
    stream, folder = lines_of(world, "in")
    put(folder, "one.txt", "a", "b")
    query = stream.writeStream.format("memory").queryName("lines").start()
    query.processAllAvailable()
    equal(values(world.spark.sql("select * from lines")), [("a",), ("b",)])
    put(folder, "two.txt", "c")
    query.processAllAvailable()
    equal(values(world.spark.table("lines")), [("a",), ("b",), ("c",)])
    query.stop()
    equal(world.spark.sql("select count(*) from lines").collect()[0][0], 3)


def a_complete_memory_sink_holds_the_newest_result(world):
    stream, folder = lines_of(world, "in")
    put(folder, "one.txt", "a", "b", "a")
    query = stream.groupBy("value").count().writeStream.format("memory").outputMode("complete") \
        .queryName("counts").start()
    query.processAllAvailable()
    put(folder, "two.txt", "a")
    query.processAllAvailable()
    equal(values(world.spark.table("counts")), [("a", 3), ("b", 1)])
    query.stop()


def a_console_sink_prints_batches_in_the_servers_output(world):
    stream, folder = lines_of(world, "in")
    put(folder, "one.txt", "a line for the console")
    run_available(stream.writeStream.format("console").option("truncate", False))
    holds("-------------------------------------------\nBatch: 0\n-------------------------------------------\n"
          "+----------------------+\n|value                 |\n+----------------------+\n|a line for the console|\n"
          in world.server.log(), "the batch is not in the server's output")


def a_kafka_sink_sends_key_value_partition_and_headers(world):
    create_topic(world.server, "sink-rows", 3)
    stream, folder = lines_of(world, "in")
    put(folder, "one.txt", *(f"k{n},v{n}" for n in range(30)))
    rows = stream.selectExpr("split(value, ',')[0] as key", "split(value, ',')[1] as value",
                             "cast(substr(split(value, ',')[0], 2) as int) % 3 as partition",
                             "array(named_struct('key', 'h', 'value', cast(value as binary))) as headers")
    run_available(rows.writeStream.format("kafka").option("kafka.bootstrap.servers", world.server.bootstrap)
                  .option("topic", "sink-rows").option("includeHeaders", "true")
                  .option("checkpointLocation", str(world.folder / "checkpoint")))
    found = sorted((key.decode(), value.decode(), partition)
                   for key, value, partition, _ in consume(world.server, "sink-rows"))
    equal(found, sorted((f"k{n}", f"v{n}", n % 3) for n in range(30)))
    read = world.spark.read.format("kafka").option("kafka.bootstrap.servers", world.server.bootstrap) \
        .option("subscribe", "sink-rows").option("includeHeaders", "true").load()
    header = read.where("cast(key as string) = 'k7'").selectExpr("headers[0].key", "cast(headers[0].value as string)")
    equal(values(header), [("h", "k7,v7")])


def a_kafka_sink_takes_the_topic_from_a_column(world):
    for topic in ("sink-even", "sink-odd"):
        create_topic(world.server, topic)
    stream, folder = lines_of(world, "in")
    put(folder, "one.txt", *(str(n) for n in range(10)))
    rows = stream.selectExpr("value", "if(cast(value as int) % 2 = 0, 'sink-even', 'sink-odd') as topic")
    run_available(rows.writeStream.format("kafka").option("kafka.bootstrap.servers", world.server.bootstrap)
                  .option("checkpointLocation", str(world.folder / "checkpoint")))
    equal([value for _, value, _, _ in consume(world.server, "sink-odd")], [b"1", b"3", b"5", b"7", b"9"])


def files_flow_from_folder_to_folder(world):
    source, sink = world.folder / "in", world.folder / "out"
    source.mkdir()
    put(source, "one.json", *(json.dumps({"id": n, "name": f"n{n}"}) for n in range(3)))
    stream = world.spark.readStream.schema("id bigint, name string").json(str(source))
    write = stream.where("id != 1").writeStream.format("parquet").option("path", str(sink)) \
        .option("checkpointLocation", str(world.folder / "checkpoint"))
    run_available(write)
    put(source, "two.json", json.dumps({"id": 9, "name": "n9"}))
    run_available(write)
    run_available(write)
    equal(len(part_files(sink)), 2)
    equal(values(world.spark.read.parquet(str(sink))), [(0, "n0"), (2, "n2"), (9, "n9")])


def check_format(world, name, suffix, columns, expected, **options):
    """Two batches of rows as files of a format, read back by Fleuve and looked at as text."""
    source, sink = world.folder / "in", world.folder / "out"
    source.mkdir()
    stream = world.spark.readStream.schema("id bigint, name string").json(str(source)).selectExpr(*columns)
    write = stream.writeStream.format(name).option("checkpointLocation", str(world.folder / "checkpoint"))
    for key, value in options.items():
        write = write.option(key, value)
    for batch in range(2):
        put(source, f"{batch}.json", *(json.dumps({"id": n, "name": f'n "{n}"'}) for n in range(batch, batch + 2)))
        query = write.trigger(availableNow=True).start(str(sink))
        query.awaitTermination()
    files = part_files(sink)
    equal(len(files), 2)
    holds(all(file.endswith(suffix) and file.startswith("part-00000-") for file in files), str(files))
    texts = sorted((sink / file).read_text() for file in files)
    equal(texts, expected)
    return sink


def a_json_sink_writes_a_line_a_row(world):
    sink = check_format(world, "json", "-c000.json", ["id", "name", "cast(null as string) as none"], [
        '{"id":0,"name":"n \\"0\\""}\n{"id":1,"name":"n \\"1\\""}\n',
        '{"id":1,"name":"n \\"1\\""}\n{"id":2,"name":"n \\"2\\""}\n'])
    equal(values(world.spark.read.json(str(sink)).select("id")), [(0,), (1,), (1,), (2,)])


def a_csv_sink_writes_a_header_into_each_file(world):
    from checks_programs import not_there_yet
    from pyspark.errors import PySparkException
    try:
        check_csv(world)
    except PySparkException as error:
        raise not_there_yet(error) from error


def check_csv(world):
    check_format(world, "csv", "-c000.csv", ["id", "name"], [
        'id,name\n0,"n \\"0\\""\n1,"n \\"1\\""\n', 'id,name\n1,"n \\"1\\""\n2,"n \\"2\\""\n'], header="true")


def a_text_sink_writes_one_column(world):
    check_format(world, "text", "-c000.txt", ["name"], ['n "0"\nn "1"\n', 'n "1"\nn "2"\n'])


def partitioned_files_lie_in_their_folders(world):
    for name in ("parquet", "json"):
        source, sink = world.folder / f"in-{name}", world.folder / f"out-{name}"
        source.mkdir()
        put(source, "rows.json", *(json.dumps({"id": n, "name": f"n/{n % 2}"}) for n in range(4)))
        stream = world.spark.readStream.schema("id bigint, name string").json(str(source))
        write = stream.writeStream.format(name).partitionBy("name") \
            .option("checkpointLocation", str(world.folder / f"checkpoint-{name}"))
        query = write.trigger(availableNow=True).start(str(sink))
        query.awaitTermination()
        equal(sorted({file.split("/")[0] for file in part_files(sink)}), ["name=n%2F0", "name=n%2F1"])
        read = world.spark.read.schema("id bigint, name string").format(name).load(str(sink))
        equal(values(read), [(n, f"n/{n % 2}") for n in range(4)])


def streams_go_into_tables_and_come_from_them(world):
    stream, folder = lines_of(world, "in")
    put(folder, "one.txt", "a", "b")
    write = stream.writeStream.option("checkpointLocation", str(world.folder / "checkpoint")).format("parquet")
    query = write.trigger(availableNow=True).toTable("streamed_lines")
    query.awaitTermination()
    equal(values(world.spark.table("streamed_lines")), [("a",), ("b",)])
    put(folder, "two.txt", "c")
    write.trigger(availableNow=True).toTable("streamed_lines").awaitTermination()
    again = world.spark.readStream.table("streamed_lines")
    query = again.writeStream.format("memory").queryName("from_table").trigger(availableNow=True).start()
    query.awaitTermination()
    equal(values(world.spark.table("from_table")), [("a",), ("b",), ("c",)])
    world.spark.sql("drop table streamed_lines")


def python_functions_are_refused_by_name(world):
    from pyspark.errors import PySparkException
    stream, _ = lines_of(world, "in")
    raises(PySparkException, "foreachBatch", lambda: stream.writeStream.foreachBatch(lambda rows, batch: None).start())
    raises(PySparkException, "foreach", lambda: stream.writeStream.foreach(lambda row: None).start())

    def start(rows):
        return rows.writeStream.format("noop").outputMode("update").start()

    by_value = stream.groupBy("value")
    raises(PySparkException, "group_map", lambda: start(by_value.applyInPandas(lambda rows: rows, "value string")))
    raises(PySparkException, "apply_in_pandas_with_state", lambda: start(by_value.applyInPandasWithState(
        lambda key, rows, state: rows, "value string", "n long", "update", "NoTimeout")))
    raises(PySparkException, "map_partitions", lambda: start(stream.mapInPandas(lambda rows: rows, "value string")))


def windows_and_joins_not_done_yet_are_refused_by_name(world):
    from pyspark.errors import PySparkException
    from pyspark.sql import functions as sf
    rows = world.spark.readStream.format("rate").load().withWatermark("timestamp", "5 seconds")
    raises(PySparkException, "session_window", lambda: rows.groupBy(sf.session_window("timestamp", "5 seconds"))
           .count().writeStream.format("noop").start())
    joined = rows.alias("a").join(rows.alias("b"), sf.expr("a.value = b.value"))
    raises(PySparkException, "Joins between two streaming DataFrames/Datasets",
           lambda: joined.writeStream.format("noop").start())


def unknown_sinks_are_refused(world):
    from pyspark.errors import PySparkException
    stream, _ = lines_of(world, "in")
    raises(PySparkException, "DATA_SOURCE_NOT_FOUND", lambda: stream.writeStream.format("no-such-sink")
           .option("checkpointLocation", str(world.folder / "checkpoint")).start())
    raises(PySparkException, "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE", lambda: stream.groupBy("value").count()
           .writeStream.outputMode("complete").format("parquet")
           .option("checkpointLocation", str(world.folder / "checkpoint")).start(str(world.folder / "out")))


CHECKS = [a_memory_sink_is_a_table_of_the_querys_name, a_complete_memory_sink_holds_the_newest_result,
          a_console_sink_prints_batches_in_the_servers_output, a_kafka_sink_sends_key_value_partition_and_headers,
          a_kafka_sink_takes_the_topic_from_a_column, files_flow_from_folder_to_folder,
          a_json_sink_writes_a_line_a_row, a_csv_sink_writes_a_header_into_each_file, a_text_sink_writes_one_column,
          partitioned_files_lie_in_their_folders, streams_go_into_tables_and_come_from_them,
          python_functions_are_refused_by_name, windows_and_joins_not_done_yet_are_refused_by_name,
          unknown_sinks_are_refused]
