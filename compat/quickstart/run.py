"""`fleuve quickstart`: what it promises, checked from the outside.

It adds trips, is killed, is started again beside others, on a terminal and off it; after each, the
parquet folder is read by pyarrow, by the files that its log lists, and must hold every trip once.
`COMPAT_TRIPS` is how many trips a run adds (3000 unless told), `COMPAT_ROUNDS` how often it is killed (3 unless
told); `COMPAT_SEED` repeats the moments of the kills. `COMPAT_ONLY=text` runs the checks whose names have it.
"""

import fcntl
import json
import os
import pty
import random
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyarrow.parquet

sys.path.insert(0, str(Path(__file__).parent.parent))
from local_server import Folder, exit_code, failed, report, skipped  # noqa: E402

REPOSITORY = Path(__file__).parent.parent.parent
REAL_TRIPS = REPOSITORY / "crates/fleuve/data/green_trips_zones.jsonl"
TRIPS = int(os.environ.get("COMPAT_TRIPS", "3000"))
ROUNDS = int(os.environ.get("COMPAT_ROUNDS", "3"))
SEED = int(os.environ.get("COMPAT_SEED", time.time_ns() % 1_000_000))
PARTITIONS = 8
RUN_SECONDS = 300
LINE_SECONDS = 60
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


class Skip(Exception):
    """Why a check cannot run here."""


def must(condition, what):
    if not condition:
        raise AssertionError(what)


def command(data, *arguments):
    return [os.environ["FLEUVE_BIN"], "quickstart", "--data-directory", str(data), *map(str, arguments)]


def once(data, rows):
    """A run that must succeed: its text, and the JSON of its last line."""
    done = subprocess.run(command(data, "--once", "--rows", rows), capture_output=True, text=True, timeout=RUN_SECONDS)
    must(done.returncode == 0, f"exit code {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    must(result["produced"] == result["parquet_rows"] == result["window_rows"], result)
    return done.stdout, result


class Live:
    """A quickstart that streams until it is told to stop, its output no terminal."""

    def __init__(self, data, *arguments):
        self.begun = time.monotonic()
        self.process = subprocess.Popen(command(data, *arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        cwd=REPOSITORY)
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def await_text(self, pattern, seconds=LINE_SECONDS):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, left))
            part = os.read(self.process.stdout.fileno(), 65536) if ready and left > 0 else b""
            must(part, f"no {pattern!r} in {self.text[-1500:]!r}")
            self.text += part.decode()
        return re.search(pattern, self.text)

    def first_row(self):
        """Waits until a row of the window table was shown; the seconds since the start."""
        self.await_text(r"\d\d:00:00 [A-Z][A-Za-z ]+: [\d]+ trips")
        return time.monotonic() - self.begun

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=LINE_SECONDS)
        self.text += rest.decode()
        must(self.process.returncode == 0, f"exit code {self.process.returncode}: {self.text[-1500:]}")
        must("The next run goes on from there" in self.text.splitlines()[-1], self.text[-500:])


def listed_files(folder):
    """The part files that the sink's log lists; a compacted entry stands for all before it."""
    entries = {}
    for path in (folder / "_spark_metadata").iterdir():
        found = re.fullmatch(r"(\d+)(\.compact)?", path.name)
        if found:
            entries[int(found[1]), bool(found[2])] = path.read_text().splitlines()[1:]
    compacted = max((number for number, is_compact in entries if is_compact), default=-1)
    lines = list(entries.get((compacted, True), []))
    for (number, is_compact), more in sorted(entries.items()):
        if number > compacted and not is_compact:
            lines += more
    return [json.loads(line)["path"].removeprefix("file://") for line in lines]


def read_by_pyarrow(folder):
    """The trips by partition and offset; each must be there once."""
    trips = {}
    for path in listed_files(Path(folder)):
        for row in pyarrow.parquet.read_table(path, partitioning=None).to_pylist():
            place = row["kafka_partition"], row["kafka_offset"]
            must(place not in trips, f"{place} is there twice")
            trips[place] = row
    return trips


def check_parquet(result):
    trips = read_by_pyarrow(result["parquet_path"])
    must(len(trips) == result["produced"], f"{len(trips)} rows by pyarrow, and {result}")
    numbers = sorted(offset * PARTITIONS + partition for partition, offset in trips)
    return trips, numbers


@check
def a_reader_that_goes_away_ends_it_quietly(folder):
    process = subprocess.Popen(command(folder / "data"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    must(process.wait(timeout=LINE_SECONDS) == 1 and errors == b"", f"{process.returncode}: {errors.decode()}")


@check
def two_runs_add_up(folder):
    data = folder / "data"
    _, first = once(data, TRIPS)
    must(first["produced"] == TRIPS, first)
    text, second = once(data, TRIPS)
    must(second["produced"] == 2 * TRIPS, second)
    must("Resuming from the checkpoint" in text and f"{TRIPS:,} trips" in text, text)
    trips, numbers = check_parquet(second)
    must(numbers == list(range(2 * TRIPS)), "the trips are not those from the first to the last")
    real = sorted(map(json.loads, REAL_TRIPS.read_text().splitlines()), key=lambda trip: trip["lpep_pickup_datetime"])
    for number, expected in enumerate(real[:TRIPS]):
        row = trips[number % PARTITIONS, number // PARTITIONS]
        must(all(row[field] == value for field, value in expected.items()), f"trip {number} is {row}, not {expected}")


@check
def a_killed_run_is_resumed_to_the_right_answer(folder):
    chance, data, killed = random.Random(SEED), folder / "data", []
    begun = time.monotonic()
    once(data, TRIPS)
    usual = time.monotonic() - begun
    for _ in range(ROUNDS):
        process = subprocess.Popen(command(data, "--once", "--rows", TRIPS), stdout=subprocess.DEVNULL)
        try:
            process.wait(chance.uniform(0.1, 0.95) * usual)
        except subprocess.TimeoutExpired:
            process.kill()
        killed.append(process.wait() == -signal.SIGKILL)
    _, result = once(data, TRIPS)
    must(any(killed), "no run was still there to be killed")
    check_parquet(result)
    return f"{sum(killed)} of {ROUNDS} runs killed, then {result['produced']} trips are there once (seed {SEED})"


@check
def a_stream_that_was_killed_is_resumed(folder):
    data = folder / "data"
    with Live(data, "--rate", 2000) as live:
        live.first_row()
    text, result = once(data, TRIPS)
    must("Resuming from the checkpoint" in text, text)
    check_parquet(result)


@check
def plain_lines_and_a_clean_stop_off_a_terminal(folder):
    with Live(folder / "data") as live:
        seconds = live.first_row()
        live.stop()
        must("\x1b" not in live.text, "an escape sequence in plain lines")
    text, result = once(folder / "data", TRIPS)
    must("Resuming from the checkpoint" in text, text)
    check_parquet(result)
    return f"first row {seconds * 1000:.0f} ms after the start of the process"


def drain(controller):
    """Reads what a terminal's program still writes, until it has closed its end."""
    try:
        while os.read(controller, 65536):
            pass
    except OSError:
        pass  # Linux says so when the last holder of the other end is gone.


@check
def a_table_that_redraws_itself_on_a_terminal(folder):
    controller, terminal = pty.openpty()
    process = subprocess.Popen(command(folder / "data"), stdin=terminal, stdout=terminal, stderr=terminal,
                               start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(terminal)
    text = ""
    deadline = time.monotonic() + LINE_SECONDS
    try:
        while ("first row after" not in text or text.count("hour (city time)") < 3) and time.monotonic() < deadline:
            text += os.read(controller, 65536).decode(errors="replace")
        must("first row after" in text and "watermark" in text and "\x1b[" in text, repr(text[-1500:]))
        os.write(controller, b"\x03")
        drain(controller)
        process.wait(LINE_SECONDS)
        must(process.returncode == 0, f"exit code {process.returncode}")
    finally:
        process.kill()
        process.wait()
        os.close(controller)


@check
def taken_ports_are_replaced_aloud(folder):
    with Live(folder / "first") as first:
        first.first_row()
        text, result = once(folder / "second", TRIPS)
        must("Kafka is at port" in text and "Spark Connect is at port" in text, text)
        must(result["produced"] == TRIPS, result)
        again = subprocess.run(command(folder / "first", "--once", "--rows", 1), capture_output=True, text=True,
                               timeout=RUN_SECONDS)
        must(again.returncode == 1 and "in use by another process" in again.stderr, again)
        first.stop()


UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]


def must_mount():
    if subprocess.run([*UNSHARE, "true"], capture_output=True).returncode:
        raise Skip("no file system can be mounted here")


@check
def a_stream_says_of_a_full_disk_before_its_producer_gives_up(folder):
    must_mount()
    disk = folder / "disk"
    disk.mkdir()
    stream = " ".join(command(disk, "--rate", 50_000))
    done = subprocess.run([*UNSHARE, "sh", "-c", f"mount -t tmpfs -o size=3m none {disk} && {stream}"],
                          capture_output=True, text=True, timeout=LINE_SECONDS)
    must(done.returncode == 1 and f"error: the disk is full that has {disk}" in done.stderr, done.stderr[-1500:])


@check
def a_full_disk_is_told_and_the_next_run_goes_on(folder):
    must_mount()
    disk = folder / "disk"
    disk.mkdir()
    first = " ".join(command(disk / "data", "--once", "--rows", 100_000))
    second = " ".join(command(disk / "data", "--once", "--rows", 10))
    done = subprocess.run([*UNSHARE, "sh", "-c", f"mount -t tmpfs -o size=4m none {disk} && ! {first} >{folder}/first 2>&1"
                           f" && mount -o remount,size=200m {disk} && {second}"], capture_output=True, text=True,
                          timeout=RUN_SECONDS)
    told = (folder / "first").read_text()
    must(f"error: the disk is full that has {disk}/data" in told and "next: make room" in told, told[-1500:])
    must(done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:])
    result = json.loads(done.stdout.splitlines()[-1])
    must(result["produced"] == result["parquet_rows"] == result["window_rows"] > 10, result)
    return f"full after {result['produced'] - 10} trips"


def listening_addresses(pid):
    """The addresses, in the kernel's hexadecimal, on which sockets of the process listen."""
    targets = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")]
    inodes = {target[8:-1] for target in targets if target.startswith("socket:[")}
    addresses = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[9] in inodes and (columns[3] == "0A" or table.startswith("udp")):
                addresses.append(columns[1].split(":")[0])
    return addresses


@check
def nothing_is_listened_on_but_loopback_and_nothing_open_outside_the_folder(folder):
    if not Path("/proc/self/fd").exists():
        raise Skip("there is no /proc")
    loopback = {"0100007F", "00000000000000000000000001000000"}
    with Live(folder / "data") as live:
        live.first_row()
        pid = live.process.pid
        addresses = listening_addresses(pid)
        must(len(addresses) >= 2 and set(addresses) <= loopback, addresses)
        files = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd") if int(entry.name) > 2]
        outside = [path for path in files if path.startswith("/") and not path.startswith(str(folder.resolve()))]
        must(not outside, outside)
        live.stop()
    return f"{len(addresses)} sockets listen"


@check
def the_commands_it_prints_work(folder):
    with Live(folder / "data") as live:
        live.await_text("Ctrl-C stops")
        live.first_row()
        consumer = re.search(r"^bin/kafka-console-consumer.*$", live.text, re.M)[0]
        environment = {**os.environ, "FLEUVE_BIN": os.environ["FLEUVE_BIN"]}
        lines = subprocess.run(consumer, shell=True, cwd=REPOSITORY, env=environment, capture_output=True, text=True,
                               timeout=LINE_SECONDS).stdout.splitlines()
        must(len(lines) == 5 and all("fare_amount" in json.loads(line) for line in lines), lines)
        live.await_text(r"trips batch \d+")
        program = re.search(r"^python3 - <<'END'\n(.*?)^END$", live.text, re.M | re.S)[1]
        done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, timeout=RUN_SECONDS)
        must(done.returncode == 0, done.stderr[-1500:])
        must("payment_type" in done.stdout and len(re.findall(r"^\|\s+[0-7]\|", done.stdout, re.M)) >= 8, done.stdout)
        live.stop()


def main():
    only = os.environ.get("COMPAT_ONLY", "")
    for function in CHECKS:
        if only not in function.__name__:
            continue
        with Folder("quickstart") as folder:
            begun = time.monotonic()
            try:
                figures = function(folder)
            except Skip as why:
                skipped(f"quickstart.{function.__name__}", why)
            except Exception as error:  # noqa: BLE001
                failed(f"quickstart.{function.__name__}", f"{error} (seed {SEED})")
            else:
                seconds = f"{time.monotonic() - begun:.0f} s"
                report(f"quickstart.{function.__name__}", None, f"{figures}, {seconds}" if figures else seconds)
    sys.exit(exit_code())


if __name__ == "__main__":
    main()
