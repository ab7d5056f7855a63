"""`fleuve submit`, `spark-submit` and `examples/`, as users run them.

One `fleuve server` serves most checks; the others have `fleuve submit` start one. `COMPAT_ONLY=text` runs the checks
whose names have it.
"""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from local_server import Folder, Server, exit_code, failed, ok, skipped  # noqa: E402

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
ROOT = HERE.parent.parent
EXAMPLES = ROOT / "examples"
BINARY = os.path.abspath(os.environ["FLEUVE_BIN"])
SECONDS = 120
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def must(condition, what):
    if not condition:
        raise AssertionError(what)


class World:
    """What a check is given: a folder of its own, a server, links by the scripts' names."""

    def __init__(self, server, folder):
        self.server, self.root, self.folder = server, folder, folder
        self.links = folder / "links"
        self.run([BINARY, "install-scripts", self.links])

    def of(self, name):
        self.folder = self.root / name
        self.folder.mkdir()
        return self

    def environment(self, **more):
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
        plain.pop("MASTER", None)
        return {**plain, "PYSPARK_PYTHON": sys.executable, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def with_server(self, **more):
        return self.environment(SPARK_REMOTE=self.server.remote, **more)

    def run(self, command, code=0, text="", environment=None):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=SECONDS, input=text,
                              cwd=self.folder, env=environment or self.environment())
        must(done.returncode == code, f"{command[1:]}: exit code {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}")
        return done

    def submit(self, *arguments, **more):
        return self.run([BINARY, "submit", *arguments], **more)

    def spark_submit(self, *arguments, **more):
        return self.run([self.links / "spark-submit", *arguments], **more)

    def script(self, name, *arguments, text=""):
        return self.run([self.links / name, *arguments, "--bootstrap-server", self.server.bootstrap], text=text).stdout


@check
def a_program_runs_on_the_server_that_is_there(world):
    done = world.submit("-c", "spark.sql.shuffle.partitions=3", PROGRAMS / "count.py", "a", "--remote", "b",
                        environment=world.with_server())
    equal(json.loads(done.stdout), {"count": 7, "arguments": ["a", "--remote", "b"], "remote": world.server.remote,
                                    "kafka": None, "partitions": "3"})
    equal(done.stderr, "")
    named = world.submit("--remote", world.server.remote, PROGRAMS / "count.py")
    equal(json.loads(named.stdout)["remote"], world.server.remote)


@check
def without_a_server_one_is_started_for_the_program(world):
    data = world.folder / "data"
    done = world.submit("--data-directory", data, PROGRAMS / "count.py")
    said = json.loads(done.stdout)
    must(said["count"] == 7 and said["remote"] in done.stderr and said["kafka"] in done.stderr, done)
    must(str(data) in done.stderr and (data / "log" / "meta.properties").exists(), done.stderr)


@check
def a_server_that_is_named_must_answer(world):
    gone = "sc://127.0.0.1:1"
    for arguments, environment in ((["--remote", gone], {}), ([], {"SPARK_REMOTE": gone})):
        done = world.submit(*arguments, PROGRAMS / "count.py", code=1, environment=world.environment(**environment))
        must("no Spark Connect server answers" in done.stderr and "nothing listens" in done.stderr, done.stderr)
    done = world.submit("--remote", f"sc://{world.server.bootstrap}", PROGRAMS / "count.py", code=1)
    must("does not speak gRPC" in done.stderr or "nothing came back" in done.stderr, done.stderr)
    done = world.submit("--remote", "local[*]", PROGRAMS / "count.py", code=1)
    must("write sc://HOST:PORT" in done.stderr, done.stderr)


@check
def a_python_without_pyspark_is_told_with_what_to_install(world):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", world.folder / "bare"], check=True)
    python = world.folder / "bare/bin/python"
    done = world.submit("--python", python, PROGRAMS / "count.py", code=1)
    must("has no PySpark" in done.stderr and "pip install 'pyspark-client" in done.stderr, done.stderr)
    done = world.submit("absent.py", code=1)
    must("absent.py does not exist" in done.stderr, done.stderr)


@check
def lines_for_a_spark_in_the_program_pass_if_asked_and_are_named_once(world):
    program = PROGRAMS / "of_a_course.py"
    done = world.submit("--lenient", program, environment=world.with_server())
    equal(done.stdout.splitlines(), ["rows 3 True", "refused True", "refused True"])
    named = [line for line in done.stderr.splitlines() if line.startswith("fleuve: ignored: of_a_course.py:")]
    for part in ("findspark.init()", ".master('local[*]')", "SparkConf with the master 'local[2]'", "setLogLevel('WARN')",
                 "org.apache.log4j"):
        must(any(part in line for line in named), f"{part} is not in {done.stderr}")
    must(len(named) == len(set(named)), named)
    strict = world.submit(program, code=1, environment=world.with_server())
    must("findspark" in strict.stderr or "SparkContext" in strict.stderr, strict.stderr)
    must("--lenient lets such lines pass" in strict.stderr, strict.stderr)


@check
def the_exit_code_is_the_programs_and_ctrl_c_reaches_it_once(world):
    program = world.folder / "five.py"
    program.write_text("raise SystemExit(5)\n")
    world.submit(program, code=5, environment=world.with_server())
    for on_terminal in (False, True):
        output, code = interrupted(world, [BINARY, "submit", str(PROGRAMS / "until_interrupted.py")], on_terminal)
        must(code == 7 and "interrupts 1" in output, f"terminal {on_terminal}: {code}, {output}")


def interrupted(world, command, on_terminal):
    """Sends Ctrl-C once the program runs: as a terminal does, or as `kill -INT` to the process that was started."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(command, stdin=terminal if on_terminal else subprocess.DEVNULL, stdout=terminal,
                               stderr=terminal, env=world.with_server(), start_new_session=True,
                               preexec_fn=control_terminal if on_terminal else None)
    os.close(terminal)
    try:
        output = read_until(controller, "running")
        if on_terminal:
            os.write(controller, b"\x03")
        else:
            process.send_signal(signal.SIGINT)
        output += read_until(controller, "interrupts \\d+")
        return output, process.wait(SECONDS)
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def control_terminal():
    import fcntl
    import termios
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def read_until(controller, pattern):
    output, deadline = "", time.monotonic() + SECONDS
    while not re.search(pattern, output):
        ready, _, _ = select.select([controller], [], [], max(0, deadline - time.monotonic()))
        must(ready, f"no {pattern!r} in {output!r}")
        try:
            part = os.read(controller, 65536)
        except OSError:
            part = b""
        must(part, f"no {pattern!r} in {output!r}")
        output += part.decode()
    return output


@check
def spark_submit_takes_sparks_options(world):
    (world.folder / "module.py").write_text("VALUE = 41\n")
    (world.folder / "uses.py").write_text("import module, os\nprint(module.VALUE + 1, os.environ['SPARK_REMOTE'])\n")
    done = world.spark_submit("--master", "local[2]", "--driver-memory", "2g", "--name=x", "--py-files", "module.py",
                              "--packages", "org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0", "uses.py",
                              environment=world.with_server())
    equal(done.stdout, f"42 {world.server.remote}\n")
    for part in ("--master local[2]", "--driver-memory 2g", "--name x", "--packages org.apache.spark"):
        must(f"ignored: {part}" in done.stderr, f"{part} is not in {done.stderr}")
    done = world.spark_submit("--conf", "spark.sql.shuffle.partitions=5", "-c", "spark.executor.memory=1g",
                              PROGRAMS / "count.py", "--conf", environment=world.with_server())
    said = json.loads(done.stdout)
    must(said["partitions"] == "5" and said["arguments"] == ["--conf"], said)
    must("ignored: --conf spark.executor.memory=1g" in done.stderr, done.stderr)


@check
def spark_submit_refuses_what_spark_refuses(world):
    for arguments, code, message in ((["--foo", "x.py"], 1, "Error: Unrecognized option: --foo"),
                                     (["--conf"], 1, "Error: Missing argument for option '--conf'."),
                                     (["--class", "A", "a.jar"], 1, "a.jar is no Python program"),
                                     ([], 255, "Usage: spark-submit"),
                                     (["--kill", "1"], 1, "--kill is not supported")):
        done = world.spark_submit(*arguments, code=code)
        must(message in done.stderr, done.stderr)
    must("Usage: spark-submit" in world.spark_submit("--help").stdout, "no usage")


@check
def the_trips_run_by_the_installed_links(world):
    data = world.folder / "data"
    world.script("kafka-topics.sh", "--create", "--topic", "tripdata", "--partitions", 8, "--replication-factor", 1)
    done = world.spark_submit("--master", "local[*]", EXAMPLES / "trips.py", world.server.bootstrap,
                              EXAMPLES / "green_trips.jsonl", data, 3, environment=world.with_server())
    equal(done.stdout.splitlines()[-2:], [f"{name}: 167 rows, 167 trips"
                                          for name in ("batchtripdata", "streamingtripdata")])
    count = world.script("kafka-get-offsets.sh", "--topic", "tripdata")
    equal(sum(int(line.rsplit(":", 1)[1]) for line in count.splitlines()), 167)


@check
def words_are_counted_every_two_seconds(world):
    world.script("kafka-topics.sh", "--create", "--topic", "Hello-Kafka")
    command = [world.links / "spark-submit", EXAMPLES / "word_count.py", world.server.bootstrap, "Hello-Kafka"]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, env=world.with_server())
    try:
        must(process.stdout.readline() == "counting\n", "it did not begin")
        world.script("kafka-console-producer.sh", "--topic", "Hello-Kafka", text="hello hello kafka and zookeeper!\n")
        lines = [process.stdout.readline().rstrip() for _ in range(8)]
        must(re.fullmatch(r"Time: \d+ ms", lines[1]), lines)
        equal(sorted(lines[3:7]), ["(and,1)", "(hello,2)", "(kafka,1)", "(zookeeper!,1)"])
        process.send_signal(signal.SIGINT)
        equal((process.wait(SECONDS), process.stdout.read()), (0, ""))
    finally:
        process.kill()
        process.wait()


@check
def tweets_go_into_parquet_and_a_restart_goes_on(world):
    world.script("kafka-topics.sh", "--create", "--topic", "tweets", "--partitions", "8")
    for total, seed in ((60, 1), (120, 2)):
        tweets = world.run([sys.executable, EXAMPLES / "tweet_generator.py", 60, seed]).stdout
        world.script("kafka-console-producer.sh", "--topic", "tweets", text=tweets)
        done = world.spark_submit(EXAMPLES / "tweets.py", world.server.bootstrap, "tweets", world.folder, 3,
                                  environment=world.with_server())
        must("followersCount" in done.stdout and f"batch {seed - 1}: 60 tweets" in done.stdout, done.stdout)
        equal(done.stdout.splitlines()[-1], f"{total} tweets")


def equal(actual, expected):
    must(actual == expected, f"{actual!r} instead of {expected!r}")


def run_checks(world):
    for function in CHECKS:
        name = f"submit.{function.__name__}"
        if os.environ.get("COMPAT_ONLY", "") not in name:
            continue
        begun = time.monotonic()
        try:
            function(world.of(function.__name__))
        except Exception as error:  # one failed check must not hide the others
            failed(name, " ".join(f"{type(error).__name__}: {error}".split())[:1200])
        else:
            ok(name, f"{time.monotonic() - begun:.1f} s")


def main():
    try:
        import pyspark.sql.connect.client  # noqa: F401
    except ImportError as error:
        return skipped("submit", f"pyspark-client is not installed ({error})")
    with Folder("submit") as folder:
        server = Server(folder, spark=True)
        try:
            server.start()
        except RuntimeError as error:
            if "no Spark Connect" in str(error):
                return skipped("submit", "this binary was built without Spark Connect")
            raise
        try:
            run_checks(World(server, folder))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
    sys.exit(exit_code())
