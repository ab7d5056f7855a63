"""Connections that mean no good, and what they cost.

A thousand connections that each claim a frame of 1 GB, ten thousand that do nothing after their
first request, and five hundred that ask for records and never read the answers: for much at once,
for large records, and many times for little. The broker's resident memory stays within what each
check names, and a good client goes on: beside those that never read, the medians of its produce and
of its fetch are at most twice those of the windows between which they come and go. A window in which
the machine did something else is made up for by more windows, never by a wider limit.

Reads /proc, so Linux alone. `COMPAT_ONLY=<part of a name>` runs the checks that have it.
"""

import os
import random
import resource
import socket
import statistics
import struct
import sys
import threading
import time
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

sys.path.insert(0, str(Path(__file__).parent.parent))
from local_server import Folder, Server, exit_code, failed, report, skipped  # noqa: E402

KIB, MIB = 1024, 1024 * 1024
CLAIMS, CLAIMED_BYTES, CLAIMS_MEMORY = 1000, 1 << 30, 16 * MIB
IDLE, IDLE_MEMORY_EACH = 10_000, 64 * KIB
DEAF = 500
BUDGET_BYTES = 64 * MIB
TOPIC_BYTES = 64 * MIB
GOOD_ROUNDS = 200
# Beside connections that never read: so many rounds of windows, until they agree with the limit.
WINDOW_ROUNDS, TURNS_MIN, TURNS_MAX, LATENCY_FACTOR = 60, 3, 10, 2
SPARE_FILES = 200
# A name, the size of the records, what a request asks for, and how many each connection makes.
DEAF_WAYS = [
    ("connections_that_never_read", 16 * KIB, 50 * MIB, 4),
    ("connections_that_never_read_large_records", 900 * KIB, 50 * MIB, 4),
    ("connections_that_never_read_many_small_answers", 16 * KIB, 16 * KIB, 1000),
]
FETCH, API_VERSIONS = 1, 18


def request(key, version, body):
    header = struct.pack(">hhih", key, version, 7, 7) + b"hostile"
    return struct.pack(">i", len(header) + len(body)) + header + body


def fetch_request(topic, bytes_max):
    """Fetch version 4, of partition 0 from its start."""
    name = topic.encode()
    body = struct.pack(">iiiib", -1, 500, 1, bytes_max, 0) + struct.pack(">ih", 1, len(name)) + name
    return request(FETCH, 4, body + struct.pack(">iiqi", 1, 0, 0, bytes_max))


def receive(connection):
    """One whole answer."""
    size = struct.unpack(">i", receive_exactly(connection, 4))[0]
    return receive_exactly(connection, size)


def receive_exactly(connection, size):
    parts = []
    while size:
        part = connection.recv(min(size, MIB))
        if not part:
            raise ConnectionError("the broker closed the connection")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def connect(server, receive_buffer=None):
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", server.port))
    return connection


def close(connections):
    for connection in connections:
        connection.close()


class Good:
    """A client that writes a record and fetches a topic, and takes the time of both."""

    def __init__(self, server):
        self.server = server
        settings = {"bootstrap.servers": server.bootstrap, "log_level": 0}
        self.admin = AdminClient(settings)
        self.create("good")
        self.producer = Producer({**settings, "linger.ms": 0, "acks": "all", "message.timeout.ms": 20_000})
        self.connection = connect(server)
        self.work(20)

    def create(self, topic):
        self.admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)

    def produce(self):
        answers = []
        self.producer.produce("good", b"x" * 100, partition=0, on_delivery=lambda error, _: answers.append(error))
        if self.producer.flush(20) or answers != [None]:
            raise RuntimeError(f"the good client's record was not acknowledged: {answers}")

    def fetch(self):
        self.connection.sendall(fetch_request("good", 16 * KIB))
        if len(receive(self.connection)) < 100:
            raise RuntimeError("the good client's fetch gives no records")

    def work(self, rounds):
        """The medians of a produce and of a fetch, in milliseconds."""
        times = [(timed(self.produce), timed(self.fetch)) for _ in range(rounds)]
        return tuple(statistics.median(column) * 1000 for column in zip(*times))


def timed(action):
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


class Watch(threading.Thread):
    """The most memory the broker has while something goes on."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.before, self.most, self.ended = server, server.resident_bytes(), 0, threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            self.most = max(self.most, self.server.resident_bytes())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    @property
    def growth(self):
        return self.most - self.before


def mib(count):
    return f"{count / MIB:.1f} MiB"


def report_growth(name, watch, most, figures):
    """Holds the growth to `most` bytes, and shows it beside them."""
    if not watch.most:
        return failed(name, "the broker's memory was not measured")
    error = f"more than {mib(most)}" if watch.growth > most else None
    report(name, error, f"{mib(watch.growth)} more than the {mib(watch.before)} before, {mib(most)} are allowed; "
                        f"{figures}")


def check_claims(folder, name, settings):
    """Each connection claims a frame of 1 GB, sends its first bytes and no more."""
    with Running(folder, settings) as server:
        good = Good(server)
        claim = struct.pack(">i", CLAIMED_BYTES) + struct.pack(">hhih", 0, 3, 7, 7) + b"hostile" + b"\0" * 100
        with Watch(server) as watch:
            connections = [connect(server) for _ in range(CLAIMS)]
            for connection in connections:
                connection.sendall(claim)
            time.sleep(1)
            produce, _ = good.work(GOOD_ROUNDS)
        open_count = sum(not is_closed(connection) for connection in connections)
        close(connections)
        report_growth(f"hostile.{name}", watch, CLAIMS_MEMORY,
                      f"{CLAIMS} connections, {open_count} of them still open, a good produce took {produce:.1f} ms")


def is_closed(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def check_idle(folder, count):
    """Connections that have made one request, so that the broker has begun to serve them."""
    with Running(folder, {}) as server:
        good = Good(server)
        connections = []
        with Watch(server) as watch:
            for _ in range(count):
                connections.append(connect(server))
                connections[-1].sendall(request(API_VERSIONS, 0, b""))
                receive(connections[-1])
            produce, fetch = good.work(GOOD_ROUNDS)
        # The first and the last are served again, so none of them was dropped to save memory.
        for connection in (connections[0], connections[-1]):
            connection.sendall(request(API_VERSIONS, 0, b""))
            receive(connection)
        close(connections)
        report_growth("hostile.idle_connections", watch, count * IDLE_MEMORY_EACH,
                      f"{count} connections, {watch.growth / count / KIB:.1f} KiB each, a good produce took "
                      f"{produce:.1f} ms, a fetch {fetch:.1f} ms")


def raise_file_limit():
    """How many idle connections this process, and a broker it starts, may have; said aloud when that is fewer."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY or hard >= IDLE + SPARE_FILES:
        return IDLE
    skipped(f"hostile.{IDLE}_idle_connections", f"only {hard} files may be open here, so there are fewer")
    return hard - SPARE_FILES


def fill(good, record_bytes):
    """A topic that is worth not reading."""
    good.create("large")
    noise = random.Random(1).randbytes(record_bytes)
    errors = []
    for _ in range(TOPIC_BYTES // record_bytes):
        good.producer.produce("large", noise, partition=0, on_delivery=lambda error, _: error and errors.append(error))
    if good.producer.flush(60) or errors:
        raise RuntimeError(f"the topic was not filled: {errors[:1]}")


def check_deaf(folder, name, record_bytes, asked_bytes, requests_each):
    """Connections that ask for more than their sockets hold and read none of it."""
    settings = {"queued.max.request.bytes": BUDGET_BYTES, "fleuve.queued.max.response.bytes": BUDGET_BYTES}
    with Running(folder, settings) as server:
        good = Good(server)
        # Counted from before the topic is filled: what that leaves free in the process hides nothing.
        watch = Watch(server)
        fill(good, record_bytes)
        asked = fetch_request("large", asked_bytes) * requests_each
        turns = []
        with watch:
            while len(turns) < TURNS_MIN or len(turns) < TURNS_MAX and too_slow(turns):
                turns.append(turn(server, good, asked))
        begun = min(turn["answers begun"] for turn in turns)
        quiet, at_first, later = (medians(turns, window) for window in ("quiet", "at first", "later"))
        figures = (f"{DEAF} connections with {requests_each} requests each, at least {begun} with an answer begun; "
                   f"medians of {len(turns)} windows: a good produce took {quiet[0]:.2f} ms without them, "
                   f"{at_first[0]:.2f} ms as they came and {later[0]:.2f} ms then, a fetch {quiet[1]:.2f}, "
                   f"{at_first[1]:.2f} and {later[1]:.2f} ms")
        report_growth(f"hostile.{name}", watch, BUDGET_BYTES, figures)
        report(f"hostile.{name}_and_the_others", too_slow(turns), figures)


def turn(server, good, asked):
    """One window without the connections, one as they come, and one when they are stuck."""
    windows = {"quiet": good.work(WINDOW_ROUNDS)}
    connections = []
    for _ in range(DEAF):
        connections.append(connect(server, receive_buffer=4 * KIB))
        connections[-1].setblocking(False)
        # What does not fit into the socket is not sent: the broker has stopped reading.
        connections[-1].send(asked)
    windows["at first"] = good.work(WINDOW_ROUNDS)
    time.sleep(0.5)
    windows["later"] = good.work(WINDOW_ROUNDS)
    windows["answers begun"] = sum(has_answer(connection) for connection in connections)
    close(connections)
    time.sleep(0.5)
    return windows


def medians(turns, window):
    return [statistics.median(column) for column in zip(*(turn[window] for turn in turns))]


def too_slow(turns):
    """What the connections cost a good client beyond the limit, if anything."""
    quiet = medians(turns, "quiet")
    for window in ("at first", "later"):
        for what, beside, alone in zip(("produce", "fetch"), medians(turns, window), quiet):
            if beside > LATENCY_FACTOR * alone:
                return f"{window}, a {what} takes {beside / alone:.1f} times as long, {LATENCY_FACTOR} are allowed"
    return None


def has_answer(connection):
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except OSError:
        return False


class Running:
    """A broker for one check, with nothing left in its memory from another."""

    def __init__(self, folder, settings):
        folder.mkdir()
        self.server = Server(folder, **settings)

    def __enter__(self):
        self.server.start()
        return self.server

    def __exit__(self, *_):
        self.server.kill()


def attempt(name, check):
    if os.environ.get("COMPAT_ONLY", "") not in name:
        return
    try:
        check()
    except Exception as error:
        failed(f"hostile.{name}", repr(error))


def main():
    if not Path("/proc/self/status").exists():
        skipped("hostile", "there is no /proc to read a broker's memory from")
        sys.exit(0)
    count = raise_file_limit()
    with Folder("hostile") as folder:
        admitted = {"socket.request.max.bytes": 2_000_000_000}
        attempt("claims", lambda: check_claims(folder / "claims", "claims_of_a_gigabyte", {}))
        attempt("admitted_claims",
                lambda: check_claims(folder / "admitted", "claims_of_a_gigabyte_where_that_is_allowed", admitted))
        attempt("idle", lambda: check_idle(folder / "idle", count))
        for number, (name, record_bytes, asked_bytes, requests_each) in enumerate(DEAF_WAYS):
            attempt(name, lambda: check_deaf(folder / f"deaf-{number}", name, record_bytes, asked_bytes, requests_each))
    sys.exit(exit_code())


if __name__ == "__main__":
    main()
