"""Runs the scenarios of this folder on Apache Spark, all in one JVM.

    python3 confirm.py            compares what Spark does with what the files say
    python3 confirm.py --record   writes what Spark does into the files
    python3 confirm.py window     only the files whose name contains "window"

Needs Python with pyspark 4.3 and Java 17. README.md describes the files; `cargo test -p fleuve-engine`
runs the same files on Fleuve.
"""

import json
import os
import re
import shutil
import sys
import tempfile

os.environ["TZ"] = "UTC"

from pyspark.errors import PySparkException  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

FOLDER = os.path.dirname(os.path.abspath(__file__))
EXPECTED = ("batch ", "refused ")


class Scenario:
    """A file, as lines, with the expectations taken out."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.lines = file.read().splitlines()
        self.path = path
        self.name = os.path.basename(path).removesuffix(".txt")

    def blocks(self):
        """Yields (command, indented lines, expected): each unindented line with what is below it."""
        block = None
        for line in self.lines:
            if line.startswith("#") or not line.strip():
                if block:
                    yield block
                    block = None
                continue
            if line.startswith("  "):
                block[1].append(line.strip())
                continue
            if block:
                yield block
            block = (line, [])
        if block:
            yield block


def cells(row):
    return [cell.strip() for cell in row.split(" | ")] if row != "|" else [""]


class Run:
    """One scenario on one Spark session."""

    def __init__(self, spark, scenario, folder):
        self.spark = spark.newSession()
        self.scenario = scenario
        self.folder = folder
        self.schemas = {}
        self.files = 0
        self.mode = "append"
        self.options = {}
        self.text = None
        self.query = None
        self.batches = {}
        self.shown = 0
        self.definitions = []

    def results(self):
        """The expectations of each step, in order."""
        step = []
        found = []
        for command, body in self.scenario.blocks():
            word, _, rest = command.partition(" ")
            if word in ("batch", "refused"):
                continue
            if word == "also":
                step.append((rest, body))
                continue
            if step:
                found.append(self.step(step))
                step = []
            if word == "feed":
                step.append((rest, body))
            elif word == "restart":
                self.stop()
            else:
                self.define(word, rest, body)
        if step:
            found.append(self.step(step))
        self.stop()
        return found

    def define(self, word, rest, body):
        text = " ".join([rest, *body])
        if word == "stream":
            name, _, ddl = rest.partition(": ")
            self.schemas[name] = ddl
            os.makedirs(f"{self.folder}/{name}")
            reader = self.spark.readStream.schema(ddl).format("json").option("maxFilesPerTrigger", "1")
            reader.load(f"{self.folder}/{name}").createOrReplaceTempView(name)
        elif word == "table":
            name, _, ddl = rest.partition(": ")
            schema = self.spark.createDataFrame([], ddl).schema
            path = f"{self.folder}/{name}.json"
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(to_json(schema, cells(row)) for row in body)
            self.spark.read.schema(ddl).json(path).createOrReplaceTempView(name)
        elif word == "conf":
            key, _, value = rest.partition(" = ")
            self.spark.conf.set(key, value)
        elif word == "mode":
            self.mode = rest
        elif word == "query":
            self.text = text
        elif word == "watermark":
            name, source, column, delay = re.fullmatch(r"(\w+) = (\w+) by (\w+), (.*)", text).groups()
            self.later(name, lambda: self.spark.table(source).withWatermark(column, delay))
        elif word == "distinct":
            pattern = r"(\w+) = (\w+) on ([\w, ]+?)( within watermark)?"
            name, source, columns, within = re.fullmatch(pattern, text).groups()
            columns = columns.split(", ")
            method = "dropDuplicatesWithinWatermark" if within else "dropDuplicates"
            self.later(name, lambda: getattr(self.spark.table(source), method)(columns))
        elif word == "view":
            name, _, sql = text.partition(" = ")
            self.later(name, lambda: self.spark.sql(sql))
        else:
            raise SystemExit(f"{self.scenario.path}: what is {word}?")

    def later(self, name, make):
        """Views are made when the query starts, so that what they refuse is what the step shows."""
        self.definitions = [kept for kept in self.definitions if kept[0] != name] + [(name, make)]

    def step(self, feeds):
        if len(feeds) > 1:
            self.stop()
        for name, rows in feeds:
            self.feed(name, rows)
        try:
            if not self.query:
                self.start()
            self.query.processAllAvailable()
        except PySparkException as error:
            self.query = None
            return self.new_batches() + [refusal(error)]
        return self.new_batches()

    def feed(self, name, rows):
        schema = self.spark.table(name).schema
        self.files += 1
        path = f"{self.folder}/.{self.files}"
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(to_json(schema, cells(row)) for row in rows)
        os.rename(path, f"{self.folder}/{name}/{self.files:04}.json")

    def start(self):
        for name, make in self.definitions:
            make().createOrReplaceTempView(name)
        frame = self.spark.sql(self.text)
        self.query = (
            frame.writeStream.outputMode(self.mode)
            .option("checkpointLocation", f"{self.folder}/checkpoint")
            .foreachBatch(self.note)
            .start()
        )
        self.seen = set()

    def note(self, frame, batch):
        jvm_frame = frame._jdf
        rows = self.spark._jsparkSession.createDataFrame(jvm_frame.collectAsList(), jvm_frame.schema())
        table = rows.showString(10_000, 0, False).splitlines()
        found = []
        for line in table[3:-1]:
            values = [cell.rstrip() for cell in line[1:-1].split("|")]
            found.append(" | ".join(values))
        self.batches[batch] = sorted(found)

    def new_batches(self):
        progress = {}
        for query in [self.query] if self.query else []:
            for report in query.recentProgress:
                if "addBatch" in report["durationMs"]:
                    progress[report["batchId"]] = report
        blocks = []
        for batch in range(self.shown, max(self.batches, default=-1) + 1):
            blocks.append(block_of(batch, progress.get(batch), self.batches[batch]))
        self.shown = max(self.batches, default=-1) + 1
        return blocks

    def stop(self):
        if self.query:
            self.query.stop()
            self.query = None


def block_of(batch, report, rows):
    head = f"batch {batch}"
    if report:
        time = dict(report["eventTime"] or {})
        if "watermark" in time:
            head += f", watermark {time['watermark']}"
        for state in report["stateOperators"]:
            head += (
                f", {state['operatorName']} {state['numRowsTotal']} rows {state['numRowsUpdated']} updated"
                f" {state['numRowsRemoved']} removed {state['numRowsDroppedByWatermark']} dropped"
            )
    return [head, *("  " + row for row in rows)]


def refusal(error):
    condition = error.getCondition()
    text = str(error)
    if condition == "STREAM_FAILED":
        classes = re.findall(r"\[([A-Z_0-9.]+)\] ", text)
        inner = [found for found in classes if found != "STREAM_FAILED"]
        return [f"refused {(inner or [text])[0]}"]
    text = re.sub(r"^\[[A-Z_0-9.]+\] ", "", text).split(" SQLSTATE")[0]
    text = text.split(";\n")[0].split("\n")[0]
    return [f"refused {condition}: {text.strip()}"]


def to_json(schema, values):
    row = {}
    for field, value in zip(schema.fields, values, strict=True):
        if value == "null":
            row[field.name] = None
        elif field.dataType.typeName() in ("string", "timestamp", "timestamp_ntz", "date", "binary"):
            row[field.name] = value
        else:
            row[field.name] = json.loads(value)
    return json.dumps(row) + "\n"


def expectations(scenario):
    """What the file says of each step."""
    found = []
    for command, body in scenario.blocks():
        word = command.partition(" ")[0]
        if word == "feed":
            found.append([])
        elif word in ("batch", "refused"):
            found[-1].append([command, *("  " + row for row in body)])
    return found


def recorded(scenario, steps):
    """The file's text with the steps' expectations in their places."""
    lines, steps, within, due = [], list(steps), False, False
    for line in [*scenario.lines, ""]:
        if line.startswith(EXPECTED):
            within = True
            continue
        if within and line.startswith("  "):
            continue
        within = False
        ends_step = due and not line.startswith(("  ", "also "))
        if ends_step:
            for block in steps.pop(0):
                lines.extend(block)
            due = False
            if line.strip():
                lines.append("")
        if line.startswith("feed "):
            due = True
        lines.append(line)
    text = "\n".join(lines)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def spark_session():
    return (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")
        # What is compiled runs once or twice: no compiling is faster.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.log.level", "OFF")
        .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC -XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .getOrCreate()
    )


def main():
    record = "--record" in sys.argv
    wanted = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    names = sorted(name for name in os.listdir(FOLDER) if name.endswith(".txt"))
    names = [name for name in names if not wanted or any(part in name for part in wanted)]
    spark, failed = spark_session(), 0
    for name in names:
        scenario = Scenario(os.path.join(FOLDER, name))
        folder = tempfile.mkdtemp()
        try:
            steps = Run(spark, scenario, folder).results()
        except Exception as error:  # one bad file does not hide the others
            failed += 1
            print(f"FAILED {scenario.name}: {error}", flush=True)
            continue
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if record:
            with open(scenario.path, "w", encoding="utf-8") as file:
                file.write(recorded(scenario, steps))
        elif steps != expectations(scenario):
            failed += 1
            print(f"FAILED {scenario.name}: Spark says\n{json.dumps(steps, indent=1)}", flush=True)
            continue
        print(f"ok {scenario.name}", flush=True)
    spark.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
