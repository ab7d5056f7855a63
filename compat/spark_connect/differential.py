"""Functions and queries whose answers Apache Spark has given.

    python differential.py record            # asks Apache Spark and writes its answers into the files
    python differential.py run --remote sc://localhost:15002

The cases are the files of `crates/sql/tests/spark` (SQL; `cargo test -p fleuve-sql` runs them too) and of
`differential` beside this program (data frames, as Python expressions). A line that begins in the first column is a
case: an expression, a query, or a Python expression of `spark`, `F` and `Window`. The indented lines below it are the answer:
the type of an expression and its value, or a query's columns and then its rows; or `error` and the class. To add a
case, add its line and record.
"""

import argparse
import glob
import os
import re
import sys
from pathlib import Path

HERE = os.path.dirname(os.path.abspath(__file__))
SQL_FILES = os.path.join(HERE, "..", "..", "crates", "sql", "tests", "spark", "*.txt")
FRAME_FILES = os.path.join(HERE, "differential", "*.txt")
# Data frames that Fleuve answers otherwise; docs/spark-connect.md says why.
KNOWN_FRAMES = Path(HERE, "differential", "known_differences")
INDENT = "    "
QUERY = re.compile(r"(?i)(select|with|values|from|table)\b")
TIME_ZONE = "America/Los_Angeles"
ROWS_MAX = 200


def read(path):
    """Lines that are no cases, and cases with their answers, in order."""
    parts = []
    with open(path) as file:
        for line in file.read().splitlines():
            if line.startswith(INDENT) and parts and parts[-1][0] == "case":
                parts[-1][2].append(line[len(INDENT):])
            elif not line.strip() or line.startswith("#"):
                parts.append(("text", line, []))
            else:
                parts.append(("case", line, []))
    return parts


def column(field):
    return field.dataType.simpleString() + ("" if field.nullable else " not null")


def rows(shown):
    """The cells of a table as `show` draws it, blanks run together."""
    lines = [line for line in shown.splitlines() if line.startswith("|")][1:]
    return [re.sub(r" +", " ", line).strip("| ").strip() for line in lines]


def answer(frame, is_expression):
    shown = rows(frame._show_string(ROWS_MAX, False, False))
    fields = frame.schema.fields
    if is_expression:
        return [f"{column(fields[0])}: {shown[0]}"]
    return [", ".join(f"{field.name} {column(field)}" for field in fields)] + shown


def error_class(error):
    condition = getattr(error, "getCondition", None) or getattr(error, "getErrorClass", None)
    found = condition() if condition else None
    if not found:
        named = re.search(r"\[([A-Z_][A-Z0-9_.]+)\]", str(error))
        found = named.group(1) if named else type(error).__name__
    return f"error {found}"


def ask(spark, case, is_sql):
    is_expression = is_sql and not QUERY.match(case)
    try:
        if is_sql:
            frame = spark.sql(f"SELECT {case} AS c" if is_expression else case)
        else:
            import pyspark.sql.functions as F
            from pyspark.sql import Window
            frame = eval(case, {"spark": spark, "F": F, "Window": Window})
        return answer(frame, is_expression)
    except Exception as error:  # every error is an answer
        return [error_class(error)]


def frame_files():
    return sorted(glob.glob(FRAME_FILES))


def files():
    yield from ((path, True) for path in sorted(glob.glob(SQL_FILES)))
    yield from ((path, False) for path in frame_files())


def record(arguments):
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    spark.conf.set("spark.sql.session.timeZone", TIME_ZONE)
    for path, is_sql in files():
        if arguments.only and arguments.only not in path:
            continue
        parts = read(path)
        lines = []
        for kind, line, known in parts:
            lines.append(line.rstrip())
            if kind == "case":
                told = known if known and arguments.new else ask(spark, line, is_sql)
                lines += [f"{INDENT}{one}".rstrip() for one in told]
        with open(path, "w") as file:
            file.writelines(f"{line}\n" for line in lines)
        print(path, sum(kind == "case" for kind, _, _ in parts), flush=True)
    spark.stop()


def run(arguments):
    from pyspark.sql.connect.session import SparkSession
    spark = SparkSession.builder.remote(arguments.remote).getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", TIME_ZONE)
    failures = 0
    for path, is_sql in files():
        cases = [(line, known) for kind, line, known in read(path) if kind == "case"]
        differing = 0
        for case, known in cases:
            told = [line.rstrip() for line in ask(spark, case, is_sql)]
            if told != known:
                differing += 1
                if arguments.verbose:
                    print(f"{case}\n  Spark  {known}\n  Fleuve {told}")
        failures += differing
        name = os.path.basename(path)[:-len(".txt")]
        print(f"{name}: {len(cases) - differing} of {len(cases)}", flush=True)
    sys.exit(1 if failures else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    recorder = commands.add_parser("record")
    recorder.add_argument("--only", help="a part of a file's name")
    recorder.add_argument("--new", action="store_true", help="only cases that have no answer yet")
    recorder.set_defaults(command=record)
    runner = commands.add_parser("run")
    runner.add_argument("--remote", required=True)
    runner.add_argument("--verbose", action="store_true")
    runner.set_defaults(command=run)
    arguments = parser.parse_args()
    arguments.command(arguments)


if __name__ == "__main__":
    main()
