"""PySpark's own documentation examples as a test of a Spark Connect server.

    python documentation_examples.py run --remote sc://localhost:15002 --out results.json
    python documentation_examples.py expect --spark spark.json
    python documentation_examples.py compare --fleuve fleuve.json --out ../../docs/compatibility-spark.md

`run` needs the full `pyspark` package, whose modules hold the examples. `expect` notes which examples a run against
Apache Spark passed, in `expected_examples.json`. An example counts only if it states what it
prints; only examples that Apache Spark itself passes in the same setting are expected of Fleuve.
"""

import argparse
import doctest
import importlib
import json
import multiprocessing
import os
import signal
import sys
import tempfile

MODULES = {
    "functions.builtin": "pyspark.sql.connect.functions.builtin",
    "column": "pyspark.sql.connect.column",
    "dataframe": "pyspark.sql.connect.dataframe",
    "readwriter": "pyspark.sql.connect.readwriter",
    "session": "pyspark.sql.connect.session",
    "conf": "pyspark.sql.connect.conf",
    "catalog": "pyspark.sql.connect.catalog",
    "window": "pyspark.sql.connect.window",
    "group": "pyspark.sql.connect.group",
    "tvf": "pyspark.sql.connect.tvf",
    "streaming.query": "pyspark.sql.connect.streaming.query",
    "streaming.readwriter": "pyspark.sql.connect.streaming.readwriter",
}
EXPECTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected_examples.json")
SECONDS_PER_DOCSTRING = 60
SECONDS_PER_MODULE = 1500


class Recorder(doctest.DocTestRunner):
    """Runs examples as doctest does and keeps the outcome of each."""

    def __init__(self, **arguments):
        super().__init__(verbose=False, **arguments)
        self.outcomes = []

    def _note(self, test, example, outcome, detail=""):
        self.outcomes.append({
            "test": test.name,
            "line": example.lineno,
            "source": example.source.strip(),
            "counts": bool(example.want.strip()) and doctest.SKIP not in example.options,
            "outcome": outcome,
            "detail": detail[:600],
        })

    def report_start(self, out, test, example):
        pass

    def report_success(self, out, test, example, got):
        self._note(test, example, "passed")

    def report_failure(self, out, test, example, got):
        self._note(test, example, "differs", got)

    def report_unexpected_exception(self, out, test, example, exc_info):
        self._note(test, example, "raised", f"{exc_info[0].__name__}: {exc_info[1]}")


class TooLong(Exception):
    pass


def _too_long(_signal, _frame):
    raise TooLong(f"an example took more than {SECONDS_PER_DOCSTRING} s")


def _recording_testmod(outcomes):
    """A stand-in for `doctest.testmod` that fills `outcomes`."""

    def testmod(module, globs=None, optionflags=0, **_):
        recorder = Recorder(optionflags=optionflags)
        for test in doctest.DocTestFinder().find(module, module.__name__, globs=globs):
            signal.alarm(SECONDS_PER_DOCSTRING)
            try:
                recorder.run(test, out=lambda _text: None)
            except TooLong as error:
                recorder._note(test, test.examples[0], "raised", str(error))
            finally:
                signal.alarm(0)
        outcomes.extend(recorder.outcomes)
        return doctest.TestResults(0, len(recorder.outcomes))

    return testmod


def _run_module(name, remote, out):
    signal.signal(signal.SIGALRM, _too_long)
    os.environ["SPARK_CONNECT_TESTING_REMOTE"] = remote
    os.environ.setdefault("SPARK_HOME", os.path.dirname(importlib.import_module("pyspark").__file__))
    outcomes = []
    doctest.testmod = _recording_testmod(outcomes)
    os.chdir(tempfile.mkdtemp(prefix="examples-"))
    error = None
    try:
        importlib.import_module(name)._test()
    except SystemExit:
        pass
    except BaseException as failure:  # what stops a module must not stop the others
        error = f"{type(failure).__name__}: {failure}"[:600]
    with open(out, "w") as file:
        json.dump({"outcomes": outcomes, "error": error}, file)
    os._exit(0)


def run(arguments):
    results = {}
    if os.path.exists(arguments.out):
        with open(arguments.out) as file:
            results = json.load(file)
    wanted = arguments.modules.split(",") if arguments.modules else list(MODULES)
    for short in wanted:
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "result.json")
            process = multiprocessing.get_context("spawn").Process(
                target=_run_module, args=(MODULES[short], arguments.remote, out))
            process.start()
            process.join(SECONDS_PER_MODULE)
            if process.is_alive():
                process.kill()
            if os.path.exists(out):
                with open(out) as file:
                    results[short] = json.load(file)
            else:
                results[short] = {"outcomes": [], "error": "the module's run did not end"}
        counted = [one for one in results[short]["outcomes"] if one["counts"]]
        passed = sum(one["outcome"] == "passed" for one in counted)
        print(f"{short}: {passed} of {len(counted)}", results[short]["error"] or "", flush=True)
        with open(arguments.out, "w") as file:
            json.dump(results, file, indent=1)


def _key(outcome):
    return outcome["test"], outcome["line"]


def expect(arguments):
    with open(arguments.spark) as file:
        spark = json.load(file)
    expected = {}
    for short, results in spark.items():
        lines = {}
        for one in results["outcomes"]:
            if one["counts"] and one["outcome"] == "passed":
                lines.setdefault(one["test"], []).append(one["line"])
        expected[short] = lines
    with open(EXPECTED, "w") as file:
        json.dump(expected, file, indent=0, sort_keys=True)
        file.write("\n")


def _expected(lines):
    return {(test, line) for test, of_test in lines.items() for line in of_test}


def compare(arguments):
    with open(EXPECTED) as file:
        spark = json.load(file)
    with open(arguments.fleuve) as file:
        fleuve = json.load(file)
    rows, failing, all_expected, all_passed = [], {}, 0, 0
    for short in MODULES:
        if short not in spark:
            continue
        expected = _expected(spark[short])
        ours = {_key(one): one for one in fleuve.get(short, {"outcomes": []})["outcomes"]}
        passed = {key for key in expected if ours.get(key, {}).get("outcome") == "passed"}
        rows.append((short, len(passed), len(expected)))
        all_expected += len(expected)
        all_passed += len(passed)
        tests = {}
        for key in sorted(expected - passed):
            detail = ours.get(key, {"detail": "not reached"})["detail"]
            tests.setdefault(key[0].rsplit(".", 1)[-1], []).append(detail)
        failing[short] = tests
    with open(arguments.out, "w") as out:
        _write(out, rows, all_passed, all_expected, failing)
    print(f"{all_passed} of {all_expected}")


def _percent(passed, expected):
    return f"{100 * passed / expected:.0f} %" if expected else "-"


def _write(out, rows, all_passed, all_expected, failing):
    out.write(
        "# How close to Spark: PySpark's documentation examples\n\n"
        "Generated by `compat/spark_connect/documentation_examples.py compare`; do not edit.\n\n"
        "The examples in the docstrings of PySpark 4.3 run against Fleuve and against Apache Spark 4.3, both through\n"
        "Spark Connect. An example counts if it states what it prints and if Spark passes it.\n\n"
        "| Module | Passed | Of | Rate |\n|---|---|---|---|\n")
    for short, passed, expected in rows:
        out.write(f"| {short} | {passed} | {expected} | {_percent(passed, expected)} |\n")
    out.write(f"| **all** | {all_passed} | {all_expected} | {_percent(all_passed, all_expected)} |\n")
    out.write("\n## What fails\n")
    for short, tests in failing.items():
        if tests:
            out.write(f"\n### {short}\n\n")
            for test, details in tests.items():
                out.write(f"- `{test}` ({len(details)}): {_cause(details[0])}\n")


def _cause(detail):
    """The first line that says something, short enough for a list."""
    lines = [line.strip() for line in detail.splitlines() if line.strip()]
    raised = [line for line in lines if "[" in line and "]" in line and ":" in detail]
    text = (raised or lines or ["no output"])[0]
    text = text if raised and "Exception" in text else ("different output" if not raised else text)
    return text.replace("|", "\\|")[:160]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    runner = commands.add_parser("run")
    runner.add_argument("--remote", required=True)
    runner.add_argument("--out", required=True)
    runner.add_argument("--modules", help="short names, separated by commas; all if not given")
    runner.set_defaults(command=run)
    expecter = commands.add_parser("expect")
    expecter.add_argument("--spark", required=True)
    expecter.set_defaults(command=expect)
    comparer = commands.add_parser("compare")
    comparer.add_argument("--fleuve", required=True)
    comparer.add_argument("--out", required=True)
    comparer.set_defaults(command=compare)
    arguments = parser.parse_args()
    arguments.command(arguments)


if __name__ == "__main__":
    main()
