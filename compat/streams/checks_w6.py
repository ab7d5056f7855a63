"""A course's notebook on taxi trips, as `examples/` has it: program and notebook, by two versions of the client."""

import os
import subprocess
import sys
from pathlib import Path

from support import EXAMPLES, HERE, TRIPS, Skip, create_topic, equal, holds

TRIP_COUNT = 167
PARTITIONS = 8
# The program waits so long for a stream that never ends; courses say 30.
WAIT_SECONDS = 4


def w6_runs_as_a_program(world):
    check_program(world, sys.executable, "w6-client")


def w6_runs_by_pyspark_4_3(world):
    python = Path(os.environ.get("FLEUVE_PEERS", "/nonexistent"), "spark", "bin", "python")
    if not python.exists():
        raise Skip("pyspark 4.3 is not installed among the peers")
    check_program(world, python, "w6-43")


def w6_runs_as_a_notebook(world):
    try:
        import nbclient
        import nbformat
    except ImportError as error:
        raise Skip(f"nbclient is not installed ({error})") from error
    create_topic(world.server, "w6-notebook", PARTITIONS)
    notebook = nbformat.read(EXAMPLES / "trips.ipynb", as_version=4)
    settings = {"SPARK_REMOTE": world.server.remote, "FLEUVE_BOOTSTRAP_SERVER": world.server.bootstrap,
                "TOPIC": "w6-notebook", "FOLDER": str(world.folder), "WAIT_SECONDS": str(WAIT_SECONDS)}
    stream = next(cell for cell in notebook.cells if "streamingtripdata" in cell.source and "print" in cell.source)
    notebook.cells.insert(notebook.cells.index(stream), nbformat.v4.new_code_cell(stream.source))
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3",
                                     resources={"metadata": {"path": str(EXAMPLES)}})
    client.execute(env={**os.environ, **settings})
    output = "".join(part.get("text", "") for cell in notebook.cells if cell.cell_type == "code" for part in cell.outputs)
    check_output(world, output, ("batch", "stream"))


def w6_runs_on_apache_spark(world):
    """The same program on another engine, over our broker."""
    from checks_spark import environment, installed
    python, jars = installed()
    create_topic(world.server, "w6-spark", PARTITIONS)
    arguments = f"--master local[2] --conf spark.ui.enabled=false --jars {','.join(map(str, jars))} pyspark-shell"
    run_program(world, python, world.server.bootstrap, {**environment(), "TOPIC": "w6-spark",
                                                        "PYSPARK_SUBMIT_ARGS": arguments})


def w6_runs_over_apache_kafka(world):
    """The same program on our engine, over another broker."""
    kafka = apache_kafka(world.folder)
    kafka.start()
    try:
        create_topic(kafka, "tripdata", PARTITIONS)
        run_program(world, sys.executable, kafka.bootstrap, {**os.environ, "SPARK_REMOTE": world.server.remote})
    finally:
        kafka.stop()


def apache_kafka(folder):
    """Apache Kafka as the suite has it that takes over its data."""
    import importlib.util
    if not list(Path(os.environ.get("FLEUVE_PEERS", "/nonexistent"), "kafka", "libs").glob("kafka_*.jar")):
        raise Skip("Apache Kafka is not installed among the peers")
    file = HERE.parent / "takeover" / "run.py"
    spec = importlib.util.spec_from_file_location("takeover", file)
    takeover = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(takeover)
    folder = folder / "kafka"
    folder.mkdir()
    return takeover.Kafka(folder)


def check_program(world, python, topic):
    create_topic(world.server, topic, PARTITIONS)
    run_program(world, python, world.server.bootstrap,
                {**os.environ, "SPARK_REMOTE": world.server.remote, "TOPIC": topic})


def run_program(world, python, bootstrap, environment):
    command = [str(python), str(EXAMPLES / "trips.py"), bootstrap, str(TRIPS), str(world.folder), str(WAIT_SECONDS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
    holds(done.returncode == 0, done.stderr[-1500:])
    check_output(world, done.stdout)


def check_output(world, output, listings=("batch", "first run", "second run")):
    lines = output.splitlines()
    holds("|vendorid|" in lines[1].replace(" ", ""), f"`show` began with {lines[:3]}")
    holds("only showing top 20 rows" in output, "`show` did not say that there is more")
    batch, first, second = (line.split(": ", 1)[1].split(" ") for line in lines
                            if line.startswith(tuple(f"{start}: " for start in listings)))
    holds("_SUCCESS" in batch, f"no _SUCCESS in {batch}")
    holds(any(name.startswith("part-00000-") and name.endswith("-c000.snappy.parquet") for name in batch),
          f"no part file in {batch}")
    holds("_spark_metadata" in first, f"no _spark_metadata in {first}")
    holds(sum(name.endswith("-c000.snappy.parquet") for name in first) > 0, f"no part file in {first}")
    equal(second, first)
    equal(lines[-2:], [f"{name}: {TRIP_COUNT} rows, {TRIP_COUNT} trips"
                       for name in ("batchtripdata", "streamingtripdata")])
    log = sorted(os.listdir(world.folder / "streamingtripdata" / "_spark_metadata"))
    equal([name for name in log if not name.startswith(".")], ["0"])
    checkpoint = sorted(name for name in os.listdir(world.folder / "streamcheckpoint") if not name.startswith("."))
    equal(checkpoint, ["commits", "metadata", "offsets", "sources"])


CHECKS = [w6_runs_as_a_program, w6_runs_by_pyspark_4_3, w6_runs_as_a_notebook, w6_runs_on_apache_spark,
          w6_runs_over_apache_kafka]
